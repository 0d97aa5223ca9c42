"""The look of all figures: one style, two widths, and the same bytes each time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

from matplotlib.figure import Figure
from matplotlib.style import context

from results.plots.captions import caption

Width = Literal["one", "two"]
#: Inches: one column of a page that has two, or both.
WIDTHS: dict[str, float] = {"one": 3.4, "two": 7.0}
_STYLE = Path(__file__).with_name("style.mplstyle")
_width: ContextVar[float] = ContextVar("width", default=WIDTHS["two"])
#: What a file would say of the day on which it was drawn.
_DATES: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
_Plot = TypeVar("_Plot", bound=Callable[..., Figure])


@contextmanager
def columns(width: Width) -> Iterator[None]:
    """Figures drawn meanwhile are as wide as one column of a page, or as two."""
    token = _width.set(WIDTHS[width])
    try:
        yield
    finally:
        _width.reset(token)


def inches() -> float:
    """How wide figures are drawn now."""
    return _width.get()


def fitting(wanted: int) -> int:
    """How many of so many panels stand beside each other: in one column of a page, one."""
    return wanted if inches() > WIDTHS["one"] else 1


def styled(plot: _Plot) -> _Plot:
    """Draw in the house style, whatever the machine's is, and let the figure know its caption."""

    @wraps(plot)
    def drawn(*given: Any, **named: Any) -> Figure:
        with context(_STYLE, after_reset=True):
            figure = plot(*given, **named)
        figure.set_label(caption(plot))
        return figure

    return drawn  # type: ignore[return-value]


#: What a figure's files end in.
ENDINGS = tuple(_DATES)


def save(figure: Figure, stem: str | Path) -> list[Path]:
    """Write a figure as ``stem.png``, ``stem.svg`` and ``stem.pdf``.

    The same figure makes the same bytes, on any day, with the same version of matplotlib; in the
    vector formats text stays text.

    Returns:
        The paths.
    """
    paths = [Path(f"{stem}.{ending}") for ending in _DATES]
    told = {"svg": {"Description": str(figure.get_label()) or None}}
    with context(_STYLE, after_reset=True):
        # Panels find their places once, which takes longer than drawing.
        figure.draw_without_rendering()
    with context([_STYLE, {"figure.constrained_layout.use": False}], after_reset=True):
        # A figure that still had an engine for that would be drawn twice for each file.
        figure.set_layout_engine(None)
        for path, (ending, dates) in zip(paths, _DATES.items(), strict=True):
            figure.savefig(path, metadata=dates | told.get(ending, {}))
    return paths
