"""Verdicts by hand; how many seeds they take, against statsmodels and by simulation."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from results.stats.paired import compare
from results.stats.sign_flip import band
from results.stats.verdicts import MARGINS, needed, verdict
from tests.helpers.records import records


@pytest.mark.parametrize(
    ("measure", "interval", "p", "said"),
    [
        ("area", (0.1, 0.05, 0.15), 0.01, "win"),
        ("area", (0.1, 0.05, 0.15), 0.06, "cannot tell"),
        ("area", (-0.1, -0.15, -0.05), 0.01, "loss"),
        ("critical", (-0.5, -0.7, -0.3), 0.01, "win"),
        ("critical", (0.5, 0.3, 0.7), 0.01, "loss"),
        ("success", (0.01, -0.05, 0.05), 0.9, "tie"),
        ("success", (0.01, -0.04, 0.06), 0.9, "cannot tell"),
        ("area", (0.01, 0.005, 0.015), 0.001, "tie"),
        ("area", (np.nan, np.nan, np.nan), np.nan, "cannot tell"),
    ],
)
def test_verdicts(measure, interval, p, said):
    assert verdict(measure, *interval, p) == said


def drawn(mean, spread, seeds=10):
    """Differences with just this mean and standard deviation."""
    values = np.random.default_rng(0).normal(size=seeds)
    return mean + spread * (values - values.mean()) / values.std(ddof=1)


@pytest.mark.parametrize("effect", [0.4, 0.6, 0.9])
def test_seeds_for_a_win_are_those_of_a_t_test(effect):
    wanted = TTestPower().solve_power(effect, alpha=0.05, power=0.8)
    assert abs(needed("area", drawn(effect, 1.0)) - wanted) <= 2


def test_seeds_for_a_tie():
    n = needed("area", drawn(0.0, 0.02))
    rng = np.random.default_rng(1)
    shown = 0
    for _ in range(400):
        d = rng.normal(0, 0.02, n)
        m = (n * np.abs(d).mean() + 0.5) / (n + 1)
        variance = (0.05 * m * (1 - m) + (n - 1) * d.var(ddof=1)) / n
        half = stats.t.ppf(0.975, n) * (variance / n) ** 0.5
        shown += abs(d.mean()) + half <= MARGINS["area"]
    assert 0.75 < shown / 400 < 0.85


@pytest.mark.parametrize("sizes", [1, 9])
def test_where_all_agree_the_band_of_so_many_seeds_is_a_tie(sizes):
    n = needed("success", np.zeros(6), sizes=sizes)
    for seeds, said in ((n - 1, "cannot tell"), (n, "tie")):
        low, high = (float(end[0]) for end in band(np.zeros((seeds, sizes))))
        assert verdict("success", 0.0, low, high, 1.0) == said


def test_more_sizes_take_more_seeds():
    d = drawn(0.2, 0.2)
    assert needed("success", d, sizes=9) > needed("success", d)


def test_who_cannot_tell_needs_more_seeds_than_there_are():
    """Learners agree, differ, or have a p that cannot fall below the level."""
    rng = np.random.default_rng(3)
    learners = {
        "A()": (0, 0),
        "B()": (0, 0),
        "C()": (0.5, 0.4),
        "D()": (1, 0.1),
        "E()": (0.1, 0.1),
    }

    def values(key):
        shift, spread = learners[key["learner"]]
        return {"success": 0.5 + shift * key["size"] + spread * key["size"] * rng.normal()}

    table = records(values, learner=learners, size=(0.0, 0.1, 0.2), seed=range(7))
    found = compare(table, "A()")
    untold = found[found["verdict"] == "cannot tell"]
    assert {"B()", "C()", "E()"} <= set(untold["learner"])
    assert (untold["needed"] > untold["seeds"]).all()


def test_a_large_family_takes_more_seeds():
    d = drawn(0.5, 0.01)
    assert needed("area", d) == 6  # 2 / 2**6 is the first below .05
    assert needed("area", d, family=37) == 11
    assert np.isnan(needed("area", d[:1]))


def test_what_no_number_of_seeds_can_tell():
    # as large as the margin, and too many comparisons for a p from ten thousand flips
    assert needed("area", drawn(MARGINS["area"], 1.0), family=10_000) == np.inf
