"""The seconds of trainings: of the processor, or of a GPU."""

import time

from algorithms.runtime.device import device


def training_clock() -> float:
    """Return seconds since a fixed time, whose differences are the costs of trainings.

    On the processor these are the processor seconds of this process, which other processes do not
    change. A process that waits for a GPU uses its processor whether the GPU works or not: with a
    GPU these are wall seconds, after all work that the GPU was given is done.
    """
    here = device()
    if here.type != "cuda":
        return time.process_time()
    import torch

    torch.cuda.synchronize(here)
    return time.perf_counter()
