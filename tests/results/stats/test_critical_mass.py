"""Critical masses against hand-made curves, scikit-learn's isotonic fit, and known truths."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression

from results.stats.critical_mass import critical_by_seed, critical_mass
from results.stats.crossing import crossing, isotonic
from results.stats.curves import success_curves
from tests.helpers.curves import curve_of, records_of

SIZES = np.array([0.0, 0.001, 0.01, 0.1])


def curves(
    mean: npt.ArrayLike,
    low: npt.ArrayLike | None = None,
    high: npt.ArrayLike | None = None,
    sizes: npt.ArrayLike = SIZES,
    **more: list[float],
) -> pd.DataFrame:
    return curve_of(mean, low, high, sizes, **more)


def one(*arguments: Any, **more: Any) -> pd.Series:
    return critical_mass(curves(*arguments, **more), 0.5, above="zero").iloc[0]


def test_isotonic_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        y, w = rng.random(9), rng.integers(1, 6, 9).astype(float)
        wanted = IsotonicRegression().fit(np.arange(9), y, sample_weight=w)
        np.testing.assert_allclose(isotonic(y, w), wanted.predict(np.arange(9)), atol=1e-12)


def test_inside_by_hand() -> None:
    # half a decade above 0.001 the mean passes 0.5; both bands pass it before 0.01
    row = one([0, 0.0, 1.0, 1.0], [0, 0.0, 2 / 3, 1.0], [0, 1 / 3, 1.0, 1.0])
    assert row["estimate"] == pytest.approx(10**-2.5)
    assert (row["low"], row["high"]) == (0.001, 0.01)
    assert row["text"] == "0.316 % [0.1, 1]"
    assert (row["reached"], row["smallest"], row["largest"]) == ("inside", 0.001, 0.1)
    assert (row["seeds"], row["falls"], row["biased"]) == (5, False, False)


def test_a_level_met_exactly_is_reached() -> None:
    assert one([0, 0.2, 0.5, 0.9])["estimate"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("mean", "low", "high", "numbers", "text", "reached"),
    [
        ([0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], (0, 0, 0), "below 0.1 %", "below"),
        ([0, 0, 0, 0], [0] * 4, [0, 0, 0, 0.4], (np.inf,) * 3, "not reached up to 10 %", "beyond"),
        (
            [0, 0, 0, 0.4],
            [0] * 4,
            [0, 0, 0, 0.5],
            (np.inf, 0.01, np.inf),
            "not reached up to 10 % [1, > 10]",
            "beyond",
        ),
        (
            [0, 0, 0.5, 0.6],
            [0, 0, 0, 0.1],
            [0, 0.7, 0.8, 0.9],
            (0.01, 0, np.inf),
            "1 % [< 0.1, > 10]",
            "inside",
        ),
        ([0.6] * 4, [0.5] * 4, [0.7] * 4, (0, 0, 0), "already reached at size 0", "control"),
        (
            [0.6, 0.6, 0.9, 0.9],
            [0.1, 0.1, 0.5, 0.8],
            [1] * 4,
            (0, 0, 0.01),
            "already reached at size 0 [0, 1 %]",
            "control",
        ),
        # the control might reach it, though the smallest collective does not seem to
        (
            [0.4, 0, 1, 1],
            [0, 0, 1, 1],
            [0.8, 0, 1, 1],
            (10**-2.5, 0, 0.01),
            "0.316 % [< 0.1, 1]",
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
    assert row["high"] == 0.1
    assert row["falls"]
    assert (row["peak"], row["peak_size"]) == (0.9, 0.1)


def test_a_falling_curve_says_so() -> None:
    row = one([0, 0.9, 0.1, 0.0], [0, 0.8, 0, 0], [0, 1, 0.2, 0.1])
    assert (row["estimate"], row["low"], row["high"]) == (np.inf, 0, np.inf)
    wanted = "not reached up to 10 % [< 0.1, > 10]; peaks at 0.9 (0.1 %), then falls"
    assert row["text"] == wanted


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
    assert one([0.6], sizes=[0.0])["text"] == "already reached at size 0"


def test_no_curves() -> None:
    empty = critical_mass(curves([0, 0, 0.5, 1]).iloc[:0])
    assert list(empty.columns) == list(critical_mass(curves([0, 0, 0.5, 1])).columns)


def trials(success: np.ndarray, sizes: np.ndarray = SIZES) -> pd.DataFrame:
    """Trials of many cells from an array (cells, seeds, sizes)."""
    return records_of({f"L(k={i})": cell for i, cell in enumerate(success)}, sizes)


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_agreeing_seeds_leave_the_two_sizes_around_the_step(seeds: int, level: float) -> None:
    records = trials(np.tile([0.0, 0, 1, 1], (1, seeds, 1)))
    row = critical_mass(success_curves(records), level, records).iloc[0]
    assert (row["low"], row["high"]) == (0.001, 0.01)


@pytest.mark.parametrize("level", [0.5, 0.9])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_a_level_of_all_seeds_at_large_sizes_is_reached(seeds: int, level: float) -> None:
    rng = np.random.default_rng(seeds)
    sizes = np.array([0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05])
    success = np.sort(rng.random((20, seeds, len(sizes))), axis=2)
    success[:, :, 0], success[:, :, -2:] = 0.0, 0.99
    records = trials(success, sizes)
    table = critical_mass(success_curves(records), level, records)
    assert np.isfinite(table["high"]).all()
    assert (table["high"] >= table["estimate"]).all()


def test_a_finer_grid_stays_in_the_interval_of_a_coarse_one() -> None:
    """A step between two sizes, measured without a size in between and with them."""
    fine = np.array([0.0, 0.01, 0.02, 0.03, 0.0367, 0.04, 0.05, 0.1])
    coarse = np.array([0.0, 0.01, 0.02, 0.05, 0.1])
    tables = {}
    for name, sizes in (("fine", fine), ("coarse", coarse)):
        records = trials(np.tile(sizes >= 0.0367, (1, 12, 1)).astype(float), sizes)
        tables[name] = critical_mass(success_curves(records), 0.5, records).iloc[0]
    assert tables["coarse"]["low"] <= tables["fine"]["low"]
    assert tables["fine"]["high"] <= tables["coarse"]["high"]
    assert (tables["fine"]["low"], tables["fine"]["high"]) == (0.03, 0.0367)


def test_one_seed_leaves_the_interval_open() -> None:
    row = critical_mass(success_curves(trials(np.array([[[0.0, 0, 1, 1]]])))).iloc[0]
    assert row["text"] == "0.316 % [< 0.1, > 10]"


def test_each_seeds_own_critical_mass() -> None:
    success = [[0, 0, 1, 1], [0, 0, 0, 0], [0.6, 0, 0, 0], [0, 1, 1, 1], [0, 0, np.nan, 1]]
    records = trials(np.array([success], dtype=float))
    found = critical_by_seed(records, 0.5, "zero")["estimate"]
    wanted = [10**-2.5, np.inf, 0, 0, np.nan]
    assert found.tolist() == pytest.approx(wanted, nan_ok=True)
    # Above its own control, the third seed does not reach the level.
    found = critical_by_seed(records, 0.5)["estimate"]
    assert found.tolist() == pytest.approx([*wanted[:2], np.inf, *wanted[3:]], nan_ok=True)


def test_a_seed_below_the_level_counts_outside_the_bands() -> None:
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
    assert 0.01 < 10 ** (values.mean() + reach) < 0.1
    assert (bands["high"], held["high"]) == (0.01, 0.1)
    assert held["low"] == bands["low"] == 0
    assert held["estimate"] == bands["estimate"] == pytest.approx(10**full)


@pytest.mark.parametrize(
    ("success", "text"),
    [
        ([0, 1, 1, 1], "below 0.1 %"),
        ([0, 0, 0, 0], "not reached up to 10 %"),
        ([1, 1, 1, 1], "already reached at size 0"),
    ],
)
def test_seeds_that_agree_leave_the_ends_where_they_are(success: list[float], text: str) -> None:
    records = trials(np.array([[success] * 9], dtype=float))
    assert critical_mass(success_curves(records), 0.5, records, "zero").iloc[0]["text"] == text


@pytest.mark.parametrize(
    ("success", "sizes", "text"),
    [
        ([0.6], [0.0], "already reached at size 0"),
        ([0.4], [0.0], "unknown"),
        ([0, 0], [0.0, 0.1], "not reached up to 10 %"),
        ([0, 1], [0.0, 0.1], "below 10 %"),
        ([0], [0.1], "not reached up to 10 %"),
    ],
)
def test_without_two_sizes_there_is_nothing_to_interpolate(
    success: list[float], sizes: list[float], text: str
) -> None:
    records = trials(np.array([[success] * 9], dtype=float), np.array(sizes))
    assert critical_mass(success_curves(records), 0.5, records, "zero").iloc[0]["text"] == text


def test_a_level_above_the_control_is_one_of_the_success_that_the_control_lacks() -> None:
    """The oracle maps each seed's success so that the mean of the controls is 0."""
    rng = np.random.default_rng(0)
    success = np.clip(np.linspace(0.3, 0.95, 4) + rng.normal(0, 0.05, (1, 6, 4)), 0, 1)
    control = success[0, :, 0].mean()
    records, mapped = trials(success), trials((success - control) / (1 - control))
    for level in (0.2, 0.5, 0.8):
        row = critical_mass(success_curves(records), level, records).iloc[0]
        wanted = critical_mass(success_curves(mapped), level, mapped, "zero").iloc[0]
        assert row["estimate"] == pytest.approx(wanted["estimate"])
        assert row["goal"] == pytest.approx(control + level * (1 - control))
    curves = success_curves(records)
    plain, raised = (critical_mass(curves, 0.5, records, above) for above in ("zero", "control"))
    assert plain["estimate"].item() < raised["estimate"].item()
    full = trials(np.ones((1, 6, 4)))
    assert critical_mass(success_curves(full), 0.5, full).iloc[0]["reached"] == "control"


def test_critical_masses_are_numbers_of_people_too() -> None:
    records = trials(np.tile([0.0, 0, 1, 1], (1, 5, 1)))
    records = records.assign(n=2000, members=(2000 * records["size"]).round())
    row = critical_mass(success_curves(records), 0.5, records).iloc[0]
    ends = (row["estimate_people"], row["low_people"], row["high_people"], row["n"])
    assert ends == (6, 2, 20, 2000)
    assert row["text"] == "0.316 % [0.1, 1] = 6 people [2, 20]"
    never = records.assign(success=0.0)
    row = critical_mass(success_curves(never), 0.5, never).iloc[0]
    assert (row["estimate_people"], row["text"]) == (np.inf, "not reached up to 10 % = 200 people")
    small = records.assign(n=100)
    text = critical_mass(success_curves(small), 0.5, small).iloc[0]["text"]
    assert text == "0.316 % [0.1, 1] = 0 people [0, 1]"


def test_the_estimate_lies_in_its_interval() -> None:
    rng = np.random.default_rng(0)
    records = trials(rng.random((60, 3, 4)))
    table = critical_mass(success_curves(records), [0.3, 0.5, 0.9], records)
    assert (table["low"] <= table["estimate"]).all()
    assert (table["estimate"] <= table["high"]).all()


def test_crossing_scales_with_the_sizes() -> None:
    sizes, values = np.array([0.001, 0.02, 0.3]), np.array([0.1, 0.2, 0.8])
    assert crossing(7 * sizes, values, 0.6) == pytest.approx(7 * crossing(sizes, values, 0.6))


#: Sizes of grids that ship.
GRIDS = {
    "learners": (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2),
    "strategies": (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6),
    "even": (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4),
}
SHAPES = {
    "step": lambda x: (x >= 0).astype(float),
    "staircase": lambda x: np.select([x < -0.2, x < 0.2], [0.02, 0.45], 0.98),
    "gentle": lambda x: 1 / (1 + np.exp(-6 * x)),
    "steep": lambda x: 1 / (1 + np.exp(-20 * x)),
}
#: Standard deviations of the shifts of seeds, in decades.
SHIFTS = (0.005, 0.02, 0.05, 0.1, 0.25)


def coverage(
    shape: str, shift: float, seeds: int, grid: str, repetitions: int, test: int = 500
) -> dict[float, float]:
    """Return how often intervals at two levels hold the critical mass of a known curve.

    Curves climb at places that are drawn between the sizes. Each seed shifts its curve by a normal
    number of decades, and is measured on so many test points.
    """
    rng, curve = np.random.default_rng(7), SHAPES[shape]
    sizes = np.array(GRIDS[grid])
    logs = np.log10(sizes)
    places = rng.uniform(logs[0] + 0.2, logs[-1] - 0.2, repetitions)
    shifts = rng.normal(0, shift, (repetitions, seeds, 1))
    with np.errstate(over="ignore"):
        chance = curve(logs - places[:, None, None] - shifts)
        z = np.linspace(-6, 6, 2001)
        density = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
        fine = np.linspace(-1.5, 1.5, 3001)
        mean = np.array([density @ curve(x - shift * z) for x in fine])
    success = rng.binomial(test, chance) / test
    success = np.concatenate([np.zeros((repetitions, seeds, 1)), success], axis=2)
    records = trials(success, np.array([0.0, *sizes]))
    table = success_curves(records)
    names = [f"L(k={i})" for i in range(repetitions)]
    held = {}
    for level in (0.5, 0.9):
        truth = 10 ** (places + np.interp(level, np.maximum.accumulate(mean), fine))
        mass = critical_mass(table, level, records).set_index("learner").loc[names]
        above = (mass["low"] <= truth) | (mass["low"] == 0)
        held[level] = float((above & (truth <= mass["high"])).mean())
    return held


@pytest.mark.parametrize(
    ("shape", "shift", "seeds", "grid"),
    [
        ("step", 0.25, 5, "learners"),
        pytest.param("step", 0.1, 5, "learners", marks=pytest.mark.slow),
        pytest.param("steep", 0.05, 10, "strategies", marks=pytest.mark.slow),
    ],
)
def test_coverage(shape: str, shift: float, seeds: int, grid: str) -> None:
    held = coverage(shape, shift, seeds, grid, 60)
    # What a coverage of .85 falls short of in one of a thousand such simulations.
    assert min(held.values()) >= stats.binom.ppf(1e-3, 60, 0.85) / 60


@pytest.mark.slow
@pytest.mark.parametrize("grid", list(GRIDS))
@pytest.mark.parametrize("shape", list(SHAPES))
def test_coverage_of_all_shifts(shape: str, grid: str) -> None:
    """Nominal 95 % intervals at sizes that ship (``-s`` prints a line for each simulation).

    Coverage in percent, the least of the three grids, of 1,000 repetitions by a program of its
    own; at level .5, and at .9 in brackets:

    =========  =====  =========  =========  =========  =========  =========
    shape      seeds  .005       .02        .05        .1         .25
    =========  =====  =========  =========  =========  =========  =========
    step       5      100 (99)   100 (97)   100 (93)   99 (87)    99 (89)
    step       10     100 (100)  100 (99)   100 (98)   99 (94)    98 (93)
    staircase  5      100 (99)   100 (98)   100 (95)   99 (92)    99 (93)
    staircase  10     100 (100)  99 (99)    97 (99)    95 (97)    99 (97)
    gentle     5      100 (100)  100 (100)  100 (100)  100 (100)  98 (97)
    gentle     10     100 (100)  100 (100)  100 (100)  99 (100)   99 (99)
    steep      5      100 (100)  100 (100)  100 (100)  99 (98)    98 (92)
    steep      10     100 (100)  100 (100)  100 (100)  100 (98)   98 (96)
    =========  =====  =========  =========  =========  =========  =========
    """
    for seeds in (5, 10):
        for shift in SHIFTS:
            held = coverage(shape, shift, seeds, grid, 150)
            print(f"{grid:10} {shape:9} {seeds:2} {shift:5} {held[0.5]:.3f} {held[0.9]:.3f}")
            assert min(held.values()) >= stats.binom.ppf(1e-3, 150, 0.85) / 150
