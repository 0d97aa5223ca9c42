"""The tables of a run's page: cells, and the commands that they link to."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from results.display_names import display, shortened
from results.plots.axes import DAGGER, panels
from results.plots.control import without_control
from results.report.outputs import summary
from results.report.tables import show
from results.report.terminal import brief, plain
from results.stats.analysis import Analysis
from results.stats.frames import CELL, PANEL, number
from results.stats.intervals import Interval, Kind, written
from results.stats.mass_text import AT_ZERO

#: The most tasks that a title names.
_MANY = 2


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Arguments:
        text: Its text.
        sort: The number by which its column sorts; None in columns of text.
        full: The full text that ``text`` abbreviates; empty if they are equal.
        link: Whether it links to the command of its row.
    """

    text: str
    sort: str | None = None
    full: str = ""
    link: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table.

    Arguments:
        cells: Its cells.
        command: The number of the command that measures it again.
    """

    cells: list[Cell]
    command: int


@dataclass(frozen=True)
class Table:
    """A table of the page.

    Arguments:
        id: Its anchor.
        title: Its heading.
        says: The meaning of its numbers.
        columns: The name of each column, and whether it has numbers.
        rows: Its rows.
    """

    id: str
    title: str
    says: str
    columns: list[Mapping[str, Any]]
    rows: list[Row] = field(default_factory=list)


def ranking(analysis: Analysis, numbers: Mapping[Any, int]) -> Table:
    """Return a table of critical masses and area of each learner, the largest area first.

    Arguments:
        analysis: The records.
        numbers: The number of each cell's command.
    """
    curves = analysis.curves
    control = curves[curves["size"] == 0].set_index(CELL)
    table = summary(analysis).drop(columns="accuracy").set_index(CELL)
    table.insert(0, "without a collective", control["mean"].reindex(table.index))
    control = control.reindex(table.index)
    alone = [
        a if lift > 0 or lift != lift else f"{show(a)} {DAGGER}"
        for a, lift in zip(number(control, "accuracy"), control["lift"], strict=True)
    ]
    table.insert(1, "accuracy then", pd.Series(alone, table.index, dtype=object))
    table = table.reset_index()
    says = (
        "The learner with the largest area comes first in each task. Critical masses are the "
        "smallest shares of the people at which mean success has come so far from its value at "
        "size 0 towards 1. Areas are those "
        "under the success curve over the logarithm of size. Brackets are 95 % intervals over "
        "seeds. A dagger marks an accuracy that is not above that of a constant answer: the "
        "learner's success then says nothing about its response to a collective."
    )
    # The key of the order stands beside the names.
    first = [*CELL, "area"]
    table = brief(table)[[*first, *table.columns.difference(first, sort=False)]]
    return _table("ranking", "Ranking of learners", says, table, numbers, _naming(curves))


def successes(curves: pd.DataFrame, numbers: Mapping[Any, int]) -> list[Table]:
    """Return mean success at each size, with a table for all tasks that have the same sizes."""
    by = curves.groupby(PANEL)["size"].transform(lambda s: " ".join(map(str, sorted(set(s)))))
    says = (
        "Mean success at each size, with half of its 95 % interval over seeds, or with both ends "
        "of an interval that ends at 0 or 1."
    )
    tables, naming = [], _naming(curves)
    for i, (_, task) in enumerate(curves.groupby(by, sort=False)):
        columns = ["mean", "low", "high", "interval", "seeds"]
        texts = [_with_interval(*row) for row in task[columns].itertuples(index=False, name=None)]
        wide = task.assign(text=texts).pivot(index=CELL, columns="size", values="text")
        wide.columns = [f"{100 * size:.6g} %" for size in wide.columns]
        which = f": {_tasks(curves, task)}" if by.nunique() > 1 else ""
        table = wide.reset_index()
        title = f"Success at each size{which}"
        tables.append(_table(f"success{i + 1}", title, says, table, numbers, naming))
    return tables


def _tasks(curves: pd.DataFrame, shown: pd.DataFrame) -> str:
    """Return the names of the first tasks of a table, and the number of the others.

    Arguments:
        curves: All curves of the page.
        shown: Those of the table.
    """
    here = set(without_control(shown).index)
    parts = [(title, here & set(part.index)) for title, part in panels(curves, [])]
    names = [" \N{EM DASH} ".join(title) for title, rows in parts if rows]
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more


def plain_table(table: pd.DataFrame) -> Table:
    """Return a table of a run's folder as a table of the page, without links."""
    view = plain(shortened(table, display))
    numbers = {str(n): pd.api.types.is_numeric_dtype(view[n]) for n in view.columns}
    rows = [
        Row([Cell(show(v), _sort(v) if numbers[str(n)] else None) for n, v in row.items()], 0)
        for row in view.astype(object).to_dict("records")
    ]
    heads: list[Mapping[str, Any]] = [
        {"name": name, "number": number} for name, number in numbers.items()
    ]
    return Table("choices", "Chosen hyper-parameters", "", heads, rows)


def _with_interval(mean: float, low: float, high: float, kind: Kind, seeds: int) -> str:
    """Return a mean with its interval as text; alone, for a single seed.

    Arguments:
        mean: The mean.
        low: The lower end of the interval.
        high: The upper end of the interval.
        kind: The kind of the interval.
        seeds: The number of seeds.

    Example:
        >>> _with_interval(0.5, 0.4, 0.6, "t", 5), _with_interval(0.86, 0.536, 1.0, "t", 5)
        ('0.500 ± 0.100', '0.860 [0.536, 1.000]')
        >>> _with_interval(0.0, 0.0, 0.03, "agree", 5), _with_interval(0.2, 0.0, 1.0, "none", 1)
        ('0.000 (5/5)', '0.200')
    """
    if kind == "none":
        return "" if mean != mean else f"{mean:.3f}"
    if kind == "t" and abs((high - mean) - (mean - low)) < 1e-9:
        return f"{mean:.3f} ± {high - mean:.3f}"
    return written(Interval(mean, low, high, kind), seeds)


def _naming(curves: pd.DataFrame) -> Callable[[Iterable[str]], dict[str, str]]:
    """Return the names of specs in tables: datasets and learners have one name on the page."""
    known = display(curves["dataset"]) | display(curves["learner"])

    def names(texts: Iterable[str]) -> dict[str, str]:
        return {text: known.get(text, name) for text, name in display(texts).items()}

    return names


def _table(
    id: str,
    title: str,
    says: str,
    table: pd.DataFrame,
    numbers: Mapping[Any, int],
    naming: Callable[[Iterable[str]], dict[str, str]],
) -> Table:
    """Convert a frame to a table of the page: keys as short names, all else as linked numbers."""
    view = plain(shortened(table, naming))
    names = [str(name) for name in view.columns]
    keys = table[CELL].itertuples(index=False, name=None)
    rows = []
    for key, row in zip(keys, view.itertuples(index=False, name=None), strict=True):
        whole = dict(zip(CELL, key, strict=True))
        cells = [
            Cell(str(value), full=whole[name] if whole[name] != value else "")
            if name in CELL
            else Cell(show(value), _sort(value), link=True)
            for name, value in zip(names, row, strict=True)
        ]
        rows.append(Row(cells, numbers[key]))
    return Table(id, title, says, [{"name": n, "number": n not in CELL} for n in names], rows)


def _sort(value: Any) -> str:
    """Return the number by which a cell sorts; masses above all sizes come last."""
    text = str(value).strip()
    if text.startswith(">"):
        return "1e9"
    if text.startswith(AT_ZERO):
        return "-1"
    word = text.removeprefix("<").split()[:1]
    try:
        number = float(word[0].rstrip(";")) if word else float("nan")
    except ValueError:
        return ""
    return "" if number != number else f"{number:.9g}"
