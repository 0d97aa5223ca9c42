"""Small files in the formats of archives: idx, npz and the batches of CIFAR."""

import io
import pickle
import struct

import numpy as np


def put(root, files):
    """Write files, by their names, under a data root."""
    for name, raw in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(raw)


def digits(n, seed=0, shape=(28, 28)):
    """Draw random images of bytes, and label them 0 to 9 in turn."""
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(n, *shape), dtype=np.uint8), (np.arange(n) % 10).astype("u1")


TRAIN, TEST = digits(60), digits(20, 1)


def idx(array):
    """Return the bytes of an idx file."""
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def npz(**arrays):
    """Return the bytes of an npz file."""
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def old_pickle(data, labels):
    """Return a batch as Python 2 wrote them: protocol 2, bytes for keys and contents."""
    return pickle.dumps({b"data": data, b"labels": labels, b"batch_label": b"x"}, protocol=2)
