"""The Python interface."""

import signal
import subprocess
import sys
import threading
import types
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import Subset, TensorDataset

import collective_bench as cb
from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.records.code_version import code_version
from bench.spec.parsing import parse
from bench.spec.registry import REGISTRY
from collective_bench.components import specs

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)
AXES = {"strategies": "FeatureLabel", "sizes": [0.05, 0.3], "seeds": 2, "progress": False}
TYPED = '''
from dataclasses import dataclass
import numpy as np
import collective_bench as cb

FACTOR = 1.0

def scaled(means):
    """Scale."""
    return FACTOR * means

@dataclass(frozen=True)
class Typed(cb.Learner):
    """A nearest mean."""

    shift: float = 0.0

    def fit(self, sample, rng):
        means = np.stack([sample.flat[sample.y == c].mean(0) for c in range(sample.classes)])
        means = scaled(means) + self.shift
        return cb.Fitted(lambda x: ((x.reshape(len(x), 1, -1) - means) ** 2).sum(2).argmin(1))
'''


@dataclass(frozen=True)
class Failing(cb.Learner):
    """A learner that fails."""

    def fit(self, sample, rng):
        """Fail."""
        raise ZeroDivisionError("on purpose")


@dataclass(frozen=True)
class Mark(cb.Signal):
    """A signal that no file of the project defines."""

    amount: float = 1.0

    def __call__(self, x):
        """Return g(x)."""
        return x + np.float32(self.amount)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    """A cache and a registry that no other test shares."""
    monkeypatch.setenv("COLLECTIVE_BENCH_CACHE", str(tmp_path / "cache"))
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))


@pytest.fixture
def typed(monkeypatch):
    """Return the class that a notebook defines by some code."""

    def typed(code=TYPED):
        module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(code, vars(module))
        return module.Typed

    return typed


def lasting(frame):
    """Records without measurements of time."""
    return frame.drop(columns=["seconds", "memory"], errors="ignore")


def test_importing_it_imports_no_learner():
    code = "import sys, collective_bench; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_components_are_attributes():
    assert {name: getattr(cb, name) for name in REGISTRY.names} == REGISTRY.names
    assert {*REGISTRY.names, "run", "load", "Trial"} <= set(dir(cb)) & set(cb.__all__)
    assert {getattr(cb, name).__name__ for name in cb._MODULES} == set(cb._MODULES)
    with pytest.raises(AttributeError, match=r"no component 'ERN'\. Did you mean 'ERM'\?$"):
        cb.ERN  # noqa: B018


def test_a_module_of_another_program_that_hides_ours_is_named(monkeypatch, tmp_path):
    (tmp_path / "bench.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match=r"bench\.py hides the package 'bench'"):
        cb.ERM  # noqa: B018


def test_a_run_equals_that_of_the_command_line_which_reads_it(bench, tmp_path, no_figures):
    run = cb.run(
        learners=[cb.KNN(), "EmpiricalBayes"],
        datasets=cb.Coins(n=200, n_test=100),
        jobs=0,
        out="runs/mine",
        **AXES,
    )
    words = "--strategies FeatureLabel --sizes 0.05,0.3 --seeds 2 --jobs 0 --out runs/other"
    axes = ["--datasets", "Coins(n=200, n_test=100)", "--learners", "KNN,EmpiricalBayes"]
    assert bench("run", *axes, *words.split()).code == 0
    other = cb.load("runs/other")
    pd.testing.assert_frame_equal(lasting(run.frame), lasting(other.frame), check_exact=True)
    assert len(run.frame) == 2 * 3 * 2 == (run.frame["status"] == "ok").sum()
    assert str(run) == "Run('runs/mine'): 12 trials of EmpiricalBayes, KNN"
    status = bench("status", "mine", "--format", "csv").out.splitlines()
    assert [line.rpartition(",")[2] for line in status] == ["left", "0", "0"]
    assert bench("critical", "mine").out == bench("critical", "other").out
    again = bench(*cb.load("mine").about["command"], "--jobs", "0")
    assert "12 trials, 0 to run" in again.line


def test_the_tables_and_figures_of_a_run(tmp_path, no_figures):
    run = cb.run("EmpiricalBayes,KNN", "Coins(n=200)", jobs=0, out=tmp_path / "run", **AXES)
    for value, column in (("headline", "success_others"), ("success", "success")):
        means = run.frame.groupby(["learner", "size"])[column].mean()
        curves = run.curves(value).set_index(["learner", "size"])["mean"]
        pd.testing.assert_series_equal(curves.sort_index(), means, check_names=False)
    high = {row.learner: row.mean for row in run.curves().query("size == 0.3").itertuples()}
    critical = run.critical(0.5).set_index("learner")["estimate"]
    assert all((critical[name] <= 0.3) == (mean >= 0.5) for name, mean in high.items())
    assert set(run.compare("EmpiricalBayes")["learner"]) == {repr(cb.KNN())}
    run.plot("success").savefig(tmp_path / "success.png")
    assert (tmp_path / "success.png").stat().st_size > 1000
    assert "KNN" in run.report().read_text()
    with pytest.raises(BenchError, match="Did you mean 'success'"):
        run.plot("sucess")
    with pytest.raises(BenchError, match="ERN"):
        run.compare("ERN")
    with pytest.raises(BenchError, match="nothing here"):
        cb.load("nothing here")


def test_a_class_of_a_notebook_runs_in_workers(typed, tmp_path):
    learners = [typed()(shift=0.5), "EmpiricalBayes"]
    data = cb.from_arrays(X, Y, signal=cb.SetFeature(-1, 4.0))
    one, two = (
        cb.run(learners, data, out=tmp_path / str(jobs), jobs=jobs, **AXES) for jobs in (0, 1)
    )
    assert (two.frame["status"] == "ok").all()
    pd.testing.assert_frame_equal(lasting(one.frame), lasting(two.frame), check_exact=True)


def test_a_class_of_a_notebook_that_was_edited_runs_again(typed, tmp_path):
    def run(code):
        made = cb.run(
            [typed(code), cb.KNN], "Coins(n=100, n_test=50)", out=tmp_path, jobs=0, **AXES
        )
        return made.about["had"]

    assert [run(TYPED), run(TYPED)] == [0, 12]
    assert run(TYPED.replace("FACTOR = 1.0", "FACTOR = 2.0")) == 6


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("FACTOR = 1.0", "FACTOR = 1.5", False),
        ("FACTOR * means", "FACTOR - means", False),
        ("shift: float = 0.0", "shift: float = 0.0\n    scale: float = 1.0", False),
        ("argmin(1)", "argmax(1)", False),
        ("+ self.shift", "+ self.shift  # a comment", True),
        ('"""Scale."""', '"""Multiply."""', True),
        ("def scaled", "UNUSED = 1\n\ndef scaled", True),
    ],
)
def test_the_version_of_a_notebook_class_is_that_of_all_code_that_it_needs(typed, old, new, same):
    assert old in TYPED

    def version(code):
        cls = typed(code)
        return code_version(cb.Trial("Coins", cls(), "Idle").prepared())

    assert version(TYPED) == version(TYPED)
    assert (version(TYPED.replace(old, new)) == version(TYPED)) is same


def test_a_trial_has_the_signal_of_its_dataset_and_raises_its_error():
    trial = cb.Trial("Coins(n=100)", cb.KNN, cb.FeatureLabel(), size=0.1, seed=3)
    coins = cb.Coins(n=100)
    assert trial.prepared().strategy == cb.FeatureLabel(coins.signal, coins.label)
    assert trial.run()["seed"] == 3
    with pytest.raises(BenchError, match="ZeroDivisionError: on purpose"):
        cb.Trial("Coins(n=100)", Failing()).run()
    with pytest.raises(BenchError, match="size=2 is not a share"):
        cb.Trial("Coins", "KNN", size=2).run()
    with pytest.raises(BenchError, match="describes 2 learners"):
        cb.Trial("Coins", "KNN,ERM").run()


def test_failed_trials_are_rows(tmp_path, capsys):
    axes = {**AXES, "progress": True}
    run = cb.run(Failing, "Coins(n=100, n_test=50)", jobs=0, out=tmp_path, patience=0, **axes)
    assert len(run.failed) == len(run.frame) == 6
    assert "6 of 6 trials failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"learners": "ERN"}, "Did you mean 'ERM'"),
        ({"learners": 3}, "3 is not a learner"),
        ({"learners": []}, "learners is empty"),
        ({"learners": cb.Coins()}, "is not a learner"),
        ({"learners": cb.Learner}, "Learner lacks fit"),
        ({"learners": None}, "lacks learners"),
        ({"sizes": [2]}, "less than or equal to 1"),
        ({"seeds": 0}, "greater than or equal to 1"),
        ({"groups": "all"}, "groups"),
        ({"grid": "quik"}, "Did you mean 'quick'"),
        ({"strategies": cb.FeatureLabel(label=7)}, "aims at the label 7"),
        ({"time_limit": 1.0, "jobs": 0}, "jobs=1"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, tmp_path):
    known = {"learners": "KNN", "datasets": "Coins(n=100)", "seeds": 1, "jobs": 0}
    with pytest.raises(BenchError, match=words):
        cb.run(**known | {"out": tmp_path, "progress": False} | arguments)


def test_objects_classes_names_and_searches_mix():
    search = {"learner": "KNN", "neighbours": [1, 3]}
    mixed = specs([cb.ERM, cb.KNN(7), "JTT(upweight=5),LDA", search], "learners")
    assert mixed == [repr(cb.ERM()), repr(cb.KNN(7)), "JTT(upweight=5)", "LDA", search]

    (spec,) = specs(cb.FeatureLabel(Mark(2.0), 1), "strategies")
    assert parse(spec, "strategies").signal == Mark(2.0)
    taken = dataclass(frozen=True)(type("KNN", (Failing,), {"__doc__": "A name that is taken."}))
    with pytest.raises(BenchError, match="the name 'KNN' is taken"):
        specs(taken, "learners")

    class Local(Failing):
        """A class whose objects have no spec."""

    with pytest.raises(BenchError, match="inside a function"):
        specs(Local(), "learners")


def test_it_runs_in_a_thread_and_restores_the_handler_of_signals(tmp_path):
    def run(out):
        cb.run("EmpiricalBayes", "Coins(n=100)", jobs=0, out=tmp_path / out, **AXES)

    before = signal.getsignal(signal.SIGTERM)
    run("here")
    assert signal.getsignal(signal.SIGTERM) == before
    thread = threading.Thread(target=run, args=["there"])
    thread.start()
    thread.join()
    frames = [lasting(cb.load(tmp_path / out).frame) for out in ("here", "there")]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


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
    pictures = [(RNG.integers(0, 256, (6, 5, 3), dtype=np.uint8), k % 2) for k in range(20)]
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
