"""Retraining of the last layer on held-out rows, with more weight on uncertain labels."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Gt, Interval
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from algorithms.base import Array, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples, Trained
from algorithms.engine.inference import features


def uncertainty_weights(probability: Array, y: Array, gamma: float) -> Array:
    r"""Return the weights :math:`\mu_i` of samples, (m,), which sum to one.

    Arguments:
        probability: The probability of each sample's label, (m,).
        y: The labels, (m,).
        gamma: The strength :math:`\gamma`.

    Example:
        >>> uncertainty_weights(np.array([1.0, 1.0, 0.0]), np.array([0, 0, 0]), np.log(2)).tolist()
        [0.25, 0.25, 0.5]
        >>> uncertainty_weights(np.ones(3), np.array([0, 0, 1]), 4.0).tolist()
        [0.25, 0.25, 0.5]
    """
    weights = np.exp(-gamma * probability) / np.bincount(y)[y]
    return weights / weights.sum()


def retrained(phi: Array, y: Array, weights: Array, first: Array, penalty: float) -> Array:
    r"""Return the layer that minimises the objective of :class:`AFR`, (K, F + 1).

    Arguments:
        phi: Features, and ones in the last column, (m, F + 1).
        y: Labels, (m,).
        weights: Weights of the samples, (m,).
        first: The layer of the first stage, (K, F + 1).
        penalty: The strength :math:`\lambda` of the penalty.
    """
    rows = np.arange(len(y))

    def objective(flat: Array) -> tuple[float, Array]:
        layer = flat.reshape(first.shape)
        change, logits = layer - first, phi @ layer.T
        value = -weights @ log_softmax(logits, 1)[rows, y] + penalty * (change**2).sum()
        residual = softmax(logits, 1)
        residual[rows, y] -= 1
        gradient = (weights[:, None] * residual).T @ phi + 2 * penalty * change
        return float(value), gradient.ravel()

    result = minimize(
        objective,
        first.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 1000, "gtol": 1e-7, "ftol": 1e-13},
    )
    return result.x.reshape(first.shape)


@dataclass(frozen=True)
class AFR(GradientLearner):
    r"""Automatic feature reweighting (AFR).

    A network is trained as by :class:`ERM` on a part of the training data. Its features
    :math:`\phi` are then frozen, and its last layer is retrained on the other part V, where
    samples have the more weight, the less probable the network finds their label:

    .. math:: \min_W \sum_{i \in V} \mu_i \, \ell(W \phi(x_i), y_i)
        + \lambda \lVert W - \hat W \rVert_2^2, \qquad
        \mu_i \propto \frac{e^{-\gamma \hat p(y_i \mid x_i)}}{n_{y_i}}

    with :math:`\hat W` the last layer of the first stage, biases included, and :math:`n_k` the
    number of samples of label k in V. It needs no groups.

    A sample of V has the weight :math:`|V| \mu_i` in the stage that it takes part in, and a sample
    of the first part has weight one: these weights are reported.

    A collective that the first stage does not follow yet is amplified in the last layer, by at
    most :math:`e^\gamma`; so are samples with wrong labels, of which there may be many more.

    References:
        | Simple and Fast Group Robustness by Automatic Feature Reweighting (Qiu et al., 2023)
        | https://arxiv.org/abs/2306.11074

    Arguments (and those of :class:`GradientLearner`):
        gamma: The strength :math:`\gamma` of the weights; at 0 only the sizes of classes matter.
        penalty: The strength :math:`\lambda` of the penalty.
        holdout: The share of the training data in V.

    Example:
        >>> x, y = np.linspace(-1, 1, 40)[:, None], np.repeat([0, 1], 20)
        >>> fitted = AFR().fit(TrainingSet(x, y), np.random.default_rng(0))
        >>> fitted.predict(np.array([[-1.0], [1.0]]))
        array([0, 1])
    """

    space: ClassVar = GradientLearner.space | {"gamma": [0.0, 0.5, 1.0, 4.0, 16.0]}

    gamma: Annotated[float, Interval(ge=0, le=100)] = 1.0
    penalty: Annotated[float, Gt(0)] = 0.01
    holdout: Annotated[float, Interval(gt=0, lt=1)] = 0.2

    def stacking_key(self) -> Hashable:
        """Return a key with ``holdout``: the parts of stacked replicas have equal sizes."""
        return super().stacking_key(), self.holdout

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks: the first stage minimises the empirical risk."""
        return Hooks()

    def replicas(
        self, samples: Samples, rngs: Sequence[np.random.Generator], hyperparams: Hyperparams
    ) -> list[Outcome]:
        """Train on one part, and retrain the last layer on the other part."""
        n = len(samples[0])
        # A sample of one person is in both parts.
        held = min(max(1, round(self.holdout * n)), max(1, n - 1))
        orders = [rng.permutation(n) for rng in rngs]
        firsts = [np.sort(order[held:] if n > 1 else order) for order in orders]
        parts = [sample.take(first) for sample, first in zip(samples, firsts, strict=True)]
        outcomes = self.descend(parts, rngs, hyperparams)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                outcomes[r] = self.retrain_last_layer(
                    outcome,
                    samples[r],
                    np.sort(orders[r][:held]),
                    hyperparams["gamma"][r],
                    hyperparams["penalty"][r],
                )
        return outcomes

    def retrain_last_layer(
        self, trained: Trained, sample: TrainingSet, held: Array, gamma: float, penalty: float
    ) -> Trained:
        """Return a trained replica with a new last layer, and the weights of all samples.

        Arguments:
            trained: The replica.
            sample: The whole training set.
            held: The positions of V in it.
            gamma: The strength of the weights.
            penalty: The strength of the penalty.
        """
        part = sample.take(held)
        phi = features(self.network, trained.parameters, part.x).astype(np.float64)
        phi = np.c_[phi, np.ones(len(phi))]
        first = np.concatenate([p[0].double().cpu().numpy() for p in trained.parameters[-2:]], 1)
        probability = softmax(phi @ first.T, 1)[np.arange(len(part)), part.y]
        mu = uncertainty_weights(probability, part.y, gamma)
        layer = torch.from_numpy(retrained(phi, part.y, mu, first, penalty))
        last = [p.to(trained.parameters[0])[None] for p in (layer[:, :-1], layer[:, -1:])]
        weights = np.ones(len(sample))
        weights[held] = len(part) * mu
        return replace(trained, parameters=[*trained.parameters[:-2], *last], weights=weights)
