"""One energy of points and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.density.bayes_rule import (
    DRAWS,
    Dequantiser,
    bayes_classifier,
    distance_to_law,
    spawn_generators,
)
from algorithms.density.energies import SmoothMLP
from algorithms.density.energy_model import EnergyDensity
from algorithms.density.generative import Generative
from algorithms.density.led import LED
from algorithms.density.one_way_flow import OneWayFlow

#: The mixture fits the coarse structure, from which a hundred steps of the energy suffice.
QUICK = LED(
    energy=SmoothMLP((32,)),
    components=(16,),
    generator=OneWayFlow(layers=2, bumps=4, hidden=16),
    steps=100,
    batch_size=64,
    proposals=64,
    learning_rate=1e-2,
    rounds=1,
    final=2048,
    shrinkage=0.05,
)


@dataclass(frozen=True)
class LEDClassifier(Learner):
    r"""LED as a classifier: one energy with an output for each label, and one generator.

    .. math:: p(x, y) = \frac{e^{D(x)_y}}{Z}, \qquad
        Z = \mathbb E_{x \sim q} \frac{\sum_y e^{D(x)_y}}{q(x)}, \qquad
        f(x) = \arg\max_y D(x)_y

    Its log-likelihood is that of the points plus that of their labels, the negative
    cross-entropy. As in joint energy-based models, Z is the same for all labels and not needed to
    classify; LED's generator replaces sampling by Langevin dynamics. With ``joint=False`` it is
    :class:`~algorithms.density.generative.Generative`, with an energy, a generator and a Z for
    each class.

    The report has ``epsilon``, ``kl`` and ``pinsker`` as there. One network models all classes,
    so that a signal that a collective plants in one class can affect the density of another.

    References:
        | Your Classifier is Secretly an Energy Based Model and You Should Treat it Like One
          (Grathwohl et al., 2020)
        | https://arxiv.org/abs/1912.03263

    Arguments:
        model: The energy model.
        joint: Whether one energy serves all labels, or each label has its own.
        blur: The standard deviation of the normal noise in columns of few values, as a share of
            the smallest gap between two of them.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = LEDClassifier(LED(steps=5, final=64)).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> fitted.predict_proba(x).shape
        (200, 2)
    """

    experimental: ClassVar[str | None] = "less accurate than ERM on images"

    chunk: ClassVar[int] = 16

    model: LED = QUICK
    joint: bool = True
    blur: Annotated[float, Gt(0)] = 0.2

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples; those with equal numbers of classes and columns at once."""
        if not self.joint:
            return Generative(self.model, self.blur).fit_many(samples, rngs)
        results: dict[int, Fitted | Exception] = {}
        shapes: dict[tuple[int, int], list[int]] = {}
        for i, sample in enumerate(samples):
            columns = int(np.prod(sample.rows.pool.shape[1:]))
            shapes.setdefault((sample.classes, columns), []).append(i)
        for (classes, _), members in shapes.items():
            flat = [samples[i].flat for i in members]
            dequantisers = [Dequantiser(x.astype(np.float64), self.blur) for x in flat]
            densities = self.model.fit_jointly(
                [
                    d.add_noise(x, rngs[i])
                    for i, x, d in zip(members, flat, dequantisers, strict=True)
                ],
                [spawn_generators(rngs[i], 1)[0] for i in members],
                [samples[i].y for i in members],
                classes,
            )
            for i, dequantiser, density in zip(members, dequantisers, densities, strict=True):
                if isinstance(density, Exception):
                    results[i] = density
                else:
                    results[i] = _classifier(samples[i], dequantiser, density, rngs[i])
        return [results[i] for i in range(len(samples))]


def _classifier(
    sample: TrainingSet, dequantiser: Dequantiser, density: EnergyDensity, rng: np.random.Generator
) -> Fitted:
    report = {k: v for k, v in density.report.items() if k in ("log_z_error", "effective")}
    if sample.law is not None:
        draws = density.sample(DRAWS, rng)
        report |= distance_to_law(sample, dequantiser, density.log_joint, draws)
    # All labels share one Z, so that its error changes no decision.
    no_errors = np.zeros(sample.classes)
    return bayes_classifier(density.log_joint, dequantiser, no_errors, sample, report)
