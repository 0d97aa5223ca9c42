"""Grids: which learners "*" stands for."""

import pytest

from bench.datasets.synthetic.coins import Coins
from bench.spec.grid import Part


def names(dataset):
    part = Part((dataset,), ("*",), sizes=(0.0,), seeds=1)
    return {type(trial.learner).__name__ for trial in part.trials()}


@pytest.mark.parametrize(("dataset", "law"), [("Coins(n=40)", True), ("Digits", False)])
def test_every_learner_is_one_that_the_data_allow(dataset, law):
    every = names(dataset)
    assert {"ERM", "KNN"} <= every
    assert ("BayesOptimal" in every) is law
    assert "HashedBag" not in every


def test_every_learner_of_texts_is_one_on_texts(monkeypatch):
    monkeypatch.setattr(Coins, "domain", "text")
    assert {"HashedBag", "ERM"} <= names("Coins(n=40)")
