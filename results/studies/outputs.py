"""The files of a study: verdicts as tables, figures beside their tables."""

from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from results.plots.style import save
from results.report.tables import render, show
from results.stats.intervals import MOST
from results.studies.base import Study, format_range
from results.studies.drawings import plot_verdicts


def readable(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts for reading, with an effect and its interval in one column.

    Arguments:
        verdicts: Result of :meth:`results.studies.base.Study.verdicts`.
    """
    effects = [_effect(row) for row in verdicts.to_dict("records")]
    claimed = map(format_range, zip(verdicts["above"], verdicts["below"], strict=True))
    table = verdicts[["claim", "verdict", "measured"]].assign(effect=effects, claimed=[*claimed])
    needs = [
        "" if n != n else f"{n:.0f}" if n < inf else f"more than {MOST}"
        for n in verdicts["needed"]
    ]
    return table.assign(seeds=verdicts["seeds"], needs=needs, cause=verdicts["cause"])


def _effect(row: dict[Any, Any]) -> str:
    """Return an effect and its interval as text; the number of seeds where they agree."""
    if not row["seeds"]:
        return ""
    within = f"[{show(row['low'])}, {show(row['high'])}]"
    kinds = {"t": within, "agree": f"({row['seeds']}/{row['seeds']})", "none": "(no interval)"}
    return f"{show(row['effect'])} {kinds[row['interval']]}"


def write(study: Study, records: pd.DataFrame, verdicts: pd.DataFrame, folder: Path) -> list[Path]:
    """Write ``verdicts.csv``, ``.json`` and ``.md``, and all figures that the records allow.

    Arguments:
        study: The study.
        records: One row a trial.
        verdicts: Result of :meth:`results.studies.base.Study.verdicts` for them.
        folder: The folder to write into.

    Returns:
        The paths of the files.
    """
    paths = [folder / f"verdicts.{kind}" for kind in ("csv", "json", "md")]
    for path in paths[:2]:
        path.write_text(render(verdicts, path.suffix[1:]))  # type: ignore[arg-type]
    numbered = readable(verdicts)
    numbered.insert(0, "", range(1, 1 + len(numbered)))
    paths[2].write_text(f"# {study.paper}\n\n{study.link}\n\n{render(numbered, 'md')}")
    figures = folder / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    drawn = {"verdicts": (plot_verdicts(verdicts), verdicts)}
    drawn |= {name: draw(records) for name, draw in study.figures.items()}
    for name, (figure, table) in drawn.items():
        paths += save(figure, figures / name)
        (figures / f"{name}.csv").write_text(render(table, "csv"))
    return paths
