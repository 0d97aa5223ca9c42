"""From densities of classes to a classifier: what all generative learners share."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.special import logsumexp

from algorithms.base import Array, Fitted, Law, TrainingSet

#: From points (n, d) to their log-densities with each of K labels, (n, K).
LogJoint = Callable[[Array], Array]
#: Of a column that takes no more values than this, at most, noise fills the gaps.
LEVELS = 64
#: How many standard errors of log Z a decision should bear, and which share of them may not.
BEARS, DOUBTFUL = 2.0, 0.05
DRAWS = 2048


class DoubtfulPartition(UserWarning):
    """The partition functions are not known well enough for the decisions that hang on them."""


class Levels:
    """The columns of a sample that take few values: a density needs noise there, lest it be none.

    Arguments:
        x: Points, (n, d).
        blur: The noise's standard deviation, as a share of the smallest gap between two values.
    """

    def __init__(self, x: Array, blur: float) -> None:
        self.spread = np.zeros(x.shape[1])
        self.values: dict[int, Array] = {}
        for column, own in enumerate(x.T):
            values = np.unique(own)
            if len(values) <= min(LEVELS, max(2, len(own) // 4)):
                gap = float(np.diff(values).min()) if len(values) > 1 else 1.0
                self.spread[column] = blur * gap
                self.values[column] = values

    def noisy(self, x: Array, rng: np.random.Generator) -> Array:
        """The points (n, d) with the gaps filled."""
        return np.asarray(x + self.spread * rng.standard_normal(x.shape), dtype=np.float64)

    @property
    def filled(self) -> float:
        """By how much noise lowers the log-density of a point that is on all of its levels."""
        spread = np.maximum(self.spread[list(self.values)], 1e-12)
        return float(np.log(spread * np.sqrt(2 * np.pi)).sum())

    def law(self, law: Law, shape: tuple[int, ...]) -> LogJoint:
        """The log-density of a known law's points with the gaps filled.

        A noisy value is taken for the nearest one, which it came from but for some 1 %.
        """

        def log_joint(x: Array) -> Array:
            whole, noise = x.copy(), np.zeros(len(x))
            for column, values in self.values.items():
                away = np.abs(x[:, column, None] - values)
                whole[:, column] = values[away.argmin(axis=1)]
                spread = max(float(self.spread[column]), 1e-12)
                noise -= (away.min(axis=1) / spread) ** 2 / 2 + np.log(spread * np.sqrt(2 * np.pi))
            known = law.joint(whole.astype(np.float32).reshape(len(x), *shape))
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(known) + noise[:, None])

        return log_joint


def classifier(
    log_joint: LogJoint,
    levels: Levels,
    doubts: Array,
    sample: TrainingSet,
    report: Mapping[str, float],
) -> Fitted:
    """The rule that follows a joint density, with how sure it is of its own constants.

    Arguments:
        log_joint: The density, of points with the gaps filled.
        levels: What filled them.
        doubts: The standard errors of the labels' constants log Z, (K,).
        sample: What it was learnt from.
        report: What else is worth a number.
    """

    def scores(x: Array) -> Array:
        return log_joint(np.asarray(x, np.float64).reshape(len(x), -1))

    def predict(x: Array) -> Array:
        return scores(x).argmax(axis=1)

    def predict_proba(x: Array) -> Array:
        logs = scores(x)
        return np.asarray(np.exp(logs - logsumexp(logs, axis=1, keepdims=True)))

    def log_density(x: Array) -> Array:
        return np.asarray(logsumexp(scores(x), axis=1) + levels.filled)

    doubtful = doubt(scores(sample.x), doubts)
    if doubtful > DOUBTFUL:
        warnings.warn(
            f"log Z is known to {doubts.max():.2g} nats at worst: within {BEARS:g} standard "
            f"errors it could change {doubtful:.1%} of the decisions on the training points",
            DoubtfulPartition,
            stacklevel=3,
        )
    report = {"doubtful": doubtful, **report}
    return Fitted(predict, predict_proba, report=report, log_density=log_density)


def doubt(scores: Array, doubts: Array) -> float:
    """The share of n decisions (n, K) that errors (K,) of the labels' constants could change."""
    rows = np.arange(len(scores))
    first = scores.argmax(axis=1)
    lead = scores[rows, first][:, None] - scores
    lead[rows, first] = np.inf
    error = np.hypot(doubts, doubts[first][:, None])
    return float(np.mean((lead < BEARS * error).any(axis=1)))


def distance(p: LogJoint, q: LogJoint, draws: Array) -> dict[str, float]:
    r"""How far a joint density q is from the true one p, by q's own points.

    .. math:: \mathrm{TV}(p, q) = \mathbb E_q (1 - r)_+, \qquad
        \mathrm{KL}(p \| q) = \mathbb E_q (r \log r - r + 1), \qquad
        r(x, y) = \frac{p(x, y)}{q(x, y)}

    A classifier that is optimal for q is :math:`\epsilon`-optimal for p with the total
    variation as :math:`\epsilon`, and by Pinsker :math:`\epsilon \le \sqrt{\mathrm{KL} / 2}`.

    Arguments:
        p: The true log-density.
        q: The learnt one.
        draws: Points that q made, (n, d); labels are integrated out.
    """
    wanted, given = p(draws), q(draws)
    # Given x the label follows q(y | x), so its mean is a sum.
    chances = np.exp(given - logsumexp(given, axis=1, keepdims=True))
    with np.errstate(invalid="ignore"):
        log_r = np.where(chances > 0, wanted - given, -np.inf)
    ratio = np.exp(np.clip(log_r, -700, 700)) * (log_r > -np.inf)
    surprise = np.where(ratio > 0, ratio * np.where(ratio > 0, log_r, 0), 0) - ratio + 1
    total = float((chances * np.maximum(1 - ratio, 0)).sum(axis=1).mean())
    divergence = float((chances * surprise).sum(axis=1).mean())
    return {"epsilon": total, "kl": divergence, "pinsker": float(np.sqrt(max(divergence, 0) / 2))}


def measured(
    sample: TrainingSet, levels: Levels, log_joint: LogJoint, draws: Array
) -> dict[str, float]:
    """The distance to the law of the sample, if it is known; nothing else."""
    if sample.law is None:
        return {}
    truth = levels.law(sample.law, sample.rows.pool.shape[1:])
    return distance(truth, log_joint, draws)


def log_shares(y: Array, classes: int) -> Array:
    """The log-share of each label among labels (n,), (K,)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.bincount(y, minlength=classes) / len(y)))


def children(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """So many generators of their own, drawn from one."""
    return [np.random.default_rng(seed) for seed in rng.integers(2**63, size=count)]


def pooled_draws(draws: Sequence[Array], shares: Array, n: int, rng: np.random.Generator) -> Array:
    """Points of the classes' draws, each class by its share."""
    counts = rng.multinomial(n, shares / shares.sum())
    return np.concatenate([own[:count] for own, count in zip(draws, counts, strict=True)])
