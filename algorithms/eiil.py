"""Environments inferred from a reference model's mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge
from scipy.special import xlogy

from algorithms.base import Array, TrainingSet
from algorithms.engine.environments import annealing
from algorithms.engine.hooks import Hooks
from algorithms.engine.inference import probabilities
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.engine.loop import Trained
from algorithms.irm import invariant_risk


def unlike(p: Array, y: Array) -> Array:
    r"""Which samples (n,) want smaller logits than they have, given probabilities (n, K).

    That is :math:`\sum_k p_k z_k > z_y`, with :math:`z = \log p` up to a constant.
    """
    truth = np.maximum(p[np.arange(len(y)), y].astype(float), np.finfo(float).tiny)
    return xlogy(p, p).sum(1, dtype=float) > np.log(truth)


@dataclass(frozen=True)
class EIIL(GradientLearner):
    r"""Environment inference for invariant learning (EIIL).

    A reference model is trained for a few epochs. The two environments are those that violate
    invariance the most for it: the maximiser over splits q of

    .. math:: \sum_{e=1}^2 \Big( \frac1n \sum_i q_i(e)\, g_i \Big)^2, \qquad
        g_i = \frac{d}{ds} \ell(s z_i, y_i) \Big|_{s=1} = \sum_k p_{ik} z_{ik} - z_{i y_i}

    This is convex in q, so that it is largest at :math:`q_i = [g_i > 0]`: no search is needed.
    A second model then starts afresh and minimises the objective of :class:`IRM` on them. The
    report says which share of the people is in the second environment, of those misfitted.

    Those whom the reference fits are one environment, those whom it gets wrong the other; so a
    large penalty, on data that it mostly fits, asks to say nothing at all (logits of zero). A
    collective that ends up in one of them alone is a signal that is not invariant.

    References:
        | Environment Inference for Invariant Learning (Creager et al., 2021)
        | https://arxiv.org/abs/2010.07249

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of the second model.
        first: Passes over the training data of the reference model.
        penalty: The weight of the penalty of :class:`IRM`.
        anneal: In so many first epochs the weight is at most 1.
    """

    first: Annotated[int, Ge(1)] = 2
    penalty: Annotated[float, Ge(0)] = 0.1
    anneal: Annotated[int, Ge(0)] = 5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        reference = self.descend(
            samples, rngs, hyperparams, epochs=self.first, selection=None, trace=False
        )
        parts = [
            s if isinstance(o, Exception) else self.split(s, o)
            for s, o in zip(samples, reference, strict=True)
        ]
        hooks = Hooks(objective=invariant_risk, begin=annealing(self.anneal, most=1.0))
        outcomes = self.retrain(reference, parts, rngs, hyperparams, hooks)
        return [
            o if isinstance(o, Exception) else replace(o, suspects=s.group == 1)
            for o, s in zip(outcomes, parts, strict=True)
        ]

    def split(self, sample: TrainingSet, reference: Trained) -> TrainingSet:
        """The sample with the two inferred environments for groups."""
        second = unlike(probabilities(self.network, reference.parameters, sample.x), sample.y)
        parted = TrainingSet(
            sample.rows, sample.y, second, sample.classes, sample.validation, sample.law
        )
        parted.groups = 2
        return parted
