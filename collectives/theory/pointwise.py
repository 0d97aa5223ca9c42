r"""What a known mixture promises: people whose answer no good firm can turn.

A firm that answers with a most likely label of a law at a total variation of at most
:math:`\varepsilon` from the mixture :math:`P_\alpha` cannot turn a lead above
:math:`2 \varepsilon`.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262

Arguments of all functions:
    joint: The base law :math:`P_0(x, y)`, (S, K).
    moved: The point g(x) of each point x, as an index, (S,).
    mixture: What the firm sees, :math:`P_\alpha(x, y)`, (S, K).
    error: :math:`\varepsilon`.
"""

import numpy as np

from collectives.types import Array

#: Sums round: a lead that may be nothing but rounding is a tie, and a tie may be lost.
ROUNDING = 1e-12


def planting_bound(
    joint: Array, moved: Array, label: int, mixture: Array, error: float = 0.0
) -> float:
    r"""Any planting: the people x whom a known mixture gives the label at g(x).

    .. math:: S \ge P_{x \sim P_0} \Big[ P_\alpha(x', y^*) - \max_{y \ne y^*} P_\alpha(x', y)
        > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, moved = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> mixture = np.array([[0.5, 0.2], [0.1, 0.2]])
        >>> round(planting_bound(joint, moved, 1, mixture), 6)
        1.0
    """
    safe = lead(mixture, np.full(len(mixture), label)) > 2 * error + ROUNDING
    return atleast(joint.sum(axis=1)[safe[moved]].sum())


def avoided(joint: Array, moved: Array, label: int, mixture: Array, error: float = 0.0) -> float:
    r"""Any unplanting: the people x whom a known mixture gives another label at g(x).

    .. math:: S \ge P_{x \sim P_0} \Big[ \max_{y \ne y^*} P_\alpha(x', y) - P_\alpha(x', y^*)
        > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, moved = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(avoided(joint, moved, label=1, mixture=joint), 6)
        1.0
    """
    safe = -lead(mixture, np.full(len(mixture), label)) > 2 * error + ROUNDING
    return atleast(joint.sum(axis=1)[safe[moved]].sum())


def unchanged(joint: Array, moved: Array, mixture: Array, error: float = 0.0) -> float:
    r"""Any erasing: the people x who carry the signal, or get one sure label at x and at g(x).

    Example:
        >>> joint, moved = np.array([[0.5, 0.3], [0.2, 0.0]]), np.array([1, 1])
        >>> unchanged(joint, moved, mixture=joint)
        1.0
    """
    best = mixture.argmax(axis=1)
    sure = lead(mixture, best) > 2 * error + ROUNDING
    same = sure & sure[moved] & (best == best[moved])
    return atleast(joint.sum(axis=1)[same | (moved == np.arange(len(moved)))].sum())


def budget_bound(leads: Array, error: float) -> float:
    r"""Any planting, by a firm whose law is wrong by a mass that it may spend where it likes.

    :func:`planting_bound` lets each point face all of :math:`\varepsilon`, which says nothing on a
    continuum, where no point has a mass. All points together face it once:

    .. math:: S \ge 1 - \max_T \Big\{ P_0(T) : \frac12 \int_T r \, dP_0 \le \varepsilon \Big\},
        \qquad r(x) = \frac{\big( P_\alpha(x', y^*) - \max_{y \ne y^*} P_\alpha(x', y)
        \big)_+}{P_0(g^{-1}(x'))}

    since to turn :math:`x' = g(x)` half its lead has to change its label, and gains the firm all
    who are moved there. The T of least lead is the largest; a part of its last person counts.

    Arguments:
        leads: The lead r of each of n people drawn from :math:`P_0`, (n,); below zero, if theirs
            is lost anyway.
        error: The total variation :math:`\varepsilon`.

    Example:
        >>> leads = np.array([0.0, 0.2, 0.4, 0.6])
        >>> [round(budget_bound(leads, e), 6) for e in (0.0, 0.025, 0.05, 1)]
        [0.75, 0.5, 0.375, 0.0]
    """
    prices = np.sort(np.maximum(leads, 0)) / 2 / len(leads)
    free = int((prices <= ROUNDING / len(leads)).sum())
    paid = np.cumsum(prices[free:])
    whole = int((paid <= error).sum())
    rest = error - (paid[whole - 1] if whole else 0.0)
    part = rest / prices[free + whole] if free + whole < len(leads) else 0.0
    return atleast(1 - (free + whole + part) / len(leads))


def lead(joint: Array, wanted: Array) -> Array:
    """The lead of one label over the best other at each point, (S,)."""
    others = joint.copy()
    others[np.arange(len(joint)), wanted] = -np.inf
    return joint[np.arange(len(joint)), wanted] - others.max(axis=1)


def atleast(bound: float) -> float:
    """A bound that promises less than nothing promises nothing; sums may round past one."""
    return float(min(max(bound, 0.0), 1.0))
