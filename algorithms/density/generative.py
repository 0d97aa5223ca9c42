"""Bayes' rule with a learnt density for each class."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.bayes_rule import (
    DRAWS,
    Levels,
    children,
    classifier,
    log_shares,
    measured,
    pooled_draws,
)
from algorithms.density.gaussian_mixture import GaussianMixture

#: A label with fewer points than this is left to the others: it has no density to speak of.
FEW = 4


@dataclass(frozen=True)
class Generative(Learner):
    r"""Generative classifier: a density for each class, and Bayes' rule.

    .. math:: f(x) = \arg\max_y \log \hat P(y) + \log \hat p(x \mid y)

    It is exactly optimal for the law it learnt. Where the true law is known, its report says how
    far that is: ``epsilon`` is the total-variation distance of the two joint laws, ``pinsker``
    the bound on it by the divergence ``kl``. All three are estimated on points that the learnt
    densities make, so mass that they miss is missing in ``kl`` too.

    An error in the normalisation of one class shifts all of its scores: ``doubtful`` is the share
    of training points whose label two standard errors could change, and more than 5 % of them
    is a warning. A collective is heard where it plants: a density that resolves its points
    follows them; one that smooths them away does not.

    References:
        | On Discriminative vs. Generative Classifiers: A Comparison of Logistic Regression and
          Naive Bayes (Ng and Jordan, 2001)
        | https://proceedings.neurips.cc/paper/2001/hash/7b7a53e239400a13bd6be6c91c4f6c4e-Abstract.html

    Arguments:
        model: How each density is learnt; those of all classes, and of all samples, together.
        blur: Columns that take few values are blurred by normal noise of this share of the
            smallest gap between two of them.
    """

    chunk: ClassVar[int] = 16

    model: DensityModel = GaussianMixture(components=(4, 8, 16))  # noqa: RUF009 (frozen)
    blur: Annotated[float, Gt(0)] = 0.2

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples, the densities of all classes at once."""
        results: list[Fitted | Exception] = []
        for joint in self.learn(samples, rngs):
            try:
                results.append(joint if isinstance(joint, Exception) else joint.classifier())
            except Exception as error:
                results.append(error)
        return results

    def learn(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> "list[Joint | Exception]":
        """The joint densities of points and labels, that the classifiers follow."""
        prepared = [_Classes(s, rng, self.blur) for s, rng in zip(samples, rngs, strict=True)]
        densities = self.model.fit_many(
            [x for p in prepared for x in p.points], [r for p in prepared for r in p.rngs]
        )
        results: list[Joint | Exception] = []
        for p in prepared:
            own, densities = densities[: len(p.points)], densities[len(p.points) :]
            failed = next((d for d in own if isinstance(d, Exception)), None)
            results.append(failed or Joint(p, [d for d in own if isinstance(d, Density)]))
        return results


class _Classes:
    """A sample, taken apart by its labels."""

    def __init__(self, sample: TrainingSet, rng: np.random.Generator, blur: float) -> None:
        self.sample, self.rng = sample, rng
        flat = sample.flat.astype(np.float64)
        self.levels = Levels(flat, blur)
        noisy = self.levels.noisy(flat, rng)
        self.shares = log_shares(sample.y, sample.classes)
        counts = np.bincount(sample.y, minlength=sample.classes)
        self.labels = np.flatnonzero(counts >= min(FEW, counts.max()))
        self.points = [noisy[sample.y == label] for label in self.labels]
        self.rngs = children(rng, len(self.labels))


class Joint:
    """A density for each label, and how common the labels are.

    Arguments:
        known: The sample, taken apart.
        densities: The densities of its labels.
    """

    def __init__(self, known: _Classes, densities: list[Density]) -> None:
        self._known, self._densities = known, densities

    def log_joint(self, x: Array) -> Array:
        """Log-density of points (n, d) with each of K labels, (n, K)."""
        known = self._known
        scores = np.full((len(x), known.sample.classes), -np.inf)
        for label, density in zip(known.labels, self._densities, strict=True):
            scores[:, label] = known.shares[label] + density.log_prob(x)
        return scores

    def partitions(self) -> list[Partition]:
        """What is known of the partition functions that are not exact."""
        found = [d.log_partition() for d in self._densities]
        return [z for z in found if z]

    def classifier(self) -> Fitted:
        """Bayes' rule with these densities."""
        known, densities = self._known, self._densities
        doubts, report = np.zeros(known.sample.classes), {}
        for label, density in zip(known.labels, densities, strict=True):
            z = density.log_partition()
            doubts[label] = z.error if z else 0.0
        zs = self.partitions()
        if zs:
            report = {
                "log_z_error": max(z.error for z in zs),
                "effective": min(z.effective for z in zs),
                "alarms": float(sum(len(z.alarms()) for z in zs)),
            }
        if known.sample.law is not None:
            draws = [d.sample(DRAWS, r) for d, r in zip(densities, known.rngs, strict=True)]
            points = pooled_draws(draws, np.exp(known.shares[known.labels]), DRAWS, known.rng)
            report |= measured(known.sample, known.levels, self.log_joint, points)
        return classifier(self.log_joint, known.levels, doubts, known.sample, report)
