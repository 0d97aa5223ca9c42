"""Reference densities: mixtures of normal distributions, from which energies start."""

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as EM
from torch import Tensor

from algorithms.base import Array
from algorithms.networks import product

#: The number of points that a component needs for each of its d + 1 parameters of shape.
POINTS_PER_PARAMETER = 2


@dataclass
class Reference:
    r"""Known densities of R replicas: mixtures of K normal distributions in whitened coordinates.

    .. math:: u = W (x - \mu), \qquad p(u) = \sum_k \pi_k \, \mathcal N(u; c_k, \Sigma_k)

    Arguments:
        mean: The mean :math:`\mu`, (R, d, 1).
        whitening: The matrix W, (R, d, d); its rows are ordered by falling variance.
        colouring: The inverse of W, (R, d, d).
        log_det: :math:`\log |\det W|`, (R, 1).
        log_weights: Log-weights :math:`\log \pi_k`, (R, K, 1); -inf for unused components.
        centres: Means :math:`c_k`, (R, K, d).
        cholesky: Cholesky factors of :math:`\Sigma_k`, (R, K, d, d).
        cholesky_inverse: The inverses of these factors, (R, K, d, d).
    """

    mean: Tensor
    whitening: Tensor
    colouring: Tensor
    log_det: Tensor
    log_weights: Tensor
    centres: Tensor
    cholesky: Tensor
    cholesky_inverse: Tensor

    def apply(self, function: Callable[[Tensor], Tensor]) -> "Reference":
        """Return a copy with a function applied to each tensor."""
        return Reference(*[function(getattr(self, f.name)) for f in fields(self)])

    def replica(self, r: int) -> "Reference":
        """Return the reference of one replica."""
        return self.apply(lambda t: t[r : r + 1])

    @property
    def size(self) -> tuple[int, int]:
        """The number of components and of coordinates."""
        return self.centres.shape[1], self.centres.shape[2]

    @property
    def device(self) -> torch.device:
        """The device of all tensors."""
        return self.mean.device

    def whiten(self, x: Tensor) -> Tensor:
        """Return the coordinates u of points, both (R, d, B)."""
        return product(self.whitening, x - self.mean)

    def colour(self, u: Tensor) -> Tensor:
        """Return the points at coordinates u, both (R, d, B)."""
        return product(self.colouring, u, self.mean)

    def log_prob(self, u: Tensor) -> Tensor:
        """Return the log-density (R, B) in the coordinates u (R, d, B)."""
        k, d = self.size
        normal = d * math.log(2 * math.pi) / 2
        if k == 1:
            return u.square().sum(1) / -2 - normal
        flat = self.cholesky_inverse.flatten(1, 2)
        offset = (self.cholesky_inverse @ self.centres.unsqueeze(3)).flatten(1, 2)
        distance = product(flat, u, offset, beta=-1).unflatten(1, (k, d))
        diagonal = torch.diagonal(self.cholesky_inverse, dim1=2, dim2=3)
        volume = diagonal.log().sum(2, keepdim=True)
        logs = self.log_weights + volume - distance.square().sum(2) / 2 - normal
        return torch.logsumexp(logs, 1)

    def sample(self, n: int, rngs: Sequence[np.random.Generator]) -> Tensor:
        """Draw n points for each replica from its own generator, float32, (R, d, n)."""
        k, d = self.size
        noise = torch.from_numpy(
            np.stack([rng.standard_normal((d, n), dtype=np.float32) for rng in rngs])
        ).to(self.device)
        if k == 1:
            return noise
        return torch.stack([self._place(r, noise[r], rng) for r, rng in enumerate(rngs)])

    def _place(self, r: int, noise: Tensor, rng: np.random.Generator) -> Tensor:
        """Return draws (d, n) of replica r's mixture, made of standard normal noise (d, n)."""
        # A device rounds sums in its own way, and one point that changes its component would move
        # all that follow it: components are drawn on the processor.
        cumulative = self.log_weights[r, :, 0].cpu().exp().cumsum(0)
        uniform = torch.from_numpy(rng.random(noise.shape[1]))
        component = torch.searchsorted(cumulative.double() / float(cumulative[-1]), uniform)
        component = component.clamp(max=len(cumulative) - 1)
        # The points of a component are computed at once: many small products would be slow.
        order = torch.argsort(component, stable=True)
        start, parts = 0, []
        for c, count in enumerate(torch.bincount(component, minlength=len(cumulative)).tolist()):
            centre, cholesky = self.centres[r, c, :, None].float(), self.cholesky[r, c].float()
            parts.append(torch.addmm(centre, cholesky, noise[:, start : start + count]))
            start += count
        points = torch.empty_like(noise)
        points[:, order.to(self.device)] = torch.cat(parts, 1)
        return points


def fit_reference(
    x: Array, components: tuple[int, ...], shrinkage: float, rng: np.random.Generator
) -> Reference:
    r"""Fit the reference of one set of points, with R = 1, in double precision.

    Each eigenvalue s of the covariance becomes :math:`(1 - \lambda) s + \lambda \bar s`, where
    :math:`\bar s` is the mean eigenvalue. A mixture is fitted to the whitened points; each of its
    covariances is shrunk in the same way, towards its own mean eigenvalue.

    Arguments:
        x: Points, (n, d).
        components: Candidate numbers of components. The one with the largest likelihood on a
            tenth of the points, which is held out, is chosen.
        shrinkage: The shrinkage :math:`\lambda` of covariances.
        rng: The generator of randomness.
    """
    n, d = x.shape
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True).reshape(d, d) if n > 1 else np.eye(d))
    typical = max(float(values.mean()), 1e-12)
    # A direction in which all points coincide gets a small width: its density would be infinite.
    values = np.maximum((1 - shrinkage) * values + shrinkage * typical, 1e-8 * typical)[::-1]
    vectors = vectors[:, ::-1]
    whitening = (vectors / np.sqrt(values)).T
    colouring = vectors * np.sqrt(values)
    most = max(components)
    log_weights, centres = np.full(most, -np.inf), np.zeros((most, d))
    cholesky = np.tile(np.eye(d), (most, 1, 1))
    log_weights[0] = 0.0
    if most > 1:
        mixture = _fit_mixture((x - mean) @ whitening.T, components, rng)
        k = len(mixture.weights_)
        log_weights[:k], centres[:k] = np.log(mixture.weights_), mixture.means_
        typical = np.trace(mixture.covariances_, axis1=1, axis2=2)[:, None, None] / d
        cholesky[:k] = np.linalg.cholesky(
            (1 - shrinkage) * mixture.covariances_ + shrinkage * typical * np.eye(d)
        )
    arrays = [
        mean[:, None],
        whitening,
        colouring,
        np.array([-np.log(values).sum() / 2]),
        log_weights[:, None],
        centres,
        cholesky,
        np.linalg.inv(cholesky),
    ]
    return Reference(*[torch.from_numpy(np.ascontiguousarray(a)[None]) for a in arrays])


def _fit_mixture(u: Array, components: tuple[int, ...], rng: np.random.Generator) -> EM:
    """Fit a mixture by expectation maximisation; choose its size on held-out points."""
    n, d = u.shape
    order, state = rng.permutation(n), int(rng.integers(2**31))
    most = max(1, n // (POINTS_PER_PARAMETER * (d + 1)))
    candidates = sorted({min(k, most) for k in components})

    def fit(k: int, rows: Array) -> EM:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = EM(k, reg_covar=1e-6, random_state=state, max_iter=200)
            return model.fit(u[rows])

    if len(candidates) > 1:
        validation, training = order[: max(1, n // 10)], order[max(1, n // 10) :]
        scores = [fit(k, training).score(u[validation]) for k in candidates]
        candidates = [candidates[int(np.argmax(scores))]]
    return fit(candidates[0], np.arange(n))


def stack_references(references: Sequence[Reference], dtype: torch.dtype) -> Reference:
    """Stack references of one replica each into one of all replicas."""
    return Reference(
        *[torch.cat([getattr(r, f.name) for r in references]).to(dtype) for f in fields(Reference)]
    )
