"""Arrays and pictures in npz archives."""

import io
import math
import zipfile
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from PIL import Image

from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.datasets.io import bounded_reading
from bench.datasets.io.bounded_reading import reading


def read_npz(path: Path, names: Iterable[str]) -> dict[str, Array]:
    """Return some arrays of an npz archive. Pickled objects are refused, and never loaded.

    Raises:
        BenchError: If the archive is damaged, lacks an array, or holds more than is allowed.
    """
    arrays = {}
    with reading(path, "an archive of numpy arrays"), zipfile.ZipFile(path) as archive:
        there = {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
        absent = [name for name in names if name not in there]
        if absent:
            raise BenchError(
                f"{path} has no array {', '.join(absent)}; it has {', '.join(there) or 'none'}"
            )
        if sum(there[name].file_size for name in names) > bounded_reading.MOST:
            raise BenchError(f"{path} unpacks to more than {bounded_reading.MOST} bytes")
        for name in names:
            with archive.open(there[name]) as file:
                arrays[name] = _array(path, name, file, there[name].file_size)
    return arrays


def _array(path: Path, name: str, file: Any, size: int) -> Array:
    """Return an array after a check of its header against its size."""
    version = npy.read_magic(file)
    header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    if version not in header:
        raise BenchError(f"{path}: the array {name} is of the unknown version {version}")
    shape, by_columns, dtype = header[version](file)
    if dtype.hasobject:
        raise BenchError(f"{path}: the array {name} holds pickled objects, which are not loaded")
    if math.prod(shape) * dtype.itemsize > size:
        raise BenchError(f"{path}: the array {name} says it is {shape}, but has {size} bytes")
    # Reading to the end makes the archive check its checksum.
    values = np.frombuffer(file.read(), dtype, math.prod(shape))
    return values.reshape(shape, order="F" if by_columns else "C")


def read_jpegs(path: Path, header: Array, offsets: Array, blob: Array, side: int) -> Array:
    """Return square pictures with one JPEG header, as bytes (n, side, side, 3).

    Arguments:
        path: The file, for errors.
        header: The first bytes of all pictures.
        offsets: The place of each picture in ``blob``, and the end of the last one, (n + 1,).
        blob: The bytes of all pictures without the header.
        side: The height and width in pixels.
    """
    offsets = offsets.astype(np.int64)
    if (
        not len(offsets)
        or offsets[0] < 0
        or offsets[-1] > len(blob)
        or (np.diff(offsets) < 0).any()
    ):
        raise BenchError(f"{path}: its offsets do not fit its {len(blob)} bytes of pictures")
    start, whole = header.tobytes(), blob.tobytes()
    pictures = np.empty((len(offsets) - 1, side, side, 3), np.uint8)
    for k, (begin, end) in enumerate(pairwise(offsets)):
        pictures[k] = picture(path, io.BytesIO(start + whole[begin:end]), ("JPEG",), side, k)
    return pictures


def picture(
    path: Path, file: Any, formats: tuple[str, ...], side: int | None, number: int = 0
) -> Array:
    """Return a picture as bytes (h, w, 3), after a check of its size.

    Arguments:
        path: The file, for errors.
        file: The picture's path or open file.
        formats: The allowed formats.
        side: The required height and width in pixels; any, if None.
        number: The number of the picture, for errors.
    """
    what = f"picture {number} in {' or '.join(formats)}"
    with reading(path, what), Image.open(file, formats=formats) as image:
        if side is not None and image.size != (side, side):
            raise BenchError(f"{path}: picture {number} is {image.size}, not {side} x {side}")
        if image.size[0] * image.size[1] > MOST_PIXELS:
            raise BenchError(f"{path}: picture {number} is {image.size}, too large")
        return np.asarray(image.convert("RGB"))


#: The largest number of pixels of a picture.
MOST_PIXELS = 2**25
