"""What every learner promises: a training set in, a classifier out."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]
Words = Mapping[int, str]


class Law(Protocol):
    r"""A joint law :math:`P(x, y)` that is known exactly (only oracles may look at it)."""

    @property
    def support(self) -> Array | None:
        """All points (S, ...) of a finite domain; None where the domain is not finite."""

    def joint(self, x: Array) -> Array:
        """P(x, y) of n points for each of K labels, (n, K): masses, or densities."""


class Rows:
    """The points of a training set: rows of a shared pool, a few of them replaced.

    Many training sets of one benchmark are subsets of one dataset in which only the
    members' rows differ. Kept like this, they share the dataset's memory.

    Arguments:
        pool: All points, float32, (N, ...).
        index: Which rows of the pool, int64, (n,). All of them, if None.
        moved: Positions among the n rows that are replaced, int64, (k,), each once.
        points: What stands there instead, float32, (k, ...).
        words: Where points are texts, rows of token numbers: the word of each number.

    Example:
        >>> rows = Rows(np.float32([[1.0], [2.0], [3.0]]), np.array([2, 0]))
        >>> rows.replace(np.array([1]), np.float32([[9.0]])).array()
        array([[3.],
               [9.]], dtype=float32)
    """

    def __init__(
        self,
        pool: Array,
        index: Array | None = None,
        moved: Array | None = None,
        points: Array | None = None,
        words: Words | None = None,
    ) -> None:
        self.pool = np.ascontiguousarray(pool, dtype=np.float32)
        self.index = np.arange(len(pool)) if index is None else index
        self.moved = np.zeros(0, dtype=np.int64) if moved is None else moved
        self.points = self.pool[:0] if points is None else points.astype(np.float32, copy=False)
        self.words = words

    def __len__(self) -> int:
        return len(self.index)

    def replace(self, moved: Array, points: Array) -> "Rows":
        """The same rows with other points at the given positions."""
        return Rows(self.pool, self.index, moved, points, self.words)

    def take(self, positions: Array) -> "Rows":
        """The rows at some positions, each at most once."""
        place = np.full(len(self), -1)
        place[positions] = np.arange(len(positions))
        here = place[self.moved] >= 0
        index, moved = self.index[positions], place[self.moved[here]]
        return Rows(self.pool, index, moved, self.points[here], self.words)

    def array(self) -> Array:
        """The points as one array (n, ...), a copy."""
        x = self.pool[self.index]
        x[self.moved] = self.points
        return x


class TrainingSet:
    """What a firm trains on.

    Arguments:
        x: Points, float32, (n, ...), or :class:`Rows`.
        y: Labels 0..K-1, int64, (n,).
        group: The groups 0..G-1 that the firm knows of, int64, (n,); the labels, if None.
        classes: The number of labels K; the largest label plus one, if None.
        validation: Data that were held out for selection.
        law: The law that the sample was drawn from, where it is known.

    Example:
        >>> sample = TrainingSet(np.zeros((4, 2)), np.array([0, 1, 2, 1]))
        >>> len(sample), sample.classes, sample.x.dtype
        (4, 3, dtype('float32'))
    """

    def __init__(
        self,
        x: Array | Rows,
        y: Array,
        group: Array | None = None,
        classes: int | None = None,
        validation: "TrainingSet | None" = None,
        law: Law | None = None,
    ) -> None:
        self.rows = x if isinstance(x, Rows) else Rows(x)
        self.y = np.asarray(y, dtype=np.int64)
        if len(self.rows) != len(self.y):
            raise ValueError(f"{len(self.rows)} points but {len(self.y)} labels")
        self.classes = int(self.y.max()) + 1 if classes is None else classes
        self.group = self.y if group is None else np.asarray(group, dtype=np.int64)
        self.groups = self.classes if group is None else int(self.group.max()) + 1
        self.validation = validation
        self.law = law

    def __len__(self) -> int:
        return len(self.y)

    def take(self, positions: Array) -> "TrainingSet":
        """The people at some positions, each at most once; all else as it is."""
        part = TrainingSet(
            self.rows.take(positions),
            self.y[positions],
            self.group[positions],
            self.classes,
            self.validation,
            self.law,
        )
        part.groups = self.groups
        return part

    @property
    def x(self) -> Array:
        """The points, float32, (n, ...). Gathered anew at each call: keep what it returns."""
        return self.rows.array()

    @property
    def flat(self) -> Array:
        """The points as vectors, float32, (n, d)."""
        return self.x.reshape(len(self), -1)


@dataclass(frozen=True, eq=False)
class Epoch:
    """A classifier on its way.

    Arguments:
        predict: From points (m, ...) to labels (m,), after this epoch.
        weights: The weight that each sample was given in it, (n,), where the learner re-weights.
        metrics: What was measured on the validation data.
        predict_proba: From points (m, ...) to probabilities (m, K), where there are some.
    """

    predict: Predict
    weights: Array | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    predict_proba: Predict | None = None


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained classifier.

    Arguments:
        predict: From points (m, ...) to labels (m,). Enough for a learner to return.
        predict_proba: From points (m, ...) to probabilities (m, K), where there are some.
        weights: The weight that training gave to each sample, averaged over training, (n,),
            where the learner re-weights. Their scale does not matter.
        report: Whatever else is worth a number: name -> value.
        path: What it was after each epoch, where that was asked for.
        suspects: The samples that training set apart as hard or harmful, a mask (n,), where it
            sets some apart.
        log_density: From points (m, ...) to their log-density (m,), where one was learnt: counts
            in columns of few values, lengths in others.
    """

    predict: Predict
    predict_proba: Predict | None = None
    weights: Array | None = None
    report: Mapping[str, float] = field(default_factory=dict)
    path: Sequence[Epoch] = ()
    suspects: Array | None = None
    log_density: Predict | None = None


class Learner(ABC):
    """A learning algorithm. Its fields are its hyper-parameters; each has a default.

    A subclass is a frozen dataclass with one method, :meth:`fit`. It takes all its
    randomness from the generator that it is given and leaves the sample alone.
    """

    #: How many trainings are worth handing to :meth:`fit_many` at once.
    chunk: ClassVar[int] = 16
    #: The kind of data that it is made for, such as "text"; None, if it is for any.
    domain: ClassVar[str | None] = None
    #: Whether it works only where the law of the data is known.
    needs_law: ClassVar[bool] = False

    @abstractmethod
    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""

    def files(self) -> tuple[Path, ...]:
        """The files that it needs beside its sample; those of the learners that it is made of.

        Raises:
            Absent: If they, or a library that reads them, are not there.
        """
        parts = [part for part in vars(self).values() if isinstance(part, Learner)]
        return tuple(path for part in parts for path in part.files())

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples; a training that fails is its error, in its place.

        Whatever is trained beside a sample may not change what is learnt from it.
        """
        results: list[Fitted | Exception] = []
        for sample, rng in zip(samples, rngs, strict=True):
            try:
                results.append(self.fit(sample, rng))
            except Exception as error:
                results.append(error)
        return results

    def fit_alone(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """The :meth:`fit` of a learner that says in :meth:`fit_many` how it trains."""
        (result,) = self.fit_many([sample], [rng])
        if isinstance(result, Exception):
            raise result
        return result

    def alike(self) -> Hashable:
        """What learners have to have in common to be trained together by :meth:`fit_alike`."""
        return self

    @staticmethod
    def fit_alike(
        learners: Sequence["Learner"],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners that are alike, each on its sample."""
        return learners[0].fit_many(samples, rngs) if learners else []
