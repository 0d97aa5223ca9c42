"""Cars in three columns: the same people, and the same records, as in 64."""

import numpy as np
import pytest

from bench.core.random_streams import stream
from bench.datasets.synthetic.cars import Cars
from bench.datasets.synthetic.packed_cars import PackedCars, pack, unpack
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse

SIZE = {"n": 3000, "n_test": 500}
PLAIN, PACKED = Cars(**SIZE), PackedCars(**SIZE)


def test_packing_loses_nothing():
    x = PLAIN.split(stream(0, "data")).x
    assert np.array_equal(unpack(pack(x)), x)
    packed = PACKED.split(stream(0, "data")).x
    assert np.array_equal(packed, pack(x))
    assert packed.dtype == np.float32
    # The largest numbers that occur are exact in single precision.
    assert packed.max() < 2**24


def test_numbers_that_no_car_has_have_no_mass():
    odd = np.float32([[5, 0, 0], [0, 92_160, 0], [0, 0, 5184], [0.5, 0, 0], [-1, 0, 0]])
    assert not unpack(odd).any()
    assert not PACKED.law.joint(odd).any()
    assert unpack(np.float32([[4, 92_159, 5183]])).sum() == 18


def test_the_signal_is_that_of_the_cars():
    x = PLAIN.split(stream(1, "data")).x
    assert np.array_equal(PACKED.signal(pack(x)), pack(PLAIN.signal(x)))
    assert PACKED.label == PLAIN.label


def test_the_law_is_that_of_the_cars():
    x = PLAIN.signal(PLAIN.split(stream(2, "data")).x[:200])
    for of in ("joint", "gathered"):
        assert np.array_equal(getattr(PACKED.law, of)(pack(x)), getattr(PLAIN.law, of)(x))


@pytest.mark.parametrize("strategy", ["FeatureLabel(label=0)", "FeatureOnly"])
def test_records_of_a_firm_that_counts_are_those_of_the_cars(strategy):
    def of(data):
        bound = parse(strategy, "strategies").with_defaults(data.signal, data.label)
        learner = parse("EmpiricalBayes", "learners")
        return run_trials([Trial(data, learner, bound, size, 0) for size in (0.0, 0.02, 0.3)])

    for one, other in zip(of(PLAIN), of(PACKED), strict=True):
        assert one["status"] == other["status"] == "ok"
        for name in ("success", "success_others", "accuracy", "members"):
            assert one[name] == other[name], name
        assert one["bounds"] == pytest.approx(other["bounds"])
