"""Classes that a notebook defines: runs in workers, and versions of their code."""

import sys
import types

import pandas as pd
import pytest

import collective_bench as cb
from bench.records.code_version import code_version
from tests.helpers.python_interface import AXES, X, Y, lasting

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


@pytest.fixture
def typed(monkeypatch):
    """Return the class that a notebook defines by some code."""

    def typed(code=TYPED):
        module = types.ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", module)
        exec(code, vars(module))
        return module.Typed

    return typed


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
