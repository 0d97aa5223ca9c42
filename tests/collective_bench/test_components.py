"""Components as attributes of the package, and as arguments of runs."""

import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import collective_bench as cb
from bench.core.errors import BenchError
from bench.spec.parsing import parse
from bench.spec.registry import REGISTRY
from collective_bench.components import specs
from tests.helpers.python_interface import Failing


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


@dataclass(frozen=True)
class Mark(cb.Signal):
    """A signal that no file of the project defines."""

    amount: float = 1.0

    def __call__(self, x):
        """Return g(x)."""
        return x + np.float32(self.amount)


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
