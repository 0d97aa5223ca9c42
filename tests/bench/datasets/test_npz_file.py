"""Arrays in npz files: read as they are, or refused with the shape, the row and a way out."""

import numpy as np
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.npz_file import Npz
from collectives.signals.tabular import SetFeature
from tests.helpers.csv_texts import ROWS
from tests.helpers.raw_files import npz, put


def archive(root, **arrays):
    plain = {"x": np.arange(ROWS * 3.0).reshape(ROWS, 3), "y": np.arange(ROWS) % 3}
    put(root, {"arrays.npz": npz(**{**plain, **arrays})})


X, Y = np.ones((ROWS, 3)), np.arange(ROWS) % 3


def changed(x, value):
    x = x.copy()
    x[4] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": 0 * Y}, "1 different labels"),
        ({"y": Y + 1}, r"from 1 to 3, and no row has 0; save np\.unique"),
        ({"y": 2 * Y}, "no row has 1"),
        ({"y": changed(Y, 10**6)}, "no row has 3"),
        ({"y": Y - 1}, "from -1 to 1"),
        ({"y": np.arange(ROWS)}, "60 different labels in 60 rows"),
        ({"y": np.arange(ROWS) % 3 / 1.0}, r"y is float64, like 0\.0, not whole numbers"),
        ({"y": Y.astype(str)}, "not whole numbers"),
        ({"y": Y[:, None]}, r"y is int64 \(60, 1\).*reshape"),
        ({"y": np.eye(3)[Y]}, r"\(60, 3\)"),
        ({"y": Y[:-1]}, r"\(59,\)"),
        ({"x": X[:-1]}, r"\(60,\)"),
        ({"x": X[:0], "y": Y[:0]}, "not real numbers"),
        ({"x": X.astype(complex)}, "x is complex128"),
        ({"x": X.astype(str)}, "not real numbers"),
        ({"x": X.astype("m8[s]")}, "not real numbers"),
        ({"x": X.astype(object)}, "pickled objects"),
        ({"x": X[:, 0]}, r"\(60,\)"),
        ({"x": changed(X, np.nan)}, "x has nan in row 4"),
        ({"x": changed(X, np.inf)}, "x has inf in row 4"),
        ({"x": changed(X, 1e300)}, r"x has 1e\+300 in row 4"),
        ({"x": np.ones((ROWS, 8, 8, 3))}, r"channels last; save np\.moveaxis\(x, -1, 1\)"),
        ({"x": np.ones((ROWS, 8, 8, 1), "u1")}, "channels last"),
        ({"g": np.arange(ROWS) * 1000}, "no row has 1"),
        ({"g": Y[:-1]}, r"\(59,\)"),
        ({"t": np.arange(ROWS)}, "it takes 1 for rows of the training part"),
        ({"t": np.ones(ROWS, bool)}, "some of both"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(root, arrays, says):
    plain = {"g": Y, "t": np.arange(ROWS) < 40}
    archive(root, **{**plain, **arrays})
    with pytest.raises(BenchError, match=says) as error:
        Npz(groups="g", train="t").split(stream(0, "data"))
    assert "arrays.npz" in str(error.value)


def test_arrays_of_all_plain_types_are_read(root):
    for kind in ("bool", "u1", "i8", "f2", "f4", "f8"):
        archive(root, x=(np.arange(ROWS * 3).reshape(ROWS, 3) % 2).astype(kind), y=Y > 0)
        split = Npz().split(stream(0, "data"))
        assert (split.x.dtype, split.classes) == (np.float32, 2)
    archive(root, x=np.ones((ROWS, 3, 8, 8), "u1"))
    assert Npz().split(stream(0, "data")).x.shape == (ROWS, 3, 8, 8)
    assert Npz().description() == (
        "arrays.npz: points (60, 3, 8, 8); labels 0 (20), 1 (20), 2 (20)",
    )


def test_aims_and_marks_that_nothing_has_are_refused(root):
    archive(root)
    for aim in (3, -1):
        with pytest.raises(BenchError, match=f"aim={aim} is no label; the labels are 0, 1, 2"):
            Npz(aim=aim).split(stream(0, "data"))
    with pytest.raises(BenchError, match="can't carry the mark"):
        Npz(mark=SetFeature(column=3)).split(stream(0, "data"))
    with pytest.raises(BenchError, match="n=50 training and 12 validation rows"):
        Npz(n=50).split(stream(0, "data"))


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


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../secret.npz", "a/../../b.npz", "C:\\x.npz", ""]
)
def test_a_file_cannot_be_outside_of_the_root(root, name):
    with pytest.raises(BenchError, match="relative to the data root"):
        Npz(name).files()
