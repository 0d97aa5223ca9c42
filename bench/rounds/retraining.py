"""Update rules that train from scratch: on the round's people, or on all people so far."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.erm import ERM
from bench.rounds.base import UpdateRule


@dataclass(frozen=True)
class RoundAlone(UpdateRule):
    """Training from scratch on the people of the round alone.

    The firm forgets a collective in the first round in which it does not act.

    Arguments:
        learner: The learning algorithm.

    Example:
        >>> from algorithms.knn import KNN
        >>> sample = TrainingSet(np.array([[-1.0], [1.0]]), np.array([0, 1]))
        >>> state, fitted = RoundAlone(KNN(1)).update(None, sample, np.random.default_rng(0))
        >>> state, fitted.predict(np.array([[0.5]])).tolist()
        (None, [1])
    """

    learner: Learner = ERM()  # noqa: RUF009 (frozen)

    def update(
        self, state: Any, sample: TrainingSet, rng: np.random.Generator
    ) -> tuple[None, Fitted]:
        """Train on the round's sample."""
        return None, self.learner.fit(sample, rng)


@dataclass(frozen=True)
class AllRounds(UpdateRule):
    """Training from scratch on the people of all rounds so far.

    A collective that acts in some rounds is a smaller share of all people. Its rows stay when
    it stops, and their share fades as further rounds are added.

    Arguments:
        learner: The learning algorithm.

    Example:
        >>> from algorithms.knn import KNN
        >>> rule, rng = AllRounds(KNN(1)), np.random.default_rng(0)
        >>> one = TrainingSet(np.array([[-1.0], [1.0]]), np.array([0, 1]))
        >>> two = TrainingSet(np.array([[-0.5], [3.0]]), np.array([1, 0]))
        >>> state, fitted = rule.update(None, one, rng)
        >>> state, fitted = rule.update(state, two, rng)
        >>> len(state), fitted.predict(np.array([[1.1], [2.9]])).tolist()
        (4, [1, 0])
    """

    learner: Learner = ERM()  # noqa: RUF009 (frozen)

    def update(
        self, state: TrainingSet | None, sample: TrainingSet, rng: np.random.Generator
    ) -> tuple[TrainingSet, Fitted]:
        """Train on the samples of all rounds."""
        everybody = sample if state is None else joined(state, sample)
        return everybody, self.learner.fit(everybody.copy(), rng)


def joined(one: TrainingSet, two: TrainingSet) -> TrainingSet:
    """Return the samples of two rounds as one, with the validation data of both.

    The law of the mixture is not known, and left out.
    """
    validation = None
    if one.validation is not None and two.validation is not None:
        validation = joined(one.validation, two.validation)
    grouped = one.group is not one.y or two.group is not two.y
    both = TrainingSet(
        np.concatenate([one.x, two.x]),
        np.concatenate([one.y, two.y]),
        np.concatenate([one.group, two.group]) if grouped else None,
        max(one.classes, two.classes),
        validation,
    )
    both.groups = max(one.groups, two.groups)
    return both
