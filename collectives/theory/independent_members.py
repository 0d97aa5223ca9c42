r"""Finite-sample bounds for members that act independently of each other.

N people hand in rows, each by its own row and its own randomness alone; n of them, drawn at
random, are members. Take two labels c and y and a point z. In the firm's data the lead of c over y
at z is a mean over N independent people of +1, -1 or 0. Its expectation is the lead in the
mixture,

.. math:: L(z) = \alpha \, \big( P^*(z, c) - P^*(z, y) \big)
    + (1 - \alpha) \, \big( P_0(z, c) - P_0(z, y) \big), \qquad \alpha = n / N,

so by Hoeffding's inequality the lead is at least :math:`L(z) - 2 R(N)`, with
:math:`R(k) = \sqrt{\log(1 / \tilde\delta) / 2k}`. Members know their own rows, and what people
with such rows hand in: L(z) is also the expectation of their mean :math:`\hat L(z)` of a number
between -1 and 1, so it is at least :math:`\hat L(z) - 2 R(n)`. Hence the label c is *sure* where

.. math:: \hat L(z) > 2 R(n) + 2 R(N) + \text{lead}

against all other labels y. The last term is the lead that the firm's error can reverse. The points
that are sure lie within a set that the law alone decides, :math:`L(z) > 2 R(N) + \text{lead}`. So
their mass is at least the members' share there, less :math:`R(n)`, and that in a test sample at
least this, less :math:`R(N_\text{test})`. A set that depends on the data is one of the
:math:`2^S` sets of S signal points, and :math:`\log 2^S` joins the logarithm.

The bounds of :mod:`collectives.theory.finite_sample` follow the paper, which estimates the votes
of members and of others one by one. Here they are estimated together, and members that stay on the
signal set and vote against the label are counted with them.

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
    policy: LabelPolicy,
    terms: Terms,
    label: int,
    points: int | None = None,
    acting: Array | None = None,
    data_dependent: bool = False,
) -> Array:
    r"""Return the bound of planting by members with any label policy, (T,).

    .. math:: S \ge \sum_z w_z \big[ \min_{y \ne y^*} \hat L(z) > 2 R(n) + 2 R(N) + \text{lead}
        \big] - R(n) - R(N_\text{test}), \qquad \tilde\delta = \delta / (2 + 2 S (K - 1))

    Here w is the share of members whom the signal moves to z. Unspecified members vote for the
    rival, at the worst points: to reverse z takes as many of them as its lead is long. Their
    number is at most their expected share of the m members that act, plus :math:`R(m)`, at the
    price of one more event that may fail. The mass that they can reverse is bounded by the
    fractional knapsack of that capacity. Members that have to leave the signal set need a member
    off it: without one the bound is zero.

    Arguments:
        data: The members' own rows, counted at S signal points for T sizes.
        policy: The members' label policy.
        terms: The number of people, the test sample and the error probability.
        label: The target label.
        points: The number S of signal points; that of the observed ones, if None.
        acting: The number of members that act, (T,), while the others are idle; all, if None.
        data_dependent: Whether the points that get the label may depend on the data, as long as
            they are worth no less of the members' mass than the points that are sure.
    """
    size, labels = points or data.base.shape[1], data.base.shape[2]
    n, unspecified = data.people, policy.unspecified
    acting = n if acting is None else acting
    delta = terms.delta / (2 + (unspecified > 0) + 2 * size * (labels - 1))
    share = (acting / terms.people)[:, None, None]
    mixture = share * policy.handed_in(data.base, data.arriving) + (1 - share) * data.base
    spare = _lead(mixture / n[:, None, None], label) - required_lead(delta, n, terms)
    mass = data.arriving.sum(axis=2) / n[:, None]
    sure = (mass * (spare > 0)).sum(axis=1)
    if policy.off_signal.any():
        sure = sure * data.has_off_signal_member()
    if unspecified:
        most = unspecified + radius(delta, np.maximum(acting, 1))
        sure = sure - _reversible_mass(mass, spare, acting / terms.people * np.minimum(most, 1))
    log_sets = size * np.log(2) if data_dependent or unspecified else 0.0
    return _subtract_errors(sure, n, delta, log_sets, terms)


def erasing(data: SignalCounts, image: Array, terms: Terms, points: int | None = None) -> Array:
    r"""Return the bound of erasing, (T,), :math:`P_0[f(x) = f(g(x))]`, for any margin of the law.

    .. math:: S \ge \sum_x w_x \big[ x = g(x) \text{ or } \min_{y \ne \hat y} \hat L(z)
        > 2 R(n) + 2 R(N) + \text{lead for } z = x \text{ and } z = g(x) \big]
        - \sqrt{\frac{\log K^S + \log(1 / \tilde\delta)}{2n}} - R(N_\text{test})

    Here :math:`\hat y` is the label that most members have at g(x), which all of them hand in at
    x, and :math:`\tilde\delta = \delta / (2 + 2 |X| K (K - 1))`. Any label will do that is the
    same at x and g(x), so the bound loses nothing if :math:`\hat y` is not the likeliest one. The
    data choose the labels of the S signal points among :math:`K^S`. This is the price of not
    knowing the margin of the base law.

    Arguments:
        data: The members' own rows at all points of the domain.
        image: The index of g(x) for each point x, (|X|,), for an idempotent signal.
        terms: The number of people, the test sample and the error probability.
        points: The number of points |X|; that of the observed ones, if None.

    Raises:
        ValueError: If the signal is not idempotent.
    """
    if (image[image] != image).any():
        raise ValueError("erasing takes an idempotent signal, but g(g(x)) is not g(x)")
    n, labels = data.people, data.base.shape[2]
    delta = terms.delta / (2 + 2 * (points or len(image)) * labels * (labels - 1))
    joint = data.base / n[:, None, None]
    wanted = joint[:, image].argmax(axis=2)[..., None]
    share, mass = (n / terms.people)[:, None, None], joint.sum(axis=2)
    mixture = (1 - share) * joint
    votes = np.take_along_axis(mixture, wanted, axis=2)[..., 0] + share[..., 0] * mass
    np.put_along_axis(mixture, wanted, -np.inf, axis=2)
    sure = votes - mixture.max(axis=2) - required_lead(delta, n, terms) > 0
    erased = (sure & sure[:, image]) | (image == np.arange(len(image)))
    log_sets = len(np.unique(image)) * np.log(labels)
    return _subtract_errors((mass * erased).sum(axis=1), n, delta, log_sets, terms)


def required_lead(delta: float, people: Array, terms: Terms) -> Array:
    """Return the lead among members' rows above which a label is sure, (T, 1).

    Arguments:
        delta: The probability that one estimate may miss.
        people: The number of members, (T,).
        terms: The number of people, the test sample and the error probability.
    """
    if (people < 1).any() or (people >= terms.people).any():
        raise ValueError(
            f"a collective of {people.min()}..{people.max()} needs 1..{terms.people - 1}"
        )
    firm = radius(delta, np.array(terms.people))
    return np.asarray(2 * radius(delta, people)[:, None] + 2 * firm + terms.lead)


def _lead(mixture: Array, label: int) -> Array:
    others = mixture.copy()
    others[..., label] = -np.inf
    return np.asarray(mixture[..., label] - others.max(axis=-1))


def _reversible_mass(mass: Array, cost: Array, budget: Array) -> Array:
    """Return the largest mass, (T,), of points that a budget (T,) can buy, some in part.

    Points without cost are lost in any case, and points above the budget cannot be bought.

    Arguments:
        mass: The mass of each point, (T, S).
        cost: The cost of each point, (T, S).
        budget: The budget, (T,).
    """
    cost = np.where((cost > 0) & (cost <= budget[:, None]), cost, np.inf)
    order = np.argsort(-mass / cost, axis=1, kind="stable")
    mass, cost = (np.take_along_axis(a, order, axis=1) for a in (mass, cost))
    paid = np.where(np.isfinite(cost), cost, 0)
    left = budget[:, None] - np.cumsum(paid, axis=1) + paid
    return np.asarray((mass * np.clip(left / cost, 0, 1)).sum(axis=1))


def _subtract_errors(
    sure: Array, people: Array, delta: float, log_sets: float, terms: Terms
) -> Array:
    """Return the sure mass less the sampling errors, (T,); ``log_sets`` counts the sets."""
    error = np.sqrt((log_sets + np.log(1 / delta)) / (2 * people))
    return np.asarray(np.maximum(sure - error - radius(delta, np.array(terms.test)), 0.0))
