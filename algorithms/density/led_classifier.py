"""One energy of points and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.density.bayes_rule import DRAWS, Levels, children, classifier, measured
from algorithms.density.energies import SmoothMLP
from algorithms.density.energy_model import EnergyDensity
from algorithms.density.generative import Generative
from algorithms.density.led import LED
from algorithms.density.one_way_flow import OneWayFlow

#: A mixture finds what a hundred steps would not; from there the energy goes on.
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

    Its likelihood is that of the points plus that of their labels, the cross-entropy. As a
    joint energy-based model it needs no log Z to classify, since Z is the same for all labels;
    sampling by Langevin dynamics is replaced by LED's generator. With ``joint=False`` it is
    :class:`~algorithms.density.generative.Generative`: an energy, a generator and a Z for each
    class.

    The report has ``epsilon``, ``kl`` and ``pinsker`` as there. A joint energy sees all classes
    through one network, so what a collective plants in one class can be borrowed by another.

    References:
        | Your Classifier is Secretly an Energy Based Model and You Should Treat it Like One
          (Grathwohl et al., 2020)
        | https://arxiv.org/abs/1912.03263

    Arguments:
        model: The energy, its generator, and how they are trained.
        joint: One energy for all labels, or one for each.
        blur: Columns that take few values are blurred by normal noise of this share of the
            smallest gap between two of them.
    """

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
        """Train on many samples; those with as many classes and columns at once."""
        if not self.joint:
            return Generative(self.model, self.blur).fit_many(samples, rngs)
        results: dict[int, Fitted | Exception] = {}
        alike: dict[tuple[int, int], list[int]] = {}
        for i, sample in enumerate(samples):
            width = int(np.prod(sample.rows.pool.shape[1:]))
            alike.setdefault((sample.classes, width), []).append(i)
        for (classes, _), chosen in alike.items():
            levels = [Levels(samples[i].flat.astype(np.float64), self.blur) for i in chosen]
            outcomes = self.model.fit_jointly(
                [
                    own.noisy(samples[i].flat, rngs[i])
                    for i, own in zip(chosen, levels, strict=True)
                ],
                [children(rngs[i], 1)[0] for i in chosen],
                [samples[i].y for i in chosen],
                classes,
            )
            for i, own, outcome in zip(chosen, levels, outcomes, strict=True):
                results[i] = (
                    outcome
                    if isinstance(outcome, Exception)
                    else _rule(samples[i], own, outcome, rngs[i])
                )
        return [results[i] for i in range(len(samples))]


def _rule(
    sample: TrainingSet, levels: Levels, density: EnergyDensity, rng: np.random.Generator
) -> Fitted:
    report = {k: v for k, v in density.report.items() if k in ("log_z_error", "effective")}
    if sample.law is not None:
        report |= measured(sample, levels, density.log_joint, density.sample(DRAWS, rng))
    # Z is common to all labels: its error changes no decision.
    return classifier(density.log_joint, levels, np.zeros(sample.classes), sample, report)
