"""Slopes of critical counts, of collectives that take a number or a share of people."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.stats.people import counts_by_seed, critical_people, slopes, without_n
from tests.helpers.curves import records_of

NUMBERS = (250, 1000, 4000)
COUNTS = 2.0 ** np.arange(11)


def records(power, seeds=4, spread=0.0):
    """Records of a learner whose critical count is proportional to a power of n."""
    rng = np.random.default_rng(0)
    frames = []
    for n in NUMBERS:
        counts = np.array([0.0, *COUNTS[0.4 * n >= COUNTS]])
        at = 10 * (n / 250) ** power * 10 ** rng.normal(0, spread, (seeds, 1))
        success = counts**3 / (counts**3 + at**3)
        frame = records_of({"A()": success}, counts / n, dataset=f"D(n={n}, noise=0.1)")
        frames.append(frame.assign(n=n, members=(frame["size"] * n).round()))
    return pd.concat(frames, ignore_index=True)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
def test_the_slope_is_the_power_of_n(power):
    table = slopes(counts_by_seed(records(power)))
    assert table["slope"].tolist() == pytest.approx([power] * 4, abs=0.05)
    assert set(table["data"]) == {"D(noise=0.1)"}


def test_the_slope_is_that_of_scipy_and_means_are_geometric():
    counts = counts_by_seed(records(0.3, spread=0.1))
    table = slopes(counts).set_index("seed")["slope"]
    for seed, own in counts.groupby("seed"):
        wanted = stats.linregress(np.log10(own["n"]), own["log_count"]).slope
        assert table[seed] == pytest.approx(wanted)
    means = critical_people(counts).set_index("n")
    own = 10 ** counts[counts["n"] == 1000]["log_count"]
    assert means.loc[1000, "people"] == pytest.approx(stats.gmean(own))
    assert means.loc[1000, "low"] < means.loc[1000, "people"] < means.loc[1000, "high"]
    assert means["seeds"].tolist() == [4, 4, 4]


def test_masses_outside_the_sizes_are_those_at_their_ends():
    never = counts_by_seed(records(0.0).assign(success=0.0))
    largest = 10 ** never.groupby("n")["log_count"].first()
    assert largest.tolist() == pytest.approx([64, 256, 1024])


def test_a_seed_without_a_whole_curve_has_no_slope():
    frame = records(0.0)
    frame.loc[(frame["seed"] == 1) & (frame["n"] == 250), "status"] = "failed"
    counts = counts_by_seed(frame)
    assert counts["log_count"].isna().sum() == 1
    assert slopes(counts)["seed"].tolist() == [0, 2, 3]


def test_datasets_differ_in_other_fields():
    assert without_n("D(n=5)") == without_n("D(n=6, n_test=7)") == "D()"
    assert without_n("D(n=5, noise=0.1)") != without_n("D(n=5, noise=0.2)")
