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

from collectives.base import Array

#: Sums round: a lead that may be nothing but rounding is a tie, and a tie may be lost.
ROUNDING = 1e-12


def captured(joint: Array, moved: Array, label: int, mixture: Array, error: float = 0.0) -> float:
    r"""Any planting: the people x whom a known mixture gives the label at g(x).

    .. math:: S \ge P_{x \sim P_0} \Big[ P_\alpha(x', y^*) - \max_{y \ne y^*} P_\alpha(x', y)
        > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, moved = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> mixture = np.array([[0.5, 0.2], [0.1, 0.2]])
        >>> round(captured(joint, moved, 1, mixture), 6)
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


def lead(joint: Array, wanted: Array) -> Array:
    """The lead of one label over the best other at each point, (S,)."""
    others = joint.copy()
    others[np.arange(len(joint)), wanted] = -np.inf
    return joint[np.arange(len(joint)), wanted] - others.max(axis=1)


def atleast(bound: float) -> float:
    """A bound that promises less than nothing promises nothing; sums may round past one."""
    return float(min(max(bound, 0.0), 1.0))
