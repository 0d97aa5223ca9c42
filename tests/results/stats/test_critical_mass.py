"""Critical masses against hand-made curves, scikit-learn's isotonic fit, and known truths."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from results.stats.critical_mass import critical_by_seed, critical_mass, crossing, isotonic
from results.stats.curves import success_curves

SIZES = np.array([0.0, 0.001, 0.01, 0.1])


def curves(
    mean: npt.ArrayLike,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    sizes: npt.ArrayLike = SIZES,
    **more: list[float],
) -> pd.DataFrame:
    """A curve made by hand."""
    low, high = (mean if band is None else band for band in (low, high))
    cell = {
        "dataset": "D()",
        "strategy": "S()",
        "validation": "clean",
        "groups": "given",
        "recruitment": "uniform",
        "learner": "A()",
    }
    numbers = {"size": sizes, "mean": mean, "low": low, "high": high, "seeds": 5}
    return pd.DataFrame(cell | numbers | {"biased": False} | more)


def one(*arguments: Any, **more: Any) -> pd.Series:
    return critical_mass(curves(*arguments, **more), 0.5).iloc[0]


def test_isotonic_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        y, w = rng.random(9), rng.integers(1, 6, 9).astype(float)
        wanted = IsotonicRegression().fit(np.arange(9), y, sample_weight=w)
        np.testing.assert_allclose(isotonic(y, w), wanted.predict(np.arange(9)), atol=1e-12)


def test_inside_by_hand() -> None:
    # half a decade above 0.001 the mean passes 0.5; a quarter the upper band, 3/4 the lower
    row = one([0, 0.0, 1.0, 1.0], [0, 0.0, 2 / 3, 1.0], [0, 1 / 3, 1.0, 1.0])
    assert row["estimate"] == pytest.approx(10**-2.5)
    assert row["low"] == pytest.approx(10**-2.75)
    assert row["high"] == pytest.approx(10**-2.25)
    assert row["text"] == "0.00316 [0.00178, 0.00562]"
    assert (row["reached"], row["smallest"], row["largest"]) == ("inside", 0.001, 0.1)
    assert (row["seeds"], row["falls"], row["biased"]) == (5, False, False)


def test_a_level_met_exactly_is_reached() -> None:
    assert one([0, 0.2, 0.5, 0.9])["estimate"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("mean", "low", "high", "numbers", "text", "reached"),
    [
        ([0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], (0, 0, 0), "below 0.001", "below"),
        ([0, 0, 0, 0], [0] * 4, [0, 0, 0, 0.4], (np.inf,) * 3, "not reached up to 0.1", "beyond"),
        (
            [0, 0, 0, 0.4],
            [0] * 4,
            [0, 0, 0, 0.5],
            (np.inf, 0.1, np.inf),
            "not reached up to 0.1 [0.1, not reached up to 0.1]",
            "beyond",
        ),
        (
            [0, 0, 0.5, 0.6],
            [0, 0, 0, 0.1],
            [0, 0.7, 0.8, 0.9],
            (0.01, 0, np.inf),
            "0.01 [below 0.001, not reached up to 0.1]",
            "inside",
        ),
        ([0.6] * 4, [0.5] * 4, [0.7] * 4, (0, 0, 0), "reached without a collective", "control"),
        (
            [0.6, 0.6, 0.9, 0.9],
            [0.1, 0.1, 0.5, 0.8],
            [1] * 4,
            (0, 0, 0.01),
            "reached without a collective [0, 0.01]",
            "control",
        ),
        # the control might reach it, though the smallest collective does not seem to
        (
            [0.4, 0, 1, 1],
            [0, 0, 1, 1],
            [0.8, 0, 1, 1],
            (10**-2.5, 0, 10**-2.5),
            "0.00316 [below 0.001, 0.00316]",
            "inside",
        ),
    ],
)
def test_ends(
    mean: list[float],
    low: list[float],
    high: list[float],
    numbers: tuple[float, ...],
    text: str,
    reached: str,
) -> None:
    row = one(mean, low, high)
    assert (row["estimate"], row["low"], row["high"]) == pytest.approx(numbers)
    assert (row["text"], row["reached"]) == (text, reached)


def test_staircase() -> None:
    row = one([0, 0, 0.4, 0.4, 0.9], sizes=np.array([0, 0.001, 0.01, 0.1, 1]))
    assert row["estimate"] == pytest.approx(10**-0.8)


def test_bands_are_inverted_after_their_running_maximum() -> None:
    row = one([0, 0.7, 0.1, 0.9], [0, 0.6, 0.0, 0.8], [0, 0.8, 0.2, 1.0])
    # pooled: 0.4, 0.4, 0.9; the level lies a fifth of the last decade up
    assert row["estimate"] == pytest.approx(10**-1.8)
    assert row["low"] == 0
    assert row["high"] == pytest.approx(row["estimate"])
    assert row["falls"]
    assert (row["peak"], row["peak_size"]) == (0.9, 0.1)


def test_a_falling_curve_says_so() -> None:
    row = one([0, 0.9, 0.1, 0.0], [0, 0.8, 0, 0], [0, 1, 0.2, 0.1])
    assert (row["estimate"], row["low"], row["high"]) == (np.inf, 0, np.inf)
    assert row["text"].endswith("not reached up to 0.1]; falls from 0.9 at 0.001")


def test_noise_is_no_fall() -> None:
    assert not one([0, 0.5, 0.4, 0.9], [0, 0.3, 0.2, 0.7], [0, 0.7, 0.6, 1.0])["falls"]


def test_several_levels() -> None:
    table = critical_mass(curves([0, 0, 0.5, 1]), [0.25, 0.75])
    assert table["level"].tolist() == [0.25, 0.75]
    assert table["estimate"].tolist() == pytest.approx([10**-2.5, 10**-1.5])


def test_sizes_without_a_seed_are_passed_over() -> None:
    mean, seeds = [0, 0, np.nan, 1], [5, 5, 0, 5]
    row = one(mean, seeds=seeds, biased=[False, False, True, False])
    assert row["estimate"] == pytest.approx(0.01)
    assert (row["seeds"], row["biased"]) == (5, True)


def test_only_a_control() -> None:
    row = one([0.1], sizes=[0.0])
    assert np.isnan(row["estimate"])
    assert (row["text"], row["reached"]) == ("unknown", "unknown")
    assert one([0.6], sizes=[0.0])["text"] == "reached without a collective"


def test_no_curves() -> None:
    empty = critical_mass(curves([0, 0, 0.5, 1]).iloc[:0])
    assert list(empty.columns) == list(critical_mass(curves([0, 0, 0.5, 1])).columns)


def trials(success: np.ndarray, sizes: np.ndarray = SIZES) -> pd.DataFrame:
    """Trials of many cells from an array (cells, seeds, sizes)."""
    cells, seeds, n = success.shape
    return pd.DataFrame(
        {
            "dataset": "D()",
            "strategy": "S()",
            "validation": "clean",
            "groups": "given",
            "recruitment": "uniform",
            "learner": np.repeat([f"L(k={i})" for i in range(cells)], seeds * n),
            "size": np.tile(sizes, cells * seeds),
            "seed": np.tile(np.repeat(np.arange(seeds), n), cells),
            "success": success.ravel(),
            "status": np.where(np.isnan(success.ravel()), "failed", "ok"),
        }
    )


def test_plateaus_with_all_seeds_at_one() -> None:
    row = critical_mass(success_curves(trials(np.tile([0.0, 0, 1, 1], (1, 5, 1))))).iloc[0]
    # Wilson for 0 of 5 and 5 of 5 is [0, 0.4345] and [0.5655, 1]
    assert row["low"] == pytest.approx(10 ** (-3 + (0.5 - 0.4345) / 0.5655), rel=1e-3)
    assert row["high"] == pytest.approx(10 ** (-3 + 0.5 / 0.5655), rel=1e-3)


def test_one_seed_leaves_the_interval_open() -> None:
    row = critical_mass(success_curves(trials(np.array([[[0.0, 0, 1, 1]]])))).iloc[0]
    assert row["text"] == "0.00316 [below 0.001, not reached up to 0.1]"


def test_each_seeds_own_critical_mass() -> None:
    success = [[0, 0, 1, 1], [0, 0, 0, 0], [0.6, 0, 0, 0], [0, 1, 1, 1], [0, 0, np.nan, 1]]
    found = critical_by_seed(trials(np.array([success], dtype=float)), 0.5)["estimate"]
    wanted = [10**-2.5, np.inf, 0, 0, np.nan]
    assert found.tolist() == pytest.approx(wanted, nan_ok=True)


def test_a_seed_that_falls_short_counts_though_bands_do_not_see_it() -> None:
    """Pseudo-values by hand: the critical mass without each seed is where a line crosses .9."""
    success = np.array([[[0, 0.8, 1.0, 1]] * 4 + [[0, 0.0, 0.99, 1]]])
    records = trials(success)
    bands = critical_mass(success_curves(records), 0.9).iloc[0]
    held = critical_mass(success_curves(records), 0.9, records).iloc[0]

    def decades(below: float, above: float) -> float:
        return -3 + (0.9 - below) / (above - below)

    full = decades(0.64, 0.998)
    without = np.array([decades(0.6, 0.9975)] * 4 + [decades(0.8, 1.0)])
    values = 5 * full - 4 * without
    reach = stats.t(4).ppf(0.975) * values.std(ddof=1) / 5**0.5
    assert held["high"] == pytest.approx(10 ** (values.mean() + reach))
    assert held["high"] > bands["high"]
    assert held["low"] == pytest.approx(min(bands["low"], 10 ** (values.mean() - reach)))
    assert held["estimate"] == bands["estimate"] == pytest.approx(10**full)


@pytest.mark.parametrize(
    ("success", "text"),
    [
        ([0, 1, 1, 1], "below 0.001"),
        ([0, 0, 0, 0], "not reached up to 0.1"),
        ([1, 1, 1, 1], "reached without a collective"),
    ],
)
def test_seeds_that_agree_leave_the_ends_where_they_are(success: list[float], text: str) -> None:
    records = trials(np.array([[success] * 9], dtype=float))
    assert critical_mass(success_curves(records), 0.5, records).iloc[0]["text"] == text


@pytest.mark.parametrize(
    ("success", "sizes", "text"),
    [
        ([0.6], [0.0], "reached without a collective"),
        ([0.4], [0.0], "unknown"),
        ([0, 0], [0.0, 0.1], "not reached up to 0.1"),
        ([0, 1], [0.0, 0.1], "below 0.1"),
        ([0], [0.1], "not reached up to 0.1"),
    ],
)
def test_without_two_sizes_there_is_nothing_to_interpolate(
    success: list[float], sizes: list[float], text: str
) -> None:
    records = trials(np.array([[success] * 9], dtype=float), np.array(sizes))
    assert critical_mass(success_curves(records), 0.5, records).iloc[0]["text"] == text


def test_the_estimate_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    records = trials(rng.random((60, 3, 4)))
    table = critical_mass(success_curves(records), [0.3, 0.5, 0.9], records)
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()


def test_crossing_scales_with_the_sizes() -> None:
    sizes, values = np.array([0.001, 0.02, 0.3]), np.array([0.1, 0.2, 0.8])
    assert crossing(7 * sizes, values, 0.6) == pytest.approx(7 * crossing(sizes, values, 0.6))


GRID = np.array([0, *(0.001 * 2.0 ** np.arange(9))])
SHAPES = {
    "logistic": lambda x: 1 / (1 + np.exp(-6 * (x + 2))),
    "staircase": lambda x: np.select([x < -2.2, x < -1.8], [0.02, 0.45], 0.98),
}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 10])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_coverage(shape: str, seeds: int) -> None:
    r"""Nominal 95 % intervals, on curves of known truth.

    Each seed shifts the curve by a normal of .25 decades and is measured on 500 test points;
    1,000 repetitions, so that a coverage of .95 is known to within .014 (two standard errors).

    =========  =====  =============  =====  =====  =========================  ===================
    shape      seeds  mass at .5     at .8  at .9  mean, truth in [0.2, 0.8]  at the worst size
    =========  =====  =============  =====  =====  =========================  ===================
    logistic   5      0.972          0.933  0.950  0.914                      0.711
    logistic   10     0.958          0.923  0.973  0.928                      0.742
    staircase  5      0.962          0.960  0.968  0.923                      0.344
    staircase  10     0.965          0.943  0.989  0.933                      0.233
    =========  =====  =============  =====  =====  =========================  ===================

    On the shoulders, where most seeds lie on a plateau and a rare one does not, the spread of
    few seeds says too little: the mean's interval is too short there, and so are critical masses
    at .9 that come from inverted bands alone (0.70 to 0.86).
    """
    curve, repetitions = SHAPES[shape], 1000
    z = np.linspace(-6, 6, 4001)
    density = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    fine = np.linspace(-3, -0.5, 2501)
    truth = np.array([density @ curve(x - 0.25 * z) for x in fine])
    means = np.array([curve(-9.0), *np.interp(np.log10(GRID[1:]), fine, truth)])

    rng = np.random.default_rng(7)
    shift = rng.normal(0, 0.25, (repetitions, seeds, 1))
    chance = np.broadcast_to(curve(np.float64(-9.0)), (repetitions, seeds, 1))
    chance = np.concatenate([chance, curve(np.log10(GRID[1:]) - shift)], axis=2)
    drawn = trials(rng.binomial(500, chance) / 500, GRID)
    table = success_curves(drawn)

    mean = table["size"].map(dict(zip(GRID, means, strict=True)))
    covered = (table["low"] <= mean) & (mean <= table["high"])
    middle = covered[(mean >= 0.2) & (mean <= 0.8)].mean()
    worst = covered.groupby(table["size"]).mean().min()
    critical = {}
    for level in (0.5, 0.8, 0.9):
        wanted = 10 ** np.interp(level, truth, fine)
        mass = critical_mass(table, level, drawn)
        critical[level] = float(((mass["low"] <= wanted) & (wanted <= mass["high"])).mean())
    print(f"{shape} {seeds}: critical {critical}, middle {middle:.3f}, worst {worst:.3f}")
    assert min(critical.values()) >= 0.91
    assert middle >= 0.90
