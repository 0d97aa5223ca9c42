"""Where stacks of replicas train: on the processor, or on an accelerator."""

import os

import torch

#: Names the device. Worker processes inherit it.
VARIABLE = "COLLECTIVE_BENCH_DEVICE"


def named() -> str:
    """The device that the environment names; the processor, if it names none."""
    return os.environ.get(VARIABLE) or "cpu"


def known() -> list[str]:
    """The devices that are there."""
    count = torch.cuda.device_count()
    return ["cpu", *(["cuda"] if count else []), *(f"cuda:{i}" for i in range(count))]


def device() -> torch.device:
    """The device of all stacks of this process."""
    return torch.device(named())
