"""Memory that the process keeps."""

import subprocess
import sys

import pytest

from algorithms.runtime import allocator

HEAP = """
import resource
from itertools import pairwise
import numpy as np
from algorithms.engine.loop import train
from algorithms.base import TrainingSet
from algorithms.networks import ConvNet

def go():
    sample = TrainingSet(np.ones((1280, 1, 8, 8)), np.arange(1280) % 10)
    rngs = [np.random.default_rng(r) for r in range(7)]
    hyperparams = {"learning_rate": [0.05] * 7, "momentum": [0.9] * 7, "weight_decay": [0.0] * 7}
    train(ConvNet(), [sample] * 7, rngs, hyperparams=hyperparams, epochs=1, batch_size=128)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

faults = [go() for _ in range(4)]
print(min(b - a for a, b in pairwise(faults)))
"""


@pytest.mark.integration
@pytest.mark.skipif(not allocator.keep_freed_memory(), reason="glibc alone has these options")
def test_memory_that_a_step_lets_go_of_is_there_for_the_next():
    done = subprocess.run([sys.executable, "-c", HEAP], capture_output=True, text=True, check=True)
    # Fewer than one page a step; left alone, they are many more.
    assert int(done.stdout) < 10
