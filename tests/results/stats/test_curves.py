"""Curves and areas against hand-made numbers and scipy's t."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import integrate, stats

from results.plots.axes import at_shares
from results.plots.success import plot_curves
from results.report.tables import render
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, area_by_seed, learns, success_curves
from results.stats.frames import CELL
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1, 1.0)


def records(
    success: npt.ArrayLike, learner: str = "A()", sizes: Sequence[float] = SIZES
) -> pd.DataFrame:
    """Trials of one learner from an array (seeds, sizes); NaN is a failed trial."""
    return records_of({learner: success}, sizes)


DRAWN = np.random.default_rng(0).uniform(0.2, 0.8, (5, 4))


def moderated(values: np.ndarray) -> tuple[float, float]:
    """The moderated t interval, by scipy's t."""
    seeds, m = len(values), (values.sum() + 0.5) / (len(values) + 1)
    variance = (0.05 * m * (1 - m) + ((values - values.mean()) ** 2).sum()) / seeds
    low, high = stats.t.interval(0.95, seeds, values.mean(), (variance / seeds) ** 0.5)
    return max(low, 0), min(high, 1)


def test_success_has_the_moderated_interval() -> None:
    curves = success_curves(records(DRAWN))
    assert curves["interval"].eq("t").all()
    for i, row in curves.iterrows():
        assert row["mean"] == pytest.approx(DRAWN[:, i].mean(), abs=1e-12)
        assert (row["low"], row["high"]) == pytest.approx(moderated(DRAWN[:, i]), abs=1e-9)


def test_intervals_are_clipped() -> None:
    row = success_curves(records([[0.9], [1.0]], sizes=[0.1])).iloc[0]
    assert (row["mean"], row["high"], row["interval"]) == (0.95, 1.0, "t")
    assert row["low"] == pytest.approx(moderated(np.array([0.9, 1.0]))[0])


@pytest.mark.parametrize("value", [0.0, 1.0, 0.3, 0.1 + 0.2])
@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_seeds_that_agree_have_an_interval_and_say_so(value: float, seeds: int) -> None:
    row = success_curves(records(np.full((seeds, 1), value), sizes=[0.1])).iloc[0]
    assert row["interval"] == "agree"
    assert row["mean"] == value
    wanted = moderated(np.full(seeds, value))
    assert (row["low"], row["high"]) == pytest.approx(wanted, abs=1e-12)


def test_few_test_points_widen_the_interval() -> None:
    frame = records(np.ones((5, 1)), sizes=[0.1])
    few = success_curves(frame.assign(tested=4)).iloc[0]
    many = success_curves(frame.assign(tested=10_000)).iloc[0]
    assert few["low"] < many["low"] == success_curves(frame).iloc[0]["low"]


def test_one_seed_says_nothing() -> None:
    curves = success_curves(records([[0.0, 0.3, 0.7, 1.0]]))
    assert curves["interval"].eq("none").all()
    assert curves["low"].eq(0).all()
    assert curves["high"].eq(1).all()


def test_failed_and_missing_trials_are_counted() -> None:
    frame = records([[0, 0.2, 0.4], [0, np.nan, 0.6], [0, 0.4, 0.8]], sizes=[0, 0.1, 0.2])
    frame = frame.drop(frame.index[(frame["seed"] == 2) & (frame["size"] == 0.2)])
    curves = success_curves(frame)
    assert curves["seeds"].tolist() == [3, 2, 2]
    assert curves["failed"].tolist() == [0, 1, 0]
    assert curves["planned"].tolist() == [3, 3, 3]
    assert curves["biased"].tolist() == [False, True, False]
    assert curves["mean"].tolist() == pytest.approx([0, 0.3, 0.5])
    assert success_curves(frame, planned=7)["planned"].eq(7).all()


def test_a_size_at_which_all_failed_has_no_mean() -> None:
    row = success_curves(records([[np.nan], [np.nan]], sizes=[0.1])).iloc[0]
    assert (row["seeds"], row["failed"], row["interval"]) == (0, 2, "none")
    assert np.isnan([row["mean"], row["low"], row["high"]]).all()


def test_a_failed_row_with_a_number_does_not_count() -> None:
    frame = records([[0.2], [0.4]], sizes=[0.1])
    frame.loc[1, "status"] = "failed"
    assert success_curves(frame)["mean"].item() == 0.2


def test_planned_seeds_are_those_of_any_learner_of_the_task() -> None:
    frame = pd.concat([records(DRAWN), records(DRAWN[:2], "B()")])
    curves = success_curves(frame).set_index("learner")
    assert curves.loc["B()", "planned"].eq(5).all()
    assert curves.loc["B()", "seeds"].eq(2).all()


def test_means_of_the_other_columns() -> None:
    frame = records([[0.2], [0.4], [0.6]], sizes=[0.1])
    frame["effective_size"] = [0.1, 0.2, np.nan]
    frame["success_others"] = np.nan
    frame["accuracy"] = 0.9
    row = success_curves(frame).iloc[0]
    # t of one degree of freedom is 12.7062; s / sqrt(2) = 0.05
    assert row["effective_size"] == pytest.approx(0.15)
    assert row["effective_size_high"] == pytest.approx(0.15 + 12.7062 * 0.05, abs=1e-5)
    assert row["effective_size_low"] == 0
    assert (row["accuracy"], row["accuracy_low"], row["accuracy_high"]) == (0.9, 0.9, 0.9)
    assert np.isnan(row["success_others"])


def test_order_of_the_records_does_not_matter() -> None:
    frame = pd.concat([records(DRAWN), records(DRAWN[::-1], "B()")])
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(success_curves(frame), success_curves(shuffled), rtol=0, atol=0)
    pd.testing.assert_frame_equal(area(frame), area(shuffled), rtol=0, atol=0)


def test_bad_records_are_refused() -> None:
    frame = records(DRAWN)
    with pytest.raises(ValueError, match="more than once"):
        success_curves(pd.concat([frame, frame.iloc[:1]]))
    with pytest.raises(ValueError, match=r"lack the columns \['seed'\]"):
        success_curves(frame.drop(columns="seed"))


def test_no_records_make_an_empty_frame_with_all_columns() -> None:
    frame = records(DRAWN)
    for summary in (success_curves, area, area_by_seed):
        assert list(summary(frame.iloc[:0]).columns) == list(summary(frame).columns)


def test_area_by_hand() -> None:
    # two decades; the first rises from 0 to 1/2, the second from 1/2 to 1
    row = area(records([[0.9, 0.0, 0.5, 1.0], [0.9, 0.0, 0.0, 1.0]])).iloc[0]
    assert row["area"] == pytest.approx((0.5 + 0.25) / 2)
    wanted = moderated(np.array([0.5, 0.25]))
    assert (row["low"], row["high"]) == pytest.approx(wanted)
    assert (row["seeds"], row["left_out"], row["interval"]) == (2, 0, "t")


def test_area_on_uneven_sizes_is_scipys_trapezoid() -> None:
    sizes = np.array([0.0005, 0.002, 0.003, 0.05, 0.3])
    drawn = np.random.default_rng(1).random((6, 5))
    wanted = integrate.trapezoid(drawn, np.log10(sizes), axis=1) / np.log10(0.3 / 0.0005)
    found = area_by_seed(records(drawn, sizes=sizes))["area"]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    row = area(records(drawn, sizes=sizes)).iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(moderated(wanted), abs=1e-9)


def test_area_leaves_out_seeds_that_lack_a_size() -> None:
    frame = records([[0, 0, 0.5, 1], [0, 0, 0.5, np.nan], [0, 0, 0.5, 1], [0, 0, 0.5, 1]])
    frame = frame.drop(frame.index[(frame["seed"] == 2) & (frame["size"] == 0.01)])
    row = area(frame).iloc[0]
    assert (row["area"], row["seeds"], row["left_out"]) == (0.5, 2, 2)
    # the control is no part of the area
    no_control = frame.drop(frame.index[(frame["seed"] == 0) & (frame["size"] == 0)])
    assert area(no_control)["seeds"].item() == 2


def test_learners_are_measured_by_the_same_sizes() -> None:
    frame = pd.concat([records([[0, 0, 0.5, 1]]), records([[0, 0, 0.5]], "B()", SIZES[:3])])
    areas = area(frame).set_index("learner")
    assert areas.loc["A()", "area"] == 0.5
    assert np.isnan(areas.loc["B()", "area"])
    assert areas.loc["B()", "left_out"] == 1


def test_tables() -> None:
    frame = pd.DataFrame(
        {"name": ["a|b", "[c]"], "size": [0.123456789012, np.inf], "n": [1, 20], "x": np.nan}
    )
    assert render(frame, "csv") == "name,size,n,x\na|b,0.123456789,1,\n[c],inf,20,\n"
    assert '"size": 0.123456789,' in render(frame, "json")
    assert '"size": "inf",\n  "n": 20,\n  "x": null' in render(frame, "json")
    assert render(frame, "md").splitlines()[2] == r"| a\|b | 0.123 |   1 |     |"
    assert [line.split() for line in render(frame).splitlines()] == [
        ["name", "size", "n", "x"],
        ["a|b", "0.123", "1"],
        ["[c]", "inf", "20"],
    ]
    with pytest.raises(ValueError, match="no format 'tex'; there are csv, json, latex, md, text"):
        render(frame, "tex")


@pytest.mark.parametrize(
    ("accuracy", "able"), [([0.5, 0.6], False), ([0.5, 0.8], True), ([0.6, 0.6], False)]
)
def test_the_lift_is_paired_and_says_who_learns(accuracy: list[float], able: bool) -> None:
    frame = records(np.full((2, 2), 0.5), sizes=(0.0, 0.1))
    # With a collective it learns in any case: only without one counts.
    frame["accuracy"] = np.where(frame["size"] == 0, np.repeat(accuracy, 2), 0.9)
    frame["constant"] = np.repeat([0.5, 0.7], 2)
    curves = success_curves(frame)
    alone = curves[curves["size"] == 0].iloc[0]
    differences = np.subtract(accuracy, [0.5, 0.7])
    assert alone["lift"] == pytest.approx(differences.mean())
    interval = stats.ttest_1samp(differences, 0).confidence_interval(0.95)
    assert (alone["lift_low"], alone["lift_high"]) == pytest.approx((interval.low, interval.high))
    assert learns(curves) == able
    assert area(frame)["learns"].tolist() == [able]
    assert critical_mass(curves, 0.9)["learns"].tolist() == [able]


def test_who_is_not_known_not_to_learn_learns() -> None:
    assert learns(success_curves(records(DRAWN)))
    assert area(records(DRAWN))["learns"].all()


def test_curves_have_the_realised_share_of_members() -> None:
    rows = [
        dict.fromkeys(CELL, "A()")
        | {"size": size, "seed": seed, "status": "ok", "success": 0.5, "members": members, "n": n}
        for seed in (0, 1)
        for size, members, n in ((0.0, 0, 400), (0.001, 0, 400), (0.1, 41, 400), (0.2, None, None))
    ]
    curves = success_curves(pd.DataFrame(rows))
    assert curves["share"].tolist() == [0.0, 0.0, 41 / 400, 0.2]
    assert at_shares(curves)["size"].tolist() == curves["share"].tolist()
    (axes,) = plot_curves(curves).axes
    assert axes.lines[0].get_xdata().tolist() == curves["share"].tolist()
