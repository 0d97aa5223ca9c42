"""The files that are made from the records of a run: tables, figures and numbers."""

import difflib
import errno
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from results.plots.captions import latex
from results.plots.promises import plot_promises
from results.plots.registry import RegisteredFigure, registered
from results.plots.strategies import plot_strategies
from results.plots.style import ENDINGS, save
from results.report.latex import macros
from results.report.masses import accuracies, mass_title
from results.report.processes import in_processes
from results.report.tables import render
from results.stats.analysis import Analysis
from results.stats.curves import success_curves
from results.stats.frames import CELL, PANEL
from results.stats.intervals import Interval, written

MANIFEST = "manifest.json"
#: The ending of the file with a figure's caption, for LaTeX.
CAPTION = "_caption.tex"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FiguresFailed(Exception):
    """Some figures of a run could not be drawn; all others were written.

    Arguments:
        failed: The name of each figure that failed, with its error.
        paths: The files that were written.
    """

    def __init__(self, failed: Mapping[str, Exception], paths: Sequence[Path]) -> None:
        self.failed, self.paths = dict(failed), list(paths)
        reasons = "; ".join(f"{n}: {type(e).__name__}: {e}" for n, e in self.failed.items())
        super().__init__(f"{len(self.failed)} figures could not be drawn ({reasons})")


def summary(analysis: Analysis) -> pd.DataFrame:
    """Return a table to read: a row for each learner and panel, with critical masses and area.

    Rows are sorted by area within a panel, the largest area first. Accuracy is that at size 0; it
    is marked where it fails :func:`results.stats.gate.gate`.
    """
    curves, levels = analysis.curves, sorted(set(analysis.levels))
    texts = analysis.critical.pivot(index=CELL, columns="level", values="text")
    texts.columns = [mass_title(level, analysis.above) for level in levels]
    areas = analysis.areas.set_index(CELL)
    names = ["area", "low", "high", "interval"]
    texts_of_area = [
        written(Interval(*row), seeds)
        for *row, seeds in zip(*(areas[name] for name in [*names, "seeds"]), strict=True)
    ]
    areas = areas.assign(text=texts_of_area)
    counts = curves.groupby(CELL)[["seeds", "failed"]].agg({"seeds": "min", "failed": "sum"})
    table = texts.assign(area=areas["text"], order=areas["area"]).join(counts).reset_index()
    beside = list(table.columns).index("area") + 1
    table.insert(beside, "accuracy", accuracies(analysis.records, table))
    falling = [*[True] * len(PANEL), False]
    table = table.sort_values([*PANEL, "order"], ascending=falling, ignore_index=True)
    return table.drop(columns="order")


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the file, and the way out of a full disk, in errors of the block that writes it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            reason += "; the records are safe: free some space and run the same command again"
        raise OSError(error.errno, reason, str(error.filename or path)) from error


def write_text(path: Path, text: str) -> Path:
    """Write a text file, and return its path."""
    with _writing(path):
        path.write_text(text, encoding="utf-8")
    return path


def write_tables(analysis: Analysis, folder: Path) -> list[Path]:
    """Write ``curves.csv`` and ``critical.csv``.

    Raises:
        OSError: If a file cannot be written; ``filename`` is its path.
    """
    tables = {"curves": analysis.curves, "critical": analysis.critical}
    return [write_text(folder / f"{name}.csv", render(t, "csv")) for name, t in tables.items()]


def write_figures(
    analysis: Analysis, folder: Path, only: str | None = None, jobs: int = 1
) -> list[Path]:
    """Draw all figures that the records allow, each with the table that it draws beside it.

    Arguments:
        analysis: The records, with the number of trials of the grid: a figure of an unfinished
            one says so.
        folder: The folder of the files; created if it does not exist.
        only: The name of one figure; None draws all.
        jobs: The number of processes that draw.

    Raises:
        ValueError: If no figure has the name ``only``.
        FiguresFailed: If some figures could not be drawn, after all others were written.
        OSError: If a file cannot be written; ``filename`` is its path.
    """
    figures = registered()
    if only is not None:
        if only not in figures:
            near = difflib.get_close_matches(only, figures, n=1, cutoff=0.0)[0]
            raise ValueError(
                f"there is no figure {only!r}. Did you mean {near!r}? "
                f"Allowed: {', '.join(figures)}"
            )
        figures = {only: figures[only]}
    paths, failed = draw_figures(figures, analysis, folder, jobs=jobs)
    if only is None:
        text = macros(analysis.critical, analysis.areas)
        paths.append(write_text(folder / "numbers.tex", text))
    paths.append(write_manifest(folder))
    if failed:
        raise FiguresFailed(failed, paths)
    return paths


def draw_figures(
    figures: Mapping[str, RegisteredFigure],
    analysis: Analysis,
    folder: Path,
    endings: Sequence[str] = ENDINGS,
    jobs: int = 1,
) -> tuple[list[Path], dict[str, Exception]]:
    """Draw those of some figures that the records allow.

    Arguments:
        figures: The figures by name.
        analysis: The records.
        folder: The folder of the files; created if it does not exist.
        endings: The suffixes of their formats.
        jobs: The number of processes that draw.

    Returns:
        The files of figures, and the error of each figure that could not be drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if jobs > 1 and len(figures) > 1:
        analysis.share()

    def draw(name: str) -> list[Path]:
        return _write_registered(figures[name], analysis, folder, endings)

    paths: dict[str, list[Path]] = {}
    failed: dict[str, Exception] = {}
    with closing(in_processes(draw, list(figures), jobs)) as outcomes:
        for name, outcome in outcomes:
            if isinstance(outcome, OSError):
                raise outcome
            if isinstance(outcome, Exception):
                failed[name] = outcome
            else:
                paths[name] = outcome
    drawn = [path for name in figures for path in paths.get(name, [])]
    return drawn, {name: failed[name] for name in figures if name in failed}


def _write_registered(
    figure: RegisteredFigure, analysis: Analysis, folder: Path, endings: Sequence[str]
) -> list[Path]:
    """Write the files of one figure and its table; remove older ones that no longer apply."""
    for ending in (*(f".{name}" for name in (*ENDINGS, "csv")), CAPTION):
        (folder / f"{figure.name}{ending}").unlink(missing_ok=True)
    table = figure.table(analysis)
    if not len(table):
        return []
    return write_figure(figure.draw(analysis, table), table, folder / figure.name, endings)


def write_figure(
    drawn: Figure, table: pd.DataFrame, stem: Path, endings: Sequence[str] = ENDINGS
) -> list[Path]:
    """Write a figure, with its table and its caption beside it; return the figure's paths."""
    with _writing(stem):
        paths = save(drawn, stem, endings)
    write_text(Path(f"{stem}.csv"), render(table, "csv"))
    write_text(Path(f"{stem}{CAPTION}"), latex(str(drawn.get_label()), table))
    return paths


def write_manifest(folder: Path) -> Path:
    """Write ``manifest.json``: the SHA-256 of all files in a folder."""
    files = [p for p in sorted(folder.iterdir()) if p.is_file() and p.name != MANIFEST]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return write_text(folder / MANIFEST, json.dumps(hashes, indent=1) + "\n")


def differing(one: Path, other: Path) -> list[str]:
    """Return the names of files in the other folder that differ from the first, by manifests."""
    first, second = (
        json.loads((folder / MANIFEST).read_text(encoding="utf-8")) for folder in (one, other)
    )
    return sorted(name for name in second if first.get(name) != second[name])


def write_bounds(records: pd.DataFrame, promised: pd.DataFrame, folder: Path) -> list[Path]:
    """Draw the figures of bounds and of strategies, each with its table beside it.

    Arguments:
        records: One row a trial.
        promised: Result of :func:`results.stats.bound_slack.promised`.
        folder: The folder of the files; created if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    curves, paths = success_curves(records), []
    for name, figure, table in (
        ("promises", plot_promises(promised), promised),
        ("strategies", plot_strategies(curves), curves),
    ):
        paths += write_figure(figure, table, folder / name)
    return paths
