"""Three images in one, whose combinations of classes are counted as modes."""

import numpy as np

from bench.datasets.base import Array

#: The images in an image. The fourth quarter is empty.
PARTS = 3
#: Images are not made smaller than this: the digits of 8 x 8 pixels stay as they are.
SMALL = 8


def stack(x: Array, y: Array, classes: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return images of three images each, at half their size, in three quarters of a square.

    An image has the class :math:`C^2 a + C b + c` of the classes a, b and c of its parts, so that
    ten digits have 1,000 classes. There are as many images as given; each appears three times, in
    another quarter and beside others each time. The stacked digits of the references are three
    channels of colour in place of quarters.

    References:
        | Unrolled Generative Adversarial Networks (Metz et al., 2017)
        | https://arxiv.org/abs/1611.02163
        | Maximum Entropy Generators for Energy-Based Models (Kumar et al., 2019)
        | https://arxiv.org/abs/1901.08508

    Arguments:
        x: Images (n, h, h) with pixels from 0 to 1; h is 8, or a multiple of eight and four more,
            such as 28, so that parts have a multiple of four.
        y: Their labels, (n,).
        classes: The number of labels C.
        rng: The generator of randomness.

    Returns:
        Images (n, k, k) and their classes (n,), int64.

    Example:
        >>> x, y = np.ones((5, 8, 8)), np.arange(5)
        >>> stacked, labels = stack(x, y, 5, np.random.default_rng(0))
        >>> stacked.shape, float(stacked.sum()), sorted(labels % 5) == list(y)
        ((5, 16, 16), 960.0, True)
    """
    small = x if x.shape[1] == SMALL else _halved(x)
    orders = [rng.permutation(len(x)) for _ in range(PARTS)]
    side = small.shape[1]
    whole = np.zeros((len(x), 2 * side, 2 * side), x.dtype)
    label = np.zeros(len(x), np.int64)
    for at, order in enumerate(orders):
        row, column = divmod(at, 2)
        whole[:, row * side : (row + 1) * side, column * side : (column + 1) * side] = small[order]
        label = label * classes + y[order]
    return whole, label


def _halved(x: Array) -> Array:
    """Return the means of squares of 2 x 2 pixels, without an edge of two pixels.

    Of 28 x 28 pixels 12 x 12 are left.
    """
    inner = x[:, 2:-2, 2:-2]
    n, side, _ = inner.shape
    return inner.reshape(n, side // 2, 2, side // 2, 2).mean((2, 4))


def unstack(x: Array) -> Array:
    """Return the three parts (3 n, k, k) of each of n images (n, 2 k, 2 k), image by image.

    Example:
        >>> x = np.arange(16.0).reshape(1, 4, 4)
        >>> unstack(x)[1].tolist()
        [[2.0, 3.0], [6.0, 7.0]]
    """
    n, side = len(x), x.shape[1] // 2
    quarters = x.reshape(n, 2, side, 2, side).transpose(0, 1, 3, 2, 4).reshape(n, 4, side, side)
    return quarters[:, :PARTS].reshape(-1, side, side)


def split_classes(y: Array, classes: int) -> Array:
    """Return the labels (3 n,) of the parts of images of :func:`stack`, image by image.

    Example:
        >>> split_classes(np.array([123, 45]), 10).tolist()
        [1, 2, 3, 0, 4, 5]
    """
    return np.asarray(y[:, None] // classes ** np.arange(PARTS)[::-1] % classes).reshape(-1)
