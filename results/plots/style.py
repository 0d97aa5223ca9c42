"""The look of all figures: one style, the widths of papers, and the same bytes each time."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, Literal, TypeVar

# A figure would import these when it is saved: each process would do so again that draws one.
from matplotlib.backends import backend_agg, backend_pdf, backend_svg  # noqa: F401
from matplotlib.figure import Figure
from matplotlib.style import context

from results.plots.captions import caption

Width = Literal["one", "two", "neurips", "icml", "jmlr", "thesis"]
#: Inches of one column of a page with two columns, and of both; of the text of NeurIPS and JMLR;
#: of a column of ICML; and of the text of an A4 page with margins of 30 mm.
WIDTHS: dict[str, float] = {
    "one": 3.4,
    "two": 7.0,
    "neurips": 5.5,
    "icml": 3.25,
    "jmlr": 6.0,
    "thesis": 5.9,
}
# The least inches of a panel.
_PANEL = 1.5
_STYLE = Path(__file__).with_name("style.mplstyle")
_width: ContextVar[float] = ContextVar("width", default=WIDTHS["two"])
#: Metadata that would make files differ from day to day or from machine to machine.
_DATES: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}
_Plot = TypeVar("_Plot", bound=Callable[..., Figure])


@contextmanager
def columns(width: Width) -> Iterator[None]:
    """Draw figures of the block as wide as the text or the column of a page.

    Fonts keep their size, so that a figure that is included at its own width has text of 7 pt.
    """
    token = _width.set(WIDTHS[width])
    try:
        yield
    finally:
        _width.reset(token)


def inches() -> float:
    """Return the current width of figures in inches."""
    return _width.get()


def fitting(wanted: int, least: float = _PANEL) -> int:
    """Return the number of panels in a row: as many as fit, up to ``wanted``.

    Arguments:
        wanted: The number in a wide figure.
        least: Inches that a panel takes.
    """
    return max(1, min(wanted, int(inches() / least)))


def styled(plot: _Plot) -> _Plot:
    """Decorate a plot: it uses the project's style, and its figure has its caption as label."""

    @wraps(plot)
    def draw(*args: Any, **options: Any) -> Figure:
        with context(_STYLE, after_reset=True):
            figure = plot(*args, **options)
        figure.set_label(caption(plot))
        return figure

    return draw  # type: ignore[return-value]


#: The suffixes of a figure's files.
ENDINGS = tuple(_DATES)


def save(figure: Figure, stem: str | Path, endings: Sequence[str] = ENDINGS) -> list[Path]:
    """Write a figure as ``stem.png``, ``stem.svg`` and ``stem.pdf``, or in some of these formats.

    The bytes depend on the figure and on the version of matplotlib alone. In the vector formats
    text stays text.

    Arguments:
        figure: The figure.
        stem: The path of its files without their suffix.
        endings: The suffixes of the formats to write.

    Returns:
        The paths.
    """
    paths = [Path(f"{stem}.{ending}") for ending in endings]
    descriptions = {"svg": {"Description": str(figure.get_label()) or None}}
    engine = figure.get_layout_engine()
    if engine is not None:
        with context(_STYLE, after_reset=True):
            # The layout is computed once, since it takes longer than drawing.
            engine.execute(figure)
    with context([_STYLE, {"figure.constrained_layout.use": False}], after_reset=True):
        # A figure with a layout engine would be drawn twice for each file.
        figure.set_layout_engine(None)
        for path, ending in zip(paths, endings, strict=True):
            figure.savefig(path, metadata=_DATES[ending] | descriptions.get(ending, {}))
    return paths
