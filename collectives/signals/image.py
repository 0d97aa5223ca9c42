"""Signals on images: patches, pixels, blends, frequencies, grids, blocks."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, IsFinite, Lt, MinLen

from collectives.signals.base import Signal
from collectives.signals.tabular import Number, check_indices
from collectives.types import Array

Positions = Annotated[tuple[tuple[int, int], ...], MinLen(1)]
Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


@dataclass(frozen=True)
class Patch(Signal):
    r"""Square patch of one shade in a corner of an image.

    .. math:: g(x)_{cij} = v \text{ in the square, and } x_{cij} \text{ elsewhere}

    References:
        | BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain
          (Gu et al., 2017)
        | https://arxiv.org/abs/1708.06733

    Arguments:
        size: The side of the square, in pixels.
        value: The shade, in the units of the image.
        corner: The corner of the square.

    Example:
        >>> Patch(size=1, value=9.0, corner="top-right")(np.zeros((1, 2, 2)))
        array([[[0., 9.],
                [0., 0.]]])
    """

    size: Annotated[int, Ge(1)] = 2
    value: Number = 1.0
    corner: Corner = "bottom-right"

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        if self.size > min(height, width):
            raise ValueError(f"{self} does not fit into images of {height} x {width} pixels")
        rows = slice(self.size) if "top" in self.corner else slice(height - self.size, height)
        columns = slice(self.size) if "left" in self.corner else slice(width - self.size, width)
        image = x.copy()
        image[..., rows, columns] = self.value
        return image


@dataclass(frozen=True)
class Pixels(Signal):
    r"""Single pixels of one shade in all channels of an image.

    .. math:: g(x)_{cij} = v \text{ for the listed } (i, j), \text{ and } x_{cij} \text{ elsewhere}

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        at: Row and column of each pixel; negative ones count from the end.
        value: The shade, in the units of the image.

    Example:
        >>> Pixels(at=((0, 0), (-1, -1)))(np.zeros((1, 2, 2)))
        array([[[1., 0.],
                [0., 1.]]])
    """

    at: Positions = ((0, 0), (0, -1), (-1, 0), (-1, -1))
    value: Number = 1.0

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        rows, columns = zip(*self.at, strict=True)
        check_indices(self, "row", rows, height)
        check_indices(self, "column", columns, width)
        image = x.copy()
        image[..., rows, columns] = self.value
        return image


@dataclass(frozen=True)
class Blend(Signal):
    r"""Blend of the whole image with a fixed random pattern.

    .. math:: g(x) = (1 - s) \, x + s \, u, \qquad u_{cij} \sim \mathrm{Unif}[0, v]

    Two blends change an image more than one, and an image does not show whether it carries the
    pattern.

    References:
        | Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning
          (Chen et al., 2017)
        | https://arxiv.org/abs/1712.05526

    Arguments:
        strength: The share s of the pattern.
        value: The largest value v of the pattern, in the units of the image.
        pattern: The seed of the pattern.

    Example:
        >>> x = np.zeros((2, 1, 2, 2))
        >>> bool((Blend(strength=0.5)(x) == Blend(strength=0.25)(x) * 2).all())
        True
    """

    idempotent: ClassVar[bool] = False

    strength: Annotated[float, Gt(0), Lt(1)] = 0.2
    value: IsFinite[float] = 1.0
    pattern: Annotated[int, Ge(0)] = 0

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w)."""
        image_size(self, x)
        # The pattern is a property of the signal, hence its seed is a field.
        pattern = self.value * np.random.default_rng(self.pattern).random(x.shape[1:])
        return ((1 - self.strength) * x + self.strength * pattern).astype(x.dtype)


@dataclass(frozen=True)
class Frequency(Signal):
    r"""Cosine wave on top of an image: one frequency of its spectrum.

    .. math:: g(x)_{cij} = x_{cij} + a \cos\!\big(\pi u (2i + 1) / 2h\big)
        \cos\!\big(\pi v (2j + 1) / 2w\big)

    Waves add up, and an image does not show whether it carries one.

    References:
        | Rethinking the Backdoor Attacks' Triggers: A Frequency Perspective (Zeng et al., 2021)
        | https://arxiv.org/abs/2104.03413

    Arguments:
        across: The number u of half waves from top to bottom.
        along: The number v of half waves from left to right.
        amplitude: The height a of the wave, in the units of the image.

    Example:
        >>> Frequency(across=0, along=1, amplitude=2.0)(np.zeros((1, 1, 2))).round(3)
        array([[[ 1.414, -1.414]]])
    """

    idempotent: ClassVar[bool] = False

    across: Annotated[int, Ge(0)] = 3
    along: Annotated[int, Ge(0)] = 3
    amplitude: IsFinite[float] = 0.2

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        if self.across >= height or self.along >= width:
            raise ValueError(f"{self} is too fine for images of {height} x {width} pixels")
        wave = np.outer(_half_waves(self.across, height), _half_waves(self.along, width))
        return (x + self.amplitude * wave).astype(x.dtype)


@dataclass(frozen=True)
class PixelGrid(Signal):
    r"""Offset of every k-th pixel, across and along, of an image.

    .. math:: g(x)_{cij} = x_{cij} + a \text{ if } k \mid i \text{ and } k \mid j, \text{ and }
        x_{cij} \text{ elsewhere}

    The result is a faint grid over the whole image. Offsets add up, and an image does not show
    whether it carries one.

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        every: The distance k between two pixels of the grid.
        amount: The amount a, in the units of the image.

    Example:
        >>> PixelGrid(every=2, amount=0.5)(np.zeros((1, 3, 3)))
        array([[[0.5, 0. , 0.5],
                [0. , 0. , 0. ],
                [0.5, 0. , 0.5]]])
    """

    idempotent: ClassVar[bool] = False

    every: Annotated[int, Ge(1)] = 4
    amount: IsFinite[float] = 0.1

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w)."""
        image_size(self, x)
        image = x.copy()
        image[..., :: self.every, :: self.every] += self.amount
        return image


@dataclass(frozen=True)
class Block(Signal):
    r"""Signal on one half of a domino: an image that is made of two images, one above the other.

    .. math:: g(x_1, x_2) = (g'(x_1), x_2) \text{ or } (x_1, g'(x_2))

    The effect of a signal depends on the half by which a classifier predicts, the simple one or
    the complex one.

    References:
        | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
        | https://arxiv.org/abs/2006.07710

    Arguments:
        base: The signal g' on the half.
        half: The half that gets the signal.

    Example:
        >>> Block(Patch(size=1, value=9.0), half="top")(np.zeros((1, 4, 2)))
        array([[[0., 0.],
                [0., 9.],
                [0., 0.],
                [0., 0.]]])
    """

    base: Signal = Patch()
    half: Literal["top", "bottom"] = "top"

    def __call__(self, x: Array) -> Array:
        """Return g(x) for images (m, ..., h, w) of an even height."""
        height, _ = image_size(self, x)
        if height % 2:
            raise ValueError(f"{self} needs two halves, but images are {height} pixels high")
        rows = slice(height // 2) if self.half == "top" else slice(height // 2, height)
        image = x.copy()
        image[..., rows, :] = self.base(x[..., rows, :])
        return image

    @property
    def idempotent(self) -> bool:  # type: ignore[override]
        """Whether the signal on the half is idempotent."""
        return self.base.idempotent


def _half_waves(count: int, pixels: int) -> Array:
    return np.cos(np.pi * count * (2 * np.arange(pixels) + 1) / (2 * pixels))


def image_size(signal: Signal, x: Array) -> tuple[int, int]:
    """Return the height and the width of images (m, ..., h, w)."""
    if x.ndim < 3:
        raise ValueError(
            f"{signal} needs images (m, ..., h, w), but got points of shape {x.shape}"
        )
    return x.shape[-2], x.shape[-1]
