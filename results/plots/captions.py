"""Figures for a page: drawing, title and caption."""

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
from markupsafe import Markup

from results.latex_text import escape

_DESCRIPTION = ".//{http://purl.org/dc/elements/1.1/}description"
#: Markup of docstrings -> its plain text.
_PLAIN = {
    r":math:`([^`]*)`": r"\1",
    r":\w+:`~?([^`]*)`": r"\1",
    r"\\mathrm\{(\w+)\}": r"\1",
    r"\\alpha": "\N{GREEK SMALL LETTER ALPHA}",
    r"``": "",
}


def caption(plot: Callable[..., object]) -> str:
    r"""Return the caption of a function's figure: its docstring without the arguments.

    Example:
        >>> def plot():
        ...     r'''Curves of :math:`\alpha`.
        ...
        ...     Arguments:
        ...         curves: A frame.
        ...
        ...     Returns:
        ...         The figure. Bands are
        ...         95 % intervals.
        ...     '''
        >>> caption(plot)
        'Curves of α. Bands are 95 % intervals.'
    """
    text, _, rest = (inspect.getdoc(plot) or "").partition("\nArguments:\n")
    returned = rest.partition("\nReturns:\n")[2] or text.partition("\nReturns:\n")[2]
    text = text.partition("\nReturns:\n")[0]
    returned = re.sub(r"^\s*The figure[.;:]?\s*", "", returned)
    words = " ".join(f"{text} {returned[:1].upper()}{returned[1:]}".split())
    for pattern, plain in _PLAIN.items():
        words = re.sub(pattern, plain, words)
    return words


def latex(words: str, table: pd.DataFrame) -> str:
    r"""Return a LaTeX caption of a figure, with the number of seeds behind its table.

    Example:
        >>> print(latex("Bands are 95 % intervals.", pd.DataFrame({"seeds": [5, 5]})), end="")
        \caption{Bands are 95 \% intervals. Over 5 seeds.}
    """
    return f"\\caption{{{escape(' '.join(filter(None, (words, _seeds(table)))))}}}\n"


@dataclass(frozen=True)
class Plate:
    """A figure on a page.

    Arguments:
        name: Its name, which is that of its file.
        svg: The drawing.
        caption: The caption, with the number of seeds.
        narrow: The drawing for a narrow screen; empty if there is none.
    """

    name: str
    svg: Markup
    caption: str
    narrow: Markup = field(default_factory=Markup)

    @property
    def title(self) -> str:
        """The name as words.

        Example:
            >>> Plate("effective_size", Markup(""), "").title
            'Effective size'
        """
        return self.name.replace("_", " ").capitalize()


def plates(paths: Sequence[Path], narrow: Sequence[Path] = ()) -> list[Plate]:
    """Return the SVG figures among written files, in their order.

    Arguments:
        paths: The files.
        narrow: The files of the same figures for narrow screens.
    """
    images = [path for path in paths if path.suffix == ".svg"]
    slim = {path.stem: path for path in narrow if path.suffix == ".svg"}
    drawn = [_plate(path, f"f{i}") for i, path in enumerate(images)]
    return [
        replace(plate, narrow=_plate(slim[plate.name], f"n{i}").svg)
        if plate.name in slim
        else plate
        for i, plate in enumerate(drawn)
    ]


def _plate(path: Path, prefix: str) -> Plate:
    text = path.read_text(encoding="utf-8")
    description = ElementTree.fromstring(text).findtext(_DESCRIPTION, "")
    table = path.with_suffix(".csv")
    seeds = _seeds(pd.read_csv(table, encoding="utf-8")) if table.is_file() else ""
    svg = text[text.index("<svg") :]
    # Drawings on one page must not share the identifiers of their shapes.
    svg = re.sub(r'(\bid="|\bhref="#|url\(#)', rf"\g<1>{prefix}-", svg)
    return Plate(path.stem, Markup(svg), " ".join(filter(None, (description, seeds))))


def _seeds(table: pd.DataFrame) -> str:
    """Return a sentence on the number of seeds behind a table."""
    if "seeds" in table.columns and len(table):
        low, high = int(table["seeds"].min()), int(table["seeds"].max())
    elif "seed" in table.columns and len(table):
        low = high = int(table["seed"].nunique())
    else:
        return ""
    if low == high:
        return f"Over {high} seed{'s' if high != 1 else ''}."
    return f"Over {low} to {high} seeds."
