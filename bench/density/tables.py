"""Likelihoods of density models on tables with an unknown law."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, ndtri
from sklearn.datasets import load_digits

from algorithms.base import TrainingSet
from algorithms.density.base import Density, DensityModel, Partition
from algorithms.density.energy_model import EnergyDensity
from algorithms.density.generative import Generative, Joint
from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.datasets.io.archives import read_npz
from bench.datasets.io.data_root import inside, locate
from bench.density.clock import training_clock

#: The table that scikit-learn ships; any other is an array of an archive under the data root.
DIGITS = "digits"
#: Repeated values have no density: noise with this share of the standard deviation is added.
JITTER = 1e-3
#: Pixels are compressed by this amount at both ends before their logits are taken.
EDGE = 0.05


@dataclass(frozen=True, eq=False)
class Table:
    """Points with an unknown law.

    Arguments:
        x: The points, (n, d).
        y: Their labels, (n,), where they have some.
    """

    x: Array
    y: Array | None = None


def table(name: str, rng: np.random.Generator) -> Table:
    r"""Return a table by name, with the noise that gives it a density.

    ``digits`` are the 8 x 8 digits of scikit-learn: pixels v of 0 to 16 become
    :math:`\mathrm{logit}(a + (1 - 2 a) (v + u) / 17)` with uniform u and a = .05.

    Arguments:
        name: ``digits``, or ``FILE:ARRAY`` for an array (n, d) of an npz archive under the data
            root, whose columns get normal noise of a thousandth of their standard deviation.
        rng: The generator of the noise.
    """
    if name == DIGITS:
        pixels, y = load_digits(return_X_y=True)
        share = EDGE + (1 - 2 * EDGE) * (pixels + rng.random(pixels.shape)) / 17
        return Table(np.log(share) - np.log1p(-share), y.astype(np.int64))
    file, _, array = name.rpartition(":")
    if not file:
        raise BenchError(f"{name!r} is no table: 'digits', or FILE:ARRAY like 'density.npz:magic'")
    (path,) = locate(name, [(inside(file),)], "It is your own file")
    x = read_npz(path, [array])[array]
    if x.ndim != 2 or not np.issubdtype(x.dtype, np.number) or not np.isfinite(x).all():
        raise BenchError(f"{path}: {array} is {x.dtype} {x.shape}, not finite numbers (n, d)")
    x = x.astype(np.float64)
    return Table(x + JITTER * x.std(axis=0) * rng.standard_normal(x.shape))


def parts(n: int, rng: np.random.Generator) -> list[Array]:
    """Draw rows for training (70 %), validation (10 %) and testing (20 %)."""
    first, second = round(0.7 * n), round(0.8 * n)
    return np.split(rng.permutation(n), [first, second])


def learn_table(
    name: str, model: DensityModel | Generative, seed: int
) -> tuple[dict[str, float], Density | Joint]:
    """Learn a table from 70 % of its rows, on one thread, and measure the result.

    The row has, in nats and in the table's own units: ``nll``, the negative log-likelihood of the
    test rows; ``validation``, that of the validation rows, which are for comparisons of
    hyper-parameters; ``effective``, the least effective share of the proposals of a density;
    ``alarms``, the number of warnings about log Z; ``accuracy`` on the test rows, for a learner
    with one density a class, whose likelihood is summed over labels; ``seconds``, of training, as
    :func:`~bench.density.clock.training_clock` counts them.

    Arguments:
        name: The table.
        model: The model, or the learner.
        seed: The seed of noise, split and training.

    Returns:
        The row, and the density that was learnt.
    """
    learnt: Density | Joint
    rows = table(name, stream(seed, "data"))
    train, validation, test = parts(len(rows.x), stream(seed, "split"))
    with one_thread():
        started = training_clock()
        if isinstance(model, Generative):
            if rows.y is None:
                raise BenchError(f"{name} has no labels, which Generative needs")
            sample = TrainingSet(rows.x[train], rows.y[train])
            (joint,) = model.learn([sample], [stream(seed, "fit")])
            seconds = training_clock() - started
            if isinstance(joint, Exception):
                raise joint
            learnt, likely, partitions = joint, joint.log_joint, joint.partitions()
            right = likely(rows.x[test]).argmax(axis=1) == rows.y[test]
            extra = {"accuracy": float(right.mean())}
        else:
            learnt = density = model.fit(rows.x[train], stream(seed, "fit"))
            seconds = training_clock() - started
            z, extra = density.log_partition(), {}
            partitions = [z] if z else []

            def likely(x: Array) -> Array:
                return density.log_prob(x)[:, None]

        row = {
            name: -float(logsumexp(likely(rows.x[part]), axis=1).mean())
            for name, part in (("nll", test), ("validation", validation))
        }
    return row | reliable(partitions) | extra | {"seconds": seconds}, learnt


def reliable(partitions: list[Partition]) -> dict[str, float]:
    """Return the least effective share of some partition functions, and the number of alarms."""
    share = min((z.effective for z in partitions), default=float("nan"))
    return {"effective": share, "alarms": float(sum(len(z.alarms()) for z in partitions))}


def pixels(x: Array) -> Array:
    """Return pictures (n, 8, 8), from 0 to 1, of logits (n, 64) of ``digits``."""
    share = (expit(x) - EDGE) / (1 - 2 * EDGE)
    return np.clip(17 * share / 16, 0, 1).reshape(-1, 8, 8)


def traversal(density: EnergyDensity, d: int, side: int) -> Array:
    """Return a generator's points for its first two latents, all other noise zero, (side^2, d).

    The latents are quantiles of the normal law, so that all cells are equally likely.

    Arguments:
        density: The density with the generator.
        d: The number of latents.
        side: The number of quantiles of each latent.
    """
    quantiles = ndtri((np.arange(side) + 0.5) / side)
    noise = np.zeros((side * side, d))
    noise[:, 1], noise[:, 0] = np.repeat(quantiles[::-1], side), np.tile(quantiles, side)
    return density.push(noise)
