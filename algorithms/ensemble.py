"""Average of several trainings of one learner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.erm import ERM


def offspring(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Return independent generators that depend on the state of one generator alone."""
    return np.random.default_rng(rng.integers(2**63, size=2)).spawn(count)


def averaged(members: Sequence[Fitted], classes: int) -> Fitted:
    """Return the mean of the members' probabilities, or their majority if a member has none."""
    soft_members = [m.predict_proba for m in members if m.predict_proba is not None]
    weights = [m.weights for m in members if m.weights is not None]

    def predict_proba(x: Array) -> Array:
        return np.mean([p(x) for p in soft_members], axis=0)

    def votes(x: Array) -> Array:
        return np.sum([np.eye(classes)[m.predict(x)] for m in members], axis=0)

    soft = len(soft_members) == len(members)

    def predict(x: Array) -> Array:
        return (predict_proba if soft else votes)(x).argmax(1)

    common = set.intersection(*(set(m.report) for m in members))
    return Fitted(
        predict,
        predict_proba if soft else None,
        np.mean(weights, axis=0) if len(weights) == len(members) else None,
        {name: float(np.mean([m.report[name] for m in members])) for name in sorted(common)},
    )


@dataclass(frozen=True)
class Ensemble(Learner):
    r"""Ensemble: the average of members that differ in their randomness alone.

    .. math:: p(y \mid x) = \frac1M \sum_{m=1}^M p_{\theta_m}(y \mid x)

    If the members have no probabilities, their majority decides. The report has the mean of each
    number that all members report.

    A success that depends on the randomness of a single training is averaged out: the success
    curve of a collective gets steeper, and its critical mass is that of the typical member.

    References:
        | Simple and Scalable Predictive Uncertainty Estimation using Deep Ensembles (Lakshminarayanan et al., 2017)
        | https://arxiv.org/abs/1612.01474

    Arguments:
        base: The learner.
        members: The number of trainings.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(100, 2)).astype(np.float32)
        >>> fitted = Ensemble(ERM(epochs=5), members=2).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> fitted.predict_proba(x).shape
        (100, 2)
    """  # noqa: E501 (a title)

    base: Learner = ERM()  # noqa: RUF009 (frozen)
    members: Annotated[int, Ge(1)] = 5

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train all members for all samples at once. An ensemble fails if a member fails."""
        fitted = self.base.fit_many(
            [sample for sample in samples for _ in range(self.members)],
            [child for rng in rngs for child in offspring(rng, self.members)],
        )
        results: list[Fitted | Exception] = []
        for i, sample in enumerate(samples):
            members = fitted[i * self.members : (i + 1) * self.members]
            errors = [m for m in members if isinstance(m, Exception)]
            trained = [m for m in members if not isinstance(m, Exception)]
            results.append(errors[0] if errors else averaged(trained, sample.classes))
        return results
