"""MNIST: handwritten digits of 28 x 28 pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.datasets.io.data_root import locate
from bench.datasets.io.source import Source
from bench.datasets.real._images import OfficialImages, idx_layout
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class MNIST(OfficialImages):
    r"""Handwritten digits: 70,000 images (1, 28, 28), 60,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The signal is a bright square in a corner that is dark in all images.

    The files are Keras's ``mnist.npz``, or from ``MNIST/raw/*-ubyte`` as torchvision keeps it.

    References:
        | Gradient-Based Learning Applied to Document Recognition (LeCun et al., 1998)
        | https://doi.org/10.1109/5.726791
    """

    openml: ClassVar[Source | None] = Source(
        "mnist_784",
        1,
        "mnist.npz",
        (28, 28),
        60_000,
        sha256="06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16",
    )

    def files(self) -> tuple[Path, ...]:
        """Return the archive, or the four files."""
        return locate("MNIST", [("mnist.npz",), idx_layout("MNIST")])

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels at the bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The digit zero."""
        return 0
