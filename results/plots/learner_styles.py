"""The colour, marker and line of a learner, which are its own.

They are a function of the learner's name alone. In a run with another learner of the same colour
one of the two takes another colour, the same one in all figures of the run.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_hex

from results.display_names import matching, parse, references
from results.stats.frames import PANEL

# Paul Tol's muted scheme, which is readable with any colour vision, with black, and with Okabe
# and Ito's orange in place of sand, which is too light for a line. Black comes first: a learner
# that trains ERM keeps its own colour.
COLOURS = (
    "#000000",
    "#882255",
    "#999933",
    "#88CCEE",
    "#332288",
    "#44AA99",
    "#CC6677",
    "#117733",
    "#E69F00",
    "#AA4499",
)
MARKERS = ("o", "s", "^", "v", "<", ">", "D", "d", "p", "*", "X", "P")
_FULL = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (8, 2)),
    (0, (5, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
VARIANTS = tuple((dash, fill) for fill in ("full", "none") for dash in _FULL)

#: Class -> the colour and marker of a learner whose name gives it those of another learner. A test
#: over all learners finds such a pair, and lists what is free.
CHOSEN: dict[str, tuple[str, str]] = {
    "AFR": ("#CC6677", "s"),
    "WarmStarted": ("#117733", "o"),
    "XGBoost": ("#882255", "v"),
}
# With this salt all learners of the first release have pairs of their own, and ERM is a black
# circle. Another salt would change all of them.
_SALT = "28895156"
# The part of a hash behind those that give colour and marker.
_BEHIND = 1009
#: The most learners that a panel draws in colour; the others are grey.
MOST = 8
#: The fewest variants that are a sequence.
_FEWEST = 3
#: The class that keeps its colour in any figure.
_FIRST = "ERM"


class Look(NamedTuple):
    """The style of a learner's curve."""

    colour: str
    marker: str
    dash: Any
    fill: str

    def line(self) -> dict[str, Any]:
        """Return the style as arguments of ``Axes.plot``."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dash,
            "markerfacecolor": "white" if self.fill == "none" else self.colour,
        }


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{_SALT}:{text}".encode()).digest()[:8], "big")


def look(learner: str) -> Look:
    """Return the style of a learner: colour and marker by its class, dash and fill by all fields.

    The colour of a learner that trains another one (its field ``base``) is shifted by the colour
    of that one, so that both show.

    Example:
        >>> look("ERM(epochs=20)")[:2], look("LinearSVM()")[:2]
        (('#000000', 'o'), ('#44AA99', '*'))
    """
    name, fields = parse(learner)
    number, variant = _hash(name), _hash(f"{name}{sorted(fields.items())}")
    place = number % len(COLOURS)
    if place == 0 and name != _FIRST:  # black is ERM's alone
        place = 1 + number // _BEHIND % (len(COLOURS) - 1)
    hashed = COLOURS[place], MARKERS[number // len(COLOURS) % len(MARKERS)]
    colour, marker = CHOSEN.get(name, hashed)
    base = fields.get("base", "")
    shift = COLOURS.index(look(base).colour) if parse(base)[0] != base else 0
    shifted = COLOURS[(COLOURS.index(colour) + shift) % len(COLOURS)]
    return Look(shifted, marker, *VARIANTS[variant % len(VARIANTS)])


def looks(learners: Iterable[str]) -> dict[str, Look]:
    """Return the styles of the learners of one figure.

    In a figure of a run, see :func:`among`, the learners have the styles that they have among all
    learners of the run.

    Variants of one class share its marker. Three or more that differ in one number are a
    sequence: their colours go from dark to light with that number. Of other variants with the
    colour of an earlier one, the later one in the alphabet takes the next colour, or the next
    dash and fill where all colours are taken. While there are colours for all learners, no two
    have one colour: the later one in the alphabet, which ERM precedes, takes the next that is
    free. Black is ERM's alone, and that of its plain setting among several.
    """
    asked, run = set(learners), _run.get()
    together = run if asked <= run and _have_colours(run) else asked
    plain = set(references(together).values())
    distinct = sorted(together, key=lambda t: (parse(t)[0] != _FIRST, t not in plain, t))
    styles = _sequences(distinct)
    enough = _have_colours(together)
    for learner in distinct:
        if learner not in styles:
            others = styles if enough else _same_class(learner, styles)
            styles[learner] = _free(look(learner), list(others.values()))
    return {learner: style for learner, style in styles.items() if learner in asked}


def _have_colours(learners: Iterable[str]) -> bool:
    """Return whether there are colours for all of these learners."""
    first = [parse(text)[0] == _FIRST for text in learners]
    return len(first) - any(first) < len(COLOURS)


def _same_class(learner: str, styles: Mapping[str, Look]) -> dict[str, Look]:
    """Return the styles of variants of a learner's class."""
    name = parse(learner)[0]
    return {text: style for text, style in styles.items() if parse(text)[0] == name}


def _free(first: Look, taken: Sequence[Look]) -> Look:
    """Return a style whose colour is free, else one whose dash and fill are, else the first."""
    used = {style.colour for style in taken}
    if first.colour not in used:
        return first
    start = COLOURS.index(first.colour)
    for i in range(1, len(COLOURS)):
        colour = COLOURS[(start + i) % len(COLOURS)]
        if colour not in used and colour != COLOURS[0]:
            return first._replace(colour=colour)
    start = VARIANTS.index((first.dash, first.fill))
    turns = [VARIANTS[(start + i) % len(VARIANTS)] for i in range(len(VARIANTS))]
    choices = [first._replace(dash=dash, fill=fill) for dash, fill in turns]
    return next((choice for choice in choices if choice not in taken), first)


def _sequences(learners: Sequence[str]) -> dict[str, Look]:
    """Return the styles of three or more variants of a class that differ in one number."""
    classes = defaultdict(list)
    for learner in learners:
        classes[parse(learner)[0]].append(learner)
    styles = {}
    for variants in classes.values():
        values = sequence(variants)
        if values is not None:
            ordered = sorted(variants, key=values.__getitem__)
            for shade, learner in zip(shades_of(len(ordered)), ordered, strict=True):
                styles[learner] = Look(shade, look(learner).marker, "-", "full")
    return styles


def sequence(variants: Sequence[str]) -> dict[str, float] | None:
    """Return the number in which variants of one class differ; None if there is no such number.

    Example:
        >>> sequence(["DPSGD(noise=4.0)", "DPSGD(noise=0.5)", "DPSGD(noise=1.0)"])
        {'DPSGD(noise=4.0)': 4.0, 'DPSGD(noise=0.5)': 0.5, 'DPSGD(noise=1.0)': 1.0}
        >>> sequence(["DPSGD(noise=4.0)", "DPSGD(noise=0.5)"]) is None
        True
    """
    if len(variants) < _FEWEST:
        return None
    fields = [parse(variant)[1] for variant in variants]
    keys = dict.fromkeys(key for call in fields for key in call)
    different = [key for key in keys if len({call.get(key) for call in fields}) > 1]
    if len(different) != 1:
        return None
    try:
        values = [float(call[different[0]]) for call in fields]
    except (KeyError, ValueError):
        return None
    return dict(zip(variants, values, strict=True))


def shades_of(count: int) -> list[str]:
    """Return colours of a sequence, from dark to light; the lightest is still clear on white."""
    places = np.linspace(0.0, 0.85, count)
    return [to_hex(colour) for colour in colormaps["viridis"](places)]


#: The learners to draw in colour; None chooses them by their means.
_chosen: ContextVar[Sequence[str] | None] = ContextVar("chosen", default=None)


#: The learners of the run whose figures are drawn.
_run: ContextVar[frozenset[str]] = ContextVar("run", default=frozenset())


@contextmanager
def among(learners: Iterable[str]) -> Iterator[None]:
    """Give learners, in figures of the block, the colours that they have among these learners.

    Arguments:
        learners: Specs of all learners of a run.
    """
    token = _run.set(frozenset(learners))
    try:
        yield
    finally:
        _run.reset(token)


@contextmanager
def highlighting(learners: Sequence[str] | None) -> Iterator[None]:
    """Draw these learners in colour in figures of the block, and all others in grey.

    Arguments:
        learners: Specs, labels or classes; None leaves the choice to the figures.
    """
    token = _chosen.set(learners)
    try:
        yield
    finally:
        _chosen.reset(token)


def coloured(curves: pd.DataFrame, column: str) -> dict[str, Look]:
    """Return the styles of the learners that a figure of curves draws in colour.

    They are the ones chosen by :func:`highlighting`; or all, if no panel has more than eight and
    there are colours for all; or eight of more: ERM, and an even selection by their means, of
    different colours where that is possible.

    Arguments:
        curves: A table with columns ``learner`` and ``column``.
        column: The number whose means order the learners.

    Raises:
        ValueError: If a chosen learner is not there.
    """
    chosen = _chosen.get()
    if chosen is not None:
        return looks(text for name in chosen for text in matching(name, curves["learner"]))
    means = curves.groupby("learner")[column].mean().sort_values(kind="stable")
    order = [str(name) for name in means.index]
    panels = [name for name in PANEL if name in curves]
    most = curves.groupby(panels)["learner"].nunique().max() if panels else len(order)
    if len(order) <= MOST or (most <= MOST and _have_colours(order)):
        return looks(order)
    own, picked = looks(order), [name for name in order if parse(name)[0] == _FIRST][:1]
    for place in np.linspace(0, len(order) - 1, MOST - len(picked)):
        rest = sorted(
            (name for name in order if name not in picked),
            key=lambda name: (
                own[name].colour in {own[other].colour for other in picked},
                abs(order.index(name) - place),
            ),
        )
        picked.append(rest[0])
    return looks(picked)
