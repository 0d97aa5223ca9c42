"""``data list`` and ``data get``, and grids on data that are not at hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bench.datasets.vision as vision
from bench.datasets._root import CACHE_VARIABLE, VARIABLE
from bench.datasets._source import Source
from bench.streams import stream


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "prepared"))
    return tmp_path / "data"


@pytest.fixture
def openml(monkeypatch):
    """OpenML, which gives eighty small images."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(256, size=(80, 784)), np.arange(80) % 10
    asked = []

    def fetch(name, *, version, data_home, as_frame, parser):
        asked.append((name, version))
        return SimpleNamespace(data=pd.DataFrame(x), target=pd.Series(y.astype(str)))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    source = Source("mnist_784", 1, "mnist.npz", (28, 28), 60)
    monkeypatch.setattr(vision.MNIST, "openml", source)
    return SimpleNamespace(x=x, y=y, asked=asked)


def test_what_is_fetched_is_what_is_read(bench, root, openml):
    said = bench("data", "get", "MNIST")
    assert said.code == 0, said
    assert openml.asked == [("mnist_784", 1)]
    assert "noted, and expected from now on" in said.line
    split = vision.MNIST(n=40, test=20).split(stream(0, "data"))
    np.testing.assert_array_equal(
        split.x.reshape(80, -1), openml.x.astype(np.float32) / np.float32(255)
    )
    np.testing.assert_array_equal(split.y, openml.y)
    assert "as expected" in bench("data", "get", "MNIST").line
    listed = bench("data", "list", "--format", "csv").out
    assert "MNIST,at hand,yes,mnist.npz" in listed


def test_other_contents_than_expected_are_not_written(bench, root, openml):
    bench("data", "get", "MNIST")
    before = (root / "mnist.npz").read_bytes()
    openml.x[0, 0] ^= 1
    said = bench("data", "get", "MNIST")
    assert said.code == 2
    assert "is not what it was" in said.line
    assert (root / "mnist.npz").read_bytes() == before


def test_who_is_not_reached_is_said_in_a_line(bench, root, monkeypatch):
    def fetch(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    said = bench("data", "get", "MNIST")
    assert said.code == 2
    assert "OpenML did not give 'mnist_784': OSError: no route to host" in said.line
    assert not (root / "mnist.npz").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data get MNISTT", "Did you mean 'MNIST'"),
        ("data get Digits", "needs no fetching"),
        ("data get SMSSpam", "https://doi.org/10.24432/C5CC84"),
        ("data list --data nowhere", "--data nowhere is not a folder"),
        ("data columns Digits", "no table with named columns"),
        ("run quick --datasets MNIST --jobs 0", "MNIST is not at hand: looked for mnist.npz"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_line(bench, root, words, says):
    said = bench(*words.split())
    assert said.code == 2
    assert says in said.line
    assert "Traceback" not in said.err
