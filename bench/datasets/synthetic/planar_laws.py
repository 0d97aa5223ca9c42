"""Laws in the plane with an exact sampler and an exact density.

Each is a table of parts, which serve as labels: the gaussians' centres, the two moons, the arms
of a spiral. Curves with normal noise around them are integrated along the curve by
Gauss-Legendre quadrature; all else is in closed form.

References:
    | FFJORD: Free-form Continuous Dynamics for Scalable Reversible Generative Models
      (Grathwohl et al., 2019)
    | https://arxiv.org/abs/1810.01367
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import i0e, ndtr

from algorithms.base import Array

#: Points whose distances to all nodes of a curve are taken at once.
ROWS = 2048


class PlanarLaw(ABC):
    """A law of points x (n, 2) and parts y, which are equally likely."""

    #: The number of parts.
    parts: int

    @abstractmethod
    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw points (n, 2) given their parts (n,)."""

    @abstractmethod
    def density(self, x: Array) -> Array:
        """Return the densities of n points given each part, (n, parts)."""

    @property
    @abstractmethod
    def modes(self) -> Array:
        """Centres, or points on curves, (M, 2); a good sample has points near each of them."""

    @property
    @abstractmethod
    def reach(self) -> float:
        """The half side of a square around the origin with almost all of the mass."""

    def sample(self, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw points (n, 2) and their parts (n,)."""
        y = rng.integers(self.parts, size=n)
        return self.draw(y, rng), y

    def joint(self, x: Array) -> Array:
        """Return the density of n points with each part, (n, parts)."""
        x = np.asarray(x, dtype=np.float64)
        blocks = [self.density(x[i : i + ROWS]) for i in range(0, len(x), ROWS)]
        return np.concatenate([np.zeros((0, self.parts)), *blocks]) / self.parts

    def log_prob(self, x: Array) -> Array:
        """Return the log-density of n points, (n,); -inf outside of the support."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.joint(x).sum(axis=1)))


def entropy(law: PlanarLaw, nodes: int = 400) -> tuple[float, float]:
    """Return a law's entropy in nats, a floor of negative log-likelihoods, and its total mass.

    By the midpoint rule on a square grid.

    Arguments:
        law: The law.
        nodes: Along each side of the square.
    """
    side = (np.arange(nodes) + 0.5) / nodes * 2 * law.reach - law.reach
    p = np.array([law.joint(_row(side, v)).sum(axis=1) for v in side])
    area = (side[1] - side[0]) ** 2
    surprise = np.where(p > 0, -p * np.log(np.where(p > 0, p, 1)), 0)
    return float(surprise.sum() * area), float(p.sum() * area)


def _row(side: Array, value: float) -> Array:
    return np.column_stack([side, np.full(len(side), value)])


@dataclass(frozen=True)
class Blobs(PlanarLaw):
    """Normal laws of one spread around centres (parts, 2)."""

    centres: tuple[tuple[float, float], ...]
    spread: float

    @property
    def parts(self) -> int:  # type: ignore[override]
        """One part a centre."""
        return len(self.centres)

    @property
    def modes(self) -> Array:
        """The centres."""
        return np.array(self.centres)

    @property
    def reach(self) -> float:
        """Seven spreads beyond the centres."""
        return float(np.abs(self.modes).max() + 7 * self.spread)

    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw normal noise around the centres."""
        return np.asarray(self.modes[y] + self.spread * rng.standard_normal((len(y), 2)))

    def density(self, x: Array) -> Array:
        """Return normal densities."""
        square = ((x[:, None] - self.modes) ** 2).sum(axis=2) / self.spread**2
        return np.asarray(np.exp(-square / 2) / (2 * math.pi * self.spread**2))


@dataclass(frozen=True)
class Circles(PlanarLaw):
    """Circles around the origin, with normal noise."""

    radii: tuple[float, ...]
    spread: float

    @property
    def parts(self) -> int:  # type: ignore[override]
        """One part a circle."""
        return len(self.radii)

    @property
    def modes(self) -> Array:
        """Sixteen points on each circle."""
        turn = np.arange(16) * 2 * math.pi / 16
        ring = np.column_stack([np.cos(turn), np.sin(turn)])
        return np.concatenate([r * ring for r in self.radii])

    @property
    def reach(self) -> float:
        """Seven spreads beyond the largest circle."""
        return max(self.radii) + 7 * self.spread

    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw a uniform angle, then normal noise."""
        turn = rng.uniform(0, 2 * math.pi, len(y))
        on = np.array(self.radii)[y][:, None] * np.column_stack([np.cos(turn), np.sin(turn)])
        return np.asarray(on + self.spread * rng.standard_normal((len(y), 2)))

    def density(self, x: Array) -> Array:
        r"""Return :math:`e^{-(r^2 + R^2) / 2 s^2} I_0(r R / s^2) / 2 \pi s^2`, Rice's law."""
        r, radii, s = np.hypot(*x.T)[:, None], np.array(self.radii), self.spread
        # i0e holds the exponential of its argument back, which completes the square.
        return np.asarray(
            np.exp(-((r - radii) ** 2) / (2 * s**2)) * i0e(r * radii / s**2) / (2 * math.pi * s**2)
        )


@dataclass(frozen=True, eq=False)
class Curves(PlanarLaw):
    """Points at uniform parameters t on curves, with normal noise, and uniform noise in a box.

    Arguments:
        curves: From parameters (n,) to points (n, 2), one a part.
        ends: The first and last parameter, the same for all curves.
        spread: Of the normal noise.
        box: The side of the box [0, box]^2, signed like each curve, of the uniform noise.
        signs: The direction of each curve's box.
    """

    curves: tuple[Callable[[Array], Array], ...]
    ends: tuple[float, float]
    spread: float
    box: float = 0.0
    signs: tuple[int, ...] = ()
    root: bool = False

    @property
    def parts(self) -> int:  # type: ignore[override]
        """One part a curve."""
        return len(self.curves)

    @property
    def modes(self) -> Array:
        """Sixteen points on each curve."""
        t = self._places((np.arange(16) + 0.5) / 16)
        signs = self.signs or (1,) * self.parts
        return np.concatenate(
            [c(t) + s * self.box / 2 for c, s in zip(self.curves, signs, strict=True)]
        )

    @property
    def reach(self) -> float:
        """Six spreads beyond the curves."""
        t = self._places(np.linspace(0, 1, 500))
        far = max(float(np.abs(c(t)).max()) for c in self.curves)
        return far + self.box + 6 * self.spread

    def _places(self, u: Array) -> Array:
        """Return the parameter at a share u of the curve's mass."""
        first, last = self.ends
        return np.asarray(first + (last - first) * (np.sqrt(u) if self.root else u))

    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw a place on the curve, then noise."""
        t = self._places(rng.random(len(y)))
        x = np.empty((len(y), 2))
        for part, curve in enumerate(self.curves):
            x[y == part] = curve(t[y == part])
        if self.box:
            x += np.array(self.signs)[y][:, None] * self.box * rng.random((len(y), 2))
        return np.asarray(x + self.spread * rng.standard_normal((len(y), 2)))

    def density(self, x: Array) -> Array:
        """Return the density of the noise, integrated along the curve."""
        nodes, weights = leggauss(300)
        u, weights = (nodes + 1) / 2, weights / 2
        # A share with a square root at its start is even in that root.
        if self.root:
            u, weights = u**2, 2 * u * weights
        t, densities = self._places(u), []
        for part, curve in enumerate(self.curves):
            away = x[:, None] - curve(t)
            if self.box:
                away = away * self.signs[part]
                cut = ndtr(away / self.spread) - ndtr((away - self.box) / self.spread)
                noise = cut.prod(axis=2) / self.box**2
            else:
                noise = np.exp(-(away**2).sum(axis=2) / (2 * self.spread**2))
                noise /= 2 * math.pi * self.spread**2
            densities.append(noise @ weights)
        return np.column_stack(densities)


@dataclass(frozen=True)
class Checkerboard(PlanarLaw):
    """Uniform on the eight dark squares, of area 4, of a board; parts are odd and even columns."""

    parts = 2

    @property
    def modes(self) -> Array:
        """The middles of the squares."""
        return np.array([(x, y) for x in (-3, -1, 1, 3) for y in (-3, -1, 1, 3) if _dark(x, y)])

    @property
    def reach(self) -> float:
        """The board's edge."""
        return 4.0

    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw a column of the part, a dark square in it, and a place in the square."""
        n = len(y)
        column = 2 * rng.integers(2, size=n) + y
        row = 2 * rng.integers(2, size=n) + y
        return np.asarray(2 * (np.column_stack([column, row]) + rng.random((n, 2))) - 4)

    def density(self, x: Array) -> Array:
        """Return one over the area of a part, 16, within the part."""
        column, row = np.floor((x.T + 4) / 2).astype(int)
        inside = (np.abs(x) < 4).all(axis=1) & ((column + row) % 2 == 0)
        return np.column_stack([inside & (column % 2 == part) for part in (0, 1)]) / 16


def _dark(x: int, y: int) -> bool:
    return ((x + 4) // 2 + (y + 4) // 2) % 2 == 0


@dataclass(frozen=True)
class Pinwheel(PlanarLaw):
    r"""Blades: a normal law beside the origin, twisted and turned.

    .. math:: z_1 \sim \mathcal N(1, 0.3^2),\ z_2 \sim \mathcal N(0, 0.1^2), \qquad
        x = 2\, R_{-\theta_k - e^{z_1} / 4}\, z, \quad
        p(x) = \sum_z \frac{p(z)}{4\, |1 + e^{z_1} z_2 / 4|}

    The twist does not preserve areas, nor is it injective everywhere: the sum is over all z that
    are taken to x, which lie on one circle and are found by their angle.
    """

    parts = 5
    scales = (0.3, 0.1)
    rate = 0.25

    @property
    def modes(self) -> Array:
        """The middles of the blades."""
        z = np.tile([1.0, 0.0], (self.parts, 1))
        return self._twist(z, np.arange(self.parts))

    @property
    def reach(self) -> float:
        """Six spreads beyond the middles."""
        return 2 * (1 + 6 * self.scales[0])

    def _twist(self, z: Array, y: Array) -> Array:
        turn = 2 * math.pi * y / self.parts + self.rate * np.exp(z[:, 0])
        cos, sin = np.cos(turn), np.sin(turn)
        return 2 * np.column_stack([cos * z[:, 0] + sin * z[:, 1], cos * z[:, 1] - sin * z[:, 0]])

    def draw(self, y: Array, rng: np.random.Generator) -> Array:
        """Draw a normal point, and twist it by the angle of its part."""
        z = np.array([1.0, 0.0]) + rng.standard_normal((len(y), 2)) * self.scales
        return self._twist(z, y)

    def density(self, x: Array) -> Array:
        """Return the sum over each point's preimages on its circle, which bisection finds."""
        r, angle = np.hypot(*x.T) / 2, np.arctan2(x[:, 1], x[:, 0])
        grid = np.linspace(-math.pi, math.pi, 241)
        densities = np.zeros((len(x), self.parts))

        def excess(phi: Array, which: Array) -> Array:
            # The angle that a point at angle phi is turned to, before its part turns it on.
            return np.asarray(phi - self.rate * np.exp(r[which] * np.cos(phi)))

        # Beyond this radius nothing is left of the mass, and the twist has too many turns.
        ring = np.flatnonzero(r < 1 + 7 * self.scales[0])
        turned = excess(grid, ring[:, None])
        for part in range(self.parts):
            wanted = angle[ring, None] + 2 * math.pi * part / self.parts
            turns = np.floor((turned - wanted) / (2 * math.pi))
            at, cell = np.nonzero(turns[:, 1:] != turns[:, :-1])
            which = ring[at]
            goal = wanted[at, 0] + 2 * math.pi * np.maximum(turns[at, cell], turns[at, cell + 1])
            low, high = grid[cell].copy(), grid[cell + 1].copy()
            rises = excess(low, which) < goal
            for _ in range(40):
                middle = (low + high) / 2
                left = (excess(middle, which) < goal) == rises
                low, high = np.where(left, middle, low), np.where(left, high, middle)
            z = r[which, None] * np.column_stack([np.cos(low), np.sin(low)])
            scales = np.array(self.scales)
            normal = np.exp(-(((z - [1, 0]) / scales) ** 2).sum(axis=1) / 2)
            stretch = np.abs(1 + self.rate * np.exp(z[:, 0]) * z[:, 1])
            mass = normal / (2 * math.pi * scales.prod()) / (4 * stretch)
            np.add.at(densities[:, part], which, mass)
        return densities


def _circle_of(count: int, radius: float) -> tuple[tuple[float, float], ...]:
    turn = 2 * math.pi * np.arange(count) / count
    return tuple((float(radius * np.cos(t)), float(radius * np.sin(t))) for t in turn)


def _moon(sign: int) -> Callable[[Array], Array]:
    def curve(t: Array) -> Array:
        if sign > 0:
            x = np.column_stack([np.cos(t), np.sin(t)])
        else:
            x = np.column_stack([1 - np.cos(t), 0.5 - np.sin(t)])
        return np.asarray(2 * x + [-1.0, -0.2])

    return curve


def _arm(sign: int) -> Callable[[Array], Array]:
    def curve(t: Array) -> Array:
        return np.asarray(sign * np.column_stack([-np.cos(t) * t, np.sin(t) * t]) / 3)

    return curve


def _roll(t: Array) -> Array:
    return np.asarray(np.column_stack([np.cos(t) * t, np.sin(t) * t]) / 5)


LAWS: dict[str, PlanarLaw] = {
    "8gaussians": Blobs(_circle_of(8, 4 / 1.414), 0.5 / 1.414),
    "8gaussians-narrow": Blobs(_circle_of(8, 2 / 1.414), 0.02 / 1.414),
    "25gaussians": Blobs(
        tuple((2 * i / 2.828, 2 * j / 2.828) for i in range(-2, 3) for j in range(-2, 3)),
        0.05 / 2.828,
    ),
    "ringmixture": Blobs(_circle_of(8, 2.0), 2 / 3 * math.sin(math.pi / 8)),
    "checkerboard": Checkerboard(),
    "moons": Curves((_moon(1), _moon(-1)), (0.0, math.pi), 0.2),
    "circles": Circles((3.0, 1.5), 0.24),
    "rings": Circles((3.0, 2.25, 1.5, 0.75), 0.08),
    "2spirals": Curves(
        (_arm(1), _arm(-1)), (0.0, 3 * math.pi), 0.1, 0.5 / 3, signs=(1, -1), root=True
    ),
    "swissroll": Curves((_roll,), (1.5 * math.pi, 4.5 * math.pi), 0.2),
    "pinwheel": Pinwheel(),
}
