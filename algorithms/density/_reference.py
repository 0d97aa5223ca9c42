"""Where energies and generators start: mixtures of normal laws in whitened coordinates."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as EM
from torch import Tensor

from algorithms.base import Array
from algorithms.networks import product

#: A component needs so many points for each of its d + 1 shapes.
EACH = 2


@dataclass
class Reference:
    r"""Known densities for R replicas: mixtures of K normal laws in coordinates u of their own.

    .. math:: u = W (x - \mu), \qquad p(u) = \sum_k \pi_k \, \mathcal N(u; c_k, \Sigma_k)

    Arguments:
        mean: The mean :math:`\mu`, (R, d, 1).
        whitening: The matrix W, (R, d, d); its rows belong to falling variances.
        colouring: Its inverse, (R, d, d).
        stretch: :math:`\log |\det W|`, (R, 1).
        share: Log-shares :math:`\log \pi_k`, (R, K, 1); -inf for components that are not there.
        centre: Means :math:`c_k`, (R, K, d).
        factor: Cholesky factors of :math:`\Sigma_k`, (R, K, d, d).
        inverse: Their inverses, (R, K, d, d).
    """

    mean: Tensor
    whitening: Tensor
    colouring: Tensor
    stretch: Tensor
    share: Tensor
    centre: Tensor
    factor: Tensor
    inverse: Tensor

    def map(self, change: "object") -> "Reference":
        """Another one with each tensor changed by a function."""
        return Reference(*[change(getattr(self, f.name)) for f in fields(self)])  # type: ignore[operator]

    @property
    def size(self) -> tuple[int, int]:
        """The number of components and of coordinates."""
        return self.centre.shape[1], self.centre.shape[2]

    def whiten(self, x: Tensor) -> Tensor:
        """Coordinates u of points, both (R, d, B)."""
        return product(self.whitening, x - self.mean)

    def colour(self, u: Tensor) -> Tensor:
        """Points of coordinates u, both (R, d, B)."""
        return product(self.colouring, u, self.mean)

    def log_prob(self, u: Tensor) -> Tensor:
        """Log-density in the coordinates u (R, d, B), (R, B)."""
        k, d = self.size
        normal = d * math.log(2 * math.pi) / 2
        if k == 1:
            return u.square().sum(1) / -2 - normal
        flat = self.inverse.flatten(1, 2)
        offset = (self.inverse @ self.centre.unsqueeze(3)).flatten(1, 2)
        distance = product(flat, u, offset, beta=-1).unflatten(1, (k, d))
        volume = torch.diagonal(self.inverse, dim1=2, dim2=3).log().sum(2, keepdim=True)
        logs = self.share + volume - distance.square().sum(2) / 2 - normal
        return torch.logsumexp(logs, 1)

    def draw(self, n: int, rngs: Sequence[np.random.Generator]) -> Tensor:
        """Draw n points for each replica by its own generator, float32, (R, d, n)."""
        k, d = self.size
        noise = torch.from_numpy(
            np.stack([rng.standard_normal((d, n), dtype=np.float32) for rng in rngs])
        )
        if k == 1:
            return noise
        found = []
        for r, rng in enumerate(rngs):
            heap = self.share[r, :, 0].exp().cumsum(0)
            which = torch.from_numpy(rng.random(n))
            which = torch.searchsorted(heap.double() / float(heap[-1]), which).clamp(max=k - 1)
            # Each component's points at once: products of small matrices are slow one by one.
            turn = torch.argsort(which, stable=True)
            place, parts = 0, []
            for c, count in enumerate(torch.bincount(which, minlength=k).tolist()):
                part = noise[r, :, place : place + count]
                parts.append(
                    torch.addmm(
                        self.centre[r, c, :, None].float(), self.factor[r, c].float(), part
                    )
                )
                place += count
            drawn = torch.empty_like(noise[r])
            drawn[:, turn] = torch.cat(parts, 1)
            found.append(drawn)
        return torch.stack(found)


def reference(
    x: Array, components: tuple[int, ...], shrinkage: float, rng: np.random.Generator
) -> Reference:
    r"""The reference of one set of points, with R = 1, in double precision.

    Each eigenvalue s of the covariance becomes :math:`(1 - \lambda) s + \lambda \bar s`, with the
    mean eigenvalue :math:`\bar s`; the whitened points are given a mixture, whose covariances
    are shrunk likewise, each towards its own mean eigenvalue.

    Arguments:
        x: Points, (n, d).
        components: How many components to choose from, by likelihood on a tenth held out.
        shrinkage: How far covariances are shrunk, :math:`\lambda`.
        rng: Where randomness comes from.
    """
    n, d = x.shape
    mean = x.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(x.T, bias=True).reshape(d, d) if n > 1 else np.eye(d))
    typical = max(float(values.mean()), 1e-12)
    # A direction in which points coincide is given a width, lest its density be infinite.
    values = np.maximum((1 - shrinkage) * values + shrinkage * typical, 1e-8 * typical)[::-1]
    vectors = vectors[:, ::-1]
    whitening = (vectors / np.sqrt(values)).T
    colouring = vectors * np.sqrt(values)
    most = max(components)
    share, centre = np.full(most, -np.inf), np.zeros((most, d))
    factor = np.tile(np.eye(d), (most, 1, 1))
    share[0] = 0.0
    if most > 1:
        found = _mixture((x - mean) @ whitening.T, components, shrinkage, rng)
        k = len(found.weights_)
        share[:k], centre[:k] = np.log(found.weights_), found.means_
        own = np.trace(found.covariances_, axis1=1, axis2=2)[:, None, None] / d
        factor[:k] = np.linalg.cholesky(
            (1 - shrinkage) * found.covariances_ + shrinkage * own * np.eye(d)
        )
    arrays = [
        mean[:, None],
        whitening,
        colouring,
        np.array([-np.log(values).sum() / 2]),
        share[:, None],
        centre,
        factor,
        np.linalg.inv(factor),
    ]
    return Reference(*[torch.from_numpy(np.ascontiguousarray(a)[None]) for a in arrays])


def _mixture(
    u: Array, components: tuple[int, ...], shrinkage: float, rng: np.random.Generator
) -> EM:
    """A mixture by expectation maximisation, of as many components as do best on held-out data."""
    n, d = u.shape
    turn, state = rng.permutation(n), int(rng.integers(2**31))
    allowed = sorted({min(k, max(1, n // (EACH * (d + 1)))) for k in components})

    def fitted(k: int, rows: Array) -> EM:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = EM(k, reg_covar=1e-6, random_state=state, max_iter=200)
            return model.fit(u[rows])

    if len(allowed) > 1:
        held, rest = turn[: max(1, n // 10)], turn[max(1, n // 10) :]
        scores = [fitted(k, rest).score(u[held]) for k in allowed]
        allowed = [allowed[int(np.argmax(scores))]]
    return fitted(allowed[0], np.arange(n))


def stacked(references: Sequence[Reference], dtype: torch.dtype) -> Reference:
    """References of one replica each as one of all."""
    return Reference(
        *[torch.cat([getattr(r, f.name) for r in references]).to(dtype) for f in fields(Reference)]
    )
