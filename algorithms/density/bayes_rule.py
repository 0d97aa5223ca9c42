"""Bayes' rule for learnt joint densities, which all generative classifiers share."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import logsumexp

from algorithms.base import Array, Fitted, Law, TrainingSet

#: From points (n, d) to their log-densities with each of K labels, (n, K).
LogJoint = Callable[[Array], Array]
#: A column with more distinct values than this counts as continuous.
MAX_LEVELS = 64
#: A decision is doubtful if an error of log Z of so many standard errors could change it.
STANDARD_ERRORS = 2.0
#: A larger share of doubtful decisions is a warning.
MAX_DOUBTFUL = 0.05
#: The number of samples that the distance to a known law is estimated from.
DRAWS = 2048


class DoubtfulPartition(UserWarning):
    """A partition function whose error could change many decisions."""


class Dequantiser:
    """Normal noise for the columns of a sample that take few values, which have no density.

    Arguments:
        x: Points, (n, d).
        blur: The noise's standard deviation, as a share of the smallest gap between two values.
    """

    def __init__(self, x: Array, blur: float) -> None:
        self.scale = np.zeros(x.shape[1])
        self.levels: dict[int, Array] = {}
        for j, column in enumerate(x.T):
            values = np.unique(column)
            if len(values) <= min(MAX_LEVELS, max(2, len(column) // 4)):
                gap = float(np.diff(values).min()) if len(values) > 1 else 1.0
                self.scale[j] = blur * gap
                self.levels[j] = values

    def add_noise(self, x: Array, rng: np.random.Generator) -> Array:
        """Return points (n, d) with noise in the columns of few values."""
        return np.asarray(x + self.scale * rng.standard_normal(x.shape), dtype=np.float64)

    @property
    def log_normaliser(self) -> float:
        """The log-density without noise minus that with noise, for a point on its levels."""
        scale = np.maximum(self.scale[list(self.levels)], 1e-12)
        return float(np.log(scale * np.sqrt(2 * np.pi)).sum())

    def noisy_law(self, law: Law, shape: tuple[int, ...]) -> LogJoint:
        """Return the log-density of a known law's points with noise.

        The level that is nearest to a noisy value is taken for its origin, which is wrong for
        about 1 % of the values.

        Arguments:
            law: The law of the points without noise.
            shape: The shape of one point.
        """

        def log_joint(x: Array) -> Array:
            rounded, log_noise = x.copy(), np.zeros(len(x))
            for j, values in self.levels.items():
                distances = np.abs(x[:, j, None] - values)
                rounded[:, j] = values[distances.argmin(axis=1)]
                scale = max(float(self.scale[j]), 1e-12)
                normaliser = np.log(scale * np.sqrt(2 * np.pi))
                log_noise -= (distances.min(axis=1) / scale) ** 2 / 2 + normaliser
            joint = law.joint(rounded.astype(np.float32).reshape(len(x), *shape))
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(joint) + log_noise[:, None])

        return log_joint


def bayes_classifier(
    log_joint: LogJoint,
    dequantiser: Dequantiser,
    log_z_errors: Array,
    sample: TrainingSet,
    report: Mapping[str, float],
) -> Fitted:
    """Return the classifier that is optimal for a joint density.

    Arguments:
        log_joint: The joint log-density of points with noise.
        dequantiser: The noise.
        log_z_errors: The standard errors of the labels' log Z, (K,).
        sample: The training sample.
        report: Diagnostics of the density; ``doubtful`` is added to them.
    """

    def scores(x: Array) -> Array:
        return log_joint(np.asarray(x, np.float64).reshape(len(x), -1))

    def predict(x: Array) -> Array:
        return scores(x).argmax(axis=1)

    def predict_proba(x: Array) -> Array:
        logs = scores(x)
        return np.asarray(np.exp(logs - logsumexp(logs, axis=1, keepdims=True)))

    def log_density(x: Array) -> Array:
        return np.asarray(logsumexp(scores(x), axis=1) + dequantiser.log_normaliser)

    doubtful = doubtful_share(scores(sample.x), log_z_errors)
    if doubtful > MAX_DOUBTFUL:
        warnings.warn(
            f"the largest standard error of log Z is {log_z_errors.max():.2g} nats: within "
            f"{STANDARD_ERRORS:g} standard errors it could change {doubtful:.1%} of the decisions "
            "on the training points",
            DoubtfulPartition,
            stacklevel=3,
        )
    report = {"doubtful": doubtful, **report}
    return Fitted(predict, predict_proba, report=report, log_density=log_density)


def doubtful_share(scores: Array, log_z_errors: Array) -> float:
    """Return the share of decisions that two standard errors of log Z could change.

    Arguments:
        scores: Log-densities of n points with each label, (n, K).
        log_z_errors: The standard errors of the labels' log Z, (K,).
    """
    rows = np.arange(len(scores))
    first = scores.argmax(axis=1)
    lead = scores[rows, first][:, None] - scores
    lead[rows, first] = np.inf
    error = np.hypot(log_z_errors, log_z_errors[first][:, None])
    return float(np.mean((lead < STANDARD_ERRORS * error).any(axis=1)))


def joint_distance(p: LogJoint, q: LogJoint, draws: Array) -> dict[str, float]:
    r"""Estimate the distance of a learnt joint density q from the true one p.

    .. math:: \mathrm{TV}(p, q) = \mathbb E_q (1 - r)_+, \qquad
        \mathrm{KL}(p \| q) = \mathbb E_q (r \log r - r + 1), \qquad
        r(x, y) = \frac{p(x, y)}{q(x, y)}

    A classifier that is optimal for q is :math:`\epsilon`-optimal for p with the total
    variation as :math:`\epsilon`, and by Pinsker :math:`\epsilon \le \sqrt{\mathrm{KL} / 2}`.

    Arguments:
        p: The true log-density.
        q: The learnt log-density.
        draws: Samples of q, (n, d), without labels, over which the expectation is exact.

    Returns:
        The total variation ``epsilon``, the divergence ``kl`` in nats, and Pinsker's bound
        ``pinsker``.
    """
    log_p, log_q = p(draws), q(draws)
    # Given x the label has the distribution q(y | x), so that its expectation is a sum.
    posterior = np.exp(log_q - logsumexp(log_q, axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        log_r = np.where(posterior > 0, log_p - log_q, -np.inf)
    ratio = np.exp(np.clip(log_r, -700, 700)) * (log_r > -np.inf)
    terms = np.where(ratio > 0, ratio * np.where(ratio > 0, log_r, 0), 0) - ratio + 1
    epsilon = float((posterior * np.maximum(1 - ratio, 0)).sum(axis=1).mean())
    kl = float((posterior * terms).sum(axis=1).mean())
    return {"epsilon": epsilon, "kl": kl, "pinsker": float(np.sqrt(max(kl, 0) / 2))}


def distance_to_law(
    sample: TrainingSet, dequantiser: Dequantiser, log_joint: LogJoint, draws: Array
) -> dict[str, float]:
    """Estimate the distance of a learnt density from the law of its sample, if that is known.

    Arguments:
        sample: The training sample; its law must be known, or the result is empty.
        dequantiser: The noise in columns of few values.
        log_joint: The learnt joint log-density.
        draws: Samples of the learnt density, (n, d).
    """
    if sample.law is None:
        return {}
    truth = dequantiser.noisy_law(sample.law, sample.rows.pool.shape[1:])
    return joint_distance(truth, log_joint, draws)


def log_priors(y: Array, classes: int) -> Array:
    """Return the log-frequency of each label among labels (n,), (K,)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.bincount(y, minlength=classes) / len(y)))


def spawn_generators(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Return independent generators whose seeds are drawn from a generator."""
    return [np.random.default_rng(seed) for seed in rng.integers(2**63, size=count)]


def pool_samples(
    samples: Sequence[Array], priors: Array, n: int, rng: np.random.Generator
) -> Array:
    """Return n points from samples of the classes' densities, mixed by their priors.

    Arguments:
        samples: At least n points of each class, (m, d).
        priors: The frequencies of these classes, (C,); they need not sum to one.
        n: The number of points.
        rng: The generator of randomness.
    """
    counts = rng.multinomial(n, priors / priors.sum())
    return np.concatenate([x[:count] for x, count in zip(samples, counts, strict=True)])
