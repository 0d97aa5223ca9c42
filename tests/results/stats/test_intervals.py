"""Intervals for a mean against scipy's t, by hand, and on recorded seeds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bench.grids
from results.stats.intervals import agree, bounded, decades, signed, student, written

PUBLISHED = Path(bench.grids.__file__).parent / "learners.parquet"


def by_hand(values: np.ndarray, prior: float) -> tuple[float, float]:
    """The moderated interval: a prior variance that counts as one seed, and a t of S degrees."""
    seeds = len(values)
    variance = (prior + ((values - values.mean()) ** 2).sum()) / seeds
    return stats.t.interval(0.95, seeds, values.mean(), np.sqrt(variance / seeds))


def prior_of(values: np.ndarray) -> float:
    m = (np.abs(values).sum() + 0.5) / (len(values) + 1)
    return 0.05 * m * (1 - m)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_moderated_interval_is_the_formula(seeds: int) -> None:
    values = np.random.default_rng(seeds).uniform(0.3, 0.6, seeds)
    low, high = by_hand(values, prior_of(values))
    wanted = (values.mean(), max(low, 0), min(high, 1), "t")
    assert bounded(values) == pytest.approx(wanted)
    shifted = values - 0.5
    low, high = by_hand(shifted, prior_of(shifted))
    assert signed(shifted)[1:3] == pytest.approx((max(low, -1), min(high, 1)))
    assert decades(5 * shifted)[1:3] == pytest.approx(by_hand(5 * shifted, 0.1**2))


def test_the_plain_interval_is_scipys() -> None:
    values = np.random.default_rng(0).normal(size=6)
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert student(values)[1:3] == pytest.approx((interval.low, interval.high))
    assert student(values[:1])[1:] == (-np.inf, np.inf, "none")


@pytest.mark.parametrize("rule", [bounded, signed, decades])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("seeds", [2, 5, 12])
def test_the_interval_is_continuous_where_seeds_agree(rule, value: float, seeds: int) -> None:
    alike = np.full(seeds, value)
    other = alike.copy()
    other[0] += 0.001 if value < 1 else -0.001
    one, two = rule(alike), rule(other)
    assert one.high - one.low > 0.005
    assert two[1:3] == pytest.approx(one[1:3], abs=0.002)


def test_few_test_points_keep_the_interval_open() -> None:
    """Seeds that agree, each measured on four points: the variance of counting is larger."""
    ones, m = np.ones(5), 5.5 / 6
    reach = stats.t(5).ppf(0.975) * np.sqrt(m * (1 - m) / 4 / 5)
    assert bounded(ones, 4).low == pytest.approx(1 - reach)
    assert bounded(ones, 1000) == bounded(ones)


def test_one_seed_leaves_the_range_open() -> None:
    assert bounded(np.array([0.3])) == (0.3, 0, 1, "none")
    assert signed(np.array([0.3])) == (0.3, -1, 1, "none")
    assert decades(np.array([0.3])) == (0.3, -np.inf, np.inf, "none")
    assert np.isnan(bounded(np.zeros(0))[:3]).all()


def test_numbers_that_are_the_same_at_three_digits_agree() -> None:
    assert agree(np.array([0.2, 0.2004]))
    assert not agree(np.array([0.2, 0.2006]))
    assert agree(np.array([[0.2, 0.1], [0.2, 0.2]])).tolist() == [True, False]
    assert bounded(np.array([0.2, 0.2004])).kind == "agree"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.0] * 5, "0.000 (5/5)"),
        ([-1e-5] * 3, "0.000 (3/3)"),
        ([-0.00004, -0.002, 0.00195], "0.000 [-0.079, 0.079]"),
        ([], ""),
    ],
)
def test_intervals_as_text(values: list[float], text: str) -> None:
    assert written(signed(np.array(values)), len(values)) == text


@pytest.mark.parametrize("rule", [bounded, signed, decades, student])
@pytest.mark.parametrize("values", [[0.0], [0.5], [0.0] * 4, [0.0, 1.0], [-0.0001] * 2])
def test_no_text_has_an_infinite_end_or_a_negative_zero(rule, values: list[float]) -> None:
    text = written(rule(np.array(values)), len(values))
    assert "inf" not in text
    assert "-0.000" not in text


def test_intervals_hold_the_mean_of_other_recorded_seeds() -> None:
    """Of 12 published seeds, 5 drawn ones and the mean of the other 7, by how far the 5 span."""
    trials = pd.read_parquet(PUBLISHED).query("status == 'ok'")
    cells = ["dataset", "strategy", "learner", "size"]
    success = trials.pivot_table(index=cells, columns="seed", values="success").dropna()
    values, rng = success.to_numpy(), np.random.default_rng(0)
    rows = []
    for _ in range(2):
        order = rng.permutation(values.shape[1])
        for drawn, others in zip(
            values[:, order[:5]], values[:, order[5:]].mean(axis=1), strict=True
        ):
            found = bounded(drawn)
            held = found.low - 1e-12 <= others <= found.high + 1e-12
            rows.append((np.ptp(drawn), held, found.high - found.low))
    table = pd.DataFrame(rows, columns=["span", "held", "width"])
    spans = pd.cut(table["span"], [-1, 1e-12, 0.005, 0.05, 1], labels=["0", ".005", ".05", "1"])
    held = table.groupby(spans, observed=True)["held"].mean()
    assert len(held) == 4
    assert (held[["0", ".005", ".05"]] >= 0.95).all(), held
    # Where seeds differ much the mean of 7 others is itself far from the truth: the difference has
    # a variance of 1/5 + 1/7 in place of 1/5, so that a 95 % t interval holds it in 90 % of cases.
    half = stats.t(4).ppf(0.975) * (0.2 / (0.2 + 1 / 7)) ** 0.5
    expected = 2 * stats.t(4).cdf(half) - 1
    count = int((spans == "1").sum())
    assert held["1"] >= expected - 2 * (expected * (1 - expected) / count) ** 0.5
    # Wilson's interval for none of five is [0, .434].
    assert table.loc[table["span"] <= 1e-12, "width"].mean() < 0.434 / 10
