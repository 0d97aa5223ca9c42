r"""Published finite-sample bounds, by Hoeffding's inequality: oracles for the sharper ones.

N people are in the training set, and n of them, drawn at random, in the collective. With
probability :math:`1 - \delta` over everybody's data, the bounds hold for the success, measured on
a test sample, against any firm that predicts a most likely label of a law :math:`\tilde P` near
the data :math:`\hat P`. With an error :math:`\varepsilon`, near means one of

    "tv": :math:`\mathrm{TV}(\tilde P, \hat P) \le \varepsilon`. Such a firm cannot reverse a lead
        above :math:`2 \varepsilon`.
    "contamination": :math:`\tilde P = (1 - \varepsilon) \hat P + \varepsilon Q` for some Q. Such a
        firm cannot reverse a lead above :math:`\varepsilon / (1 - \varepsilon)`. The paper states
        this lead with the first definition, for which it is too delta.

All bounds are sums over the points z of the signal set X* = g(X), which has to be finite. They
differ in the mass a of members that vote for the wanted label at z, and in the base lead
:math:`\Delta` of its rival there; :math:`R(k) = \sqrt{\log(1 / \tilde\delta) / 2k}`:

.. math:: S \ge \sum_z w_z \Big[ \tfrac{n}{N} (a_z - 2 R(n)) - \tfrac{N - n}{N} (\Delta_z + 2 R(m)
    + 2 R(N - n)) > \text{lead} \Big] - R(n) - R(N_\text{test})

Here m is the number of members by which :math:`\Delta` is estimated.

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

import numpy as np

from collectives.theory.counts import SignalCounts
from collectives.theory.finite_sample import Terms, radius
from collectives.types import Array


def planting(data: SignalCounts, terms: Terms, label: int, points: int | None = None) -> Array:
    r"""Return the bound of the feature-label strategy, (T,).

    Here :math:`\tilde\delta = \delta / (2 + 2 S + 2 S K)`.

    Arguments:
        data: The members' own rows, counted at S signal points for T sizes.
        terms: The number of people, the test sample and the error probability.
        label: The target label.
        points: The number S of signal points; that of the observed ones, if None.
    """
    return _planting(data, terms, label, points, data.arriving.sum(axis=2))


def feature_only_plus(
    data: SignalCounts, terms: Terms, label: int, points: int | None = None
) -> Array:
    """Return the bound of feature-only planting whose other members leave the signal set, (T,).

    The arguments are those of :func:`planting`.

    Raises:
        NoBound: If all members carry the signal.
    """
    bound = _planting(data, terms, label, points, data.arriving[..., label])
    return data.has_off_signal_member() * bound


def unplanting(
    survey: SignalCounts,
    rest: SignalCounts,
    data: SignalCounts,
    terms: Terms,
    label: int,
    points: int | None = None,
    naive: bool = False,
) -> Array:
    r"""Return the bound of unplanting, (T,), with :math:`\tilde\delta = \delta / (2 + 6 S)`.

    A signal point that no surveyed row equals is not safe, since nearest rows choose the label
    there. A naive collective has no safe point if no surveyed row carries the signal.

    Arguments:
        survey: The rows of members that choose the label in place of y*.
        rest: The rows of the other members, which estimate its lead.
        data: The rows of all members. All three have the same points in the same order.
        terms: The number of people, the test sample and the error probability.
        label: The label y* that the firm should not predict.
        points: The number S of signal points; that of the observed ones, if None.
        naive: Whether members take one label at all points.
    """
    size = points or data.base.shape[1]
    guess = survey.base.astype(float)
    if naive:
        guess = np.broadcast_to(guess.sum(axis=1, keepdims=True), guess.shape).copy()
    surveyed = guess.sum(axis=2) > 1 - 1e-9
    guess[..., label] = -1
    best = guess.argmax(axis=2)[..., None]
    others = rest.people[:, None]
    rival = rest.base[..., label] - np.take_along_axis(rest.base, best, axis=2)[..., 0]
    rival = np.where(surveyed, rival / others, np.inf)
    arriving = data.arriving.sum(axis=2)
    delta = terms.delta / (2 + 6 * size)
    return _bound(data.people, arriving, arriving, rival, rest.people, delta, terms)


def erasing(joint: Array, image: Array, people: Array, terms: Terms, margin: float) -> Array:
    r"""Return the bound of erasing for a known margin, (T,).

    Here :math:`\tilde\delta = \delta / (2 + SK + 2S + 2|X|K)`. If the firm may err, a point counts
    only if its image g(x) is safe too.

    Arguments:
        joint: The members' shares at all points of the domain, by label, (T, |X|, K).
        image: The index of g(x) for each point x, (|X|,), for an idempotent signal.
        people: The number of members, (T,).
        terms: The number of people, the test sample and the error probability.
        margin: The smallest lead of the likeliest label at a signal point in the base law.

    Raises:
        ValueError: If the signal is not idempotent (A2), or the margin (A1) too small for it.
    """
    (labels,), signals = joint.shape[2:], np.unique(image)
    if (image[image] != image).any():
        raise ValueError("A2 (idempotence) fails: g(g(x)) is not g(x)")
    count = 2 + len(signals) * labels + 2 * len(signals) + 2 * joint.shape[1] * labels
    delta = terms.delta / count
    needed = 2 * np.log(1 / delta) / margin**2 if margin > 0 else np.inf
    if (people < needed).any() or (people > terms.people - needed).any():
        raise ValueError(
            f"A1 (margin) fails: a margin of {margin} needs {needed:.0f} members and as many "
            f"others, but there are {people.min()}..{people.max()} of {terms.people}"
        )
    wanted = joint[:, image].argmax(axis=2)[..., None]
    votes = np.take_along_axis(joint, wanted, axis=2)[..., 0]
    others = joint.copy()
    np.put_along_axis(others, wanted, -np.inf, axis=2)
    mass, n = joint.sum(axis=2), people[:, None]
    rival = others.max(axis=2) - votes
    safe = _safe(n, mass * n, rival, n, delta, terms)
    if terms.error > 0:
        safe = safe & safe[:, image]
    return _subtract_errors(safe, mass, people, delta, terms)


def _planting(
    data: SignalCounts, terms: Terms, label: int, points: int | None, voting: Array
) -> Array:
    size, labels = points or data.base.shape[1], data.base.shape[2]
    others = data.base.astype(float)
    others[..., label] = -np.inf
    rival = (others.max(axis=2) - data.base[..., label]) / data.people[:, None]
    delta = terms.delta / (2 + 2 * size + 2 * size * labels)
    arriving = data.arriving.sum(axis=2)
    return _bound(data.people, arriving, voting, rival, data.people, delta, terms)


def _bound(
    people: Array,
    arriving: Array,
    voting: Array,
    rival: Array,
    estimating: Array,
    delta: float,
    terms: Terms,
) -> Array:
    n = people[:, None]
    safe = _safe(n, voting, rival, estimating[:, None], delta, terms)
    return _subtract_errors(safe, arriving / n, people, delta, terms)


def _safe(
    n: Array, voting: Array, rival: Array, estimating: Array, delta: float, terms: Terms
) -> Array:
    """Return where the wanted label leads by enough in the firm's data, (T, S)."""
    if (n >= terms.people).any() or (n < 1).any() or (estimating < 1).any():
        raise ValueError(f"a collective of {n.min()}..{n.max()} needs 1..{terms.people - 1}")
    share = n / terms.people
    lead = share * (voting / n - 2 * radius(delta, n))
    doubt = 2 * radius(delta, estimating) + 2 * radius(delta, terms.people - n)
    return np.asarray(lead - (1 - share) * (rival + doubt) - terms.lead > 0)


def _subtract_errors(safe: Array, mass: Array, people: Array, delta: float, terms: Terms) -> Array:
    """Return the mass of the safe points less the sampling errors, (T,)."""
    error = radius(delta, people) + radius(delta, np.array(terms.test))
    return np.asarray(np.maximum((safe * mass).sum(axis=1) - error, 0.0))
