"""Frames as text, for programs, pages and the terminal."""

import io
import json
from typing import Any, Literal

import pandas as pd
from rich.console import Console
from rich.table import Table

from results.latex_text import escape

Format = Literal["csv", "json", "latex", "md", "text"]
_FORMATS = ("csv", "json", "latex", "md", "text")


def render(frame: pd.DataFrame, format: Format = "text") -> str:
    """Convert a frame to text that ends in a newline.

    Formats for reading ("latex", "md", "text") have three significant digits and leave missing
    values empty. Formats for programs ("csv", "json") have nine digits, which excludes the digits
    that depend on the order of a sum. JSON has null for NaN and "inf" for infinity. LaTeX takes
    the package booktabs.

    Raises:
        ValueError: If there is no such format.

    Example:
        >>> print(render(pd.DataFrame({"learner": ["ERM"], "area": [0.123456]}), "md"), end="")
        | learner |  area |
        |:--------|------:|
        | ERM     | 0.123 |
    """
    if format == "csv":
        return frame.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    if format == "json":
        rows = [{name: _plain(value) for name, value in row.items()} for row in _rows(frame)]
        return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if format == "md":
        return _markdown(frame)
    if format == "latex":
        return _latex(frame)
    if format == "text":
        return _text(rich_table(frame))
    raise ValueError(f"no format {format!r}; there are {', '.join(_FORMATS)}")


def rich_table(frame: pd.DataFrame) -> Table:
    """Convert a frame to a table for the terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in frame.columns:
        table.add_column(str(name), justify="right" if _numeric(frame[name]) else "left")
    for row in _rows(frame):
        table.add_row(*[show(value).replace("[", r"\[") for value in row.values()])
    return table


def show(value: Any) -> str:
    """Format a value for reading.

    Example:
        >>> [show(v) for v in (0.123456, 12345.6, 1.0, float("nan"), 3, True, "a")]
        ['0.123', '12346', '1', '', '3', 'yes', 'a']
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if pd.isna(value):
            return ""
        value += 0.0  # no sign before a zero
        return f"{value:.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"
    return "" if value is None else str(value)


def _rows(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows with Python's own types."""
    return frame.astype(object).to_dict("records")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        if pd.isna(value):
            return None
        return float(f"{value:.9g}") if abs(value) != float("inf") else str(value)
    return value


def _numeric(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and column.dtype != bool


def _markdown(frame: pd.DataFrame) -> str:
    cells = [[str(name) for name in frame.columns]]
    cells += [[_cell(show(value)) for value in row.values()] for row in _rows(frame)]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    right = [_numeric(frame[name]) for name in frame.columns]
    lines = [
        "| "
        + " | ".join(
            text.rjust(width) if number else text.ljust(width)
            for text, width, number in zip(row, widths, right, strict=True)
        )
        + " |"
        for row in cells
    ]
    rule = "|".join(
        "-" * (width + 1) + ":" if number else ":" + "-" * (width + 1)
        for width, number in zip(widths, right, strict=True)
    )
    return "\n".join([lines[0], f"|{rule}|", *lines[1:]]) + "\n"


def _latex(frame: pd.DataFrame) -> str:
    columns = "".join("r" if _numeric(frame[name]) else "l" for name in frame.columns)
    style = frame.astype(object).style.hide(axis="index").format(lambda value: escape(show(value)))
    style = style.format_index(lambda name: escape(str(name)), axis=1)
    return style.to_latex(column_format=columns, hrules=True)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _text(table: Table) -> str:
    out = io.StringIO()
    wide = Console(file=out, width=10_000, color_system=None, highlight=False)
    wide.width = max(1, wide.measure(table).maximum)
    wide.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
