"""Searches over hyper-parameters, as a grid says them."""

from dataclasses import fields, replace

import pytest

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


def test_a_field_that_is_not_there_is_named():
    says = "no field of JTT named 'upwight'. Did you mean 'upweight'"
    with pytest.raises(BenchError, match=says):
        variants({"learner": "JTT", "upwight": [2, 5]})
