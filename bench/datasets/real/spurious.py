"""Images in which something easy goes with the label, but is not it."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge

from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Split, cut
from bench.datasets.real.digits import Digits
from bench.datasets.real.mnist5k import MNIST5k
from bench.datasets.real.vision import CIFAR10, MNIST, FashionMNIST, Share, pool
from collectives.signals.base import Signal
from collectives.signals.image import Block, Patch

Size = Annotated[int, Ge(1)]
Four = tuple[Size, Size, Size, Size]
Classes = tuple[int, ...]


@dataclass(frozen=True)
class Dominoes(Dataset):
    r"""Two images one above the other: an easy one that goes with the label, and a hard one.

    .. math:: P(\text{top} = y) = \text{aligned in training}, \tfrac12 \text{ in validation and
        test}; \qquad \text{bottom} = y

    The label is the lower image's class. "mnist-cifar" has MNIST's zeros and ones, with a border
    that makes them 32 pixels high and wide, above CIFAR's automobiles and trucks, (3, 64, 32);
    "digits" has scikit-learn's zeros and ones above its threes and eights, (1, 16, 8), and needs
    no files. No image is in two of the parts; where a part has fewer than are asked for, they are
    used again in other pairs. Groups are 2 * label + top.

    The signal sits on the lower image.

    References:
        | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
        | https://arxiv.org/abs/2006.07710

    Arguments:
        kind: Which images.
        aligned: The share of training rows whose upper image goes with the label.
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.

    Example:
        >>> split = Dominoes(n=40, n_test=20).split(np.random.default_rng(0))
        >>> split.x.shape, np.bincount(split.part(split.train).group)
        ((70, 1, 16, 8), array([19,  1,  1, 19]))
    """

    kind: Literal["digits", "mnist-cifar"] = "digits"
    aligned: Share = 0.95
    n: Size = 1000
    n_test: Size = 1000

    def split(self, rng: np.random.Generator) -> Split:
        """Deal images of both kinds, then put them together."""
        parts, sizes = [], (self.n, self.n // 4, self.n_test)
        tops, bottoms = (_parted(*half, rng) for half in self._halves())
        for k, (size, aligned) in enumerate(zip(sizes, (self.aligned, 0.5, 0.5), strict=True)):
            counts = _shared((size - size // 2, size // 2), aligned)
            y, top = np.repeat([0, 0, 1, 1], counts), np.repeat([0, 1, 0, 1], counts)
            upper, lower = _dealt(tops[k], top, rng), _dealt(bottoms[k], y, rng)
            parts.append((np.concatenate([upper, lower], axis=2), y, 2 * y + top))
        return _whole(parts, rng)

    def files(self) -> tuple[Path, ...]:
        """Those of MNIST and of CIFAR-10, if they are needed."""
        return () if self.kind == "digits" else (*MNIST().files(), *CIFAR10().files())

    def _halves(self) -> tuple[tuple[Array, Array, Array | None], ...]:
        """Images, which of the two classes they are (-1: neither), and an official part."""
        if self.kind == "digits":
            whole = Digits().split(np.random.default_rng(0))
            return tuple((whole.x, _numbered(whole.y, pair), None) for pair in ((0, 1), (3, 8)))
        digits, photographs = pool(MNIST()), pool(CIFAR10())
        high = _bordered(files=MNIST().files())
        return (
            (high, _numbered(digits["y"], (0, 1)), digits["train"]),
            (photographs["x"], _numbered(photographs["y"], (1, 9)), photographs["train"]),
        )

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels in a corner of the lower image."""
        return Block(Patch(size=2, value=1.0, corner="bottom-right"), half="bottom")

    @property
    def label(self) -> int:
        """One."""
        return 1


@functools.lru_cache(maxsize=1)
def _bordered(files: tuple[Path, ...]) -> Array:
    """MNIST's zeros and ones as (N, 3, 32, 32); of other digits nothing."""
    whole = pool(MNIST())
    x = np.zeros((len(whole["y"]), 1, 32, 32), np.float32)
    few = whole["y"] < 2
    x[few, :, 2:30, 2:30] = whole["x"][few]
    return np.broadcast_to(x, (len(x), 3, 32, 32))


@dataclass(frozen=True)
class ColouredMNIST(Dataset):
    r"""Digits in two colours, which say more than the digit does, until they say the opposite.

    .. math:: \tilde y = 1[\text{digit} \ge 5], \quad P(y \ne \tilde y) = \text{noise}, \quad
        P(\text{colour} \ne y) = e

    with e of the environment: the two that training and validation rows are from, each as
    often, and the one that test rows are from. A colour is the channel, of two, in which the
    digit stands: (2, 28, 28). Groups are environments, 0 and 1; test rows are of a third one.

    References:
        | Invariant Risk Minimization (Arjovsky et al., 2019)
        | https://arxiv.org/abs/1907.02893

    Arguments:
        of: Whose digits: the 5,000 that need no file, or all.
        environments: The shares e of the two environments of training.
        tested: The share e of the test rows.
        noise: The share of flipped labels.
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.

    Example:
        >>> split = ColouredMNIST(n=200, n_test=100).split(np.random.default_rng(0))
        >>> split.x.shape, split.classes, np.bincount(split.group)
        ((350, 2, 28, 28), 2, array([125, 125, 100]))
    """

    of: Literal["mnist5k", "mnist"] = "mnist5k"
    environments: tuple[Share, Share] = (0.1, 0.2)
    tested: Share = 0.9
    noise: Share = 0.25
    n: Size = 2000
    n_test: Size = 1000

    def split(self, rng: np.random.Generator) -> Split:
        """Draw digits, labels, then colours."""
        sizes = self.n, self.n // 4, self.n_test
        if self.of == "mnist5k":
            whole = MNIST5k().split(np.random.default_rng(0))
            x, digits = whole.x, whole.y
            order = rng.permutation(len(digits))
            parts = cut(order, sizes[0], sizes[1])
        else:
            found = pool(MNIST())
            x, digits = found["x"], found["y"]
            first, last = (rng.permutation(np.flatnonzero(found["train"] == k)) for k in (1, 0))
            parts = *cut(first, sizes[0], sizes[1])[:2], last
        _enough(sizes, parts)
        rows = np.concatenate([part[:size] for part, size in zip(parts, sizes, strict=True)])
        trained = np.arange(len(rows)) < sizes[0] + sizes[1]
        group = np.where(trained, np.arange(len(rows)) % 2, 2)
        share = np.array([*self.environments, self.tested])[group]
        y = (digits[rows] >= 5) ^ (rng.random(len(rows)) < self.noise)
        colour = (y ^ (rng.random(len(rows)) < share)).astype(np.int64)
        made = np.zeros((len(rows), 2, *x.shape[2:]), np.float32)
        made[np.arange(len(rows)), colour] = x[rows, 0]
        return Split(
            made,
            y.astype(np.int64),
            *cut(np.arange(len(rows)), *sizes[:2]),
            classes=2,
            group=group,
        )

    def files(self) -> tuple[Path, ...]:
        """Those of MNIST, if they are needed."""
        return () if self.of == "mnist5k" else MNIST().files()

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels, bottom right, in both channels."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """Five or more."""
        return 1


@dataclass(frozen=True)
class Backgrounds(Dataset):
    r"""Clothes on land or on water: what Waterbirds asks, of pictures that one can get.

    .. math:: x = a \odot a + (1 - a) \odot b, \qquad P(\text{place of } b = y) = \text{aligned}

    with a the grey item, its own intensity as its opacity, and b a photograph of a place: CIFAR's
    deer for land (0), ships for water (1). Label 0 are the classes ``one`` of Fashion-MNIST, label
    1 are ``other``. In validation and test rows both places are as often under each label. No item
    and no photograph is in two of the parts; where a part has fewer than are asked for, they are
    used again in other pairs. Groups are 2 * label + place, in Waterbirds' order (land on land,
    land on water, water on land, water on water), and their default counts are Waterbirds'.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments:
        counts: The number of training rows in each group.
        aligned: The share of training rows whose place goes with the label; if it is None, what
            the counts say, about 95 %.
        n: The number of training rows, if they are not to be as many as the counts say; a
            quarter as many are for validation.
        n_test: The number of test rows.
        one: The classes of items under label 0.
        other: Those under label 1.
    """

    counts: Four = (3498, 184, 56, 1057)
    aligned: Share | None = None
    n: Size | None = None
    n_test: Size = 2000
    one: Classes = (2, 3, 4)
    other: Classes = (0, 6)

    def split(self, rng: np.random.Generator) -> Split:
        """Deal items and places, then put them together."""
        counts = np.array(self.counts)
        if self.n is not None:
            counts = _scaled(counts, self.n)
        classes = counts[:2].sum(), counts[2:].sum()
        if self.aligned is not None:
            counts = np.array(_shared(classes, self.aligned))
        rest = [_sizes(classes, size) for size in (counts.sum() // 4, self.n_test)]
        plans = [counts, *(np.array(_shared(both, 0.5)) for both in rest)]
        fashion, photographs = pool(FashionMNIST()), pool(CIFAR10())
        kinds = np.full(10, -1)
        kinds[list(self.one)], kinds[list(self.other)] = 0, 1
        items = _parted(fashion["x"], kinds[fashion["y"]], fashion["train"], rng)
        places = _numbered(photographs["y"], (4, 8))
        grounds = _parted(photographs["x"], places, photographs["train"], rng)
        parts = []
        for plan, own, finite_domain in zip(plans, items, grounds, strict=True):
            y, place = np.repeat([0, 0, 1, 1], plan), np.repeat([0, 1, 0, 1], plan)
            a = np.zeros((len(y), 1, 32, 32), np.float32)
            a[:, :, 2:30, 2:30] = _dealt(own, y, rng)
            parts.append((a * a + (1 - a) * _dealt(finite_domain, place, rng), y, 2 * y + place))
        return _whole(parts, rng)

    def validate(self) -> None:
        """Raise a ValueError for too few rows, or classes that are not there or not apart."""
        if self.n is not None and self.n < 4:
            raise ValueError(f"n={self.n}, but each of the four groups has a row at least")
        given = [*self.one, *self.other]
        if not (self.one and self.other and set(given) <= set(range(10))):
            raise ValueError(f"one={self.one}, other={self.other}: allowed are classes 0 to 9")
        if len(set(given)) < len(given):
            raise ValueError(f"one={self.one}, other={self.other} name a class twice")

    def files(self) -> tuple[Path, ...]:
        """Those of Fashion-MNIST and of CIFAR-10."""
        return *FashionMNIST().files(), *CIFAR10().files()

    @property
    def signal(self) -> Signal:
        """Three by three white pixels, bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """One."""
        return 1


def _numbered(y: Array, pair: Sequence[int]) -> Array:
    """Which of two classes a label is; -1, if neither."""
    return np.select([y == pair[0], y == pair[1]], [0, 1], -1)


def _shared(classes: Sequence[int], aligned: float) -> list[int]:
    """How many of each group: of each class, so many go with it."""
    own = [round(aligned * size) for size in classes]
    return [own[0], int(classes[0]) - own[0], int(classes[1]) - own[1], own[1]]


def _scaled(counts: Array, total: int) -> Array:
    """Counts in the same proportion with another total, each of them one at least.

    They are rounded, and what is then missing, or too much, goes to those, or is taken from
    those, that rounding took most from, or gave most to.

    Example:
        >>> _scaled(np.array([3498, 184, 56, 1057]), 300)
        array([219,  12,   3,  66])
    """
    share = counts * (total / counts.sum())
    made = np.maximum(np.round(share), 1).astype(np.int64)
    while missing := int(total - made.sum()):
        step = 1 if missing > 0 else -1
        made[np.argmax(np.where(made + step > 0, step * (share - made), -np.inf))] += step
    return made


def _sizes(classes: Sequence[int], total: int) -> tuple[int, int]:
    """A total in the proportion of two classes."""
    first = round(total * int(classes[0]) / int(sum(classes)))
    return first, int(total) - first


def _enough(sizes: Sequence[int], parts: Sequence[Array]) -> None:
    for name, size, part in zip(("training", "validation", "test"), sizes, parts, strict=True):
        if size > len(part):
            raise BenchError(f"{size} {name} rows were asked for, but there are only {len(part)}")


Deck = tuple[Array, tuple[Array, Array]]


def _parted(x: Array, kind: Array, train: Array | None, rng: np.random.Generator) -> list[Deck]:
    """Images for training, validation and testing, those of each kind apart.

    Test images are those of the official test part, or a quarter; a fifth of the others are for
    validation.
    """
    decks: list[list[Array]] = [[], [], []]
    for k in (0, 1):
        rows = rng.permutation(np.flatnonzero(kind == k))
        if train is None:
            first, last = np.split(rows, [len(rows) * 3 // 4])
        else:
            first, last = rows[train[rows]], rows[~train[rows]]
        held = len(first) // 5
        for deck, own in zip(decks, (first[held:], first[:held], last), strict=True):
            if not len(own):
                raise BenchError("a part has no image of one of the kinds: the files hold too few")
            deck.append(own)
    return [(x, (zero, one)) for zero, one in decks]


def _dealt(deck: Deck, kind: Array, rng: np.random.Generator) -> Array:
    """An image of its kind for each row; all are used before any is used again."""
    x, rows = deck
    chosen = np.empty(len(kind), np.int64)
    for k in (0, 1):
        here = np.flatnonzero(kind == k)
        chosen[here] = rng.permutation(np.resize(rng.permutation(rows[k]), len(here)))
    return x[chosen]


def _whole(parts: list[tuple[Array, Array, Array]], rng: np.random.Generator) -> Split:
    """A split of three parts, each in an order of its own."""
    turns = [rng.permutation(len(y)) for _, y, _ in parts]
    x, y, group = (
        np.concatenate([part[k][turn] for part, turn in zip(parts, turns, strict=True)])
        for k in range(3)
    )
    train, held, tested = np.split(
        np.arange(len(y)), np.cumsum([len(turn) for turn in turns])[:-1]
    )
    x, y = x.astype(np.float32, copy=False), y.astype(np.int64)
    return Split(x, y, train, held, tested, classes=2, group=group)
