"""Coin tosses: a law on few points."""

import itertools
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Interval

from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Array, Dataset, Split, TraceableLaw, split_rows
from collectives.signals.base import Signal
from collectives.signals.tabular import SetFeature


@dataclass(frozen=True)
class Coins(Dataset):
    r"""Fair coins, a label that follows their majority, and a signal bit with the other label.

    .. math::
        u \sim \mathrm{Unif}\{0, 1\}^k, \quad
        P(s = 1 \mid u) = \xi + \min(\xi, 1 - \xi) \frac{2 r(u) + 1 - 2^k}{2^k}, \quad
        P(y = 1 \mid u, s) = \begin{cases}
            (1 - \text{gap}) / 2 & s = 1 \\
            1 - \text{noise} & s = 0, u \text{ has its majority on } 1 \\
            \text{noise} & s = 0, \text{ otherwise}
        \end{cases}

    Here r(u) is the binary number of the coins, so that each point of the signal set
    has a mass, and thereby a resistance, of its own: success curves are staircases of
    :math:`2^k` steps. With as many ones as zeros, the first coin decides.

    References:
        | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
        | https://arxiv.org/abs/2502.04879

    Arguments:
        n: The number of training rows; a quarter as many are for validation.
        n_test: The number of test rows.
        coins: The number k of coins.
        overlap: The share of points with the signal bit by nature.
        gap: The lead of the other label over the target label where the signal bit is.
        noise: The share of flipped labels where it is not.

    Example:
        >>> data = Coins(n=100, coins=1, overlap=0.5, noise=0.1)
        >>> data.law.support
        array([[0., 0.],
               [0., 1.],
               [1., 0.],
               [1., 1.]], dtype=float32)
        >>> data.law.joint(data.law.support)
        array([[0.3375, 0.0375],
               [0.125 , 0.    ],
               [0.0125, 0.1125],
               [0.375 , 0.    ]])
    """

    family: ClassVar[str] = "finite laws"

    n: Annotated[int, Ge(1)] = 2000
    n_test: Annotated[int, Ge(1)] = 2000
    coins: Annotated[int, Interval(ge=1, le=16)] = 4
    overlap: Annotated[float, Interval(ge=0, le=1)] = 0.02
    gap: Annotated[float, Interval(ge=0, le=1)] = 1.0
    noise: Annotated[float, Interval(ge=0, le=0.5)] = 0.1

    def split(self, rng: np.random.Generator) -> Split:
        """Draw coins, then signal bits, then labels."""
        rows = self.n + self.n // 4 + self.n_test
        u = rng.integers(2, size=(rows, self.coins))
        s = rng.random(rows) < _signal_probability(self, u)
        y = np.where(rng.random(rows) < self.noise, 1 - _majority(u), _majority(u))
        y[s] = rng.random(s.sum()) < (1 - self.gap) / 2
        x = np.column_stack([u, s]).astype(np.float32)
        return Split(x, y, *split_rows(np.arange(rows), self.n, self.n // 4), classes=2)

    @property
    def signal(self) -> Signal:
        """The signal bit."""
        return SetFeature(column=-1, value=1.0)

    @property
    def label(self) -> int:
        """One, the rarer label where the signal bit is."""
        return 1

    @property
    def law(self) -> TraceableLaw:
        """The mass of every point."""
        return _law(self)


@dataclass(frozen=True)
class CoinsLaw(TraceableLaw):
    """The law of :class:`Coins`.

    Arguments:
        data: The dataset.
    """

    data: Coins = Coins()

    @cached_property
    def support(self) -> Array:
        """All points, float32, (2^(k + 1), k + 1), read-only."""
        points = list(itertools.product([0, 1], repeat=self.data.coins + 1))
        support = np.array(points, dtype=np.float32)
        support.flags.writeable = False
        return support

    def joint(self, x: Array) -> Array:
        """Return the mass of n points (n, k + 1) for both labels, (n, 2)."""
        real = ((x == 0) | (x == 1)).all(axis=1)
        u, s = (x[:, :-1] == 1).astype(np.int64), x[:, -1] == 1
        bit = np.where(s, _signal_probability(self.data, u), 1 - _signal_probability(self.data, u))
        one = np.where(_majority(u) == 1, 1 - self.data.noise, self.data.noise)
        one = np.where(s, (1 - self.data.gap) / 2, one)
        mass = real * bit / 2**self.data.coins
        return np.column_stack([mass * (1 - one), mass * one])

    def alternatives(self, x: Array) -> Array:
        """Return each point without and with the signal bit, (2, n, k + 1)."""
        both = np.stack([x, x])
        both[0, :, -1], both[1, :, -1] = 0, 1
        return both


_law = IdentityCache(CoinsLaw)


def _signal_probability(data: Coins, u: Array) -> Array:
    """Return P(s = 1 | u) for coins (n, k)."""
    points = 2**data.coins
    rank = u @ (2 ** np.arange(data.coins)[::-1])
    return data.overlap + min(data.overlap, 1 - data.overlap) * (2 * rank + 1 - points) / points


def _majority(u: Array) -> Array:
    """Return the majority of coins (n, k); the first coin where there is none."""
    lead = 2 * u.sum(axis=1) - u.shape[1]
    return np.where(lead == 0, u[:, 0], lead > 0).astype(np.int64)
