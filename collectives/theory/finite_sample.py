r"""What a collective can promise itself from its own data, before the firm trains.

N people are in the training set, and n of them, drawn at random, in the collective. With
probability :math:`1 - \delta` over everybody's data these are lower bounds on the success that
any firm leaves them which answers with a most likely label of a law :math:`\tilde P` near the data
:math:`\hat P`, measured on a test sample. Near means, with an error :math:`\varepsilon`, either of

    "tv": :math:`\mathrm{TV}(\tilde P, \hat P) \le \varepsilon`. A lead of
        :math:`2 \varepsilon` is safe.
    "contamination": :math:`\tilde P = (1 - \varepsilon) \hat P + \varepsilon Q` for some Q. A lead
        of :math:`\varepsilon / (1 - \varepsilon)` is safe. The paper states this lead with the
        first definition, for which it is too small.

All of them are sums over the points z of the signal set X* = g(X) (finite, of a known number of
points) and differ in the mass a of members that speak for the wanted label at z, and in the base
lead :math:`\Delta` of its rival there; :math:`R(k) = \sqrt{\log(1 / \tilde\delta) / 2k}`:

.. math:: S \ge \sum_z w_z \Big[ \tfrac{n}{N} (a_z - 2 R(n)) - \tfrac{N - n}{N} (\Delta_z + 2 R(m)
    + 2 R(N - n)) > \text{lead} \Big] - R(n) - R(N_\text{test})

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from collectives.theory.counts import SignalCounts
from collectives.types import Array

Error = Literal["tv", "contamination"]


@dataclass(frozen=True, eq=False)
class Terms:
    """What is agreed on before a bound is computed.

    Arguments:
        people: The number of people N.
        test: The number of test points on which success is measured.
        delta: The probability that a bound may fail with.
        error: By how much the firm may miss the best classifier.
        near: What the error means.
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
        """The lead that an error cannot turn."""
        return 2 * self.error if self.near == "tv" else self.error / (1 - self.error)


def planting(data: SignalCounts, terms: Terms, label: int, points: int | None = None) -> Array:
    r"""Feature-label planting, (T,), with :math:`\tilde\delta = \delta / (2 + 2 S + 2 S K)`.

    Arguments:
        data: The members' own rows.
        terms: N, the test, and what may fail.
        label: The target label.
        points: The number S of signal points; those that were seen, if None.
    """
    arriving = data.arriving.sum(axis=2)
    return _planted(data, terms, label, points, arriving)


def feature_only_plus(
    data: SignalCounts, terms: Terms, label: int, points: int | None = None
) -> Array:
    """Feature-only planting, if members of other labels leave the signal set, (T,).

    The arguments are those of :func:`planting`.
    """
    return _planted(data, terms, label, points, data.arriving[..., label])


def unplanting(
    asked: SignalCounts,
    rest: SignalCounts,
    data: SignalCounts,
    terms: Terms,
    label: int,
    points: int | None = None,
    naive: bool = False,
) -> Array:
    r"""Unplanting, (T,), with :math:`\tilde\delta = \delta / (2 + 6 S)`.

    At a signal point where nobody was asked, something else says which label members tell, and
    nothing is safe there; for a naive one nothing is, if nobody asked carries the signal.

    Arguments:
        asked: The members who estimate which label to put in the place of y*.
        rest: The others, who estimate its chances.
        data: All members. The three tallies have the same points in the same order.
        terms: N, the test, and what may fail.
        label: The label y* to get rid of.
        points: The number S of signal points; those that were seen, if None.
        naive: Whether one label is put in its place everywhere.
    """
    size = points or data.base.shape[1]
    guess = asked.base.astype(float)
    if naive:
        guess = np.broadcast_to(guess.sum(axis=1, keepdims=True), guess.shape).copy()
    heard = guess.sum(axis=2) > 1 - 1e-9
    guess[..., label] = -1
    best = guess.argmax(axis=2)[..., None]
    others = rest.people[:, None]
    rival = rest.base[..., label] - np.take_along_axis(rest.base, best, axis=2)[..., 0]
    rival = np.where(heard, rival / others, np.inf)
    arriving = data.arriving.sum(axis=2)
    small = terms.delta / (2 + 6 * size)
    return _promised(data.people, arriving, arriving, rival, rest.people, small, terms)


def erasing(joint: Array, moved: Array, people: Array, terms: Terms, margin: float) -> Array:
    r"""Erasing, (T,), with :math:`\tilde\delta = \delta / (2 + SK + 2S + 2|X|K)`.

    Where the firm may err, the twin g(x) of a point has to be safe, too, to count.

    Arguments:
        joint: The members' shares at all points of the domain, by label, (T, |X|, K).
        moved: The index of g(x) for each point x, (|X|,), for an idempotent signal.
        people: How many members, (T,).
        terms: N, the test, and what may fail.
        margin: By how much the likeliest label leads at each signal point in the base law.

    Raises:
        ValueError: If the signal is not idempotent (A2), or the margin (A1) too small for it.
    """
    (labels,), signals = joint.shape[2:], np.unique(moved)
    if (moved[moved] != moved).any():
        raise ValueError("A2 (idempotence) fails: g(g(x)) is not g(x)")
    count = 2 + len(signals) * labels + 2 * len(signals) + 2 * joint.shape[1] * labels
    small = terms.delta / count
    needed = 2 * np.log(1 / small) / margin**2 if margin > 0 else np.inf
    if (people < needed).any() or (people > terms.people - needed).any():
        raise ValueError(
            f"A1 (margin) fails: a margin of {margin} needs {needed:.0f} members and as many "
            f"others, but there are {people.min()}..{people.max()} of {terms.people}"
        )
    wanted = joint[:, moved].argmax(axis=2)[..., None]
    own = np.take_along_axis(joint, wanted, axis=2)[..., 0]
    others = joint.copy()
    np.put_along_axis(others, wanted, -np.inf, axis=2)
    mass, n = joint.sum(axis=2), people[:, None]
    rival = others.max(axis=2) - own
    safe = _safe(n, mass * n, rival, n, small, terms)
    if terms.error > 0:
        safe = safe & safe[:, moved]
    return _less(safe, mass, people, small, terms)


def _planted(
    data: SignalCounts, terms: Terms, label: int, points: int | None, speaking: Array
) -> Array:
    size, labels = points or data.base.shape[1], data.base.shape[2]
    others = data.base.astype(float)
    others[..., label] = -np.inf
    rival = (others.max(axis=2) - data.base[..., label]) / data.people[:, None]
    small = terms.delta / (2 + 2 * size + 2 * size * labels)
    arriving = data.arriving.sum(axis=2)
    return _promised(data.people, arriving, speaking, rival, data.people, small, terms)


def _promised(
    people: Array,
    arriving: Array,
    speaking: Array,
    rival: Array,
    estimating: Array,
    small: float,
    terms: Terms,
) -> Array:
    n = people[:, None]
    safe = _safe(n, speaking, rival, estimating[:, None], small, terms)
    return _less(safe, arriving / n, people, small, terms)


def _safe(
    n: Array, speaking: Array, rival: Array, estimating: Array, small: float, terms: Terms
) -> Array:
    """At which points the wanted label leads the firm's data by enough, (T, S)."""
    if (n >= terms.people).any() or (n < 1).any() or (estimating < 1).any():
        raise ValueError(f"a collective of {n.min()}..{n.max()} needs 1..{terms.people - 1}")
    share = n / terms.people
    for_it = share * (speaking / n - 2 * radius(small, n))
    doubt = 2 * radius(small, estimating) + 2 * radius(small, terms.people - n)
    return np.asarray(for_it - (1 - share) * (rival + doubt) - terms.lead > 0)


def _less(safe: Array, mass: Array, people: Array, small: float, terms: Terms) -> Array:
    """The mass of what is safe, less what samples may err by."""
    lost = radius(small, people) + radius(small, np.array(terms.test))
    return np.asarray(np.maximum((safe * mass).sum(axis=1) - lost, 0.0))


def radius(small: float, count: Array) -> Array:
    r"""By how much a share of k people may miss its mean: :math:`\sqrt{\log(1/\delta) / 2k}`."""
    return np.asarray(np.sqrt(np.log(1 / small) / (2 * count)))
