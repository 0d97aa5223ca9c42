"""The contract of data sets: a seeded split, a default signal and target, perhaps a law."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from algorithms.base import Array, Law, Learner, Words
from algorithms.runtime.paths import Absent
from bench.core.errors import BenchError
from bench.datasets.io.source import Download, Source
from collectives.signals.base import Signal

#: A number of rows; None leaves it to the data set.
Count = Annotated[int, Ge(1)] | None
#: A share of rows.
Share = Annotated[float, Interval(ge=0, le=1)]


class TraceableLaw(Law, ABC):
    """A law with known points from which the default signal takes a point's mass.

    A collective moves mass onto a point from the few points that its signal maps there. With
    these points known, the mixture of the collective and the law is exact.
    """

    @abstractmethod
    def alternatives(self, x: Array) -> Array:
        """Return all points that the default signal may map onto n points, (A, n, ...).

        The n points themselves are among them.
        """


class GatheringLaw(Law, ABC):
    """A law with a known mass that the default signal moves onto a point.

    There are too many sources to list them. The mixture with a collective is exact if each
    member either moves there or stays, and decides by its own label and independent randomness.
    """

    @abstractmethod
    def gathered(self, x: Array) -> Array:
        """Return the mass that the default signal moves onto n points, by label, (n, K)."""


@dataclass(frozen=True, eq=False)
class Part:
    """Rows of a data set.

    Arguments:
        x: Points, (m, ...).
        y: Labels, (m,).
        group: Groups, (m,), where they are known.
    """

    x: Array
    y: Array
    group: Array | None = None


@dataclass(frozen=True, eq=False)
class Split:
    """A pool of labelled points, and the rows of it for training, validation and testing.

    Arguments:
        x: All points, float32, (N, ...). Splits of all seeds share one array where they can.
        y: Their labels, int64, (N,).
        train: Rows for training, int64.
        validation: Rows for the firm's model selection, int64.
        test: Rows for evaluation; no collective changes them, int64.
        classes: The number K of labels.
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
        """Return the rows of an index."""
        group = None if self.group is None else self.group[index]
        return Part(self.x[index], self.y[index], group)


def split_rows(order: Array, train: int, validation: int) -> tuple[Array, Array, Array]:
    """Split rows in a given order: for training, for validation, and the rest for testing.

    Arguments:
        order: Rows, (N,).
        train: The number of training rows.
        validation: The number of validation rows.

    Example:
        >>> split_rows(np.arange(5), train=2, validation=1)
        (array([0, 1]), array([2]), array([3, 4]))
    """
    return order[:train], order[train : train + validation], order[train + validation :]


def draw_rows(
    train: Array, test: Array, n: int | None, n_test: int | None, rng: np.random.Generator
) -> tuple[Array, Array, Array]:
    """Draw training and validation rows from a training part, and test rows from a test part.

    Arguments:
        train: The rows of the training part.
        test: The rows of the test part.
        n: The number of training rows; a quarter as many are for validation. If None, four
            fifths of the training part are for training and the rest for validation.
        n_test: The number of test rows; all of the test part, if None.
        rng: The generator of all randomness.

    Raises:
        BenchError: If a part has fewer rows.
    """
    size, validation = train_sizes(len(train), len(test), n, n_test)
    first, second, _ = split_rows(rng.permutation(train), size, validation)
    return first, second, rng.permutation(test)[:n_test]


def train_sizes(train: int, test: int, n: int | None, n_test: int | None) -> tuple[int, int]:
    """Return the numbers of training and validation rows.

    Arguments:
        train: The number of rows of the training part.
        test: The number of rows of the test part.
        n: The requested number of training rows, or None.
        n_test: The requested number of test rows, or None.

    Raises:
        BenchError: If a part has fewer rows, or none.
    """
    most = train * 4 // 5
    size = most if n is None else n
    validation = train - size if size == most else size // 4
    tested = test if n_test is None else n_test
    for rows, needed, available in (
        (f"n={size} training and {validation} validation rows", size + validation, train),
        (f"n_test={tested} test rows", tested, test),
    ):
        if needed > available:
            raise BenchError(f"{rows} were requested, but there are only {available}")
    if not (size and tested):
        raise BenchError(f"a training part of {train} rows and a test part of {test} are too few")
    return size, validation


def halves(rows: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Shuffle rows and return three quarters as training part, one quarter as test part."""
    order = rng.permutation(rows)
    first = rows * 3 // 4
    return order[:first], order[first:]


def add_overlap(x: Array, signal: Signal, share: float) -> Array:
    """Return the points of a finite pool with a signal in a share of them.

    The rows are the same in every process, and those of a smaller share are among those of a
    larger one. The result is read-only, since many splits share it.

    Arguments:
        x: Points, (N, ...).
        signal: The signal.
        share: The share of the rows, between 0 and 1.
    """
    # The overlap is a property of the data, like their file, and not of an experiment: hence a
    # fixed seed.
    chosen = np.random.default_rng(0).permutation(len(x))[: round(share * len(x))]
    x = x.copy()
    x[chosen] = signal(x[chosen])
    x.flags.writeable = False
    return x


def check_signal(signal: Signal, x: Array) -> None:
    """Refuse a signal that a user's points can't carry.

    Arguments:
        signal: The signal.
        x: Some points, (m, ...).

    Raises:
        BenchError: If the signal raises an error for the points.
    """
    try:
        signal(x)
    except (ValueError, IndexError) as error:
        raise BenchError(f"points {x.shape[1:]} can't carry the mark: {error}") from error


class Dataset(ABC):
    """A source of data. Its fields are its settings; each has a default."""

    #: The kind of the data, such as "text"; None: no learner is made for such data alone.
    domain: ClassVar[str | None] = None
    #: The kind under which leaderboards list the data.
    family: ClassVar[str] = "other"
    #: Where OpenML has its files, if it has them.
    openml: ClassVar[Source | None] = None
    #: Where its authors have its files, if they can be downloaded as they are.
    download: ClassVar[Download | None] = None

    @abstractmethod
    def split(self, rng: np.random.Generator) -> Split:
        """Draw a split."""

    @property
    @abstractmethod
    def signal(self) -> Signal:
        """The signal of strategies that name none."""

    @property
    @abstractmethod
    def label(self) -> int:
        """The target label of strategies that name none."""

    @property
    def law(self) -> Law | None:
        """The exact law of the data, where it is known."""
        return None

    def files(self) -> tuple[Path, ...]:
        """Return the files under the data root that the data are read from, if any.

        Raises:
            Missing: If they are not there.
        """
        return ()

    def description(self) -> tuple[str, ...]:
        """Return lines that tell how a user's own files were read."""
        return ()


def has_files(component: Dataset | Learner) -> bool:
    """Return whether the files that a data set or a learner needs are there."""
    try:
        component.files()
    except Absent:
        return False
    return True
