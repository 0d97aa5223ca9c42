r"""Terms and radii of finite-sample bounds, which hold before the firm trains.

N people are in the training set, and n of them, drawn at random, in the collective. With
probability :math:`1 - \delta` over everybody's data, the bounds hold for the success, measured on
a test sample, against any firm that predicts a most likely label of a law :math:`\tilde P` near
the data :math:`\hat P`. With an error :math:`\varepsilon`, near means one of

    "tv": :math:`\mathrm{TV}(\tilde P, \hat P) \le \varepsilon`. Such a firm cannot reverse a lead
        above :math:`2 \varepsilon`.
    "contamination": :math:`\tilde P = (1 - \varepsilon) \hat P + \varepsilon Q` for some Q. Such a
        firm cannot reverse a lead above :math:`\varepsilon / (1 - \varepsilon)`. The paper states
        this lead with the first definition, for which it is too small.

The votes of one person at a point, for a label less those for its rival, are a number X between -1
and 1. They are rarely other than zero, so their second moment :math:`s = \mathbb{E} X^2` is small,
and Bennett's and Bernstein's inequalities are much sharper than Hoeffding's, which knows the range
only. For the mean :math:`\bar X` of k independent numbers :math:`X_i \le 1` whose mean second
moment is s,

.. math:: P\Big[ \bar X > \mathbb{E} \bar X + B(s, k) \Big] \le \tilde\delta, \qquad
    B(s, k) = \sqrt{\frac{2 s \ell}{k}} + \frac{\ell}{3k}, \quad \ell = \log(1 / \tilde\delta),

since :math:`\log \mathbb{E} e^{\lambda (X - \mathbb{E} X)} \le (e^\lambda - 1 - \lambda) \,
\mathbb{E} X^2` for :math:`X \le 1`. The second moment has to be estimated as well. For a number
:math:`0 \le U \le 1` of mean u we have :math:`\mathbb{E} U^2 \le u` and :math:`e^{-z} \le 1 - z +
z^2 / 2` for :math:`z \ge 0`, so its mean over k people falls below :math:`u - \sqrt{2 u \ell / k}`
with probability at most :math:`\tilde\delta`. Solved for u,

.. math:: P\big[ u > M(\bar U, k) \big] \le \tilde\delta, \qquad
    M(\bar U, k) = \min \Big\{ 1, \Big( \sqrt{\ell / 2k} + \sqrt{\bar U + \ell / 2k} \Big)^2
    \Big\}.

Each estimate takes a share :math:`\tilde\delta` of :math:`\delta`, so all hold at once by the
union bound. The radius is Bernstein's in any case: it does not depend on the data which one is
used.

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
    | Probability Inequalities for Sums of Bounded Random Variables (Hoeffding, 1963)
    | https://doi.org/10.1080/01621459.1963.10500830
    | Concentration Inequalities: A Nonasymptotic Theory of Independence
      (Boucheron, Lugosi and Massart, 2013)
    | https://doi.org/10.1093/acprof:oso/9780199535255.001.0001
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from collectives.types import Array

Error = Literal["tv", "contamination"]


@dataclass(frozen=True, eq=False)
class Terms:
    r"""Terms of a finite-sample bound.

    Arguments:
        people: The number of people N.
        test: The number of test points on which success is measured.
        delta: The probability with which the bound may fail.
        error: The error :math:`\varepsilon` of the firm.
        near: The meaning of the error.

    Example:
        >>> Terms(people=1000, test=1000, error=0.1).lead
        0.2
    """

    people: int
    test: int
    delta: float = 0.05
    error: float = 0.0
    near: Error = "tv"

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1:
            raise ValueError(f"delta={self.delta}, but it is a probability between 0 and 1")
        if not 0 <= self.error < 1:
            raise ValueError(f"error={self.error}, but it is at least 0 and below 1")

    @property
    def lead(self) -> float:
        """The lead that an error of the firm cannot reverse."""
        return 2 * self.error if self.near == "tv" else self.error / (1 - self.error)


def radius(delta: float, count: Array) -> Array:
    r"""Return Hoeffding's radius :math:`R(k) = \sqrt{\log(1/\delta) / 2k}`.

    The share of k independent people with a property exceeds its mean by more than R(k) with
    probability at most :math:`\delta`.

    Arguments:
        delta: The probability.
        count: The number of people k, an array of any shape.
    """
    return np.asarray(np.sqrt(np.log(1 / delta) / (2 * count)))


def bernstein_radius(delta: float, count: Array, second_moment: Array) -> Array:
    r"""Return Bernstein's radius :math:`B(s, k)` for numbers of at most one.

    Arguments:
        delta: The probability with which the mean may exceed its expectation by more.
        count: The number of people k, an array that broadcasts with the next one.
        second_moment: The mean second moment s, or an upper bound of it.

    Example:
        >>> bernstein_radius(0.05, np.array(1000), np.array(0.01)).round(4)
        np.float64(0.0087)
        >>> radius(0.05, np.array(1000)).round(4)
        np.float64(0.0387)
    """
    log = np.log(1 / delta)
    return np.asarray(np.sqrt(2 * second_moment * log / count) + log / (3 * count))


def mean_upper_bound(delta: float, count: Array, mean: Array) -> Array:
    r"""Return the upper bound :math:`M(\bar U, k)` of an expectation between 0 and 1.

    Arguments:
        delta: The probability with which the expectation may be larger.
        count: The number of people k, an array that broadcasts with the next one.
        mean: The observed mean.

    Example:
        >>> mean_upper_bound(0.05, np.array(1000), np.array(0.01)).round(4)
        np.float64(0.0213)
    """
    half = np.log(1 / delta) / (2 * count)
    return np.asarray(np.minimum((np.sqrt(half) + np.sqrt(mean + half)) ** 2, 1.0))


@dataclass(frozen=True, eq=False)
class Votes:
    """Rows of members that vote alike at S points, by own label, for T sizes.

    In the mixture, the row of a member is what it hands in, with the collective's share of the
    people as weight, and its own row, with the others' share. All arrays broadcast to (T, S, K).

    Arguments:
        mass: The share of the members that are such rows, (T, S, K).
        wanted: The weight with which such a row votes for the wanted label.
        rival: The weight with which it votes for the rival.
    """

    mass: Array
    wanted: Array
    rival: Array


def spare_lead(groups: Sequence[Votes], people: Array, delta: float, terms: Terms) -> Array:
    r"""Return the lead over a rival that no sampling error and no firm can reverse, (T, S).

    The wanted label leads in the firm's data, by more than its error can reverse, where the spare
    lead is above zero:

    .. math:: \hat L - B(M(\hat s, n), n) - B(M(\hat q, n), N) - \text{lead}

    Here :math:`\hat L`, :math:`\hat s` and :math:`\hat q` are means over the members: of the votes
    of a row in the mixture, wanted less rival; of their square; and of the sum of both. The first
    radius is that of the members' estimate of the lead in the mixture. The second one is that of
    the firm's data, where q is the probability of any vote. Each of the four estimates fails with
    probability at most ``delta``.

    Arguments:
        groups: The members' rows, in groups that do not overlap.
        people: The number of members that are counted, (T,).
        delta: The probability with which one estimate may fail.
        terms: The number of people, the test sample and the error probability.
    """
    n = people[:, None]
    if (n < 1).any() or (n >= terms.people).any():
        raise ValueError(f"a collective of {n.min()}..{n.max()} needs 1..{terms.people - 1}")
    mean, square, votes = (
        sum((g.mass * f(g.wanted, g.rival)).sum(axis=-1) for g in groups)
        for f in (lambda a, b: a - b, lambda a, b: (a - b) ** 2, lambda a, b: a + b)
    )
    members = bernstein_radius(delta, n, mean_upper_bound(delta, n, square))
    firm = bernstein_radius(delta, np.array(terms.people), mean_upper_bound(delta, n, votes))
    return np.asarray(mean - members - firm - terms.lead)


def subtract_errors(
    sure: Array, people: Array, delta: float, terms: Terms, log_sets: float = 0.0
) -> Array:
    r"""Return the mass of sure points less the sampling errors of members and test, (T,).

    Arguments:
        sure: The share of the members whose image is sure, (T,).
        people: The number of members, (T,).
        delta: The probability with which one estimate may fail.
        terms: The number of people, the test sample and the error probability.
        log_sets: The logarithm of the number of sets of points among which the data choose.
    """
    error = np.sqrt((log_sets + np.log(1 / delta)) / (2 * people))
    return np.asarray(np.maximum(sure - error - radius(delta, np.array(terms.test)), 0.0))
