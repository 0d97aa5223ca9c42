"""Searches over hyper-parameters, as a grid says them."""

from dataclasses import fields, replace

import numpy as np
import pytest

from algorithms.knn import KNN
from bench.contract.every import Unfit
from bench.contract.search_spaces import has_a_valid_search_space
from bench.core.errors import BenchError
from bench.spec.parsing import parse
from bench.spec.registry import LEARNERS
from bench.spec.search import variants


def test_a_search_is_one_variant_for_each_value():
    found = [parse(text, "learners") for text in variants({"learner": "JTT", "upweight": [2, 50]})]
    assert found == [replace(LEARNERS["JTT"](), upweight=value) for value in (2.0, 50.0)]


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_learner_can_be_searched(name):
    learner = LEARNERS[name]()
    own = [f.name for f in fields(learner) if f.name != "params"][:1]
    entry = {field: [getattr(learner, field)] for field in own if getattr(learner, field)}
    assert variants({"learner": name, **entry}) == [repr(learner)]


def test_what_is_handed_on_can_be_searched_too():
    entry = {"learner": "Sklearn('SVC', gamma=2.0)", "C": [1, 10]}
    assert variants(entry) == [f"Sklearn('SVC', C={c}, gamma=2.0)" for c in (1, 10)]


@pytest.mark.parametrize("name", sorted(LEARNERS))
def test_every_search_space_builds_learners(name):
    has_a_valid_search_space(LEARNERS[name]())


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"neighbours": [1, 2]}, "no field of KNN named 'neighbours'"),
        ({"n_neighbors": [1, 0]}, "n_neighbors=0: input should be greater than or equal to 1"),
        ({"n_neighbors": {"low": 5, "high": 1}}, "empty range"),
        ({"n_neighbors": [5]}, "no setting but its default"),
        ({"n_neighbors, weights": [(1, 2)]}, "no field of KNN named 'weights'"),
        ({"n_neighbors, n": [(1,)]}, r"n_neighbors, n is \(1,\), not one of each"),
    ],
)
def test_a_search_space_that_builds_no_learner_is_refused(monkeypatch, space, says):
    monkeypatch.setattr(KNN, "space", space)
    with pytest.raises(Unfit, match=says):
        has_a_valid_search_space(KNN())


def test_draws_follow_their_distributions_and_are_repeated():
    entry = {
        "learner": "JTT",
        "draws": 400,
        "upweight": {"low": 1, "high": 100, "scale": "log"},
        "first": {"low": 1, "high": 3, "scale": "integer"},
        "weight_decay": {"low": 0.0, "high": 1.0},
    }
    found = [parse(text, "learners") for text in variants(entry)]
    assert variants(entry) == variants(dict(entry))
    assert {one.first for one in found} == {1, 2, 3}
    assert np.median([one.upweight for one in found]) == pytest.approx(10, rel=0.4)
    assert np.mean([one.weight_decay for one in found]) == pytest.approx(0.5, abs=0.06)
    assert all(one.upweight == float(f"{one.upweight:.3g}") for one in found)


def test_draws_from_lists_are_all_different():
    entry = {"learner": "JTT", "draws": 6, "first": [1, 2], "upweight": [2.0, 5.0, 9.0]}
    assert len(variants(entry)) == 6
    assert len(variants(entry | {"draws": 99})) == 6


def test_a_field_that_is_not_there_is_named():
    says = "no field of JTT named 'upwight'. Did you mean 'upweight'"
    with pytest.raises(BenchError, match=says):
        variants({"learner": "JTT", "upwight": [2, 5]})
