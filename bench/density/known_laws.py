"""How close density models come to laws that are known exactly."""

import time
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from algorithms.density.base import Density, DensityModel
from algorithms.runtime.threads import one_thread
from bench.core.errors import unknown
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.datasets.synthetic.planar_laws import LAWS, PlanarLaw, entropy

#: Nodes along each side of the square on which densities are integrated, and how far beyond the
#: law's own square that reaches.
NODES, BEYOND = 400, 1.25
#: A mode is covered that is met by this share of the samples that should be there.
MET = 0.25
SAMPLES = 4000


@dataclass(frozen=True)
class Learnt:
    """A density that was learnt, and what was measured of it.

    Arguments:
        law: The law of the points.
        density: What was learnt.
        row: The numbers.
        points: Samples of it, (n, 2).
        weights: Log-weights of its generator's proposals, (m,); empty, where it has none.
    """

    law: PlanarLaw
    density: Density
    row: dict[str, float]
    points: Array
    weights: Array


def law_of(name: str) -> PlanarLaw:
    """A law by name."""
    if name not in LAWS:
        raise unknown("law", name, LAWS)
    return LAWS[name]


def learn(name: str, model: DensityModel, seed: int, n: int, test: int) -> Learnt:
    r"""Learn a law from points, on one thread, and measure how far that came.

    The row has, in nats and in the points' own units: ``nll``, the negative log-likelihood of
    test points; ``above``, by how much it is above the truth's on the same points, an unbiased
    estimate of :math:`\mathrm{KL}(p \| q)`; ``mass``, the log of the integral of the learnt
    density, which is the error of log Z; ``exact``, what would be ``above`` with the true log Z;
    ``effective``, the effective share of the proposals;
    ``covered``, the share of modes that its samples meet; ``alarms``; ``seconds``.

    Arguments:
        name: The law.
        model: The model.
        seed: The seed of points, training and samples.
        n: How many points it is trained on.
        test: How many it is tested on.
    """
    law = law_of(name)
    x, _ = law.sample(n, stream(seed, "data"))
    held, _ = law.sample(test, stream(seed, "test"))
    with one_thread():
        started = time.process_time()
        density = model.fit(x, stream(seed, "fit"))
        seconds = time.process_time() - started
        rng = stream(seed, "samples")
        points = density.sample(SAMPLES, rng)
        weights = density.propose(SAMPLES, rng)[1] if hasattr(density, "propose") else np.empty(0)
        likely = density.log_prob(held)
        z = density.log_partition()
        above, total = float((law.log_prob(held) - likely).mean()), mass(density, law)
        row = {
            "nll": -float(likely.mean()),
            "above": above,
            "mass": total,
            "exact": above + total,
            "effective": float("nan") if z is None else z.effective,
            "covered": covered(points, law, rng),
            "alarms": 0.0 if z is None else float(len(z.alarms())),
            "seconds": seconds,
        }
    return Learnt(law, density, row, points, weights)


def floor(name: str) -> float:
    """The entropy of a law in nats, by quadrature: no negative log-likelihood is below it."""
    return entropy(law_of(name))[0]


def square(law: PlanarLaw, nodes: int = NODES) -> tuple[Array, float]:
    """The nodes (nodes^2, 2) of the midpoint rule on a square, and the area of each."""
    reach = BEYOND * law.reach
    side = (np.arange(nodes) + 0.5) / nodes * 2 * reach - reach
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    return grid, (2 * reach / nodes) ** 2


def mass(density: Density, law: PlanarLaw) -> float:
    """The logarithm of the integral of a density over the law's square: 0, if log Z is right."""
    grid, area = square(law)
    return float(logsumexp(density.log_prob(grid)) + np.log(area))


def covered(points: Array, law: PlanarLaw, rng: np.random.Generator) -> float:
    """The share of a law's modes that points (n, 2) meet as often as a quarter of what is due.

    Points belong to the mode that is nearest; what is due is counted among as many true points.
    """
    true, _ = law.sample(len(points), rng)
    due, met = (
        np.bincount(_nearest(p, law.modes), minlength=len(law.modes)) for p in (true, points)
    )
    return float(np.mean(met[due > 0] >= MET * due[due > 0]))


def _nearest(points: Array, modes: Array) -> Array:
    return np.asarray(((points[:, None] - modes) ** 2).sum(axis=2).argmin(axis=1))
