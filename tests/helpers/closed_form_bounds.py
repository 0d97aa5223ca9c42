r"""Closed-form bounds for a known and finite base law: oracles that share no counts with samples.

Every function takes a law and a signal as arrays and returns a lower bound on the success
:math:`S(\alpha)` against any firm that answers with a most likely label of
:math:`P_\alpha = \alpha P^* + (1 - \alpha) P_0`, for any way of breaking ties:

    joint: :math:`P_0(x, y)` for S points and K labels, (S, K), masses that sum to one.
    image: The point g(x) of each point x, as an index, (S,).
    label: The target label y*.
    size: The collective's share :math:`\alpha`.

The closed forms need few numbers of the law. The pointwise forms use every point and are never
looser. They also hold for a firm that is optimal for a law within total variation
:math:`\varepsilon` of :math:`P_\alpha`: a mass :math:`\varepsilon` may move from one label of a
point to another, which narrows their gap by :math:`2 \varepsilon`, so a wider gap is safe.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

import numpy as np

from collectives.theory.pointwise import ROUNDING, clip_bound, lead, planting_bound
from collectives.types import Array


def signal_mass(joint: Array, image: Array) -> float:
    r"""Return the base mass :math:`\xi = P_0(X^*)` of the signal set :math:`X^* = g(X)`.

    Example:
        >>> signal_mass(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]))
        0.1
    """
    joint, image = _law(joint, image)
    return float(joint[np.unique(image)].sum())


def resistance(joint: Array, image: Array, label: int) -> float:
    r"""Return the largest lead over the target label on the signal set.

    .. math:: \Delta = \max_{x \in X^*} \Big( \max_y P_0(y \mid x) - P_0(y^* \mid x) \Big)

    A point without base mass does not resist.

    Example:
        >>> resistance(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]), label=1)
        1.0
    """
    joint, image = _law(joint, image)
    given = _given(joint)[np.unique(image)]
    return float((given.max(axis=1) - given[:, label]).max())


def feature_label(joint: Array, image: Array, label: int, size: float) -> float:
    r"""Return the bound of the feature-label strategy.

    .. math:: S \ge 1 - \frac{1 - \alpha}{\alpha} \Delta \xi

    Example:
        >>> feature_label(np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1]), 1, size=0.5)
        0.9
    """
    lost = signal_mass(joint, image) * resistance(joint, image, label)
    return clip_bound(1 - (1 - size) / size * lost) if size else 0.0


def critical_mass(joint: Array, image: Array, label: int, success: float) -> float:
    r"""Return the size from which :func:`feature_label` is at least S*.

    .. math:: \alpha^* \le \frac{\Delta \xi}{1 - S^* + \Delta \xi}

    Example:
        >>> joint, image = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(critical_mass(joint, image, label=1, success=0.9), 6)
        0.5
    """
    lost = signal_mass(joint, image) * resistance(joint, image, label)
    return float(lost / (1 - success + lost)) if lost else 0.0


def feature_label_pointwise(
    joint: Array, image: Array, label: int, size: float, error: float = 0.0
) -> float:
    r"""Return the bound of the feature-label strategy, point by point.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P^*(x') - (1 - \alpha) \big( \max_{y \ne y^*}
        P_0(x', y) - P_0(x', y^*) \big) > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, image = np.array([[0.6, 0.3], [0.1, 0.0]]), np.array([1, 1])
        >>> round(feature_label_pointwise(joint, image, label=1, size=0.2), 6)
        1.0
    """
    joint, image = _law(joint, image)
    planted = np.zeros_like(joint)
    np.add.at(planted[:, label], image, joint.sum(axis=1))
    return planting_bound(joint, image, label, size * planted + (1 - size) * joint, error)


def feature_only(joint: Array, image: Array, label: int, size: float) -> float:
    r"""Return the bound of the feature-only strategy.

    .. math:: S \ge 1 - \frac{1 - p}{p \alpha} \xi

    Here :math:`p = \min_x P_0(y^* \mid x)` over the points that have mass.

    Example:
        >>> joint, image = np.array([[0.5, 0.4], [0.05, 0.05]]), np.array([1, 1])
        >>> round(feature_only(joint, image, label=1, size=0.5), 6)
        0.75
    """
    joint, image = _law(joint, image)
    rarest = float(_given(joint)[joint.sum(axis=1) > 0, label].min())
    if size == 0 or rarest == 0:
        return 0.0
    return clip_bound(1 - (1 - rarest) / (rarest * size) * signal_mass(joint, image))


def feature_only_pointwise(
    joint: Array, image: Array, label: int, size: float, error: float = 0.0
) -> float:
    r"""Return the bound of the feature-only strategy, point by point.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P_0(g^{-1}(x'), y^*) + (1 - \alpha) P_0(x', y^*)
        - \max_{y \ne y^*} P_0(x', y) > 2 \varepsilon \Big], \quad x' = g(x)

    Example:
        >>> joint, image = np.array([[0.5, 0.4], [0.06, 0.04]]), np.array([1, 1])
        >>> feature_only_pointwise(joint, image, label=1, size=0.1)
        1.0
    """
    joint, image = _law(joint, image)
    planted = joint.copy()
    planted[:, label] = np.bincount(image, weights=joint[:, label], minlength=len(joint))
    return planting_bound(joint, image, label, size * planted + (1 - size) * joint, error)


def erasure(joint: Array, image: Array, size: float) -> float:
    r"""Return the bound of the erasure strategy, for an idempotent signal.

    .. math:: S \ge 1 - 2 \frac{1 - \alpha}{\alpha}
        \mathbb{E}_{x \sim P_0} \max_y | P_0(y \mid x) - P_0(y \mid g(x)) |

    A point whose image g(x) has no base mass counts as lost: no row shows the firm a label there.

    Example:
        >>> round(erasure(np.array([[0.5, 0.4], [0.04, 0.06]]), np.array([1, 1]), size=0.9), 6)
        0.968889
    """
    joint, image = _law(joint, image, idempotent=True)
    given, mass = _given(joint), joint.sum(axis=1)
    labelled = mass[image] > 0
    change = np.abs(given - given[image]).max(axis=1)
    lost = 2 * (1 - size) / size * (mass * change)[labelled].sum() if size else 1.0
    return clip_bound(float(mass[labelled].sum() - lost))


def erasure_pointwise(joint: Array, image: Array, size: float, error: float = 0.0) -> float:
    r"""Return the bound of the erasure strategy, point by point, for an idempotent signal.

    .. math:: S \ge P_{x \sim P_0} \Big[ \alpha P_0(z) - (1 - \alpha) \big( \max_{y \ne \hat y}
        P_0(z, y) - P_0(z, \hat y) \big) > 2 \varepsilon \text{ for } z = x \text{ and }
        z = g(x) \Big], \quad \hat y = \operatorname*{argmax}_y P_0(y \mid g(x))

    Example:
        >>> joint, image = np.array([[0.5, 0.4], [0.04, 0.06]]), np.array([1, 1])
        >>> erasure_pointwise(joint, image, size=0.05), erasure_pointwise(joint, image, size=0.2)
        (0.1, 1.0)
    """
    joint, image = _law(joint, image, idempotent=True)
    mass, wanted = joint.sum(axis=1), joint[image].argmax(axis=1)
    labelled = np.zeros_like(joint)
    labelled[np.arange(len(joint)), wanted] = mass
    safe = lead(size * labelled + (1 - size) * joint, wanted) > 2 * error + ROUNDING
    return clip_bound(mass[safe & safe[image]].sum())


def _given(joint: Array) -> Array:
    """Return P(y | x); zero where x has no mass."""
    mass = joint.sum(axis=1, keepdims=True)
    return np.divide(joint, mass, out=np.zeros_like(joint), where=mass > 0)


def _law(joint: Array, image: Array, idempotent: bool = False) -> tuple[Array, Array]:
    joint, image = np.asarray(joint, dtype=np.float64), np.asarray(image)
    if joint.min() < 0 or abs(joint.sum() - 1) > 1e-9:
        raise ValueError(f"masses are at least 0 and sum to 1, not to {joint.sum()}")
    if image.shape != (len(joint),) or image.min() < 0 or image.max() >= len(joint):
        raise ValueError(
            f"image={image}, but it takes an index 0..{len(joint) - 1} for each point"
        )
    if idempotent and (image[image] != image).any():
        raise ValueError(f"image={image}, but erasure needs an idempotent signal, g(g(x)) = g(x)")
    return joint, image
