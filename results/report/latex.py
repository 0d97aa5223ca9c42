"""Numbers as LaTeX macros, for papers that quote them."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from results.display_names import labels
from results.stats.frames import PANEL

_HEAD = r"""%% Numbers of a run: \cb{what/dataset/strategy/learner} gives one, e.g. \cb{%s}.
\newcommand{\cb}[1]{\ifcsname cb:#1\endcsname\csname cb:#1\endcsname\else
  \errmessage{there is no number #1}\fi}
"""
_PLAIN = str.maketrans(dict.fromkeys("\\{}#$%&^_~"))


def macros(critical: pd.DataFrame, areas: pd.DataFrame) -> str:
    r"""Return a LaTeX file in which each number has a name.

    ``critical@0.5/...`` and ``area/...`` are estimates, the same with ``/interval`` their 95 %
    intervals, with ``/seeds`` the number of seeds. A critical mass outside the sizes is written
    as an inequality with the smallest or largest size. A critical mass of 0 belongs to a level
    that is reached without a collective.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`.
        areas: Result of :func:`results.stats.curves.area`.
    """
    named: dict[str, str] = {}
    for table, value in ((critical, "estimate"), (areas, "area")):
        short = {name: labels(table[name]) for name in ("dataset", "strategy", "learner")}
        ways = [n for n in PANEL[2:] if table[n].nunique() > 1]
        for row in table.to_dict("records"):
            what = f"critical@{row['level']:g}" if value == "estimate" else "area"
            key = [what, *(short[n][row[n]] for n in short), *(row[n] for n in ways)]
            name = "/".join(key).translate(_PLAIN)
            named[name] = _number_text(row[value], row)
            ends = (_number_text(row[end], row) for end in ("low", "high"))
            named[f"{name}/interval"] = f"[{', '.join(ends)}]"
            named[f"{name}/seeds"] = str(row["seeds"])
    lines = [rf"\expandafter\def\csname cb:{k}\endcsname{{{v}}}" for k, v in named.items()]
    return _HEAD % next(iter(named), "") + "\n".join(lines) + "\n"


def _number_text(value: float, row: Mapping[Hashable, Any]) -> str:
    """Format a number of a row; critical masses outside the sizes are inequalities."""
    if value == float("inf") and row["largest"] != row["largest"]:
        return r"\ensuremath{\infty}"  # the control is all there is
    if value == float("inf"):
        return rf"\ensuremath{{>{row['largest']:.3g}}}"
    if value == 0 and row.get("smallest", 0) > 0 and row["reached"] != "control":
        return rf"\ensuremath{{<{row['smallest']:.3g}}}"
    return "" if value != value else f"{value:.3g}"
