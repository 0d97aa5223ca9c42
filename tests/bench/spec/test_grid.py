"""Grids: which learners "*" stands for."""

import pytest

from algorithms.hashed_bag import HashedBag
from bench.datasets.synthetic.coins import Coins
from bench.spec.grid import Grid, Part, change
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


def test_datasets_of_a_part_keep_its_learners_and_its_wrapper():
    bags = Part(("SMSSpam",), ("ERM",), network="Linear()", wrapper="HashedBag")
    grid = Grid("two", (Part(("Coins", "Digits"), ("ERM", "KNN")), bags))
    chosen = change(grid, datasets=("SMSSpam()", "Digits"))
    assert [part.datasets for part in chosen.parts] == [("Digits",), ("SMSSpam()",)]
    assert [part.wrapper for part in chosen.parts] == [None, "HashedBag"]
    assert [part.datasets for part in change(grid, datasets=("Coins",)).parts] == [("Coins",)]


def test_datasets_of_no_part_are_those_of_all_parts():
    grid = Grid("two", (Part(("Coins",), ("ERM",)), Part(("Digits",), ("KNN",))))
    chosen = change(grid, datasets=("Coins", "Slabs"))
    assert [part.datasets for part in chosen.parts] == [("Coins", "Slabs"), ("Slabs",)]
