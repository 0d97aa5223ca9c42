"""Networks whose last layer is drawn from a Gaussian around the trained one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt
from scipy.linalg import cholesky, eigh, solve_triangular
from scipy.special import softmax

from algorithms.base import Array, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples, Trained
from algorithms.engine.inference import features


def curvatures(logits: Array) -> Array:
    r"""Return :math:`\Lambda_i`, the Hessian of each sample's cross-entropy for its logits.

    .. math:: \Lambda = \operatorname{diag}(p) - p p^\top

    Arguments:
        logits: Logits, (n, K).

    Returns:
        Matrices, (n, K, K).

    Example:
        >>> curvatures(np.zeros((1, 2)))
        array([[[ 0.25, -0.25],
                [-0.25,  0.25]]])
    """
    p = softmax(logits, 1)
    return p[:, :, None] * (np.eye(p.shape[1]) - p[:, None, :])


def hessian(phi: Array, curvature: Array) -> Array:
    r"""Return the Hessian of the summed cross-entropy for a layer's parameters, row by row.

    Arguments:
        phi: Features, and ones in the last column, (n, F + 1).
        curvature: :math:`\Lambda_i` of each sample, (n, K, K).

    Returns:
        A matrix, (K (F + 1), K (F + 1)).
    """
    classes, width = curvature.shape[1], phi.shape[1]
    blocks = np.empty((classes, width, classes, width))
    for k in range(classes):
        for j in range(classes):
            blocks[k, :, j] = (phi * curvature[:, k, j, None]).T @ phi
    return blocks.reshape(classes * width, -1)


def draw_exactly(
    phi: Array, curvature: Array, precision: float, draws: int, rng: np.random.Generator
) -> Array:
    """Draw deviations of a layer by its whole Hessian, (S, K, F + 1).

    Arguments:
        phi: Features, and ones in the last column, (n, F + 1).
        curvature: The Hessian of each sample's loss for its logits, (n, K, K).
        precision: The precision of the prior.
        draws: The number S of draws.
        rng: The generator of the draws.
    """
    total = hessian(phi, curvature)
    total[np.diag_indices_from(total)] += precision
    noise = rng.standard_normal((len(total), draws))
    deviations = solve_triangular(cholesky(total, lower=True), noise, trans="T", lower=True)
    return deviations.T.reshape(draws, -1, phi.shape[1])


def draw_by_factors(
    phi: Array, curvature: Array, precision: float, draws: int, rng: np.random.Generator
) -> Array:
    r"""Draw deviations of a layer by the Kronecker factors of its Hessian, (S, K, F + 1).

    Noise is multiplied by the symmetric root of the covariance. In the factors' own coordinates
    the draws would depend on the signs of eigenvectors, which rounding decides.

    Arguments:
        phi: Features, and ones in the last column, (n, F + 1).
        curvature: The Hessian of each sample's loss for its logits, (n, K, K).
        precision: The precision of the prior.
        draws: The number S of draws.
        rng: The generator of the draws.
    """
    outputs, left = eigh(curvature.mean(0))
    inputs, right = eigh(phi.T @ phi)
    # Rounding makes eigenvalues of zero negative.
    scale = outputs.clip(0)[:, None] * inputs.clip(0) + precision
    noise = rng.standard_normal((draws, *scale.shape))
    return left @ (left.T @ noise @ right / np.sqrt(scale)) @ right.T


@dataclass(frozen=True)
class LastLayerLaplace(GradientLearner):
    r"""Laplace approximation of the posterior of the last layer.

    A network is trained as by :class:`ERM`; the weights and biases W of its last layer are taken
    as the mode of a posterior with the prior :math:`\mathcal N(0, \tau^{-1} I)`. Near the mode it
    is the Gaussian

    .. math:: W \sim \mathcal N\big(\hat W, (H + \tau I)^{-1}\big), \qquad
        H = \sum_{i=1}^n \Lambda_i \otimes \phi_i \phi_i^\top, \quad
        \Lambda_i = \operatorname{diag}(p_i) - p_i p_i^\top

    with :math:`\phi_i` the features of sample i, and a one, and :math:`p_i` its probabilities: H
    is the exact Hessian, because the last layer is linear. Probabilities are averaged over draws
    of W. Kronecker factors replace H by :math:`\big(\tfrac1n \sum_i \Lambda_i\big) \otimes
    \sum_i \phi_i \phi_i^\top`, whose cost does not grow with the product of labels and features.

    Predictions become less certain where features have values of which there was little data. The
    signal of a small collective is such a place: the average over draws follows it less surely
    than the trained network does, and the more members have it, the less that matters.

    References:
        | Laplace Redux - Effortless Bayesian Deep Learning (Daxberger et al., 2021)
        | https://arxiv.org/abs/2106.14806
        | Being Bayesian, Even Just a Bit, Fixes Overconfidence in ReLU Networks (Kristiadi et al., 2020)
        | https://arxiv.org/abs/2002.10118

    Arguments (and those of :class:`GradientLearner`):
        precision: The precision :math:`\tau` of the prior.
        curvature: The whole matrix H, or its Kronecker factors.
        draws: The number of draws of the last layer.

    Example:
        >>> sample = TrainingSet(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> fitted = LastLayerLaplace().fit(sample, np.random.default_rng(0))
        >>> fitted.predict(sample.x)
        array([0, 0, 1, 1])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {"precision": [0.1, 1.0, 10.0]}

    precision: Annotated[float, Gt(0)] = 1.0
    curvature: Literal["factors", "whole"] = "factors"
    draws: Annotated[int, Ge(1)] = 20

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def replicas(
        self, samples: Samples, rngs: Sequence[np.random.Generator], hyperparams: Hyperparams
    ) -> list[Outcome]:
        """Train, and draw last layers."""
        outcomes = self.descend(samples, rngs, hyperparams)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                precision = hyperparams["precision"][r]
                outcomes[r] = self.draw(outcome, samples[r], precision, rngs[r])
        return outcomes

    def draw(
        self, trained: Trained, sample: TrainingSet, precision: float, rng: np.random.Generator
    ) -> Trained:
        """Return a trained replica with S networks that differ in their last layers.

        Arguments:
            trained: The replica.
            sample: Its training set.
            precision: The precision of the prior.
            rng: The generator of the draws.
        """
        phi = features(self.network, trained.parameters, sample.x).astype(np.float64)
        phi = np.c_[phi, np.ones(len(phi))]
        *below, weights, biases = trained.parameters
        mode = np.concatenate([p[0].double().cpu().numpy() for p in (weights, biases)], 1)
        draw = draw_exactly if self.curvature == "whole" else draw_by_factors
        deviations = draw(phi, curvatures(phi @ mode.T), precision, self.draws, rng)
        layers = torch.from_numpy(mode + deviations).to(weights)
        networks = [p.expand(self.draws, *p.shape[1:]) for p in below]
        return replace(trained, parameters=[*networks, layers[..., :-1], layers[..., -1:]])
