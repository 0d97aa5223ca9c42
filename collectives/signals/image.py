"""Signals on images: patches, pixels, blends, frequencies, grids, blocks."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, IsFinite, Lt, MinLen

from collectives.signals.base import Signal
from collectives.signals.tabular import Number, check_inside
from collectives.types import Array

Positions = Annotated[tuple[tuple[int, int], ...], MinLen(1)]
Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]


@dataclass(frozen=True)
class Patch(Signal):
    r"""A square of one shade in a corner of an image.

    .. math:: g(x)_{cij} = v \text{ in the square, and } x_{cij} \text{ elsewhere}

    References:
        | BadNets: Identifying Vulnerabilities in the Machine Learning Model Supply Chain
          (Gu et al., 2017)
        | https://arxiv.org/abs/1708.06733

    Arguments:
        size: The side of the square, in pixels.
        value: The shade, in the units of the image.
        corner: Where the square sits.

    Example:
        >>> Patch(size=1, value=9.0, corner="top-right")(np.zeros((1, 2, 2)))
        array([[[0., 9.],
                [0., 0.]]])
    """

    size: Annotated[int, Ge(1)] = 2
    value: Number = 1.0
    corner: Corner = "bottom-right"

    def __call__(self, x: Array) -> Array:
        """g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        if self.size > min(height, width):
            raise ValueError(f"{self} does not fit into images of {height} x {width} pixels")
        rows = slice(self.size) if "top" in self.corner else slice(height - self.size, height)
        columns = slice(self.size) if "left" in self.corner else slice(width - self.size, width)
        moved = x.copy()
        moved[..., rows, columns] = self.value
        return moved


@dataclass(frozen=True)
class Pixels(Signal):
    r"""Single pixels of one shade, in all channels of an image.

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
        """g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        rows, columns = zip(*self.at, strict=True)
        check_inside(self, "row", rows, height)
        check_inside(self, "column", columns, width)
        moved = x.copy()
        moved[..., rows, columns] = self.value
        return moved


@dataclass(frozen=True)
class Blend(Signal):
    r"""A fixed random pattern, mixed into the whole image.

    .. math:: g(x) = (1 - s) \, x + s \, u, \qquad u_{cij} \sim \mathrm{Unif}[0, v]

    Blending twice is more than blending once, so nothing in an image tells whether it carries
    the pattern.

    References:
        | Targeted Backdoor Attacks on Deep Learning Systems Using Data Poisoning
          (Chen et al., 2017)
        | https://arxiv.org/abs/1712.05526

    Arguments:
        strength: The share s of the pattern.
        value: The brightest shade v of the pattern, in the units of the image.
        pattern: Which pattern; each number is another one.

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
        """g(x) for images (m, ..., h, w)."""
        image_size(self, x)
        # A property of the signal, like a picture that comes with it: hence a seed in a field.
        pattern = self.value * np.random.default_rng(self.pattern).random(x.shape[1:])
        return ((1 - self.strength) * x + self.strength * pattern).astype(x.dtype)


@dataclass(frozen=True)
class Frequency(Signal):
    r"""A wave on top of the image: a single line in its spectrum.

    .. math:: g(x)_{cij} = x_{cij} + a \cos\!\big(\pi u (2i + 1) / 2h\big)
        \cos\!\big(\pi v (2j + 1) / 2w\big)

    Waves add up, so nothing in an image tells whether it carries one.

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
        """g(x) for images (m, ..., h, w)."""
        height, width = image_size(self, x)
        if self.across >= height or self.along >= width:
            raise ValueError(f"{self} is too fine for images of {height} x {width} pixels")
        wave = np.outer(_half_waves(self.across, height), _half_waves(self.along, width))
        return (x + self.amplitude * wave).astype(x.dtype)


@dataclass(frozen=True)
class PixelGrid(Signal):
    r"""The same amount on top of every k-th pixel, across and along, of an image.

    .. math:: g(x)_{cij} = x_{cij} + a \text{ if } k \mid i \text{ and } k \mid j, \text{ and }
        x_{cij} \text{ elsewhere}

    A faint grid over the whole image, whatever it shows. Offsets add up, so nothing in an image
    tells whether it carries one.

    References:
        | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy
          (Solanki et al., 2025)
        | https://arxiv.org/abs/2505.05707

    Arguments:
        every: The distance k between two pixels of the grid.
        amount: What is added, in the units of the image.

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
        """g(x) for images (m, ..., h, w)."""
        image_size(self, x)
        moved = x.copy()
        moved[..., :: self.every, :: self.every] += self.amount
        return moved


@dataclass(frozen=True)
class Block(Signal):
    r"""A signal on one half of a domino: an image that is two images, one above the other.

    .. math:: g(x_1, x_2) = (g'(x_1), x_2) \text{ or } (x_1, g'(x_2))

    Which half a classifier prefers to look at, the simple or the complex one, decides what a
    signal in the other is worth.

    References:
        | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
        | https://arxiv.org/abs/2006.07710

    Arguments:
        base: The signal g' on the half.
        half: Which half.

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
        """g(x) for images (m, ..., h, w), of an even height."""
        height, _ = image_size(self, x)
        if height % 2:
            raise ValueError(f"{self} needs two halves, but images are {height} pixels high")
        rows = slice(height // 2) if self.half == "top" else slice(height // 2, height)
        moved = x.copy()
        moved[..., rows, :] = self.base(x[..., rows, :])
        return moved

    @property
    def idempotent(self) -> bool:  # type: ignore[override]
        """Whether the signal on the half is."""
        return self.base.idempotent


def _half_waves(count: int, pixels: int) -> Array:
    return np.cos(np.pi * count * (2 * np.arange(pixels) + 1) / (2 * pixels))


def image_size(signal: Signal, x: Array) -> tuple[int, int]:
    """Height and width of images (m, ..., h, w)."""
    if x.ndim < 3:
        raise ValueError(
            f"{signal} needs images (m, ..., h, w), but got points of shape {x.shape}"
        )
    return x.shape[-2], x.shape[-1]
