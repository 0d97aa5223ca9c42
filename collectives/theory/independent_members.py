r"""Finite-sample bounds for members that act independently of each other.

N people hand in rows, each by its own row and its own randomness alone; n of them, drawn at
random, are members. Take a wanted label c, a rival y and a point z. In the firm's data the lead of
c over y at z is a mean over N independent people of +1, -1 or 0. Its expectation is the lead in
the mixture,

.. math:: L(z) = \alpha \, \big( P^*(z, c) - P^*(z, y) \big)
    + (1 - \alpha) \, \big( P_0(z, c) - P_0(z, y) \big), \qquad \alpha = n / N.

Members know their own rows, and what people with such rows hand in: L(z) is also the expectation
of a number between -1 and 1 of each member, whose mean they compute. The label c is *sure* at z if
its :func:`collectives.theory.finite_sample.spare_lead` is above zero against all rivals: the lead
that members observe, less Bernstein's radii for the members' sample and for the firm's, less the
lead that the firm's error can reverse.

The points that are sure lie within a set that the law alone decides: there L(z) exceeds the firm's
radius at the true probability of votes. So the mass of this set is at least the members' share of
sure points, less Hoeffding's radius :math:`R(n)`, and that in a test sample at least this, less
:math:`R(N_\text{test})`, with :math:`R(k) = \sqrt{\log(1 / \tilde\delta) / 2k}`. A set that
depends on the data is one of the :math:`2^S` sets of S signal points, and :math:`\log 2^S` joins
the logarithm.

The paper estimates the votes of members and of others one by one, by Hoeffding's inequality. Here
they are estimated together, members that vote against the label are counted with them, and the
radii know that few people are at any one point.

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

import numpy as np

from collectives.theory.counts import SignalCounts
from collectives.theory.finite_sample import Terms, Votes, radius, spare_lead, subtract_errors
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

    .. math:: S \ge \sum_z w_z \, [ z \text{ is sure} ] - R(n) - R(N_\text{test}), \qquad
        \tilde\delta = \delta / (2 + 4 S (K - 1))

    Here w is the share of members whom the signal moves to z. Unspecified members vote for the
    rival, at the worst points: to reverse z takes as many of them as its spare lead is long. Their
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
    delta = terms.delta / (2 + (unspecified > 0) + 4 * size * (labels - 1))
    share = (acting / terms.people)[:, None, None]
    base = data.base / n[:, None, None]
    moving = data.arriving / n[:, None, None] - base

    def spare(rival: int) -> Array:
        at_point = [
            share * (policy.signalled + policy.unmoved)[:, c] + (1 - share) * np.eye(labels)[c]
            for c in (label, rival)
        ]
        signalled = [share * policy.signalled[:, c] for c in (label, rival)]
        return spare_lead([Votes(base, *at_point), Votes(moving, *signalled)], n, delta, terms)

    lead = np.min([spare(rival) for rival in range(labels) if rival != label], axis=0)
    mass = data.arriving.sum(axis=2) / n[:, None]
    sure = (mass * (lead > 0)).sum(axis=1)
    if policy.off_signal.any():
        sure = sure * data.has_off_signal_member()
    if unspecified:
        most = unspecified + radius(delta, np.maximum(acting, 1))
        sure = sure - _reversible_mass(mass, lead, acting / terms.people * np.minimum(most, 1))
    log_sets = size * np.log(2) if data_dependent or unspecified else 0.0
    return subtract_errors(sure, n, delta, terms, log_sets)


def unplanting(
    survey: SignalCounts,
    data: SignalCounts,
    terms: Terms,
    label: int,
    points: int | None = None,
    naive: bool = False,
) -> Array:
    r"""Return the bound of unplanting, (T,).

    .. math:: S \ge \sum_z w_z \, [ \hat y_z \text{ is sure against } y^* ]
        - \sqrt{\frac{\log (K - 1)^S + \log(1 / \tilde\delta)}{2n}} - R(N_\text{test}), \qquad
        \tilde\delta = \delta / (2 + 4 S (K - 1))

    Members hand in signalled points under the label :math:`\hat y_z` that the survey chooses
    there. The estimates hold for all labels other than y* at once, so they hold for the chosen
    one, and all members' rows count for them, those of the survey included. The data choose the
    labels of the S signal points among :math:`(K - 1)^S`. A signal point that no surveyed row
    equals is not safe, since nearest rows choose the label there. A naive collective has no safe
    point if no surveyed row carries the signal.

    Arguments:
        survey: The rows of members that choose the label in place of y*.
        data: The rows of all members, with the same points in the same order.
        terms: The number of people, the test sample and the error probability.
        label: The label y* that the firm should not predict.
        points: The number S of signal points; that of the observed ones, if None.
        naive: Whether members take one label at all points.
    """
    size, labels = points or data.base.shape[1], data.base.shape[2]
    n, delta = data.people, terms.delta / (2 + 4 * size * (labels - 1))
    guess = survey.base.astype(float)
    if naive:
        guess = np.broadcast_to(guess.sum(axis=1, keepdims=True), guess.shape).copy()
    surveyed = guess.sum(axis=2) > 1 - 1e-9
    guess[..., label] = -1
    share, chosen = (n / terms.people)[:, None, None], np.eye(labels)[guess.argmax(axis=2)]
    base, arriving = (a / n[:, None, None] for a in (data.base, data.arriving))
    at_point = Votes(base, share + (1 - share) * chosen, (1 - share) * np.eye(labels)[label])
    signalled = Votes(arriving - base, share, np.zeros(1))
    sure = surveyed & (spare_lead([at_point, signalled], n, delta, terms) > 0)
    log_sets = size * np.log(labels - 1) if labels > 2 else 0.0
    return subtract_errors((arriving.sum(axis=2) * sure).sum(axis=1), n, delta, terms, log_sets)


def erasing(data: SignalCounts, image: Array, terms: Terms, points: int | None = None) -> Array:
    r"""Return the bound of erasing, (T,), :math:`P_0[f(x) = f(g(x))]`, for any margin of the law.

    .. math:: S \ge \sum_x w_x \big[ x = g(x) \text{ or } \hat y \text{ is sure at } x \text{ and
        at } g(x) \big] - \sqrt{\frac{\log K^S + \log(1 / \tilde\delta)}{2n}} - R(N_\text{test})

    Here :math:`\hat y` is the label that most members have at g(x), which all of them hand in at
    x, and :math:`\tilde\delta = \delta / (2 + 4 |X| K (K - 1))`. Any label will do that is the
    same at x and g(x), so the bound loses nothing if :math:`\hat y` is not the likeliest one. The
    data choose the labels of the S signal points among :math:`K^S`. This is the price of not
    knowing the margin of the base law.

    Arguments:
        data: The members' own rows at all points of the domain.
        image: The index of g(x) for each point x, ``(|X|,)``, for an idempotent signal.
        terms: The number of people, the test sample and the error probability.
        points: The number of points, ``|X|``; that of the observed ones, if None.

    Raises:
        ValueError: If the signal is not idempotent.
    """
    if (image[image] != image).any():
        raise ValueError("erasing takes an idempotent signal, but g(g(x)) is not g(x)")
    n, labels = data.people, data.base.shape[2]
    delta = terms.delta / (2 + 4 * (points or len(image)) * labels * (labels - 1))
    joint = data.base / n[:, None, None]
    wanted = joint[:, image].argmax(axis=2)
    share, chosen = (n / terms.people)[:, None, None], np.eye(labels)[wanted]

    def spare(rival: int) -> Array:
        votes = Votes(joint, share + (1 - share) * chosen, (1 - share) * np.eye(labels)[rival])
        return np.where(wanted == rival, np.inf, spare_lead([votes], n, delta, terms))

    sure = np.min([spare(rival) for rival in range(labels)], axis=0) > 0
    erased = (sure & sure[:, image]) | (image == np.arange(len(image)))
    log_sets = len(np.unique(image)) * np.log(labels)
    return subtract_errors((joint.sum(axis=2) * erased).sum(axis=1), n, delta, terms, log_sets)


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
