"""Tables on a terminal, panel by panel with short names."""

import sys

import pandas as pd
from rich.console import Console

from results.display_names import display, shortened
from results.report.tables import render, rich_table
from results.stats.frames import PANEL
from results.stats.intervals import Interval, written


def width() -> int | None:
    """Return the terminal's width; without a terminal, enough for all columns."""
    return None if sys.stdout.isatty() else 200


def show(table: pd.DataFrame, format: str | None) -> None:
    """Print a table, with short names for reading and with full names for programs."""
    if format in ("csv", "json"):
        sys.stdout.write(render(table, format))  # type: ignore[arg-type]
    elif format == "md":
        sys.stdout.write(render(shortened(table), "md"))
    elif format == "latex":
        sys.stdout.write(render(shortened(table, display), "latex"))
    else:
        console = Console(highlight=False, width=width())
        table = shortened(table)
        shared = [name for name in PANEL if name in table.columns]
        panels = table.groupby(shared, sort=False) if shared else [((), table)]
        for i, (names, rows) in enumerate(panels):
            view = rich_table(rows.drop(columns=shared))
            for column in view.columns:
                column.overflow, column.no_wrap = "fold", column.header == "learner"
            if names:
                title = "\n" * (i > 0) + ", ".join(map(str, names))
                console.print(title, style="bold", markup=False)
            console.print(view)


def say(text: str) -> None:
    """Print a sentence, wrapped at the width of the terminal."""
    Console(highlight=False, width=width()).print(text, markup=False)


def with_interval(table: pd.DataFrame, mean: str, name: str) -> pd.DataFrame:
    """Return a table in which a mean and its interval are one column.

    Arguments:
        table: The table, with columns ``low``, ``high``, ``interval`` and ``seeds``.
        mean: The column of means.
        name: The new name of that column.
    """
    names = [mean, "low", "high", "interval"]
    texts = [
        written(Interval(*(row[name] for name in names)), row["seeds"])
        for row in table.to_dict("records")
    ]
    columns = [name if column == mean else column for column in table.columns]
    table = table.assign(**{mean: texts}).set_axis(columns, axis=1)
    return plain(table.drop(columns=["low", "high", "interval"]))


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns that have the default value in all rows."""
    defaults = {"validation": "clean", "groups": "given", "recruitment": "uniform", "failed": 0}
    present = [name for name in defaults if name in table.columns]
    return table.drop(columns=[name for name in present if (table[name] == defaults[name]).all()])


def brief(table: pd.DataFrame) -> pd.DataFrame:
    """Return a summary whose critical masses are short enough for a terminal."""
    masses = [name for name in table.columns if str(name).startswith("critical mass")]
    words = {"not reached up to ": "> ", "below ": "< "}
    return table.assign(**{name: table[name].replace(words, regex=True) for name in masses})
