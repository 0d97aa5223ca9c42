"""A network that is updated as data arrive, in place of a training from scratch."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Interval
from torch import Tensor

from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples, Trained
from algorithms.engine.loop import initial


@dataclass(frozen=True)
class WarmStarted(GradientLearner):
    r"""Warm-started training: the firm updates its model when new people have joined.

    The network is first trained on an earlier sample, a random share of the rows. Its parameters
    :math:`\theta` are then shrunk and perturbed,

    .. math:: \theta' = \lambda \theta + \epsilon \theta_0

    with :math:`\theta_0` a fresh draw of initial parameters, and training goes on with all rows
    for a few epochs. :math:`\lambda = 1, \epsilon = 0` goes on from the trained parameters
    themselves, :math:`\lambda = 0, \epsilon = 1` trains from scratch. The optimiser's memory is
    not kept. Reported weights are the numbers of epochs in which a row was used, the longest one
    being one.

    Members are as frequent in the earlier sample as in the whole one. Those of the earlier
    sample shape the network while it learns; those that join later meet a network that fits the
    others already, and only the few epochs of the update.

    References:
        | On Warm-Starting Neural Network Training (Ash and Adams, 2020)
        | https://arxiv.org/abs/1910.08475

    Arguments (and those of :class:`GradientLearner`):
        epochs: The largest number of passes over the earlier sample.
        earlier: The share of the rows in the earlier sample.
        update: The largest number of passes over all rows after it.
        shrink: The factor :math:`\lambda` of the trained parameters.
        perturb: The factor :math:`\epsilon` of the fresh parameters.

    Example:
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.linspace(-1, 1, 40)[:, None], np.repeat([0, 1], 20))
        >>> fitted = WarmStarted(epochs=20, update=5).fit(sample, np.random.default_rng(0))
        >>> np.unique(fitted.weights.round(2), return_counts=True)
        (array([0.2, 1. ], dtype=float32), array([20, 20]))
        >>> fitted.predict(np.array([[-1.0], [1.0]]))
        array([0, 1])
    """

    space: ClassVar = GradientLearner.space | {"earlier": [0.25, 0.5, 0.75], "shrink": [0.4, 1.0]}

    earlier: Annotated[float, Interval(gt=0, lt=1)] = 0.5
    update: Annotated[int, Ge(1)] = 5
    shrink: Annotated[float, Interval(ge=0, le=1)] = 1.0
    perturb: Annotated[float, Ge(0)] = 0.0

    def stacking_key(self) -> Hashable:
        """Return a key with ``earlier``: the earlier samples of stacked replicas are equal."""
        return super().stacking_key(), self.earlier

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks: both trainings minimise the empirical risk."""
        return Hooks()

    def replicas(
        self, samples: Samples, rngs: Sequence[np.random.Generator], hyperparams: Hyperparams
    ) -> list[Outcome]:
        """Train on the earlier sample, and go on with all rows."""
        n = len(samples[0])
        count = max(1, round(self.earlier * n))
        chosen = [np.sort(rng.permutation(n)[:count]) for rng in rngs]
        parts = [sample.take(rows) for sample, rows in zip(samples, chosen, strict=True)]
        outcomes = self.descend(parts, rngs, hyperparams, trace=False)
        alive = [r for r, outcome in enumerate(outcomes) if isinstance(outcome, Trained)]
        if not alive:
            return outcomes
        rngs, parts = [rngs[r] for r in alive], [samples[r] for r in alive]
        table = {name: [values[r] for r in alive] for name, values in hyperparams.items()}
        firsts = [outcome for outcome in outcomes if isinstance(outcome, Trained)]
        start = self.starting_point(firsts, parts, rngs, table)
        updated = self.descend(parts, rngs, table, epochs=self.update, start=start)
        for r, first, second in zip(alive, firsts, updated, strict=True):
            if isinstance(second, Trained):
                weights = np.full(n, self.passes(second, n), dtype=np.float32)
                weights[chosen[r]] += self.passes(first, count)
                second = replace(second, weights=weights / weights.max())
            outcomes[r] = second
        return outcomes

    def passes(self, trained: Trained, n: int) -> float:
        """Return the number of epochs of a training on n rows."""
        return len(trained.losses) / -(-n // self.batch_size)

    def starting_point(
        self,
        trained: Sequence[Trained],
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Tensor]:
        """Return the parameters from which the update starts, each (R, ...).

        Arguments:
            trained: The R networks.
            samples: The training set of each of them.
            rngs: A generator for each of them.
            hyperparams: Their numeric fields by name.
        """
        learnt = [torch.cat(ps) for ps in zip(*(t.parameters for t in trained), strict=True)]
        shape, classes = samples[0].rows.pool.shape[1:], samples[0].classes
        fresh = initial(self.network, shape, classes, rngs)
        start = []
        for p, q in zip(learnt, fresh, strict=True):
            shrink, perturb = (
                torch.tensor(hyperparams[name], device=p.device, dtype=torch.float64).view(
                    -1, *[1] * (p.ndim - 1)
                )
                for name in ("shrink", "perturb")
            )
            start.append(shrink * p + perturb * q.to(p.device))
        return start
