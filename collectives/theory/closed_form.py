r"""What theory promises a collective whose base law is known and finite.

Every function takes a law and a signal as arrays and gives a lower bound on the success
:math:`S(\alpha)` against any firm that answers with a most likely label of
:math:`P_\alpha = \alpha P^* + (1 - \alpha) P_0`, however it breaks ties:

    joint: :math:`P_0(x, y)` for S points and K labels, (S, K), masses that sum to one.
    moved: The point g(x) of each point x, as an index, (S,).
    label: The target label y*.
    size: The collective's share :math:`\alpha`.

The closed forms need few numbers of the law. The pointwise forms look at every point, are never
looser, and hold for a firm that sees :math:`P_\alpha` up to an error, too: if total variation
:math:`\varepsilon` separates what it optimises from :math:`P_\alpha`, a mass :math:`\varepsilon`
may have gone from one label of a point to another, which narrows their gap by
:math:`2 \varepsilon`, and only a wider gap is safe.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

import numpy as np

from collectives.theory.pointwise import ROUNDING, atleast, lead, planting_bound
from collectives.types import Array


def signal_mass(joint: Array, moved: Array) -> float:
    r"""The base mass :math:`\xi = P_0(X^*)` of the signal set :math:`X^* = g(X)`.

    Example:
        >>> signal_mass(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]))
        0.1
    """
    joint, moved = _law(joint, moved)
    return float(joint[np.unique(moved)].sum())


def resistance(joint: Array, moved: Array, label: int) -> float:
    r"""By how much the target label loses on the signal set, at worst.

    .. math:: \Delta = \max_{x \in X^*} \Big( \max_y P_0(y \mid x) - P_0(y^* \mid x) \Big)

    A point without base mass does not resist.

    Example:
        >>> resistance(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]), label=1)
        1.0
    """
    joint, moved = _law(joint, moved)
    given = _given(joint)[np.unique(moved)]
    return float((given.max(axis=1) - given[:, label]).max())


def feature_label(joint: Array, moved: Array, label: int, size: float) -> float:
    r"""The feature-label strategy: :math:`S \ge 1 - \frac{1 - \alpha}{\alpha} \Delta \xi`.

    Example:
        >>> feature_label(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]), 1, size=0.5)
        0.9
    """
    lost = signal_mass(joint, moved) * resistance(joint, moved, label)
    return atleast(1 - (1 - size) / size * lost) if size else 0.0


def critical_mass(joint: Array, moved: Array, label: int, success: float) -> float:
    r"""The size from which :func:`feature_label` promises a success S*.

    .. math:: \alpha^* \le \frac{\Delta \xi}{1 - S^* + \Delta \xi}

    Example:
        >>> joint, moved = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(critical_mass(joint, moved, label=1, success=0.9), 6)
        0.5
    """
    lost = signal_mass(joint, moved) * resistance(joint, moved, label)
    return float(lost / (1 - success + lost)) if lost else 0.0


def by_overlap(
    size: float, overlap: float, weights: Array | None = None, resistance: float = 1.0
) -> float:
    r"""The feature-label strategy against a learner that weighs people.

    .. math:: S \ge 1 - \frac{\bar w}{\min w} \frac{1 - \alpha_w}{\alpha_w} \Delta_w \xi_w

    All three are those of the weighted law: :math:`\alpha_w` is the effective size,
    :math:`\xi_w` the overlap and :math:`\Delta_w` the resistance (at most one) among the others.
    Points are lost where few weighted members are, and there are more of them unweighted by the
    spread :math:`\bar w / \min w` of the members' weights at most.

    Example:
        >>> by_overlap(size=0.1, overlap=0.01)
        0.91
        >>> round(by_overlap(size=0.5, overlap=0.01, weights=np.array([1.0, 3.0])), 6)
        0.98
    """
    if size == 0 or (weights is not None and weights.min() <= 0):
        return 0.0
    spread = 1.0 if weights is None else float(weights.mean() / weights.min())
    return atleast(1 - spread * (1 - size) / size * resistance * overlap)


def feature_label_pointwise(
    joint: Array, moved: Array, label: int, size: float, error: float = 0.0
) -> float:
    r"""The feature-label strategy, point by point.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P^*(x') - (1 - \alpha) \big( \max_{y \ne y^*}
        P_0(x', y) - P_0(x', y^*) \big) > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, moved = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(feature_label_pointwise(joint, moved, label=1, size=0.2), 6)
        1.0
    """
    joint, moved = _law(joint, moved)
    planted = np.zeros_like(joint)
    np.add.at(planted[:, label], moved, joint.sum(axis=1))
    return planting_bound(joint, moved, label, size * planted + (1 - size) * joint, error)


def feature_only(joint: Array, moved: Array, label: int, size: float) -> float:
    r"""The feature-only strategy: :math:`S \ge 1 - \frac{1 - p}{p \alpha} \xi`.

    Here :math:`p = \min_x P_0(y^* \mid x)` over the points that have mass.

    Example:
        >>> joint, moved = np.array([[0.5, 0.4], [0.05, 0.05]]), np.array([1, 1])
        >>> round(feature_only(joint, moved, label=1, size=0.5), 6)
        0.75
    """
    joint, moved = _law(joint, moved)
    rarest = float(_given(joint)[joint.sum(axis=1) > 0, label].min())
    if size == 0 or rarest == 0:
        return 0.0
    return atleast(1 - (1 - rarest) / (rarest * size) * signal_mass(joint, moved))


def feature_only_pointwise(
    joint: Array, moved: Array, label: int, size: float, error: float = 0.0
) -> float:
    r"""The feature-only strategy, point by point.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P_0(g^{-1}(x'), y^*) + (1 - \alpha) P_0(x', y^*)
        - \max_{y \ne y^*} P_0(x', y) > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, moved = np.array([[0.5, 0.4], [0.06, 0.04]]), np.array([1, 1])
        >>> feature_only_pointwise(joint, moved, label=1, size=0.1)
        1.0
    """
    joint, moved = _law(joint, moved)
    planted = joint.copy()
    planted[:, label] = np.bincount(moved, weights=joint[:, label], minlength=len(joint))
    return planting_bound(joint, moved, label, size * planted + (1 - size) * joint, error)


def erasure(joint: Array, moved: Array, size: float) -> float:
    r"""The erasure strategy, for an idempotent signal.

    .. math:: S \ge 1 - 2 \frac{1 - \alpha}{\alpha}
        \mathbb{E}_{x \sim P_0} \max_y | P_0(y \mid x) - P_0(y \mid g(x)) |

    A point whose twin g(x) has no base mass counts as lost: nobody teaches the firm what to
    answer there.

    Example:
        >>> round(erasure(np.array([[0.5, 0.4], [0.04, 0.06]]), np.array([1, 1]), size=0.9), 6)
        0.968889
    """
    joint, moved = _law(joint, moved, idempotent=True)
    given, mass = _given(joint), joint.sum(axis=1)
    taught = mass[moved] > 0
    change = np.abs(given - given[moved]).max(axis=1)
    lost = 2 * (1 - size) / size * (mass * change)[taught].sum() if size else 1.0
    return atleast(float(mass[taught].sum() - lost))


def erasure_pointwise(joint: Array, moved: Array, size: float, error: float = 0.0) -> float:
    r"""The erasure strategy, point by point, for an idempotent signal.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P_0(z) - (1 - \alpha) \big( \max_{y \ne \hat y}
        P_0(z, y) - P_0(z, \hat y) \big) > 2 \varepsilon \text{ for } z = x \text{ and }
        z = g(x) \Big], \quad \hat y = \operatorname*{argmax}_y P_0(y \mid g(x))

    Example:
        >>> joint, moved = np.array([[0.5, 0.4], [0.04, 0.06]]), np.array([1, 1])
        >>> erasure_pointwise(joint, moved, size=0.05), erasure_pointwise(joint, moved, size=0.2)
        (0.1, 1.0)
    """
    joint, moved = _law(joint, moved, idempotent=True)
    mass, wanted = joint.sum(axis=1), joint[moved].argmax(axis=1)
    taught = np.zeros_like(joint)
    taught[np.arange(len(joint)), wanted] = mass
    safe = lead(size * taught + (1 - size) * joint, wanted) > 2 * error + ROUNDING
    return atleast(mass[safe & safe[moved]].sum())


def _given(joint: Array) -> Array:
    """P(y | x); zero where x has no mass."""
    mass = joint.sum(axis=1, keepdims=True)
    return np.divide(joint, mass, out=np.zeros_like(joint), where=mass > 0)


def _law(joint: Array, moved: Array, idempotent: bool = False) -> tuple[Array, Array]:
    joint, moved = np.asarray(joint, dtype=np.float64), np.asarray(moved)
    if joint.min() < 0 or abs(joint.sum() - 1) > 1e-9:
        raise ValueError(f"masses are at least 0 and sum to 1, not to {joint.sum()}")
    if moved.shape != (len(joint),) or moved.min() < 0 or moved.max() >= len(joint):
        raise ValueError(
            f"moved={moved}, but it takes an index 0..{len(joint) - 1} for each point"
        )
    if idempotent and (moved[moved] != moved).any():
        raise ValueError(f"moved={moved}, but erasure needs an idempotent signal, g(g(x)) = g(x)")
    return joint, moved
