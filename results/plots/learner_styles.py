"""The colour, marker and line of a learner, which are the same in all figures.

They are a function of the learner's name alone: another learner changes none of them.
"""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from results.display_names import parse

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
CHOSEN: dict[str, tuple[str, str]] = {}
# With this salt all learners of the first release have pairs of their own, and ERM is a black
# circle. Another salt would change all of them.
_SALT = "28895156"


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
    hashed = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS) % len(MARKERS)]
    colour, marker = CHOSEN.get(name, hashed)
    base = fields.get("base", "")
    shift = COLOURS.index(look(base).colour) if parse(base)[0] != base else 0
    shifted = COLOURS[(COLOURS.index(colour) + shift) % len(COLOURS)]
    return Look(shifted, marker, *VARIANTS[variant % len(VARIANTS)])


def looks(learners: Iterable[str]) -> dict[str, Look]:
    """Return the styles of the learners of one figure.

    Variants of one class share its marker, and its colour unless they train other learners. If
    two of them share dash and fill as well, the later one in the alphabet takes the next free
    dash and fill.
    """
    styles: dict[str, Look] = {}
    taken: set[tuple[str, Look]] = set()
    for learner in sorted(set(learners)):
        first, name = look(learner), parse(learner)[0]
        start = VARIANTS.index((first.dash, first.fill))
        turns = [VARIANTS[(start + i) % len(VARIANTS)] for i in range(len(VARIANTS))]
        choices = [Look(first.colour, first.marker, *turn) for turn in turns]
        styles[learner] = next((c for c in choices if (name, c) not in taken), first)
        taken.add((name, styles[learner]))
    return styles
