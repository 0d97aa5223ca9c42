"""What every dataset promises: a seeded split, a default signal and target, perhaps a law."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from algorithms.base import Law, Learner, Words
from algorithms.runtime.paths import Absent
from bench.core.errors import BenchError
from bench.datasets.io.source import Source
from collectives.signals.base import Signal

Array = np.ndarray[Any, np.dtype[Any]]


class TraceableLaw(Law, ABC):
    """A law in which one can trace where the default signal takes a point's mass from.

    The mass that a collective puts on a point comes from the few points that its signal may
    have moved there: with them, its mixture with the law is exact too.
    """

    @abstractmethod
    def alternatives(self, x: Array) -> Array:
        """All points that the default signal may have moved onto each of n points, (A, n, ...).

        The n points themselves are among them.
        """


class GatheringLaw(Law, ABC):
    """A law that knows what the default signal gathers at a point, from too many to be listed.

    Its mixture with a collective is exact if members do no more than go there or stay, by their
    own label and by lot.
    """

    @abstractmethod
    def gathered(self, x: Array) -> Array:
        """The mass that the default signal moves onto each of n points, by label, (n, K)."""


@dataclass(frozen=True, eq=False)
class Part:
    """Points x (m, ...), labels y (m,) and, where known, groups (m,)."""

    x: Array
    y: Array
    group: Array | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """A pool of labelled points, and which rows of it are for what.

    Arguments:
        x: All points, float32, (N, ...): one array that splits of all seeds share, if they can.
        y: Their labels, int64, (N,).
        train: Rows for training, int64.
        validation: Rows for the firm's selection, int64.
        test: Rows that nobody touches, int64.
        classes: The number of labels.
        group: The group of each row, int64, (N,), where the data have groups.
        words: Where points are texts, rows of token numbers: the word of each number.
    """

    x: Array
    y: Array
    train: Array
    validation: Array
    test: Array
    classes: int
    group: Array | None = None
    words: Words | None = None

    def part(self, index: Array) -> Part:
        """The given rows, gathered."""
        group = None if self.group is None else self.group[index]
        return Part(self.x[index], self.y[index], group)


def cut(order: Array, train: int, validation: int) -> tuple[Array, Array, Array]:
    """Rows for training, for validation, and the rest for testing, in the given order.

    Example:
        >>> cut(np.arange(5), train=2, validation=1)
        (array([0, 1]), array([2]), array([3, 4]))
    """
    return order[:train], order[train : train + validation], order[train + validation :]


def drawn(
    train: Array, test: Array, n: int | None, tested: int | None, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Some rows of a training part for training and validation, and of a test part for testing.

    Arguments:
        train: The rows of the training part.
        test: The rows of the test part.
        n: How many are for training; a quarter as many are for validation. Four fifths of the
            training part, if None.
        tested: How many are for testing; all of the test part, if None.
        rng: All the randomness.

    Raises:
        BenchError: If there are not as many.
    """
    n = len(train) * 4 // 5 if n is None else n
    held = len(train) - n if n == len(train) * 4 // 5 else n // 4
    tested = len(test) if tested is None else tested
    for what, asked, there in (
        (f"n={n} training and {held} validation rows", n + held, len(train)),
        (f"n_test={tested} test rows", tested, len(test)),
    ):
        if asked > there:
            raise BenchError(f"{what} were asked for, but there are only {there}")
    one, other, _ = cut(rng.permutation(train), n, held)
    return one, other, rng.permutation(test)[:tested]


def carrying(x: Array, signal: Signal, share: float) -> Array:
    """The points of a finite pool, a share of which carries a signal by nature.

    The rows are the same in every process, and those of a smaller share are among those of a
    larger one. The result can't be written to, since many splits look at it.

    Arguments:
        x: Points, (N, ...).
        signal: The signal.
        share: The share of the rows, between 0 and 1.
    """
    # A property of the data, like their file, and not of an experiment: hence a fixed seed.
    chosen = np.random.default_rng(0).permutation(len(x))[: round(share * len(x))]
    x = x.copy()
    x[chosen] = signal(x[chosen])
    x.flags.writeable = False
    return x


class Dataset(ABC):
    """A source of data. Its fields are its knobs; each has a default."""

    #: The kind of its data, such as "text"; None, if it is none that a learner is made for.
    domain: ClassVar[str | None] = None
    #: Where OpenML has its files, where it has them.
    openml: ClassVar[Source | None] = None

    @abstractmethod
    def split(self, rng: np.random.Generator) -> Split:
        """Draw a split."""

    @property
    @abstractmethod
    def signal(self) -> Signal:
        """The signal that is planted here if a strategy names none."""

    @property
    @abstractmethod
    def label(self) -> int:
        """The target label if a strategy names none."""

    @property
    def law(self) -> Law | None:
        """The exact law of the data, where it is known."""
        return None

    def files(self) -> tuple[Path, ...]:
        """The files under the data root that it is read from; none, if it needs none.

        Raises:
            Missing: If they are not there.
        """
        return ()


def at_hand(component: Dataset | Learner) -> bool:
    """Whether the files that a dataset or a learner needs are there."""
    try:
        component.files()
    except Absent:
        return False
    return True
