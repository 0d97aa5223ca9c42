"""Grids: which learners "*" stands for."""

import pytest

from algorithms.hashed_bag import HashedBag
from bench.datasets.synthetic.coins import Coins
from bench.spec.grid import Part
from bench.spec.registry import experimental


def names(dataset):
    part = Part((dataset,), ("*",), sizes=(0.0,), seeds=1)
    return {type(trial.learner).__name__ for trial in part.trials()}


@pytest.mark.parametrize(("dataset", "law"), [("Coins(n=40)", True), ("Digits", False)])
def test_every_learner_is_one_that_the_data_allow(dataset, law):
    every = names(dataset)
    assert {"ERM", "LogisticRegression"} <= every
    assert ("BayesOptimal" in every) is law
    assert "HashedBag" not in every


def test_experimental_learners_are_run_where_they_are_named():
    every = Part(("Coins(n=40)",), ("*",)).learners_on(Coins(n=40))
    named = Part(("Coins(n=40)",), ("*", "LfF(exponent=0.5)")).learners_on(Coins(n=40))
    assert not [learner for learner in every if experimental(learner)]
    assert {repr(learner)[:3] for learner in set(named) - set(every)} == {"LfF"}


def test_every_learner_of_texts_is_one_on_texts(monkeypatch):
    monkeypatch.setattr(Coins, "domain", "text")
    monkeypatch.setattr(HashedBag, "experimental", None)
    assert {"HashedBag", "ERM"} <= names("Coins(n=40)")
