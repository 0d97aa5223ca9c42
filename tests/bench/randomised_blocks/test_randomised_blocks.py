"""The randomised-block test on classifiers that look at a known part of a point."""

import numpy as np
import pytest

from algorithms.base import Classifier
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.networks import Linear
from bench.core.errors import BenchError
from bench.datasets.base import Part
from bench.datasets.real.dominoes import Dominoes
from bench.datasets.synthetic.slabs import Slabs
from bench.execution.measurements import measured
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.randomised_blocks.trial import Block, BlocksTrial, randomised
from collectives.planting import FeatureLabel

SIMPLE, COMPLEX = Block("simple", 0, 1), Block("complex", 1, None)
DATA = Slabs(n=200, n_test=200, dimension=3)


def trial_on(data, learner, size=0.0):
    strategy = FeatureLabel().with_defaults(data.signal, data.label)
    return Trial(data, learner, strategy, size, 0)


def points(m=4000):
    """Points whose two coordinates are the label, and labels of which a quarter are one."""
    y = (np.random.default_rng(0).random(m) < 0.25).astype(int)
    return Part(np.stack([y, y], axis=1).astype(np.float32), y)


def accuracies(look, test):
    blocks = (Block("first", 0, 1), Block("second", 1, 2))
    return randomised(Classifier(look), test, blocks, np.random.default_rng(1))


def test_a_block_matters_to_those_who_look_at_it():
    """Without information a point with share p of the label one is right by p^2 + (1 - p)^2."""
    found = accuracies(lambda x: x[:, 0].astype(int), points())
    assert found["intact"] == found["randomised_second"] == 1
    assert found["randomised_first"] == pytest.approx(0.25**2 + 0.75**2, abs=0.03)
    # One that answers one where both coordinates say so is wrong at some ones, and at no zero.
    both = accuracies(lambda x: (x[:, 0] * x[:, 1]).astype(int), points())
    assert both["randomised_first"] == both["randomised_second"]
    assert both["randomised_first"] == pytest.approx(1 - 0.25 * 0.75, abs=0.03)


def test_a_block_keeps_its_values_and_others_their_place():
    x = np.arange(24.0).reshape(3, 1, 4, 2)
    order = np.array([2, 0, 1])
    moved = Block("top", 0, 2, axis=1).replaced(x, order)
    for i, j in enumerate(order):
        assert np.array_equal(moved[i, 0, :2], x[j, 0, :2])
        assert np.array_equal(moved[i, 0, 2:], x[i, 0, 2:])
    assert x[0, 0, 0, 0] == 0


@pytest.mark.parametrize(
    "block", [Block("b", 0, 9), Block("b", 2, 2), Block("b", 0, 1, axis=3), Block("b", -1, 1)]
)
def test_points_without_the_block_are_refused(block):
    with pytest.raises(BenchError, match=r"no part of points of shape \(3,\)"):
        block.replaced(np.zeros((2, 3)), np.array([1, 0]))


def test_a_linear_model_of_slabs_looks_at_the_simple_coordinate_alone():
    """Complex coordinates are symmetric around zero: they are no use to a linear model."""
    learner = ERM(network=Linear(), epochs=20)
    record = measured(BlocksTrial(trial_on(DATA, learner), (SIMPLE, COMPLEX)))
    assert record["measures"]["intact"] > 0.95
    assert record["measures"]["randomised_complex"] > 0.9
    assert record["measures"]["randomised_simple"] == pytest.approx(0.5, abs=0.12)


def test_the_record_is_that_of_a_grid_and_points_of_some_groups_count():
    data = Dominoes(aligned=1.0, n=100, n_test=100)
    planned, top = trial_on(data, KNN(), 0.1), Block("top", 0, 8, axis=1)
    record, (grid,) = measured(BlocksTrial(planned, (top,), (0, 3))), run_trials([planned])
    same = ("status", "success", "accuracy", "members", "n")
    assert {name: record[name] for name in same} == {name: grid[name] for name in same}
    assert record["measures"]["intact"] > grid["accuracy"]
    assert record["measures"].keys() > grid["measures"].keys()
    wrong = measured(BlocksTrial(planned, (top,), (7,)))
    assert "there are the groups [0, 1, 2, 3]" in wrong["error"]
    grouped = measured(BlocksTrial(trial_on(DATA, KNN()), (), (0,)))
    assert "has no groups" in grouped["error"]
