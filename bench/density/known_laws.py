"""Distances of density models to laws that are known exactly."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from algorithms.density.base import Density, DensityModel
from algorithms.runtime.threads import one_thread
from bench.core.errors import unknown
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.datasets.synthetic.planar_laws import LAWS, PlanarLaw, entropy
from bench.density.clock import training_clock

#: Nodes along each side of the square on which densities are integrated, and the ratio of its
#: side to that of the law's own square.
NODES, BEYOND = 400, 1.25
#: A mode is covered if it has at least this share of the expected number of samples.
COVERED = 0.25
SAMPLES = 4000


@dataclass(frozen=True)
class Learnt:
    """A density that was learnt, and its measures.

    Arguments:
        law: The law of the points.
        density: The density.
        row: The measures, by name.
        points: Samples of it, (n, 2).
        weights: Log-weights of its generator's proposals, (m,); empty without a generator.
    """

    law: PlanarLaw
    density: Density
    row: dict[str, float]
    points: Array
    weights: Array


def law_of(name: str) -> PlanarLaw:
    """Return a law by name.

    Raises:
        BenchError: If there is no such law.
    """
    if name not in LAWS:
        raise unknown("law", name, LAWS)
    return LAWS[name]


def learn(name: str, model: DensityModel, seed: int, n: int, test: int) -> Learnt:
    r"""Learn a law from points, on one thread, and measure the result.

    The row has, in nats and in the points' own units: ``nll``, the negative log-likelihood of
    test points; ``above``, its excess over that of the true law on the same points, an unbiased
    estimate of :math:`\mathrm{KL}(p \| q)`; ``mass``, the log of the integral of the learnt
    density, which is the error of log Z; ``exact``, the value of ``above`` with the true log Z;
    ``effective``, the effective share of the proposals; ``covered``, the share of modes with
    enough samples; ``alarms``, the number of warnings about log Z; ``seconds``, of
    training, as :func:`~bench.density.clock.training_clock` counts them.

    Arguments:
        name: The law.
        model: The model.
        seed: The seed of points, training and samples.
        n: The number of training points.
        test: The number of test points.
    """
    law = law_of(name)
    x, _ = law.sample(n, stream(seed, "data"))
    x_test, _ = law.sample(test, stream(seed, "test"))
    with one_thread():
        started = training_clock()
        density = model.fit(x, stream(seed, "fit"))
        seconds = training_clock() - started
        rng = stream(seed, "samples")
        points = density.sample(SAMPLES, rng)
        weights = density.propose(SAMPLES, rng)[1] if hasattr(density, "propose") else np.empty(0)
        likely = density.log_prob(x_test)
        z = density.log_partition()
        above, total = float((law.log_prob(x_test) - likely).mean()), mass(density, law)
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
    """Return the entropy of a law in nats by quadrature, a lower bound on ``nll``."""
    return entropy(law_of(name))[0]


def square(law: PlanarLaw, nodes: int = NODES) -> tuple[Array, float]:
    """Return the nodes (nodes^2, 2) of the midpoint rule on a law's square, and their area."""
    reach = BEYOND * law.reach
    side = (np.arange(nodes) + 0.5) / nodes * 2 * reach - reach
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    return grid, (2 * reach / nodes) ** 2


def mass(density: Density, law: PlanarLaw) -> float:
    """Return the log of the integral of a density over a law's square; 0 if log Z is right."""
    grid, area = square(law)
    return float(logsumexp(density.log_prob(grid)) + np.log(area))


def covered(points: Array, law: PlanarLaw, rng: np.random.Generator) -> float:
    """Return the share of a law's modes that points cover.

    A point belongs to its nearest mode. A mode is covered if it has at least a quarter as many
    points as in a sample of the law of the same size.

    Arguments:
        points: The points, (n, 2).
        law: The law.
        rng: The generator of the law's sample.
    """
    true, _ = law.sample(len(points), rng)
    expected, observed = (
        np.bincount(_nearest(p, law.modes), minlength=len(law.modes)) for p in (true, points)
    )
    return float(np.mean(observed[expected > 0] >= COVERED * expected[expected > 0]))


def _nearest(points: Array, modes: Array) -> Array:
    return np.asarray(((points[:, None] - modes) ** 2).sum(axis=2).argmin(axis=1))
