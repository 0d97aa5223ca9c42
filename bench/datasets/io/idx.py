"""The idx format of MNIST's files."""

import math
import struct
from pathlib import Path

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.datasets.io.bounded_reading import contents

#: A file begins with two zeros, the code of unsigned bytes, and the number of axes.
BYTES = b"\x00\x00\x08"


def read_idx(path: Path, axes: int) -> Array:
    """Return the unsigned bytes of an idx file, compressed as .gz or not.

    Arguments:
        path: The file.
        axes: The required number of axes: one for labels, three for images.
    """
    what = f"an idx file of unsigned bytes with {axes} axes"
    read = contents(path, what)
    if read[:4] != BYTES + bytes([axes]) or len(read) < 4 + 4 * axes:
        raise BenchError(f"{path} is not {what}: it begins with {read[:4].hex(' ') or 'nothing'}")
    shape = struct.unpack(f">{axes}I", read[4 : 4 + 4 * axes])
    wanted, there = math.prod(shape), len(read) - 4 - 4 * axes
    if wanted != there:
        raise BenchError(
            f"{path} says that it holds {' x '.join(map(str, shape))} bytes, but has {there}: it "
            f"is cut short or damaged"
        )
    return np.frombuffer(read, np.uint8, offset=4 + 4 * axes).reshape(shape)
