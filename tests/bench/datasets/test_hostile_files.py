"""Files that are damaged, explode or would run code are refused."""

import gzip
import io
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.io import bounded_reading
from bench.datasets.io.archives import read_npz
from bench.datasets.io.cifar import read_batch
from bench.datasets.io.idx import read_idx
from bench.datasets.real.text_file import TextFile
from tests.helpers.raw_files import TRAIN, idx, npz, old_pickle


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (idx(TRAIN[0])[:-5], "cut short or damaged"),
        (idx(TRAIN[0]) + b"x", "cut short or damaged"),
        (b"\0\0\x0d\x03" + b"\0" * 12, "is not an idx file"),
        (idx(TRAIN[1]), "is not an idx file"),
        (b"", "begins with nothing"),
        (b"\0\0\x08\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "cut short"),
    ],
)
def test_broken_idx_files_are_refused(tmp_path, content, says):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=says):
        read_idx(path, 3)


def test_damaged_and_exploding_archives_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx(TRAIN[0]))[:-20])
    with pytest.raises(BenchError, match="cut short or damaged"):
        read_idx(path, 3)
    monkeypatch.setattr(bounded_reading, "MOST", 10_000)
    path.write_bytes(gzip.compress(idx(TRAIN[0])))
    with pytest.raises(BenchError, match="more than 10000 bytes"):
        read_idx(path, 3)
    bomb = tmp_path / "x.npz"
    np.savez_compressed(bomb, x=np.zeros(100_000))
    with pytest.raises(BenchError, match="unpacks to more than"):
        read_npz(bomb, ["x"])


@pytest.mark.parametrize("rows", [2_000, 90_000])
def test_a_parquet_file_that_explodes_is_refused(root, monkeypatch, rows):
    monkeypatch.setattr(bounded_reading, "MOST", 1_000_000)
    word = "x" * 1000 if rows < 10_000 else ""
    frame = pd.DataFrame({"text": [word] * rows, "label": np.arange(rows) % 2})
    frame.to_parquet(root / "bomb.parquet")
    assert (root / "bomb.parquet").stat().st_size < 500_000
    with pytest.raises(BenchError, match="unpacks to more than 1000000 bytes"):
        TextFile("bomb.parquet", "text", "label").split(stream(0, "data"))


class Trap:
    """What a hostile file would run."""

    def __reduce__(self):
        return os.system, ("touch /tmp/collective-bench-was-here",)


def test_objects_in_archives_are_never_loaded(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.array([Trap()], dtype=object), y=np.zeros(3))
    with pytest.raises(BenchError, match="pickled objects"):
        read_npz(path, ["x"])
    with pytest.raises(BenchError, match="has no array z; it has x, y"):
        read_npz(path, ["z"])
    raw = bytearray(npz(x=np.arange(1000)))
    raw[300] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BenchError, match="damaged"):
        read_npz(path, ["x"])
    with zipfile.ZipFile(path, "w") as file:
        lying = io.BytesIO()
        np.lib.format.write_array_header_1_0(
            lying, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
        )
        file.writestr("x.npy", lying.getvalue())
    with pytest.raises(BenchError, match="says it is"):
        read_npz(path, ["x"])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (pickle.dumps(Trap()), "posix.system, which is not allowed"),
        (pickle.dumps({"data": Trap(), "labels": [1]}, protocol=2), "not allowed"),
        (pickle.dumps({"data": np.array([Trap()], object), "labels": [1]}, 2), "not allowed"),
        (pickle.dumps({"labels": [1]}), "damaged"),
        (old_pickle(np.zeros((2, 3072), "u1"), [1]), "lacks rows"),
        (old_pickle(np.zeros((1, 3072), "u1"), [11]), "not 0..9"),
        (old_pickle(np.zeros((1, 3072), "f4"), [1]), "plain unsigned bytes"),
        (old_pickle(np.zeros((1, 3072), "u1"), [1])[:-40], "damaged"),
        (b"not a pickle", "damaged"),
    ],
)
def test_a_hostile_pickle_runs_nothing(tmp_path, content, says):
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=says):
        read_batch(path)
    assert not os.path.exists("/tmp/collective-bench-was-here")
