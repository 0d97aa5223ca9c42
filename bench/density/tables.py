"""How close density models come to tables whose law nobody knows."""

import time
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

#: The table that scikit-learn ships; any other is an array of an archive under the data root.
DIGITS = "digits"
#: Values that repeat themselves have no density: so much noise, in standard deviations, is added.
JITTER = 1e-3
#: Pixels are squeezed by so much at both ends before their logits are taken.
EDGE = 0.05


@dataclass(frozen=True, eq=False)
class Table:
    """Points without a law.

    Arguments:
        x: The points, (n, d).
        y: Their labels, (n,), where they have some.
    """

    x: Array
    y: Array | None = None


def table(name: str, rng: np.random.Generator) -> Table:
    r"""A table by name, with the noise that gives it a density.

    ``digits`` are the 8 x 8 digits of scikit-learn: pixels v of 0 to 16 become
    :math:`\mathrm{logit}(a + (1 - 2 a) (v + u) / 17)` with uniform u and a = .05.

    Arguments:
        name: ``digits``, or ``FILE:ARRAY`` for an array (n, d) of an npz archive under the data
            root, whose columns get normal noise of a thousandth of their standard deviation.
        rng: Where the noise comes from.
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
    """Which rows are for training (70 %), validation (10 %) and testing (20 %)."""
    first, second = round(0.7 * n), round(0.8 * n)
    return np.split(rng.permutation(n), [first, second])


def learn_table(
    name: str, model: DensityModel | Generative, seed: int
) -> tuple[dict[str, float], Density | Joint]:
    """Learn a table from 70 % of its rows, on one thread, and measure how far that came.

    The row has, in nats and in the table's own units: ``nll``, the negative log-likelihood of the
    test rows; ``validation``, that of the validation rows, which no model sees: whoever compares
    hyper-parameters looks there; ``effective``, the least effective share of the proposals of a
    density; ``alarms``; ``accuracy`` on the test rows, of a learner with a density a class, whose
    likelihood is that of the points, labels summed out; ``seconds``.

    Arguments:
        name: The table.
        model: The model, or the learner.
        seed: The seed of noise, split and training.

    Returns:
        The row, and what was learnt.
    """
    found: Density | Joint
    rows = table(name, stream(seed, "data"))
    train, held, test = parts(len(rows.x), stream(seed, "split"))
    with one_thread():
        started = time.process_time()
        if isinstance(model, Generative):
            if rows.y is None:
                raise BenchError(f"{name} has no labels, which Generative needs")
            sample = TrainingSet(rows.x[train], rows.y[train])
            (joint,) = model.learn([sample], [stream(seed, "fit")])
            seconds = time.process_time() - started
            if isinstance(joint, Exception):
                raise joint
            found, likely, known = joint, joint.log_joint, joint.partitions()
            right = likely(rows.x[test]).argmax(axis=1) == rows.y[test]
            extra = {"accuracy": float(right.mean())}
        else:
            found = density = model.fit(rows.x[train], stream(seed, "fit"))
            seconds = time.process_time() - started
            z, extra = density.log_partition(), {}
            known = [z] if z else []

            def likely(x: Array) -> Array:
                return density.log_prob(x)[:, None]

        told = {
            name: -float(logsumexp(likely(rows.x[part]), axis=1).mean())
            for name, part in (("nll", test), ("validation", held))
        }
    return told | reliable(known) | extra | {"seconds": seconds}, found


def reliable(known: list[Partition]) -> dict[str, float]:
    """The worst effective share of some partition functions, and the number of alarms."""
    share = min((z.effective for z in known), default=float("nan"))
    return {"effective": share, "alarms": float(sum(len(z.alarms()) for z in known))}


def pixels(x: Array) -> Array:
    """The pictures (n, 8, 8), from 0 to 1, that logits (n, 64) of ``digits`` stand for."""
    share = (expit(x) - EDGE) / (1 - 2 * EDGE)
    return np.clip(17 * share / 16, 0, 1).reshape(-1, 8, 8)


def traversal(density: EnergyDensity, d: int, side: int) -> Array:
    """What a generator makes of its first two latents, all other noise zero, (side^2, d).

    Both go through the quantiles of the normal law, so that each cell is as likely as another.
    """
    at = ndtri((np.arange(side) + 0.5) / side)
    noise = np.zeros((side * side, d))
    noise[:, 1], noise[:, 0] = np.repeat(at[::-1], side), np.tile(at, side)
    return density.push(noise)
