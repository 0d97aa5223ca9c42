"""Smoothness of a generator along straight lines of its latent space."""

from collections.abc import Callable

import numpy as np

from bench.datasets.base import Array

#: The number of lines, and of steps along each.
LINES, STEPS = 100, 20


def smoothness(
    decode: Callable[[Array], Array],
    features: Callable[[Array], Array],
    latent: int,
    rng: np.random.Generator,
) -> dict[str, float]:
    r"""Return how straight and how even the features of images are along latent lines.

    Lines connect two draws of the latents' normal law, in equal steps. ``detour`` is the length of
    the path of features divided by the distance of its ends, at least 1. ``jump`` is the largest
    step divided by the mean step, between 1 and the number of steps: large for a generator that
    switches between images. Both are means over lines.

    References:
        | A Style-Based Generator Architecture for Generative Adversarial Networks (Karras et al.,
          2019), which measures squared lengths of small steps
        | https://arxiv.org/abs/1812.04948

    Arguments:
        decode: From latents (n, k) to images.
        features: From images to features (n, d).
        latent: The number k of latents.
        rng: The generator of randomness.

    Example:
        >>> smoothness(lambda z: 3 * z, lambda x: x, 2, np.random.default_rng(0))["jump"] < 1.001
        True
    """
    ends = rng.standard_normal((2, LINES, latent))
    t = np.linspace(0, 1, STEPS + 1)[:, None, None]
    z = (1 - t) * ends[0] + t * ends[1]
    path = features(decode(z.reshape(-1, latent))).reshape(STEPS + 1, LINES, -1)
    steps = np.linalg.norm(np.diff(path, axis=0), axis=2)
    length = steps.sum(0).clip(1e-12)
    ends_apart = np.linalg.norm(path[-1] - path[0], axis=1).clip(1e-12)
    return {
        "detour": float((length / ends_apart).mean()),
        "jump": float((steps.max(0) * STEPS / length).mean()),
    }
