r"""Bounds for collectives that cancel gradients at a goal: oracles of the gradient strategies.

The firm minimises the mean loss of the people. At parameters :math:`\theta^*` the others have the
mean gradient :math:`g_0`, which includes that of the firm's penalty.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262
"""


def neutral_size(others: float, reach: float) -> float:
    r"""Return the size from which members can cancel all others' gradients at a goal.

    .. math:: \alpha_0 = \frac{\lVert g_0 \rVert}{\lVert g_0 \rVert + R}

    Arguments:
        others: The length of the others' mean gradient there, :math:`\lVert g_0 \rVert`.
        reach: The longest mean gradient that members can realise against it, R.

    Example:
        >>> neutral_size(others=0.1, reach=0.9)
        0.1
    """
    if not (others >= 0 and reach > 0):
        raise ValueError(f"others={others}, reach={reach}: lengths, the second one above 0")
    return others / (others + reach)


def neutral_distance(size: float, neutral: float, others: float, convexity: float) -> float:
    r"""Return the largest distance from the goal at a size below the neutral one.

    .. math:: \lVert \theta_\alpha - \theta^* \rVert \le
        \frac1\mu \Big( 1 - \frac{\alpha}{\alpha_0} \Big) \lVert g_0 \rVert, \qquad
        \alpha \le \alpha_0

    Members hand in the same law at each size, the one that cancels all gradients at
    :math:`\alpha_0`, and the
    firm minimises a loss that is :math:`\mu`-strongly convex for the people at size
    :math:`\alpha`. Their gradient at :math:`\theta^*` is then
    :math:`(1 - \alpha / \alpha_0) \, g_0`, and the minimum is not farther than that over
    :math:`\mu`.

    Arguments:
        size: The size :math:`\alpha`.
        neutral: The size :math:`\alpha_0` at which members' gradients cancel all others'.
        others: The length of the others' mean gradient at the goal.
        convexity: The modulus :math:`\mu` of strong convexity.

    Example:
        >>> neutral_distance(size=0.05, neutral=0.1, others=0.2, convexity=0.5)
        0.2
    """
    if not 0 <= size <= neutral <= 1 or neutral == 0:
        raise ValueError(f"size={size}, neutral={neutral}: it holds for 0 <= size <= neutral <= 1")
    if not (others >= 0 and convexity > 0):
        raise ValueError(f"others={others}, convexity={convexity}: no bound without convexity")
    return (1 - size / neutral) * others / convexity
