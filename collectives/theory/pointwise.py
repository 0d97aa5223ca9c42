r"""Exact bounds: lower bounds on success when the base law and the mixture are known.

The bounds hold against every firm that predicts a most likely label of a law within total
variation :math:`\varepsilon` of the mixture :math:`P_\alpha`. Such a firm cannot reverse a lead
above :math:`2 \varepsilon`.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262

Arguments that all functions share:
    joint: The base law :math:`P_0(x, y)` at S points for K labels, (S, K).
    image: The index of g(x) for each point x, (S,).
    mixture: The firm's law :math:`P_\alpha(x, y)`, (S, K).
    error: The total variation :math:`\varepsilon`.
"""

import numpy as np

from collectives.types import Array

#: Leads up to this value may be rounding errors, so they count as ties. A tie may be lost.
ROUNDING = 1e-12


def planting_bound(
    joint: Array, image: Array, label: int, mixture: Array, error: float = 0.0
) -> float:
    r"""Return the bound of planting: the base mass of x where the label leads at g(x).

    .. math:: S \ge P_{x \sim P_0} \Big[ P_\alpha(x', y^*) - \max_{y \ne y^*} P_\alpha(x', y)
        > 2 \varepsilon \Big], \quad x' = g(x)

    Arguments:
        joint: The base law, (S, K).
        image: The index of g(x) for each point x, (S,).
        label: The target label y*.
        mixture: The firm's law, (S, K).
        error: The total variation :math:`\varepsilon`.

    Example:
        >>> joint, image = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> mixture = np.array([[0.5, 0.2], [0.1, 0.2]])
        >>> round(planting_bound(joint, image, 1, mixture), 6)
        1.0
    """
    safe = lead(mixture, np.full(len(mixture), label)) > 2 * error + ROUNDING
    return clip_bound(joint.sum(axis=1)[safe[image]].sum())


def unplanting_bound(
    joint: Array, image: Array, label: int, mixture: Array, error: float = 0.0
) -> float:
    r"""Return the bound of unplanting: the base mass of x where another label leads at g(x).

    .. math:: S \ge P_{x \sim P_0} \Big[ \max_{y \ne y^*} P_\alpha(x', y) - P_\alpha(x', y^*)
        > 2 \varepsilon \Big], \quad x' = g(x)

    Arguments:
        joint: The base law, (S, K).
        image: The index of g(x) for each point x, (S,).
        label: The label y* that members want the firm not to predict.
        mixture: The firm's law, (S, K).
        error: The total variation :math:`\varepsilon`.

    Example:
        >>> joint, image = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(unplanting_bound(joint, image, label=1, mixture=joint), 6)
        1.0
    """
    safe = -lead(mixture, np.full(len(mixture), label)) > 2 * error + ROUNDING
    return clip_bound(joint.sum(axis=1)[safe[image]].sum())


def erasing_bound(joint: Array, image: Array, mixture: Array, error: float = 0.0) -> float:
    r"""Return the bound of erasing: the base mass of x with one sure label at x and at g(x).

    Points with x = g(x) count in any case.

    Arguments:
        joint: The base law, (S, K).
        image: The index of g(x) for each point x, (S,).
        mixture: The firm's law, (S, K).
        error: The total variation :math:`\varepsilon`.

    Example:
        >>> joint, image = np.array([[0.5, 0.3], [0.2, 0.0]]), np.array([1, 1])
        >>> erasing_bound(joint, image, mixture=joint)
        1.0
    """
    best = mixture.argmax(axis=1)
    sure = lead(mixture, best) > 2 * error + ROUNDING
    same = sure & sure[image] & (best == best[image])
    return clip_bound(joint.sum(axis=1)[same | (image == np.arange(len(image)))].sum())


def budget_bound(relative_leads: Array, error: float) -> float:
    r"""Return the bound of planting when the firm's error is one budget for all points.

    :func:`planting_bound` lets each point face all of :math:`\varepsilon`, so it is empty on a
    continuum, where no point has mass. Here the points share the error:

    .. math:: S \ge 1 - \max_T \Big\{ P_0(T) : \frac12 \int_T r \, dP_0 \le \varepsilon \Big\},
        \qquad r(x) = \frac{\big( P_\alpha(x', y^*) - \max_{y \ne y^*} P_\alpha(x', y)
        \big)_+}{P_0(g^{-1}(x'))}

    To reverse the prediction at :math:`x' = g(x)`, half of its lead has to change the label, which
    costs the collective all people with that image. The worst T has the smallest relative leads;
    its last person counts in part.

    Arguments:
        relative_leads: The lead r of each of n people drawn from :math:`P_0`, (n,). Values up to
            zero are lost in any case.
        error: The total variation :math:`\varepsilon`.

    Example:
        >>> leads = np.array([0.0, 0.2, 0.4, 0.6])
        >>> [round(budget_bound(leads, e), 6) for e in (0.0, 0.025, 0.05, 1)]
        [0.75, 0.5, 0.375, 0.0]
    """
    n = len(relative_leads)
    prices = np.sort(np.maximum(relative_leads, 0)) / 2 / n
    free = int((prices <= ROUNDING / n).sum())
    paid = np.cumsum(prices[free:])
    whole = int((paid <= error).sum())
    rest = error - (paid[whole - 1] if whole else 0.0)
    part = rest / prices[free + whole] if free + whole < n else 0.0
    return clip_bound(1 - (free + whole + part) / n)


def overlap_bound(
    size: float, overlap: float, weights: Array | None = None, resistance: float = 1.0
) -> float:
    r"""Return the bound of feature-label planting against a learner that weights people.

    .. math:: S \ge 1 - \frac{\bar w}{\min w} \frac{1 - \alpha_w}{\alpha_w} \Delta_w \xi_w

    All three quantities are those of the weighted law: :math:`\alpha_w` is the effective size,
    :math:`\xi_w` the overlap and :math:`\Delta_w` the resistance (at most one) among the others.
    Points are lost where the weighted mass of members is small. In the unweighted law such points
    have at most :math:`\bar w / \min w` times that mass.

    Arguments:
        size: The effective size :math:`\alpha_w`.
        overlap: The weighted share of the others that carry the signal.
        weights: The members' weights, (m,); all alike, if None.
        resistance: The largest lead over the target label among the others.

    Example:
        >>> overlap_bound(size=0.1, overlap=0.01)
        0.91
        >>> round(overlap_bound(size=0.5, overlap=0.01, weights=np.array([1.0, 3.0])), 6)
        0.98
    """
    if size == 0 or (weights is not None and weights.min() <= 0):
        return 0.0
    spread = 1.0 if weights is None else float(weights.mean() / weights.min())
    return clip_bound(1 - spread * (1 - size) / size * resistance * overlap)


def lead(joint: Array, wanted: Array) -> Array:
    """Return the lead of one label over the best other label at each point, (S,).

    Arguments:
        joint: Masses by point and label, (S, K).
        wanted: The label whose lead is computed, (S,).
    """
    others = joint.copy()
    others[np.arange(len(joint)), wanted] = -np.inf
    return joint[np.arange(len(joint)), wanted] - others.max(axis=1)


def clip_bound(bound: float) -> float:
    """Return a bound clipped to [0, 1]: a negative one is empty, and sums may round past one."""
    return float(min(max(bound, 0.0), 1.0))
