"""The files of a study: verdicts as tables, figures beside their tables."""

import difflib
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from bench.experiment.trial import Key
from bench.spec.grid import Grid
from results.report.latex import definitions, numbers, specs_of
from results.report.outputs import write_figure, write_manifest, write_text
from results.report.tables import render, show
from results.stats.analysis import Analysis
from results.stats.intervals import MOST
from results.studies.base import Study, studies, whole_claims
from results.studies.claims import format_range
from results.studies.drawings import plot_verdicts

#: Columns that say on what a claim was judged: the few of a terminal, and all.
BRIEF = ["evidence", "data", "learner"]
FULL = ["evidence", "data", "n", "kind", "learner", "settings", "accuracy_less_erm"]


def readable(verdicts: pd.DataFrame, full: bool = False) -> pd.DataFrame:
    """Return verdicts for reading, with an effect and its interval in one column.

    Arguments:
        verdicts: Result of :meth:`results.studies.base.Study.verdicts`.
        full: Whether to have all columns on data and learners, which are too wide for a terminal.
    """
    effects = [_effect(row) for row in verdicts.to_dict("records")]
    claimed = map(format_range, zip(verdicts["above"], verdicts["below"], strict=True))
    grounds = FULL if full else BRIEF
    table = verdicts[["number", "claim", "verdict", *grounds, "measured"]].assign(
        effect=effects, claimed=[*claimed]
    )
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
    numbered = readable(verdicts, full=True)
    paths[2].write_text(f"# {study.paper}\n\n{study.link}\n\n{render(numbered, 'md')}")
    return paths + write_study_figures(study, records, verdicts, folder / "figures")


def write_study_figures(
    study: Study,
    records: pd.DataFrame,
    verdicts: pd.DataFrame,
    folder: Path,
    only: str | None = None,
) -> list[Path]:
    """Draw the figures of a study, each with its table and caption beside it.

    The folder also gets ``numbers.tex``, with a macro for each claim and each number of a curve,
    and ``manifest.json``.

    Arguments:
        study: The study.
        records: One row a trial.
        verdicts: Result of :meth:`results.studies.base.Study.verdicts` for them.
        folder: The folder of the files; created if it does not exist.
        only: The name of one figure; None draws all.

    Raises:
        ValueError: If no figure has the name ``only``.
    """
    names = ["verdicts", *study.figures]
    if only is not None and only not in names:
        near = difflib.get_close_matches(only, names, n=1, cutoff=0.0)[0]
        raise ValueError(
            f"there is no figure {only!r}. Did you mean {near!r}? Allowed: {', '.join(names)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name in names if only is None else [only]:
        if name == "verdicts":
            figure, table = plot_verdicts(whole_claims(verdicts)), verdicts
        else:
            figure, table = study.figures[name](records)
        paths += write_figure(figure, table, folder / name)
    if only is None:
        analysis = Analysis(records)
        named = claim_numbers(verdicts) | numbers(analysis.critical, analysis.areas)
        text = definitions(named, specs_of(analysis.critical))
        paths.append(write_text(folder / "numbers.tex", text))
    return [*paths, write_manifest(folder)]


def claim_numbers(verdicts: pd.DataFrame) -> dict[str, str]:
    """Return the numbers of claims by name.

    ``claim3`` is the effect of the third claim; ``claim3/interval``, ``claim3/verdict`` and
    ``claim3/seeds`` are its interval, its verdict and the number of seeds. ``claim3a`` is its
    effect on the first of several data sets.
    """
    named = {}
    for row in verdicts.to_dict("records"):
        name = f"claim{row['number']}"
        named[name] = show(row["effect"])
        named[f"{name}/interval"] = f"[{show(row['low'])}, {show(row['high'])}]"
        named[f"{name}/verdict"] = row["verdict"]
        named[f"{name}/seeds"] = str(row["seeds"])
    return named


def study_of(grid: Grid) -> Study | None:
    """Return the study that a grid is of, or None if it is of none.

    Arguments:
        grid: A grid with all specs written out.
    """
    for study in studies().values():
        if any(study.grid(grid.name, quick).parts == grid.parts for quick in (False, True)):
            return study
    return None


def study_of_measurements(records: pd.DataFrame) -> Study | None:
    """Return the study whose measurements the records are, or None if they are of none.

    Arguments:
        records: One row a trial.
    """
    keys = set(records[list(Key._fields)].itertuples(index=False, name=None))
    for study in studies().values():
        if study.measurements is None:
            continue
        for quick in (True, False):
            if keys <= {tuple(one.key) for one in study.measurements(quick)}:
                return study
    return None
