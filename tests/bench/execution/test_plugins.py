"""Plugin files, and classes of scripts, in worker processes."""

import importlib
import json
import shutil
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

import run_bench
from algorithms.empirical_bayes import EmpiricalBayes
from bench.contract.learners import fits_in_a_worker_process
from bench.core.errors import BenchError
from bench.core.plugin_files import installed_plugins
from bench.core.worker_processes import Serialized
from bench.datasets.synthetic.coins import Coins
from bench.execution.backends import run_chunks, run_on_dask
from bench.execution.sweep import sweep
from bench.experiment.trial import Trial
from bench.records.merge import lasting
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from bench.spec.registry import REGISTRY, Registry
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from tests.helpers.records import sorted_lasting

COINS = Coins(n=100, n_test=100)
PLANT = FeatureLabel(SetFeature(), 1)
#: A learner that uses all that cannot be pickled, a module beside it, and one in a folder there.
HEAVY = '''
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.backends.cudnn
import folder.deep
import my_helper
from my_helper import Offset
from algorithms.base import Fitted, Learner

LOCK = threading.Lock()
FILE = open(__file__)


@lru_cache
def means_of(classes):
    return list(range(classes))


@dataclass(frozen=True)
class Heavy(Learner):
    """Predicts the class whose mean is nearest."""

    shift: float = 0.0

    def fit(self, sample, rng):
        import my_late_helper

        torch.backends.cudnn.is_available()
        with LOCK:
            FILE.seek(0)
            assert FILE.readline() == "\\n"
        assert torch.classes is not None
        x = torch.as_tensor(sample.flat)
        y = torch.as_tensor(sample.y)
        means = torch.stack([x[y == c].mean(0) for c in means_of(sample.classes)]).numpy()
        means = my_late_helper.plus(means, Offset(self.shift).value) * folder.deep.ONE

        def predict(x):
            return ((x.reshape(len(x), 1, -1) - means) ** 2).sum(2).argmin(1)

        return Fitted(predict)
'''
HELPERS = {
    "my_helper.py": "from my_other import Base\nclass Offset(Base): pass\n",
    "my_other.py": "class Base:\n    def __init__(self, value): self.value = value\n",
    "my_late_helper.py": "def plus(x, y): return x + y\n",
    "folder/deep.py": "ONE = 1.0\n",
}
LIGHT = """
from dataclasses import dataclass
import numpy as np
import NAME
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class CLASS(Learner):
    def fit(self, sample, rng):
        return Fitted(lambda x: np.full(len(x), NAME.LABEL))
"""


@dataclass(frozen=True)
class Locked(EmpiricalBayes):
    """A learner that cannot be pickled."""

    lock: Any = field(default_factory=threading.Lock)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write and load a plugin file of the project's registry, for this test alone."""
    before = installed_plugins()
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))

    def load(text, name="plugged.py", **helpers):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        for helper, lines in helpers.items():
            (path.parent / f"{helper}.py").write_text(lines)
        return REGISTRY.load(path)

    yield load
    for plugin in set(installed_plugins()) - set(before):
        plugin.unload()


def write_heavy(folder):
    for name, text in {"heavy.py": HEAVY, **HELPERS}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder / "heavy.py"


def trial(learner, seed=0):
    return Trial(COINS, learner, PLANT, 0.1, seed)


def records_of(chunks, jobs, run=run_chunks):
    finished = run(iter(chunks), jobs)
    return {(r["learner"], r["seed"]): r for _, records in finished for r in records}


def on_dask(chunks, jobs):
    from distributed import LocalCluster

    with LocalCluster(n_workers=jobs, threads_per_worker=1, dashboard_address=None) as cluster:
        yield from run_on_dask(chunks, cluster.scheduler_address)


# ---- plugin files -------------------------------------------------------------------------


@pytest.mark.integration
def test_a_run_with_a_plugin_does_not_depend_on_its_number_of_processes(load, tmp_path):
    """Nor on modules of the current folder that have the names of others."""
    write_heavy(tmp_path)
    foreign = "open('imported.txt', 'w').close(); raise SystemExit('it is imported')"
    for name in ("bench", "random", "algorithms", "joblib", "torch", "tempfile"):
        (tmp_path / f"{name}.py").write_text(foreign)
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "__init__.py").write_text(foreign)
    words = "--learners Heavy,EmpiricalBayes --datasets Coins(n=100) --sizes 0,0.1 --seeds 2"
    words = f"run quick --plugin heavy.py {words} --strategies FeatureLabel --jobs 1 --out out"
    command = [sys.executable, run_bench.__file__, *words.split()]
    subprocess.run(command, cwd=tmp_path, check=True)
    assert not (tmp_path / "imported.txt").exists()
    there = list(Store(tmp_path / "out").records())
    assert [r["error"] for r in there] == [None] * 8

    load(HEAVY, "heavy.py")
    part = Part(("Coins(n=100)",), ("Heavy", "EmpiricalBayes"), ("FeatureLabel",), (0.1,), 2)
    with Store(tmp_path / "alone") as store:
        sweep(Grid("g", (part,)).trials(), store)
        assert sorted_lasting(there) == sorted_lasting(store.records())


@pytest.mark.integration
def test_a_worker_of_dask_loads_the_file(load, tmp_path):
    write_heavy(tmp_path)
    load(HEAVY)
    learner = parse("Heavy", "learners")
    (record,) = records_of([[trial(learner)]], 1, on_dask).values()
    assert record["error"] is None
    (here,) = records_of([[trial(learner)]], 0).values()
    assert lasting(record) == lasting(here)


@pytest.mark.integration
def test_the_check_loads_the_file(load, tmp_path):
    write_heavy(tmp_path)
    load(HEAVY)
    fits_in_a_worker_process(parse("Heavy", "learners"))
    with pytest.raises(BenchError, match=r"Locked cannot be sent to a worker process: TypeError"):
        fits_in_a_worker_process(Locked())


@pytest.mark.integration
def test_workers_run_the_text_that_was_loaded(load, tmp_path):
    (cls,) = load(
        LIGHT.replace("NAME", "my_label").replace("CLASS", "Fixed"), my_label="LABEL = 0"
    )
    (tmp_path / "plugged.py").write_text("raise SystemExit('it was edited')")
    (record,) = records_of([[trial(cls())]], 1).values()
    assert record["error"] is None
    (tmp_path / "plugged.py").unlink()
    (record,) = records_of([[trial(cls())]], 1).values()
    assert record["error"] is None


@pytest.mark.integration
def test_a_missing_helper_costs_the_trials_of_its_plugin(load, tmp_path):
    (cls,) = load(
        LIGHT.replace("NAME", "my_label").replace("CLASS", "Alone"), my_label="LABEL = 0"
    )
    shutil.rmtree(tmp_path)
    chunks = [[trial(cls(), 0), trial(cls(), 1)], [trial(EmpiricalBayes(), 0)]]
    records = records_of(chunks, 2)
    assert records["EmpiricalBayes()", 0]["status"] == "ok"
    for seed in (0, 1):
        record = records["Alone()", seed]
        assert record["status"] == "failed"
        assert "Alone cannot be loaded in a worker process: ModuleNotFoundError" in record["error"]
        assert "No module named 'my_label'" in record["error"]


def test_two_plugins_have_helpers_of_their_own(load):
    text = LIGHT.replace("NAME", "my_label")
    (one,) = load(text.replace("CLASS", "One"), "a/one.py", my_label="LABEL = 0")
    (two,) = load(text.replace("CLASS", "Two"), "b/two.py", my_label="LABEL = 1")
    for jobs in (0, 1):
        records = records_of([[trial(one())], [trial(two())]], jobs)
        assert [r["success"] for r in records.values()] == [0.0, 1.0]
    assert "my_label" not in sys.modules


def test_modules_beside_a_plugin_replace_no_others(load):
    """The module ``random`` is that of the standard library, and ``bench`` is the project."""
    text = LIGHT.replace("NAME", "random").replace("random.LABEL", "random.Random(0).randrange(1)")
    text += "from bench.datasets.base import Dataset\nimport results.stats\n"
    raises = "raise ImportError('the file beside the plugin')"
    load(text.replace("CLASS", "Safe"), random=raises, bench=raises, results=raises)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("my_neighbour")
    load(LIGHT.replace("NAME", "my_neighbour").replace("CLASS", "Near"), my_neighbour="LABEL = 0")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("my_neighbour")


def test_a_mended_helper_is_imported_again(load):
    text = LIGHT.replace("NAME", "my_label").replace("CLASS", "Mended")
    before = set(sys.modules)
    with pytest.raises(BenchError, match="ZeroDivisionError"):
        load("import my_first\n" + text, my_first="LABEL = 0", my_label="1 / 0")
    new = set(sys.modules) - before
    assert not [name for name in new if name.startswith("plugin_plugged")]
    load("import my_first\n" + text, my_label="LABEL = 0")


def test_a_plugin_without_a_finished_class_is_not_sent(tmp_path):
    before = installed_plugins()
    (tmp_path / "empty.py").write_text("x = 1\n")
    with pytest.raises(BenchError, match="defines no concrete subclass"):
        Registry().load(tmp_path / "empty.py")
    assert installed_plugins() == before


# ---- objects ------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_object_that_cannot_be_sent_costs_its_own_trials(jobs):
    other = EmpiricalBayes()
    # The second chunk has a trial of each.
    chunks = [[trial(other, 0)], [trial(Locked()), trial(other, 1)], [trial(other, 2)]]
    records = records_of(chunks, jobs)
    assert len(records) == 4
    bad = next(r for (name, _), r in records.items() if "Locked" in name)
    assert bad["status"] == "failed"
    assert "Locked cannot be sent to a worker process: TypeError: cannot pickle" in bad["error"]
    assert {r["status"] for r in records.values() if r is not bad} == {"ok"}


SCRIPT = """
import sys
from dataclasses import dataclass

import numpy as np
import torch
import torch.backends.cudnn
from algorithms.base import Fitted, Learner
from bench.core.worker_processes import Serialized
from bench.datasets.synthetic.coins import Coins
from bench.execution.backends import run_chunks
from bench.experiment.trial import Trial
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature

@dataclass(frozen=True)
class Mine(Learner):
    def fit(self, sample, rng):
        torch.backends.cudnn.is_available()
        label = int(torch.tensor(sample.classes)) - 1
        return Fitted(lambda x: np.full(len(x), label))

trial = Trial(Coins(n=100, n_test=100), Mine(), FeatureLabel(SetFeature(), 1), 0.1, 0)
((_, (record,)),) = run_chunks([[trial]], jobs=1)
sys.exit(record["error"])
"""


@pytest.mark.integration
def test_a_class_of_a_script_is_sent_with_its_code(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    root = run_bench.__file__.removesuffix("run_bench.py")
    words = [sys.executable, "-c", f"import sys; sys.path.append({root!r}); exec({SCRIPT!r})"]
    subprocess.run(words, cwd=tmp_path, check=True)


def test_special_modules_are_sent_by_name():
    import torch

    for module in (torch.classes, torch.backends.cudnn, json):
        assert Serialized.of([module]).load()[0] is module
