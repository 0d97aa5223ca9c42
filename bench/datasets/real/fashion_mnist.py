"""Fashion-MNIST: pictures of clothes of 28 x 28 pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.datasets.io.data_root import locate
from bench.datasets.io.source import Source
from bench.datasets.real._images import OfficialImages, idx_layout
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class FashionMNIST(OfficialImages):
    r"""Pictures of clothes: 70,000 images (1, 28, 28), 60,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] = \text{overlap}

    The labels are 0 T-shirt, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt,
    7 sneaker, 8 bag and 9 ankle boot. No image carries the signal, a bright square in a corner,
    though a few images (579 of 12,000) are not all dark there.

    The files are Keras's ``fashion_mnist.npz``, ``FashionMNIST/raw/*-ubyte`` as torchvision keeps
    them, or a subset of the official parts, ``fashion_mnist_12k.npz``.

    References:
        | Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms
          (Xiao et al., 2017)
        | https://arxiv.org/abs/1708.07747
    """

    openml: ClassVar[Source | None] = Source(
        "Fashion-MNIST", 1, "fashion_mnist.npz", (28, 28), 60_000
    )

    def files(self) -> tuple[Path, ...]:
        """Return the archive, or the four files."""
        whole, subset = ("fashion_mnist.npz",), ("fashion_mnist_12k.npz",)
        idx = idx_layout("FashionMNIST")
        return locate("FashionMNIST", [whole, ("fashion-mnist.npz",), idx, subset])

    @property
    def signal(self) -> Signal:
        """Two by two bright pixels at the bottom right."""
        return Patch(size=2, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The T-shirt."""
        return 0
