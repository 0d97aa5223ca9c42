"""Files as users have them: every layout is read, and what is broken or hostile is refused."""

import gzip
import io
import lzma
import os
import pickle
import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from algorithms.knn import KNN
from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.datasets.io import bounded_reading
from bench.datasets.io.archives import read_npz
from bench.datasets.io.cifar import read_batch
from bench.datasets.io.data_root import CACHE_VARIABLE, VARIABLE
from bench.datasets.io.idx import read_idx
from bench.datasets.real._images import IDX
from bench.datasets.real.cifar10 import CIFAR10
from bench.datasets.real.csv_file import CSV
from bench.datasets.real.fashion_mnist import FashionMNIST
from bench.datasets.real.mnist import MNIST
from bench.datasets.real.npz_file import Npz
from bench.datasets.real.sms_spam import SMSSpam
from bench.datasets.real.text_file import TextFile
from bench.datasets.real.tokens import number
from bench.datasets.real.waterbirds import Waterbirds
from bench.experiment.trial import Trial
from bench.records import code_version as versions
from bench.records.code_version import code_version
from collectives.idle import Idle
from collectives.signals.tabular import SetFeature


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root of its own, and a folder for what is prepared."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "prepared"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def put(root, files):
    for name, raw in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(raw)


def digits(n, seed=0, shape=(28, 28)):
    rng = np.random.default_rng(seed)
    return rng.integers(256, size=(n, *shape), dtype=np.uint8), (np.arange(n) % 10).astype("u1")


def idx(array):
    head = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


TRAIN, TEST = digits(60), digits(20, 1)


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


def old_pickle(data, labels):
    """A batch as Python 2 wrote them: protocol 2, bytes for keys and contents."""
    return pickle.dumps({b"data": data, b"labels": labels, b"batch_label": b"x"}, protocol=2)


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


SMS = "spam,text\n" + "".join(f'{k % 2},"word {k} , win {k}!"\n' for k in range(40))
PLAIN = "".join(f"{['ham', 'spam'][k % 2]}\tword {k} , win {k}!\n" for k in range(40))


@pytest.mark.parametrize(
    "files",
    [
        {"sms.csv": SMS.encode()},
        {"sms.csv.xz": lzma.compress(SMS.encode())},
        {"SMSSpamCollection": PLAIN.encode()},
    ],
)
def test_messages_are_read_from_every_layout(root, files):
    put(root, files)
    split = SMSSpam(length=6).split(stream(0, "data"))
    assert split.x.shape == (40, 6)
    words = ["word", "7", ",", "win", "7", "!"]
    np.testing.assert_array_equal(split.x[7], [number(w) for w in words])
    assert split.y[7] == 1


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet"])
def test_somebodys_texts_are_read(root, ending):
    frame = pd.DataFrame(
        {"text": [f"a b {k}" for k in range(40)], "label": ["x", "z", "y", "y"] * 10}
    )
    path = root / f"mine.{ending}"
    frame.to_parquet(path) if ending == "parquet" else frame.to_csv(path, index=False)
    data = TextFile(file=path.name, text="text", target="label", aim="y", length=3)
    split = data.split(stream(0, "data"))
    assert (split.classes, data.label) == (3, 1)
    np.testing.assert_array_equal(split.y[:4], [0, 2, 1, 1])
    with pytest.raises(BenchError, match="aim='w' is no label; the labels are x, y, z"):
        _ = TextFile(file=path.name, text="text", target="label", aim="w").label


def test_somebodys_arrays_are_read(root):
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 3)), np.arange(40) % 3
    put(root, {"mine.npz": npz(a=x, b=y, g=np.arange(40) % 2, t=np.arange(40) < 30)})
    data = Npz("mine.npz", "a", "b", "g", "t", mark=SetFeature(column=1, value=9.0), aim=2)
    split = data.split(stream(0, "data"))
    np.testing.assert_allclose(split.x, x.astype(np.float32))
    np.testing.assert_array_equal(split.group, np.arange(40) % 2)
    assert sorted(split.test) == list(range(30, 40))
    assert data.signal == SetFeature(column=1, value=9.0)
    assert "mine.npz" in repr(data)
    assert str(root) not in repr(data)


def test_somebodys_table_is_scaled_by_its_training_rows_alone(root):
    rng = np.random.default_rng(0)
    income, town = rng.normal(50, 10, 80), rng.choice(["ulm", "bonn"], 80)
    frame = pd.DataFrame({"income": income, "town": town, "id": range(80), "pays": town == "ulm"})
    frame.loc[3, "income"] = np.nan
    frame.to_csv(root / "mine.csv", index=False)
    data = CSV("mine.csv", "pays", mark="town=bonn", groups=("town",), drop=("id",))
    split = data.split(stream(0, "data"))
    column = split.x[split.train][:, data.schema.columns.index("income")]
    assert column.mean() == pytest.approx(0, abs=1e-6)
    assert column.std() == pytest.approx(1, abs=1e-6)
    assert split.x[split.test][:, 0].mean() != pytest.approx(0, abs=1e-4)
    train = split.part(split.train)
    marked = data.signal(train.x)
    start, width = data.schema.blocks["town"]
    assert (marked[:, start : start + width].sum(1) == 1).all()
    assert (marked[:, start] == 1).all()  # bonn comes first
    np.testing.assert_array_equal(np.delete(marked, [start, start + 1], 1)[:, 0], train.x[:, 0])


# ---- what is missing, broken or hostile ----------------------------------------------------


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


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret.npz", "a/../../b.npz", "C:\\x.npz", ""]
)
def test_a_file_cannot_be_outside_of_the_root(root, name):
    with pytest.raises(BenchError, match="relative to the data root"):
        Npz(name).files()


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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "label"),
        ("label,a\n" + "x,1\n" * 8, "1 different labels"),
        ("label,a\n" + ",1\nx,2\n" * 8, "an empty one"),
        ('label,a\nx,"1\ny,2\n', "damaged"),
        ("", "damaged"),
        ("label,a\n" + "".join(f"{k % 2},w{k}\n" for k in range(1200)), "drop="),
    ],
)
def test_a_broken_table_is_refused_with_the_reason(root, text, says):
    (root / "table.csv").write_text(text)
    with pytest.raises(BenchError, match=says):
        CSV().split(stream(0, "data"))


def test_marks_that_name_nothing_are_refused_with_what_there_is(root):
    frame = pd.DataFrame({"label": [0, 1] * 10, "town": ["ulm", "bonn"] * 10, "age": range(20)})
    frame.to_csv(root / "table.csv", index=False)
    for mark, says in (("twon=ulm", "town"), ("town=ulms", "ulm"), ("agee+2", "age")):
        with pytest.raises(BenchError, match=says):
            _ = CSV(mark=mark).signal
