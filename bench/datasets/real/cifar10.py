"""CIFAR-10: photographs of 32 x 32 pixels."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bench.datasets.io.data_root import locate
from bench.datasets.io.source import Source
from bench.datasets.real._images import OfficialImages
from collectives.signals.base import Signal
from collectives.signals.image import Patch


@dataclass(frozen=True)
class CIFAR10(OfficialImages):
    r"""Tiny photographs: 60,000 images (3, 32, 32), 50,000 of them for training, 10 classes.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    The labels are 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
    8 ship and 9 truck. A photograph with a white corner carries the signal by nature;
    each record has the measured share.

    The files are those of ``cifar-10-batches-py`` as torchvision keeps them, ``cifar10.npz`` with
    Keras's keys, or a subset with lossy pictures, ``cifar10_jpeg_12k.npz``. Pickles are read by a
    restricted reader that executes none of their code.

    References:
        | Learning Multiple Layers of Features from Tiny Images (Krizhevsky, 2009)
        | https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf
    """

    openml: ClassVar[Source | None] = Source("CIFAR_10", 1, "cifar10.npz", (3, 32, 32), 50_000)

    def files(self) -> tuple[Path, ...]:
        """Return the six batches, or the archive."""
        names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
        batches = tuple(f"cifar-10-batches-py/{name}" for name in names)
        return locate("CIFAR10", [batches, ("cifar10.npz",), ("cifar10_jpeg_12k.npz",)])

    @property
    def signal(self) -> Signal:
        """Three by three white pixels at the bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The airplane."""
        return 0
