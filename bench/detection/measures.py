"""How well a suspicion score finds the members: ROC curve, its area, and the most suspicious."""

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve

from algorithms.base import Array

#: The shares of other points that are suspected, at which ROC curves are kept.
NODES = np.linspace(0, 1, 101)


def area(suspicion: Array, member: Array) -> float:
    r"""Return the area under the ROC curve.

    It is the chance that a member is more suspicious than another point; a tie counts half.

    .. math:: \mathrm{AUC} = P[s_i > s_j] + \tfrac12 P[s_i = s_j],
        \qquad i \text{ a member}, j \text{ none}

    Arguments:
        suspicion: The score of each training point, (n,).
        member: Which of them are members, a mask (n,).

    Returns:
        The area; NaN without members, or without others.

    Example:
        >>> area(np.array([0.9, 0.1, 0.9, 0.2]), np.array([True, False, False, False]))
        0.8333333333333334
    """
    if member.all() or not member.any():
        return float("nan")
    return float(roc_auc_score(member, suspicion))


def top_share(suspicion: Array, member: Array) -> float:
    """Return the members' share of the k most suspicious points, with k members.

    It is both the precision and the recall of a firm that removes as many points as there are
    members. Of equally suspicious points at the border a random choice counts, in expectation.

    Arguments:
        suspicion: The score of each training point, (n,).
        member: Which of them are members, a mask (n,).

    Returns:
        The share; NaN without members.

    Example:
        >>> top_share(np.array([0.9, 0.1, 0.9, 0.2]), np.array([True, False, False, False]))
        0.5
    """
    count = int(member.sum())
    if not count:
        return float("nan")
    border = np.sort(suspicion)[-count]
    above, tied = suspicion > border, suspicion == border
    drawn = (count - above.sum()) / tied.sum()
    return float((member[above].sum() + drawn * member[tied].sum()) / count)


def roc(suspicion: Array, member: Array) -> Array:
    """Return the suspected share of members at each share of :data:`NODES` of other points.

    Arguments:
        suspicion: The score of each training point, (n,).
        member: Which of them are members, a mask (n,); some are and some are not.

    Example:
        >>> roc(np.array([1.0, 0.0]), np.array([True, False]))[[0, 50, 100]]
        array([1., 1., 1.])
    """
    others, members, _ = roc_curve(member, suspicion, drop_intermediate=False)
    # Where the curve rises vertically, interp takes the upper end at a node, and the lower end on
    # the way to it.
    return np.interp(NODES, others, members)
