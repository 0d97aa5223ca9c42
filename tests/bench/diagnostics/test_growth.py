"""Exponents of costs, and what runs out first."""

import mmap

import numpy as np
import pytest

from bench.diagnostics import growth
from bench.diagnostics.growth import DAY, Axis, Cost, fitted, runs_out

SIZES = [10, 100, 1000, 10_000]


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_a_power_law_is_found(power):
    law = fitted(SIZES, [3 * s**power for s in SIZES])
    assert law.exponent == pytest.approx(power)
    assert law.least == pytest.approx(law.most) == pytest.approx(power)
    assert law.factor == pytest.approx(3)
    assert law.size_at(3 * 500**power) == pytest.approx(500)


def test_a_constant_part_counts_less_at_larger_sizes():
    law = fitted(SIZES, [50 + s for s in SIZES])
    whole = np.polyfit(np.log(SIZES), np.log([50 + s for s in SIZES]), 1)[0]
    assert whole < law.least <= law.exponent <= law.most < 1


@pytest.mark.parametrize("costs", [[0, 0, 0, 5], [-1, 0, 0, 0], [float("nan")] * 4])
def test_without_two_costs_there_is_no_law(costs):
    assert fitted(SIZES, costs) is None


def test_a_cost_that_does_not_grow_never_ends():
    law = fitted(SIZES, [2.0] * 4)
    assert law.size_at(1e9) == float("inf")


def test_what_is_used_up_first_is_named():
    linear, square = fitted(SIZES, SIZES), fitted(SIZES, [s**2 for s in SIZES])
    assert runs_out(linear, square, 2048) == "2 GB, at 5e+01"
    assert runs_out(square, linear, 2048) == f"a day of one core, at {DAY**0.5:.1g}"
    assert runs_out(None, None, 2048) == "nothing"


@pytest.mark.skipif(not growth.REFERENCES.exists(), reason="needs /proc")
def test_memory_is_that_of_the_call():
    def fill(n):
        # A process that has run other tests has memory to spare, which is not used for a map.
        np.frombuffer(mmap.mmap(-1, 8 * n)).fill(1)

    first, second = (growth.cost(lambda n=n: fill(n)).megabytes for n in (5_000_000, 10_000_000))
    assert first == pytest.approx(38, abs=4)
    assert second == pytest.approx(76, abs=4)


def test_an_axis_ends_before_a_size_that_takes_too_long(monkeypatch):
    done = []
    monkeypatch.setattr(growth, "cost", lambda run: (run(), Cost(done[-1] / 10, 1.0))[1])
    axis = Axis("work", (1, 10, 100, 1000), done.append)
    assert [size for size, _ in axis.costs(50.0)] == [1, 10, 100]
    assert done == [1, 1, 10, 100]


@pytest.mark.parametrize("axis", growth.AXES, ids=lambda axis: axis.name)
def test_the_work_of_each_axis_can_be_done(axis):
    axis.run(axis.sizes[0])
