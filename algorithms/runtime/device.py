"""The device of training: the processor or an accelerator."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

#: The environment variable with the device. Worker processes inherit it.
VARIABLE = "COLLECTIVE_BENCH_DEVICE"


def configured() -> str:
    """Return the name of the device in the environment, or "cpu" if there is none."""
    return os.environ.get(VARIABLE) or "cpu"


def available() -> list[str]:
    """Return the names of the available devices."""
    import torch

    count = torch.cuda.device_count()
    return ["cpu", *(["cuda"] if count else []), *(f"cuda:{i}" for i in range(count))]


def device() -> "torch.device":
    """Return the device of all training in this process."""
    import torch

    return torch.device(configured())
