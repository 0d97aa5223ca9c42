"""The contract of all learners: from a training set to a classifier."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np

from algorithms.rows import Array as Array
from algorithms.rows import Rows as Rows
from algorithms.rows import Words as Words
from algorithms.runtime.settings import restored_settings

Predict = Callable[[Array], Array]


class Law(Protocol):
    r"""A joint distribution :math:`P(x, y)` that is known exactly; only oracles may use it."""

    @property
    def support(self) -> Array | None:
        """All points (S, ...) of a finite domain; None if the domain is not finite."""

    def joint(self, x: Array) -> Array:
        """Return P(x, y) of n points for each of K labels, (n, K): masses, or densities."""


class TrainingSet:
    """A sample that a firm trains on.

    Arguments:
        x: Points, float32, (n, ...), or :class:`Rows`.
        y: Labels 0..K-1, int64, (n,).
        group: Groups 0..G-1 that the firm knows, int64, (n,); the labels, if None.
        classes: The number of labels K; the largest label plus one, if None.
        validation: Validation data, on which the firm selects models.
        law: The distribution of the sample, if it is known.

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
        """Return the samples at some positions, each of which occurs at most once."""
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

    def copy(self) -> "TrainingSet":
        """Return the same sample with labels and groups of its own, in its validation data too.

        The rows are shared: they are read-only, and :attr:`x` gathers a new array.
        """
        validation = None if self.validation is None else self.validation.copy()
        group = None if self.group is self.y else self.group.copy()
        copied = TrainingSet(self.rows, self.y.copy(), group, self.classes, validation, self.law)
        copied.groups = self.groups
        return copied

    @property
    def x(self) -> Array:
        """The points, float32, (n, ...). Each access gathers them again: store the result."""
        return self.rows.array()

    @property
    def flat(self) -> Array:
        """The points as vectors, float32, (n, d)."""
        return self.x.reshape(len(self), -1)


@dataclass(frozen=True, eq=False)
class Classifier:
    """A trained classifier. A call with points (m, ...) returns labels (m,).

    Arguments:
        predict: A function from points (m, ...) to labels (m,).
        predict_proba: A function from points (m, ...) to probabilities (m, K), if there is one.

    Example:
        >>> classifier = Classifier(lambda x: (x[:, 0] > 0).astype(int))
        >>> classifier(np.array([[-1.0], [2.0]])).tolist()
        [0, 1]
    """

    predict: Predict
    predict_proba: Predict | None = None

    def __call__(self, x: Array) -> Array:
        """Return the labels of points."""
        return self.predict(x)


@dataclass(frozen=True, eq=False)
class Epoch(Classifier):
    """A classifier after one epoch of its training.

    Arguments (and those of :class:`Classifier`):
        weights: The weight of each sample in the epoch, (n,), if the learner re-weights.
        metrics: Metrics on the validation data, by name.
    """

    weights: Array | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Fitted(Classifier):
    """A classifier with a report of its training. ``Fitted(predict)`` is a complete one.

    Arguments (and those of :class:`Classifier`):
        weights: The weight of each sample, averaged over training, (n,), if the learner
            re-weights. Their scale does not matter.
        report: Further numbers about the training, by name.
        path: The classifier after each epoch, if the learner keeps them.
        flagged: The samples that training treated as hard or harmful, a mask (n,), if it
            treats some so.
        log_density: A function from points (m, ...) to their log-density (m,), if the learner
            estimates one; with respect to counts in columns of few values, lengths in others.
    """

    weights: Array | None = None
    report: Mapping[str, float] = field(default_factory=dict)
    path: Sequence[Epoch] = ()
    flagged: Array | None = None
    log_density: Predict | None = None


class Learner(ABC):
    """A learning algorithm. Its fields are its hyper-parameters; each has a default.

    A subclass is a frozen dataclass with one method, :meth:`fit`. All its randomness comes from
    the generator that it is passed, and it does not modify the sample.
    """

    #: The number of trainings that one call of :meth:`fit_many` should get.
    chunk: ClassVar[int] = 16
    #: The kind of data that the learner is made for, such as "text"; None: any kind.
    domain: ClassVar[str | None] = None
    #: Whether the learner needs :attr:`TrainingSet.law`.
    needs_law: ClassVar[bool] = False
    #: Whether the method is about groups or environments. Where data have none, the labels stand
    #: in for them, and results are no comparison with other learners.
    needs_groups: ClassVar[bool] = False
    #: The reason for which results at the defaults are no comparison with other learners: on some
    #: data that ERM learns, the accuracy without a collective is close to that of a constant
    #: answer. None if there is none. A method that is only less accurate than ERM has none.
    experimental: ClassVar[str | None] = None
    #: The search space in which a firm tunes the learner: fields with a list of values or a
    #: distribution ``{low, high, scale}`` each; see :mod:`bench.spec.search`.
    space: ClassVar[dict[str, Any]] = {}

    @abstractmethod
    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample.

        Arguments:
            sample: The training set. Learners leave it unchanged.
            rng: The only source of randomness.
        """

    def files(self) -> tuple[Path, ...]:
        """Return the files that the learner, and the components in its fields, read.

        Raises:
            Absent: If a file, or a library that reads one, is missing.
        """
        parts = [part for part in vars(self).values() if hasattr(part, "files")]
        return tuple(path for part in parts for path in part.files())

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples. The result of a training does not depend on the others.

        Arguments:
            samples: R training sets.
            rngs: A generator for each of them.

        Returns:
            R classifiers; the exception in place of a classifier whose training failed.
        """
        results: list[Fitted | Exception] = []
        for sample, rng in zip(samples, rngs, strict=True):
            try:
                with restored_settings():
                    results.append(self.fit(sample, rng))
            except Exception as error:
                results.append(error)
        return results

    def fit_alone(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on one sample by :meth:`fit_many`: the ``fit`` of learners that define that."""
        (result,) = self.fit_many([sample], [rng])
        if isinstance(result, Exception):
            raise result
        return result

    def stacking_key(self) -> Hashable:
        """Return a key that is equal for learners that :meth:`fit_stacked` can train together."""
        return self

    @staticmethod
    def fit_stacked(
        learners: Sequence["Learner"],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners of one :meth:`stacking_key`, each on its sample.

        Arguments:
            learners: R learners.
            samples: A training set for each of them.
            rngs: A generator for each of them.

        Returns:
            R classifiers; the exception in place of a classifier whose training failed.
        """
        return learners[0].fit_many(samples, rngs) if learners else []
