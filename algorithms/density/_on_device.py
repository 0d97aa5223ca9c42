"""Tensors on the device of training, and random numbers that are the same on all devices.

All random numbers are drawn on the processor and then moved. A training on a GPU therefore sees
the numbers that a training on the processor sees, and differs from it by rounding alone.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from algorithms.base import Array
from algorithms.runtime.device import device

CPU = torch.device("cpu")


def to_device(values: Array | Tensor) -> Tensor:
    """Return values as a tensor on the configured device."""
    tensor = torch.from_numpy(values) if isinstance(values, np.ndarray) else values
    return tensor.to(device())


def to_numpy(values: Tensor) -> Array:
    """Return the values of a tensor on any device as an array."""
    return np.asarray(values.cpu().numpy())


def randn(size: Sequence[int], generator: torch.Generator, place: torch.device) -> Tensor:
    """Draw standard normal numbers on the processor, and move them to a device.

    Arguments:
        size: The shape of the result.
        generator: The generator of randomness, of the processor.
        place: The device.
    """
    return torch.randn(size, generator=generator).to(place)


def rand(size: Sequence[int], generator: torch.Generator, place: torch.device) -> Tensor:
    """Draw uniform numbers from 0 to 1; the arguments are those of :func:`randn`."""
    return torch.rand(size, generator=generator).to(place)


def randint(high: int, count: int, generator: torch.Generator, place: torch.device) -> Tensor:
    """Draw ``count`` whole numbers from 0 to ``high`` - 1; see :func:`randn`."""
    return torch.randint(high, (count,), generator=generator).to(place)
