"""Environments inferred from a reference model's mistakes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from scipy.special import xlogy

from algorithms.base import Array, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Rule, Samples, Trained
from algorithms.engine.environments import annealing, even_sampling
from algorithms.engine.inference import probabilities
from algorithms.irm import invariant_risk


def second_environment(p: Array, y: Array) -> Array:
    r"""Return the samples whose loss decreases with the scale of their logits.

    These are the samples with :math:`\sum_k p_k z_k > z_y`, where :math:`z = \log p` up to a
    constant.

    Arguments:
        p: Probabilities, (n, K).
        y: Labels, (n,).

    Returns:
        A mask, (n,).

    Example:
        >>> second_environment(np.array([[0.9, 0.1], [0.9, 0.1]]), np.array([0, 1]))
        array([False,  True])
    """
    p_label = np.maximum(p[np.arange(len(y)), y].astype(float), np.finfo(float).tiny)
    return xlogy(p, p).sum(1, dtype=float) > np.log(p_label)


@dataclass(frozen=True)
class EIIL(GradientLearner):
    r"""Environment inference for invariant learning (EIIL).

    A reference model is trained for a few epochs. The two environments are those for which it
    violates invariance the most: the maximiser over splits q of

    .. math:: \sum_{e=1}^2 \Big( \frac1n \sum_i q_i(e)\, g_i \Big)^2, \qquad
        g_i = \frac{d}{ds} \ell(s z_i, y_i) \Big|_{s=1} = \sum_k p_{ik} z_{ik} - z_{i y_i}

    This is convex in q, so its maximum is at :math:`q_i = [g_i > 0]`, and no search is needed.
    A second model is then trained from scratch with the objective of :class:`IRM` on these
    environments. The samples of the second environment, which the reference misfits, are flagged.

    The samples that the reference fits are one environment, those that it misfits the other; so
    a large penalty, on data that it mostly fits, leads to a constant model (logits of zero). The
    signal of a collective that is in one of them alone is not invariant.

    References:
        | Environment Inference for Invariant Learning (Creager et al., 2021)
        | https://arxiv.org/abs/2010.07249

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of the second model. Their number is fixed:
            validation data from the training environments prefer a model without the penalty.
        selection: As of :class:`GradientLearner`.
        first: Passes over the training data of the reference model.
        penalty: The weight of the penalty of :class:`IRM`.
        anneal: The number of first epochs in which the weight is at most 1.

    Example:
        The sample at -1.8 has an unusual label, which the reference model misfits:

        >>> x = np.array([[-2.0], [-1.9], [-1.8], [1.9], [2.0], [2.1]])
        >>> sample = TrainingSet(x, np.array([0, 0, 1, 1, 1, 1]))
        >>> EIIL(first=5).fit(sample, np.random.default_rng(0)).flagged
        array([False, False,  True, False, False, False])
    """

    space: ClassVar = GradientLearner.space | {
        "first": [1, 2, 5],
        "penalty": [0.01, 0.1, 1.0, 10.0],
    }

    experimental: ClassVar[str | None] = (
        "where labels are noisy, the wrong labels are an environment with half of the weight"
    )

    epochs: Annotated[int, Ge(1)] = 20
    selection: Rule = "last"
    first: Annotated[int, Ge(1)] = 2
    penalty: Annotated[float, Ge(0)] = 0.1
    anneal: Annotated[int, Ge(0)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks of the second model, with the objective of :class:`IRM`."""
        return Hooks(
            objective=invariant_risk,
            before_epoch=annealing(self.anneal, most=1.0),
            sampling_weights=even_sampling(samples),
        )

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train the reference, infer the environments, and train on them."""
        options = {"epochs": self.first, "selection": None, "trace": False}
        reference = self.descend(samples, rngs, hyperparams, Hooks(), **options)
        parts = [
            s if isinstance(o, Exception) else self.split(s, o)
            for s, o in zip(samples, reference, strict=True)
        ]
        outcomes = self.retrain(reference, parts, rngs, hyperparams)
        return [
            o if isinstance(o, Exception) else replace(o, flagged=s.group == 1)
            for o, s in zip(outcomes, parts, strict=True)
        ]

    def split(self, sample: TrainingSet, reference: Trained) -> TrainingSet:
        """Return the sample with the two inferred environments as its groups."""
        p = probabilities(self.network, reference.parameters, sample.x)
        group = second_environment(p, sample.y)
        inferred = TrainingSet(
            sample.rows, sample.y, group, sample.classes, sample.validation, sample.law
        )
        inferred.groups = 2
        return inferred
