"""Arrays, frames and torch datasets in memory are datasets, or are refused."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import Subset, TensorDataset

import collective_bench as cb
from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.spec.parsing import parse
from tests.helpers.python_interface import X, Y


def test_arrays_are_identified_by_their_contents(tmp_path, monkeypatch):
    data = cb.from_arrays(X, Y, signal="SetFeature(column=-1, value=4)")
    assert data == cb.from_arrays(X.copy(), Y.tolist(), signal=cb.SetFeature(-1, 4.0))
    other = X.copy()
    other[0, 0] += 1e-3
    assert repr(data) != repr(cb.from_arrays(other, Y, signal=cb.SetFeature(-1, 4.0)))
    assert str(tmp_path) not in repr(data)
    split = parse(repr(data), "datasets").split(stream(0, "data"))
    assert np.array_equal(split.x, X.astype(np.float32))
    assert np.array_equal(split.y, Y)
    assert data.label == 1
    monkeypatch.setenv("COLLECTIVE_BENCH_CACHE", str(tmp_path / "empty"))
    with pytest.raises(Missing, match="came from memory"):
        data.split(stream(0, "data"))


def test_labels_and_groups_are_numbered(capsys):
    words = np.where(Y, "yes", "no")
    data = cb.from_arrays(X, words, aim="no", groups=np.where(X[:, 1] > 0, "a", "b"))
    split = data.split(stream(0, "data"))
    assert np.array_equal(split.y, Y)
    assert np.array_equal(split.group, X[:, 1] <= 0)
    assert data.label == 0
    assert "labels are numbered: no = 0, yes = 1" in " ".join(capsys.readouterr().err.split())
    signs = cb.from_arrays(X, 2.0 * Y - 1, aim=-1)
    assert (signs.label, signs.split(stream(0, "data")).classes) == (0, 2)
    train = np.arange(len(X)) < 100
    parts = cb.from_arrays(X, Y, train=train, n=40, n_test=15).split(stream(0, "data"))
    assert [len(parts.train), len(parts.validation), len(parts.test)] == [40, 10, 15]
    assert parts.train.max() < 100 <= parts.test.min()


@pytest.mark.parametrize(
    ("x", "y", "options", "words"),
    [
        (X[:, 0], Y, {}, r"\(120,\).*reshape\(-1, 1\)"),
        (X[:90], Y, {}, "one of labels for each of 90 points"),
        (np.where(X > 3, np.nan, np.where(X > 2, np.nan, X)), Y, {}, "nan in row"),
        (X.astype(str), Y, {}, "from_frame"),
        ([[1, 2], [3]] * 60, Y, {}, "unequal lengths|inhomogeneous"),
        (X, np.where(Y, np.nan, 0.0), {}, "y is missing in row"),
        (X, [None, *Y[1:]], {}, r"y is missing in row 0 \(1 rows"),
        (X, X[:, 0], {}, "120 different values in 120 rows"),
        (X, np.zeros(120), {}, "1 different labels"),
        (X, Y[:, None], {}, r"\(120, 1\)"),
        (X, Y, {"aim": 2}, "aim=2 is no label"),
        (X, Y, {"groups": Y[:5]}, "one of groups"),
        (X, Y, {"train": np.ones(120, bool)}, "some of both"),
        (X, Y, {"signal": cb.SetFeature(9, 1.0)}, "carry"),
        (X, Y, {"signal": "SetFeatur"}, "Did you mean 'SetFeature'"),
        (X, Y, {"n": 1000}, "only 90"),
        (X, Y, {"n": -1}, "from_arrays: n=-1"),
        (np.zeros((60, 8, 8, 3)), Y[:60], {}, r"moveaxis\(x, -1, 1\)"),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(x, y, options, words, tmp_path):
    with pytest.raises((BenchError, ValueError), match=words) as error:
        cb.from_arrays(x, y, **options)
    assert error.type in (BenchError, ValueError)
    assert str(tmp_path) not in str(error.value)
    assert not list((tmp_path / "cache").glob("stored/*"))


def test_a_frame_is_read_as_its_types_say(capsys):
    frame = pd.DataFrame(
        {
            "age": np.where(X[:, 0] > 1, np.nan, X[:, 0]),
            "code": np.where(X[:, 1] > 0, "10", "20"),
            "home": X[:, 2] > 0,
            "paid": np.where(Y, "yes", "no"),
        }
    )
    data = cb.from_frame(frame, "paid", signal="code=10", aim="no")
    assert data.schema.numbers == ("age",)
    assert dict(data.schema.categories) == {"code": ("10", "20"), "home": ("False", "True")}
    split = data.split(stream(0, "data"))
    assert split.x.shape == (120, 5)
    assert np.array_equal(np.bincount(split.y), np.bincount(Y))
    assert data.label == 0
    assert "stored" not in capsys.readouterr().err
    assert data == cb.from_frame(frame.set_index(X[:, 0]), "paid", signal="code=10", aim="no")
    assert data != cb.from_frame(frame.iloc[::-1], "paid", signal="code=10", aim="no")


@pytest.mark.parametrize(
    ("change", "arguments", "words"),
    [
        ({}, {"label": "pay"}, "Did you mean 'paid'"),
        ({}, {"signal": "jab=a"}, "Did you mean 'job'"),
        ({}, {"aim": "maybe"}, "aim='maybe' is no label"),
        ({"paid": [None, *["no", "yes"] * 50][:100]}, {}, "an empty one in row 1"),
        ({"copy": ["no", "yes"] * 50}, {}, "drop="),
        ({"day": pd.date_range("2020", periods=100)}, {}, "a date or time"),
        ({}, {"groups": ("jab",)}, "Did you mean 'job'"),
    ],
)
def test_frames_that_cannot_be_used_are_refused(change, arguments, words, tmp_path):
    columns = {"age": range(100), "job": ["a", "b"] * 50, "paid": ["no", "yes"] * 50}
    columns["job"][7] = "b"
    frame = pd.DataFrame(columns | change)
    with pytest.raises(BenchError, match=words) as error:
        cb.from_frame(frame, **{"label": "paid", "signal": "job=a"} | arguments)
    assert str(tmp_path) not in str(error.value)
    with pytest.raises(BenchError, match="not ndarray"):
        cb.from_frame(X, "paid", signal="job=a")


def test_torch_and_rows_make_the_same_dataset():
    arrays = cb.from_arrays(X.astype(np.float32), Y)
    tensors = TensorDataset(torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(Y))
    rows = [
        {"points": list(map(np.float32, x)), "label": int(y)} for x, y in zip(X, Y, strict=True)
    ]
    assert cb.from_torch(tensors) == arrays
    assert cb.from_torch(rows) == arrays
    assert cb.from_torch(rows, columns="points", label="label") == arrays
    part = cb.from_torch(Subset(tensors, range(50)))
    assert len(part.split(stream(0, "data")).x) == 50
    rng = np.random.default_rng(0)
    pictures = [(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8), k % 2) for k in range(20)]
    x = cb.from_torch(pictures, signal=cb.Patch()).split(stream(0, "data")).x
    assert np.array_equal(x[7], np.moveaxis(pictures[7][0], -1, 0).astype(np.float32) / 255)


@pytest.mark.parametrize(
    ("items", "options", "words"),
    [
        (iter([]), {}, "__len__"),
        ([], {}, "no items"),
        ([1, 2], {}, "item 0 is int"),
        ([(np.zeros(2), 0), (np.zeros(3), 1)], {}, r"item 1 has the shape \(3,\)"),
        ([("a text", 0)] * 9, {}, "TextFile"),
        ([{"x": 1.0, "z": 0}], {}, "column of labels"),
        ([{"x": 1.0, "label": 0}], {"columns": "xx"}, "Did you mean 'x'"),
        ([{"x": 1.0, "label": 0}], {"label": "z"}, "'z'"),
    ],
)
def test_items_that_cannot_be_used_are_refused(items, options, words):
    with pytest.raises(BenchError, match=words):
        cb.from_torch(items, **options)
