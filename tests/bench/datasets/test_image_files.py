"""Images of the official data sets: every layout of their files is read."""

import gzip
import io
import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from algorithms.knn import KNN
from bench.core.errors import Missing
from bench.core.random_streams import stream
from bench.datasets.io.data_root import VARIABLE
from bench.datasets.real._images import IDX
from bench.datasets.real.cifar10 import CIFAR10
from bench.datasets.real.fashion_mnist import FashionMNIST
from bench.datasets.real.mnist import MNIST
from bench.datasets.real.waterbirds import Waterbirds
from bench.experiment.trial import Trial
from bench.records import code_version as versions
from bench.records.code_version import code_version
from collectives.idle import Idle
from collectives.signals.tabular import SetFeature
from tests.helpers.raw_files import TEST, TRAIN, digits, idx, npz, old_pickle, put


def raw(folder, pack=lambda b: b, ending=""):
    parts = (TRAIN[0], TRAIN[1], TEST[0], TEST[1])
    named = zip(IDX, parts, strict=True)
    return {f"{folder}/raw/{name}{ending}": pack(idx(part)) for name, part in named}


def archive(name):
    keys = dict(zip(("x_train", "y_train", "x_test", "y_test"), (*TRAIN, *TEST), strict=True))
    return {name: npz(**keys)}


@pytest.mark.parametrize(
    ("dataset", "files"),
    [
        (MNIST, archive("mnist.npz")),
        (MNIST, raw("MNIST")),
        (MNIST, raw("MNIST", gzip.compress, ".gz")),
        (FashionMNIST, raw("FashionMNIST")),
        (FashionMNIST, archive("fashion_mnist.npz")),
        (FashionMNIST, archive("fashion_mnist_12k.npz")),
    ],
)
def test_images_are_read_from_every_layout(root, dataset, files):
    put(root, files)
    split = dataset(n=40, n_test=20).split(stream(0, "data"))
    train, test = split.part(split.train), split.part(split.test)
    assert train.x.shape == (40, 1, 28, 28)
    # Row by row what was written: the official parts are kept apart.
    for part, (pixels, labels) in ((train, TRAIN), (test, TEST)):
        where = [np.flatnonzero((pixels / np.float32(255) == x[0]).all((1, 2))) for x in part.x]
        assert all(len(w) == 1 for w in where)
        np.testing.assert_array_equal(labels[np.concatenate(where)], part.y)
    assert len(np.unique(np.concatenate([split.train, split.validation, split.test]))) == 70


def batches(n=12, dump=old_pickle):
    names = [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"]
    made = [digits(n, k, (3072,)) for k in range(6)]
    files = {
        f"cifar-10-batches-py/{name}": dump(x, y.tolist())
        for name, (x, y) in zip(names, made, strict=True)
    }
    return made, files


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_batches_of_cifar_are_read_without_running_them(root, protocol):
    made, files = batches(
        dump=lambda x, y: (
            pickle.dumps({"data": x, "labels": y}, protocol=protocol)
            if protocol < 5
            else old_pickle(x, y)
        )
    )
    put(root, files)
    split = CIFAR10(n=40, n_test=12).split(stream(0, "data"))
    test = split.part(split.test)
    wanted = made[5][0].reshape(-1, 3, 32, 32) / np.float32(255)
    order = [int(np.flatnonzero((wanted == x).all((1, 2, 3)))[0]) for x in test.x]
    assert sorted(order) == list(range(12))
    np.testing.assert_array_equal(made[5][1][order], test.y)


def test_pictures_in_a_blob_are_read(root):
    rng = np.random.default_rng(0)
    header, bodies, pixels = None, [], []
    for _ in range(30):
        image = Image.fromarray(rng.integers(256, size=(32, 32, 3), dtype=np.uint8))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=75)
        raw = file.getvalue()
        start = raw.index(b"\xff\xda")  # the tables before the scan are those of the quality
        header = raw[:start] if header is None else header
        assert raw[:start] == header
        bodies.append(raw[start:])
        pixels.append(np.asarray(Image.open(io.BytesIO(raw))))
    offsets = np.cumsum([0, *map(len, bodies)])
    blob = np.frombuffer(b"".join(bodies), "u1")
    arrays = {
        "header": np.frombuffer(header, "u1"),
        "offsets": offsets,
        "blob": blob,
        "labels": np.arange(30) % 10,
        "train": np.arange(30) < 20,
    }
    put(root, {"cifar10_jpeg_12k.npz": npz(**arrays)})
    split = CIFAR10(n=16, n_test=10).split(stream(0, "data"))
    wanted = np.moveaxis(np.stack(pixels[20:]), -1, 1) / np.float32(255)
    test = split.part(split.test)
    assert sorted(map(bytes, map(np.ascontiguousarray, test.x))) == sorted(
        map(bytes, map(np.ascontiguousarray, wanted))
    )


def test_waterbirds_are_read_from_their_folder(root):
    rows = []
    for k in range(24):
        file = io.BytesIO()
        Image.fromarray(np.full((40, 30, 3), 10 * k, np.uint8)).save(file, "PNG")
        put(root, {f"waterbirds/birds/{k}.png": file.getvalue()})
        rows.append((k, f"birds/{k}.png", k % 2, k % 3 // 2, k // 8))
    names = ["img_id", "img_filename", "y", "place", "split"]
    text = pd.DataFrame(rows, columns=names).to_csv(index=False)
    put(root, {"waterbirds/metadata.csv": text.encode()})
    split = Waterbirds(n=None, n_test=None, side=8).split(stream(0, "data"))
    assert split.x.shape == (24, 3, 8, 8)
    np.testing.assert_allclose(split.x[:, 0, 0, 0] * 255, 10 * np.arange(24), atol=1)
    assert sorted(split.test) == list(range(16, 24))
    np.testing.assert_array_equal(split.group, [2 * r[2] + r[3] for r in rows])
    trial = Trial(Waterbirds(side=8), KNN(), Idle(SetFeature(), 0), 0.0, 0)
    version = code_version(trial)
    file = io.BytesIO()
    Image.fromarray(np.full((40, 30, 3), 200, np.uint8)).save(file, "PNG")
    put(root, {"waterbirds/birds/0.png": file.getvalue()})
    other = Waterbirds(n=None, n_test=None, side=8).split(stream(0, "data"))
    assert other.x[0, 0, 0, 0] * 255 == pytest.approx(200, abs=1)
    versions._version.cache_clear()  # as in a new process
    assert code_version(trial) != version
    put(root, {"waterbirds/metadata.csv": (text + "99,birds/99.png,1,0,0\n").encode()})
    with pytest.raises(Missing, match=r"birds/99\.png"):
        Waterbirds(side=8).split(stream(0, "data"))


def test_what_is_missing_is_said_with_where_and_how(root):
    with pytest.raises(Missing) as said:
        MNIST().split(stream(0, "data"))
    text = str(said.value)
    for words in (
        "mnist.npz",
        "MNIST/raw/train-images-idx3-ubyte",
        str(root),
        "python run_bench.py data get MNIST",
        VARIABLE,
    ):
        assert words in text
