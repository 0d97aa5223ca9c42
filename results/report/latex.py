"""Numbers as LaTeX macros, for papers that quote them."""

import itertools
import re
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from results.display_names import display, within
from results.plots.control import is_control
from results.stats.frames import PANEL

_HEAD = r"""%% Numbers of a run: \cb{dataset/strategy/learner/number} gives one, e.g. \cb{%s}.
\newcommand{\cb}[1]{\ifcsname cb:#1\endcsname\csname cb:#1\endcsname\else
  \errmessage{there is no number #1}\fi}
"""


def macros(critical: pd.DataFrame, areas: pd.DataFrame) -> str:
    r"""Return a LaTeX file in which each number has a name.

    A name is the dataset, the strategy unless it is the only one there, the learner, and the
    number: ``digits/erm/critical50`` for the critical mass at success 0.5, ``digits/erm/area``.
    The control counts as no strategy. The file lists the parts of names with their specs.
    ``.../critical50`` and ``.../area`` are estimates, the same with ``/interval`` their 95 %
    intervals, with ``/seeds`` the number of seeds. A critical mass outside the sizes is written
    as an inequality with the smallest or largest size. A critical mass of 0 belongs to a level
    that is already reached at size 0.
    ``.../critical50/people`` and ``.../critical50/people/interval`` are numbers of people.

    Arguments:
        critical: Result of :func:`results.stats.critical_mass.critical_mass`.
        areas: Result of :func:`results.stats.curves.area`.
    """
    return definitions(numbers(critical, areas), specs_of(critical))


def numbers(critical: pd.DataFrame, areas: pd.DataFrame) -> dict[str, str]:
    """Return the numbers of a run by name, see :func:`macros`."""
    named: dict[str, str] = {}
    for table, value in ((critical, "estimate"), (areas, "area")):
        short = {name: keys_of(table[name]) for name in ("dataset", "learner")}
        strategies = within(table, "dataset", "strategy", keys_of)
        acted = table[~is_control(table)].groupby("dataset")["strategy"].unique()
        ways = [n for n in PANEL[2:] if table[n].nunique() > 1]
        for row in table.to_dict("records"):
            what = f"critical{100 * row['level']:g}" if value == "estimate" else "area"
            key = [short["dataset"][row["dataset"]], strategies[row["dataset"], row["strategy"]]]
            if list(acted.get(row["dataset"], [])) == [row["strategy"]]:
                del key[1]
            key += [short["learner"][row["learner"]], *(row[n] for n in ways), what]
            name = "/".join(key)
            named[name] = _number_text(row[value], row)
            ends = (_number_text(row[end], row) for end in ("low", "high"))
            named[f"{name}/interval"] = f"[{', '.join(ends)}]"
            named[f"{name}/seeds"] = str(row["seeds"])
            if value == "estimate" and row["n"] == row["n"]:
                low, high = (_count_text(row[end], row) for end in ("low", "high"))
                named[f"{name}/people"] = _count_text(row["estimate"], row)
                named[f"{name}/people/interval"] = f"[{low}, {high}]"
    return named


def specs_of(table: pd.DataFrame) -> list[str]:
    """Return a line for each dataset, strategy and learner: its part of a name, and its spec."""
    return [
        f"{name} {key} = {spec}"
        for name in ("dataset", "learner")
        for spec, key in keys_of(table[name]).items()
    ] + [
        f"strategy {key} = {spec}"
        for (_, spec), key in within(table, "dataset", "strategy", keys_of).items()
    ]


def keys_of(texts: Iterable[str]) -> dict[str, str]:
    """Return a short key of each text, in lower case; different texts have different keys.

    Example:
        >>> list(keys_of(["Coins(noise=0.1)", "Coins(noise=0.4)", "Digits()"]).values())
        ['coins-noise-0.1', 'coins-noise-0.4', 'digits']
        >>> keys_of(["A%()", "a_()"])
        {'A%()': 'a', 'a_()': 'a-2'}
    """
    keys: dict[str, str] = {}
    for text, name in display(texts).items():
        first = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-") or "x"
        further = (f"{first}-{i}" for i in itertools.count(2))
        taken = set(keys.values())
        keys[text] = next(key for key in itertools.chain([first], further) if key not in taken)
    return keys


def definitions(named: Mapping[str, str], remarks: Iterable[str] = ()) -> str:
    r"""Return a LaTeX file that defines ``\cb{name}`` for each name; another name is an error.

    Arguments:
        named: Name -> LaTeX.
        remarks: Lines for the reader.
    """
    comments = [f"% {' '.join(remark.split())}" for remark in remarks]
    lines = [rf"\expandafter\def\csname cb:{k}\endcsname{{{v}}}" for k, v in named.items()]
    return _HEAD % next(iter(named), "") + "\n".join([*comments, *lines]) + "\n"


def _number_text(value: float, row: Mapping[Hashable, Any]) -> str:
    """Format a number of a row; critical masses outside the sizes are inequalities."""
    if value == float("inf") and row["largest"] != row["largest"]:
        return r"\ensuremath{\infty}"  # the control is all there is
    if value == float("inf"):
        return rf"\ensuremath{{>{row['largest']:.3g}}}"
    if value == 0 and row.get("smallest", 0) > 0 and row["reached"] != "control":
        return rf"\ensuremath{{<{row['smallest']:.3g}}}"
    return "" if value != value else f"{value:.3g}"


def _count_text(size: float, row: Mapping[Hashable, Any]) -> str:
    """Format a size as a number of people; sizes outside those of the row are inequalities."""
    ends = {float("inf"): (">", row["largest"]), 0.0: ("<", row["smallest"])}
    if size not in ends or (size == 0 and row["reached"] == "control"):
        return "" if size != size else f"{size * row['n']:.0f}"
    sign, end = ends[size]
    return rf"\ensuremath{{{sign}{end * row['n']:.0f}}}"
