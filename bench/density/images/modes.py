"""Coverage of the classes of a set of images."""

import numpy as np
from scipy.special import rel_entr

from bench.datasets.base import Array

#: A class is covered if it has at least this part of an equal share of the images.
COVERED = 0.25


def class_scores(labels: Array, classes: int) -> dict[str, float]:
    r"""Return how many classes are covered and occur, and the divergence of their frequencies.

    ``classes`` counts the classes with at least a quarter of an equal share of the images, and
    ``modes`` those with one image at least.
    ``class_kl`` is the divergence :math:`\mathrm{KL}(\hat p \| u)` of the classes' frequencies
    from equal ones, in nats; it is :math:`\log C` for images of one of C classes.

    Arguments:
        labels: The classifier's labels of generated images, (n,).
        classes: The number of classes.

    Example:
        >>> class_scores(np.array([0, 0]), classes=2)["classes"]
        1.0
    """
    share = np.bincount(labels, minlength=classes) / len(labels)
    return {
        "classes": float((share >= COVERED / classes).sum()),
        "modes": float((share > 0).sum()),
        "class_kl": float(rel_entr(share, 1 / classes).sum()),
    }
