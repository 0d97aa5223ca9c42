r"""What a collective can promise itself from its own data, if its members act on their own.

N people hand in rows, each of them by its own row and its own lots alone; n of them, drawn at
random, are members. Take two labels c and y and a point z. In the firm's data c leads y at z by a
mean over N independent people of +1, -1 or 0, whose expectation is a lead in the mixture,

.. math:: L(z) = \alpha \, \big( P^*(z, c) - P^*(z, y) \big)
    + (1 - \alpha) \, \big( P_0(z, c) - P_0(z, y) \big), \qquad \alpha = n / N,

so by Hoeffding's inequality the lead is :math:`L(z) - 2 R(N)` at least, with
:math:`R(k) = \sqrt{\log(1 / \tilde\delta) / 2k}`. Members know their own rows, and what those who
have such rows hand in: L(z) is also the expectation of their mean :math:`\hat L(z)` of a number
between -1 and 1, so it is :math:`\hat L(z) - 2 R(n)` at least. Hence the label c is sure where

.. math:: \hat L(z) > 2 R(n) + 2 R(N) + \text{lead}

against all other labels y, with what an error of the firm can turn as the last term. Where it is
sure lies within a set that the law alone decides, that of :math:`L(z) > 2 R(N) + \text{lead}`, so
the share of the people there is that of the members there, less :math:`R(n)`, and that in a test
sample less :math:`R(N_\text{test})`. A set that somebody chooses who has seen the data is one of
the :math:`2^S` sets of S signal points, and :math:`\log 2^S` joins the logarithm.

The bounds of :mod:`collectives.theory.finite_sample` follow the paper, in which members' votes and
others' are estimated one by one; here they are estimated together, and whoever stays on the signal
set and speaks against the label is counted with them.

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
    | Probability Inequalities for Sums of Bounded Random Variables (Hoeffding, 1963)
    | https://doi.org/10.1080/01621459.1963.10500830
"""

import numpy as np

from collectives.theory.counts import SignalCounts
from collectives.theory.finite_sample import Terms, radius
from collectives.theory.label_policy import LabelPolicy
from collectives.types import Array


def planting(
    data: SignalCounts,
    label_policy: LabelPolicy,
    terms: Terms,
    label: int,
    points: int | None = None,
    acting: Array | None = None,
    steered: bool = False,
) -> Array:
    r"""Planting by members of any habits, (T,).

    .. math:: S \ge \sum_z w_z \big[ \min_{y \ne y^*} \hat L(z) > 2 R(n) + 2 R(N) + \text{lead}
        \big] - R(n) - R(N_\text{test}), \qquad \tilde\delta = \delta / (2 + 2 S (K - 1))

    With w the share of members whom the signal moves to z. Where some members are loose, they vote
    for the rival, and where it hurts most: to turn z takes as many of them as its lead is long,
    and they are no more than their expected share of the acting m members, plus :math:`R(m)`, at
    the price of one more chance to fail. The most that they can turn is what fits into a sack of
    that size, the last point in part. Who is to leave the signal set needs somebody who is off it:
    where no member is, nothing is promised.

    Arguments:
        data: The members' own rows.
        label_policy: What members do.
        terms: N, the test, and what may fail.
        label: The target label.
        points: The number S of signal points; those that were seen, if None.
        acting: How many of the members act, (T,), the others being idle; all of them, if None.
        steered: Whether somebody who has seen the data may choose where the label is given, at no
            less of the members' mass than what is sure.
    """
    size, labels = points or data.base.shape[1], data.base.shape[2]
    n, unspecified = data.people, label_policy.unspecified
    acting = n if acting is None else acting
    small = terms.delta / (2 + (unspecified > 0) + 2 * size * (labels - 1))
    share = (acting / terms.people)[:, None, None]
    mixture = share * label_policy.brought(data.base, data.arriving) + (1 - share) * data.base
    spare = _lead(mixture / n[:, None, None], label) - slack(small, n, terms)
    mass = data.arriving.sum(axis=2) / n[:, None]
    sure = (mass * (spare > 0)).sum(axis=1)
    if label_policy.away.any():
        sure = sure * data.has_off_signal_member()
    if unspecified:
        most = unspecified + radius(small, np.maximum(acting, 1))
        sure = sure - _turned(mass, spare, acting / terms.people * np.minimum(most, 1))
    chosen = size * np.log(2) if steered or unspecified else 0.0
    return _less(sure, n, small, chosen, terms)


def erasing(data: SignalCounts, moved: Array, terms: Terms, points: int | None = None) -> Array:
    r"""Erasing, (T,), whatever the margin of the base law: :math:`P_0[f(x) = f(g(x))]`.

    .. math:: S \ge \sum_x w_x \big[ x = g(x) \text{ or } \min_{y \ne \hat y} \hat L(z)
        > 2 R(n) + 2 R(N) + \text{lead for } z = x \text{ and } z = g(x) \big]
        - \sqrt{\frac{\log K^S + \log(1 / \tilde\delta)}{2n}} - R(N_\text{test})

    with :math:`\hat y` the label that most members have at g(x), which all of them hand in at x,
    and :math:`\tilde\delta = \delta / (2 + 2 |X| K (K - 1))`. Any label will do that is the same
    at x and g(x), so nothing is lost if it is not the likeliest one: the labels of the S signal
    points are chosen by the data, among :math:`K^S`, which is the price of not knowing the margin
    that :func:`collectives.theory.finite_sample.erasing` takes for known.

    Arguments:
        data: The members' own rows at all points of the domain.
        moved: The index of g(x) for each point x, (|X|,), for an idempotent signal.
        terms: N, the test, and what may fail.
        points: The number of points |X|; those that were seen, if None.

    Raises:
        ValueError: If the signal is not idempotent.
    """
    if (moved[moved] != moved).any():
        raise ValueError("erasing takes an idempotent signal, but g(g(x)) is not g(x)")
    n, labels = data.people, data.base.shape[2]
    small = terms.delta / (2 + 2 * (points or len(moved)) * labels * (labels - 1))
    joint = data.base / n[:, None, None]
    wanted = joint[:, moved].argmax(axis=2)[..., None]
    share, mass = (n / terms.people)[:, None, None], joint.sum(axis=2)
    mixture = (1 - share) * joint
    own = np.take_along_axis(mixture, wanted, axis=2)[..., 0] + share[..., 0] * mass
    np.put_along_axis(mixture, wanted, -np.inf, axis=2)
    sure = own - mixture.max(axis=2) - slack(small, n, terms) > 0
    won = (sure & sure[:, moved]) | (moved == np.arange(len(moved)))
    chosen = len(np.unique(moved)) * np.log(labels)
    return _less((mass * won).sum(axis=1), n, small, chosen, terms)


def slack(small: float, people: Array, terms: Terms) -> Array:
    """By how much a lead among members' rows has to be above nothing to be sure, (T, 1)."""
    if (people < 1).any() or (people >= terms.people).any():
        raise ValueError(
            f"a collective of {people.min()}..{people.max()} needs 1..{terms.people - 1}"
        )
    firm = radius(small, np.array(terms.people))
    return np.asarray(2 * radius(small, people)[:, None] + 2 * firm + terms.lead)


def _lead(mixture: Array, label: int) -> Array:
    others = mixture.copy()
    others[..., label] = -np.inf
    return np.asarray(mixture[..., label] - others.max(axis=-1))


def _turned(mass: Array, cost: Array, budget: Array) -> Array:
    """The most mass, (T,), of points, some in part, that a budget (T,) buys at their cost (T, S).

    What costs nothing is no loss, and what alone costs more than there is cannot be bought.
    """
    cost = np.where((cost > 0) & (cost <= budget[:, None]), cost, np.inf)
    order = np.argsort(-mass / cost, axis=1, kind="stable")
    mass, cost = (np.take_along_axis(a, order, axis=1) for a in (mass, cost))
    paid = np.where(np.isfinite(cost), cost, 0)
    left = budget[:, None] - np.cumsum(paid, axis=1) + paid
    return np.asarray((mass * np.clip(left / cost, 0, 1)).sum(axis=1))


def _less(sure: Array, people: Array, small: float, chosen: float, terms: Terms) -> Array:
    """What is sure, less what samples may err by; ``chosen`` is the log of the number of sets."""
    own = np.sqrt((chosen + np.log(1 / small)) / (2 * people))
    return np.asarray(np.maximum(sure - own - radius(small, np.array(terms.test)), 0.0))
