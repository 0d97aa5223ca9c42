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
    Dequantiser,
    bayes_classifier,
    distance_to_law,
    log_priors,
    pool_samples,
    spawn_generators,
)
from algorithms.density.gaussian_mixture import GaussianMixture

#: A class with fewer points than this gets no density, and is never predicted.
MIN_POINTS = 4


@dataclass(frozen=True)
class Generative(Learner):
    r"""Generative classifier: a density for each class, and Bayes' rule.

    .. math:: f(x) = \arg\max_y \log \hat P(y) + \log \hat p(x \mid y)

    It is exactly optimal for the joint density that it learnt. Where the true law is known, the
    report has the distance between the two: ``epsilon`` is their total variation, ``kl`` their
    divergence, and ``pinsker`` the bound on ``epsilon`` that follows from ``kl``. All three are
    estimated on samples of the learnt densities, so that ``kl`` lacks mass that these miss.

    An error in the normalisation of one class shifts all of its scores. The report's
    ``doubtful`` is the share of training points whose label two standard errors could change;
    more than 5 % of them raise a warning. A collective succeeds where its members' points are: a
    density that resolves these points follows them, and one that smooths over them does not.

    References:
        | On Discriminative vs. Generative Classifiers: A Comparison of Logistic Regression and
          Naive Bayes (Ng and Jordan, 2001)
        | https://proceedings.neurips.cc/paper/2001/hash/7b7a53e239400a13bd6be6c91c4f6c4e-Abstract.html

    Arguments:
        model: The density model; the densities of all classes and samples are trained together.
        blur: The standard deviation of the normal noise in columns of few values, as a share of
            the smallest gap between two of them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = Generative().fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """

    experimental: ClassVar[str | None] = (
        "less accurate than ERM on Compas, where densities of mixed features are hard to fit"
    )

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
        """Learn the joint densities of points and labels that the classifiers are optimal for."""
        splits = [
            _ClassSplit(sample, rng, self.blur) for sample, rng in zip(samples, rngs, strict=True)
        ]
        densities = iter(
            self.model.fit_many(
                [x for split in splits for x in split.points],
                [rng for split in splits for rng in split.rngs],
            )
        )
        results: list[Joint | Exception] = []
        for split in splits:
            outcomes = [next(densities) for _ in split.points]
            error = next((d for d in outcomes if isinstance(d, Exception)), None)
            results.append(error or Joint(split, [d for d in outcomes if isinstance(d, Density)]))
        return results


class _ClassSplit:
    """A sample's points by class, with noise in columns of few values."""

    def __init__(self, sample: TrainingSet, rng: np.random.Generator, blur: float) -> None:
        self.sample, self.rng = sample, rng
        flat = sample.flat.astype(np.float64)
        self.dequantiser = Dequantiser(flat, blur)
        noisy = self.dequantiser.add_noise(flat, rng)
        self.log_priors = log_priors(sample.y, sample.classes)
        counts = np.bincount(sample.y, minlength=sample.classes)
        self.labels = np.flatnonzero(counts >= min(MIN_POINTS, counts.max()))
        self.points = [noisy[sample.y == label] for label in self.labels]
        self.rngs = spawn_generators(rng, len(self.labels))


class Joint:
    """The joint density of points and labels: a density for each class, and the priors.

    Arguments:
        split: The training sample by class.
        densities: The density of each class.
    """

    def __init__(self, split: _ClassSplit, densities: list[Density]) -> None:
        self._split, self._densities = split, densities

    def log_joint(self, x: Array) -> Array:
        """Return the log-density of points (n, d) with each of K labels, (n, K)."""
        split = self._split
        scores = np.full((len(x), split.sample.classes), -np.inf)
        for label, density in zip(split.labels, self._densities, strict=True):
            scores[:, label] = split.log_priors[label] + density.log_prob(x)
        return scores

    def partitions(self) -> list[Partition]:
        """Return the estimates of those partition functions that are not exact."""
        estimates = [d.log_partition() for d in self._densities]
        return [z for z in estimates if z]

    def classifier(self) -> Fitted:
        """Return the classifier that is optimal for this density."""
        split, densities = self._split, self._densities
        sample, report = split.sample, {}
        log_z_errors = np.zeros(sample.classes)
        for label, density in zip(split.labels, densities, strict=True):
            z = density.log_partition()
            log_z_errors[label] = z.error if z else 0.0
        estimates = self.partitions()
        if estimates:
            report = {
                "log_z_error": max(z.error for z in estimates),
                "effective": min(z.effective for z in estimates),
                "alarms": float(sum(len(z.alarms()) for z in estimates)),
            }
        if sample.law is not None:
            samples = [d.sample(DRAWS, rng) for d, rng in zip(densities, split.rngs, strict=True)]
            priors = np.exp(split.log_priors[split.labels])
            draws = pool_samples(samples, priors, DRAWS, split.rng)
            report |= distance_to_law(sample, split.dequantiser, self.log_joint, draws)
        return bayes_classifier(self.log_joint, split.dequantiser, log_z_errors, sample, report)
