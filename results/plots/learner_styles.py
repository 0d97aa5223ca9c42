"""What a learner looks like: its colour and marker, whoever else is in the figure."""

import hashlib
from collections.abc import Iterable
from typing import Any, NamedTuple

from results.display_names import parse

# Paul Tol's muted scheme, told apart with any colour vision, with black, and with Okabe and
# Ito's orange in place of sand, which is too light for a line.
COLOURS = (
    "#88CCEE",
    "#882255",
    "#999933",
    "#000000",
    "#332288",
    "#44AA99",
    "#CC6677",
    "#117733",
    "#E69F00",
    "#AA4499",
)
MARKERS = ("s", "v", "^", ">", "D", "o", "X", "<")
_FULL = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (8, 2)),
    (0, (5, 1.2, 1.2, 1.2, 1.2, 1.2)),
)
VARIANTS = tuple((dash, fill) for fill in ("full", "none") for dash in _FULL)

# Chosen so that the learners that ship share no pair of colour and marker, and few colours.
_SALT = "15753"


class Look(NamedTuple):
    """How a learner's curve is drawn."""

    colour: str
    marker: str
    dash: Any
    fill: str

    def line(self) -> dict[str, Any]:
        """As arguments of ``Axes.plot``."""
        return {
            "color": self.colour,
            "marker": self.marker,
            "linestyle": self.dash,
            "markerfacecolor": "white" if self.fill == "none" else self.colour,
        }


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{_SALT}:{text}".encode()).digest()[:8], "big")


def look(learner: str) -> Look:
    """Colour and marker from the class name, dash and filling from the whole text.

    One that trains another has the colour that is as far behind that one's as its own is behind
    the first: both whom it trains and who trains show.
    """
    name, fields = parse(learner)
    family, variant = _hash(name), _hash(f"{name}{sorted(fields.items())}")
    before = COLOURS.index(look(fields["base"]).colour) if "base" in fields else 0
    return Look(
        COLOURS[(before + family) % len(COLOURS)],
        MARKERS[family // len(COLOURS) % len(MARKERS)],
        *VARIANTS[variant % len(VARIANTS)],
    )


def looks(learners: Iterable[str]) -> dict[str, Look]:
    """The looks of the learners of one figure.

    Variants of one class share its marker, and its colour unless they train others. Should two
    of them fall on the same dash and filling as well, the later in the alphabet takes the next
    that is free.
    """
    given: dict[str, Look] = {}
    for learner in sorted(set(learners)):
        own = look(learner)
        start = VARIANTS.index((own.dash, own.fill))
        turns = [VARIANTS[(start + i) % len(VARIANTS)] for i in range(len(VARIANTS))]
        choices = [Look(own.colour, own.marker, *turn) for turn in turns]
        given[learner] = next((c for c in choices if c not in given.values()), own)
    return given
