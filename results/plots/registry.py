"""The figures of a run: each registers itself where it is defined."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from matplotlib.figure import Figure

from results.plots.learner_styles import among
from results.stats.analysis import Analysis

_Plot = TypeVar("_Plot", bound=Callable[..., Figure])
#: The order of figures that do not name one: behind all that do.
_LAST = 1000
_FIGURES: dict[str, "RegisteredFigure"] = {}


@dataclass(frozen=True)
class RegisteredFigure:
    """A figure of a run.

    Arguments:
        name: The name of its files.
        plot: The function that draws a table.
        table: The table of an analysis that the figure draws. An empty table means that the
            records do not allow the figure.
        order: Its position on a page; figures of equal order are sorted by name.
        options: Further arguments of ``plot``, each as a function of the analysis.
    """

    name: str
    plot: Callable[..., Figure]
    table: Callable[[Analysis], pd.DataFrame]
    order: int
    options: dict[str, Callable[[Analysis], Any]]

    def draw(self, analysis: Analysis, table: pd.DataFrame) -> Figure:
        """Return the figure of a table."""
        options = {name: value(analysis) for name, value in self.options.items()}
        with among(analysis.records["learner"].unique()):
            return self.plot(table, **options)


def register_figure(
    name: str,
    table: Callable[[Analysis], pd.DataFrame],
    order: int = _LAST,
    **options: Callable[[Analysis], Any],
) -> Callable[[_Plot], _Plot]:
    """Register a function that draws a table as a figure of every run.

    A module in ``results/plots`` needs no other entry: ``run``, ``figures`` and ``report`` draw
    its figure, with the table beside it as CSV.

    Arguments:
        name: The name of the figure and of its files.
        table: The table that it draws, as a function of an analysis. Where that table is empty,
            the figure is left out.
        order: Its position on a page; the last, unless given.
        options: Further arguments of the function, each as a function of the analysis.

    Raises:
        ValueError: If another module has registered a figure of that name.

    Example:
        >>> @register_figure("example", lambda analysis: analysis.curves)
        ... def plot_example(curves):
        ...     return Figure()
        >>> _FIGURES.pop("example").plot is plot_example
        True
    """

    def register(plot: _Plot) -> _Plot:
        other = _FIGURES.get(name)
        if other is not None and other.plot.__module__ != plot.__module__:
            raise ValueError(
                f"the figure name {name!r} is taken by {other.plot.__module__}; "
                f"{plot.__module__} must choose another one"
            )
        _FIGURES[name] = RegisteredFigure(name, plot, table, order, options)
        return plot

    return register


def registered() -> dict[str, RegisteredFigure]:
    """Return all figures by name, in their order on a page."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_FIGURES.items(), key=lambda item: (item[1].order, item[0])))
