"""Paired comparisons against scipy's permutation test and t, closed testing, and by hand."""

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats

from results.stats.critical_mass import critical_by_seed
from results.stats.frames import CELL
from results.stats.paired import against, compare
from results.stats.sign_flip import band, holm, joint, sign_flip, smallest_p
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1, 1.0)


def records(learners: Mapping[str, npt.ArrayLike], **more: str) -> pd.DataFrame:
    """Trials from arrays (seeds, sizes) by learner; NaN is a failed trial."""
    return records_of(learners, SIZES, **more)


RNG = np.random.default_rng(0)
DRAWN = {name: RNG.random((8, 4)) for name in ("A(k=1)", "B(k=1)", "C(k=1)")}


@pytest.mark.parametrize("pairs", [2, 3, 5, 8, 12])
def test_exact_sign_flip_is_scipys(pairs: int) -> None:
    rng = np.random.default_rng(pairs)
    for _ in range(3):
        a, b = rng.normal(0.4, 1, pairs), rng.normal(0, 1, pairs)
        wanted = stats.permutation_test(
            (a, b), lambda x, y: np.mean(x - y), permutation_type="samples", n_resamples=np.inf
        )
        assert sign_flip(a - b) == pytest.approx(wanted.pvalue, abs=1e-12)


def test_sign_flip_by_hand() -> None:
    # of 8 patterns, |sum| >= 4: +++, ---, ++- with the 1 flipped, and its mirror image
    assert sign_flip(np.array([3.0, 2.0, -1.0])) == 4 / 8
    assert sign_flip(np.array([3.0, 2.0, 1.0])) == 2 / 8
    assert sign_flip(np.zeros(4)) == 1
    assert np.isnan(sign_flip(np.zeros(0)))


def test_ties_are_not_lost_to_rounding() -> None:
    differences = np.array([0.1, 0.2, 0.3, -0.1, -0.2])
    assert sign_flip(differences) == sign_flip(np.round(10 * differences))


def test_drawn_sign_flips_approach_the_exact_p() -> None:
    differences = np.random.default_rng(1).normal(0.4, 1, 14)
    patterns = 1 - 2 * (np.arange(2**14)[:, None] >> np.arange(14) & 1)
    exact = (np.abs(patterns @ differences) >= abs(differences.sum()) - 1e-9).mean()
    error = np.sqrt(exact * (1 - exact) / 10_000)
    assert abs(sign_flip(differences) - exact) < 4 * error
    assert sign_flip(differences) == sign_flip(differences)
    assert sign_flip(np.ones(40)) == smallest_p(40) == 1 / 10_001


@pytest.mark.parametrize("pairs", range(1, 13))
def test_smallest_p_is_that_of_one_sign(pairs: int) -> None:
    assert smallest_p(pairs) == pytest.approx(sign_flip(np.full(pairs, 0.3)))


def closed(p: npt.NDArray[np.float64]) -> list[float]:
    """Adjusted p by the closure of Bonferroni's tests, which Holm's procedure is a short cut of.

    A hypothesis is rejected where all sets of hypotheses with it are.
    """
    sets = [s for k in range(1, len(p) + 1) for s in itertools.combinations(range(len(p)), k)]
    return [
        max(min(len(s) * p[list(s)].min(), 1.0) for s in sets if i in s) for i in range(len(p))
    ]


def test_holm_by_hand_and_by_closed_testing() -> None:
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    for _ in range(5):
        p = RNG.random(7).round(1)
        np.testing.assert_allclose(holm(p), closed(p), rtol=1e-12)


def test_rows_and_numbers_of_success() -> None:
    table = compare(records(DRAWN), "A")
    rows = table[table["measure"] == "success"]
    assert rows["learner"].tolist() == ["B(k=1)"] * 4 + ["C(k=1)"] * 4
    assert rows["size"].tolist() == list(SIZES) * 2
    assert rows["baseline"].eq("A(k=1)").all()
    for _, row in rows.iterrows():
        i = SIZES.index(row["size"])
        ours, theirs = DRAWN[row["learner"]][:, i], DRAWN["A(k=1)"][:, i]
        d = ours - theirs
        m = (np.abs(d).sum() + 0.5) / 9
        spread = np.sqrt((0.05 * m * (1 - m) + 7 * d.var(ddof=1)) / 8 / 8)
        low, high = stats.t.interval(0.95, 8, d.mean(), spread)
        assert row["difference"] == pytest.approx(d.mean())
        assert row["low"] == pytest.approx(max(low, -1))
        assert row["high"] == pytest.approx(min(high, 1))
        assert row["correlation"] == pytest.approx(stats.pearsonr(ours, theirs)[0])
        assert row["p"] == sign_flip(ours - theirs)
        assert (row["above"], row["below"]) == ((ours > theirs).sum(), (ours < theirs).sum())


def test_families_count_until_the_last_of_their_p_is_rejected() -> None:
    # Of every set of hypotheses a test: the smallest p times the number of families in the set.
    # Rejected is what is in no set that is kept.
    p = np.array([0.01, 0.02, 0.3, 0.015, 0.016, 0.04, 0.9])
    family = np.array([0, 0, 0, 1, 1, 2, 2])
    wanted = np.zeros(len(p))
    for subset in itertools.product([False, True], repeat=len(p)):
        inside = np.array(subset)
        if inside.any():
            whole = min(1.0, p[inside].min() * len(set(family[inside])))
            wanted[inside] = np.maximum(wanted[inside], whole)
    np.testing.assert_allclose(holm(p, family), wanted)
    np.testing.assert_allclose(holm(p, np.zeros(7, int)), p)
    np.testing.assert_allclose(holm(p, np.arange(7)), holm(p))


def test_all_that_is_said_of_two_learners_is_one_family() -> None:
    elsewhere = {name: RNG.random((6, 4)) for name in DRAWN}
    frame = pd.concat([records(DRAWN), records(elsewhere, dataset="E()")])
    table = compare(frame, "A")
    found = []
    for name in ("B(k=1)", "C(k=1)"):
        own = table[table["learner"] == name]
        d, e = (given[name] - given["A(k=1)"] for given in (DRAWN, elsewhere))
        weights = np.array([0, 0.25, 0.5, 0.25])
        masses = np.full((8, 2), np.nan)
        for i, task in enumerate(("D()", "E()")):
            here = frame[frame["dataset"] == task]
            mass = critical_by_seed(here, 0.5).pivot(
                index="seed", columns="learner", values="estimate"
            )
            logs = np.log10(mass.clip(0.01, 1.0))
            masses[: len(logs), i] = logs[name] - logs["A(k=1)"]
        e = np.vstack([e, np.full((2, 4), np.nan)])
        columns = np.c_[d, d @ weights, masses[:, 0], e, e @ weights, masses[:, 1]]
        wanted = joint(columns)
        order = {"success": 0, "area": 1, "critical": 2}
        own = own.sort_values(["dataset", "measure", "size"], key=lambda c: c.replace(order))
        assert own["p_joint"].tolist() == wanted.tolist()
        found.append(own)
    rows = pd.concat(found)
    corrected = holm(rows["p_joint"].to_numpy(), pd.factorize(rows["learner"])[0])
    assert rows["p_holm"].tolist() == corrected.tolist()
    assert (rows["p_holm"] >= rows["p_joint"]).all()


def test_bands_are_those_of_a_task_and_learner() -> None:
    rows = compare(records(DRAWN), "A").set_index(["measure", "learner"]).loc["success"]
    for name in ("B(k=1)", "C(k=1)"):
        low, high = band(DRAWN[name] - DRAWN["A(k=1)"])
        assert rows.loc[name, "band_low"].tolist() == low.tolist()
        assert rows.loc[name, "band_high"].tolist() == high.tolist()


def test_rows_and_numbers_of_the_area() -> None:
    table = compare(records(DRAWN), "A(k=1)")
    rows = table[table["measure"] == "area"]
    weights = np.array([0, 0.25, 0.5, 0.25])
    wanted = [(DRAWN[name] - DRAWN["A(k=1)"]) @ weights for name in ("B(k=1)", "C(k=1)")]
    assert rows["difference"].tolist() == pytest.approx([d.mean() for d in wanted])
    assert rows["p"].tolist() == [sign_flip(d) for d in wanted]
    assert (rows["p_joint"] >= rows["p"]).all()
    assert rows["size"].isna().all()


def test_critical_masses_and_their_censoring() -> None:
    a = [[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0.9, 1, 1, 1]]
    b = [[0, 0, 0, 1], [0, 0, 0.5, 1], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 1]]
    table = compare(records({"A()": a, "B()": b}), "A").set_index("measure")
    row = table.loc["critical"]
    # log10 sizes from -2 to 0: what is not reached counts as 0, what the control reaches as -2
    theirs = np.array([-1.5, -1.5, -1.5, 0, 0, -2])
    ours = np.array([-0.5, -1, 0, 0, -0.5, -0.5])
    assert row["difference"] == pytest.approx((ours - theirs).mean())
    assert (row["seeds"], row["censored"], row["excluded"]) == (6, 4, 0)
    assert (row["above"], row["below"], row["ties"]) == (4, 1, 1)
    # a prior standard deviation of a tenth of a decade counts as one seed of six
    spread = np.sqrt((0.1**2 + 5 * (ours - theirs).var(ddof=1)) / 6 / 6)
    wanted = stats.t.interval(0.95, 6, (ours - theirs).mean(), spread)
    assert (row["low"], row["high"]) == pytest.approx(wanted)


def test_missing_partners_are_excluded_and_counted() -> None:
    a, b = np.full((4, 4), 0.2), np.full((4, 4), 0.3)
    a[0, 1] = np.nan
    frame = records({"A()": a, "B()": b})
    gone = (frame["learner"] == "B()") & (frame["seed"] == 3) & (frame["size"] == 0.01)
    table = compare(frame[~gone], "A")
    row = table[(table["measure"] == "success") & (table["size"] == 0.01)].iloc[0]
    assert (row["seeds"], row["excluded"]) == (2, 2)
    whole = table[(table["measure"] == "success") & (table["size"] == 0.1)].iloc[0]
    assert (whole["seeds"], whole["excluded"]) == (4, 0)
    for measure in ("area", "critical"):
        assert table.set_index("measure").loc[measure, "excluded"] == 2


def test_pairs_are_by_seed_and_not_by_place() -> None:
    frame = records(DRAWN)
    shuffled = frame.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(compare(frame, "A"), compare(shuffled, "A"), atol=0, rtol=0)


def test_a_baseline_that_is_missing_somewhere_leaves_no_pairs() -> None:
    there = records(DRAWN)
    elsewhere = records({"B(k=1)": DRAWN["B(k=1)"]}, dataset="E()")
    table = compare(pd.concat([there, elsewhere]), "A")
    rows = table[table["dataset"] == "E()"]
    assert rows["seeds"].eq(0).all()
    assert rows["excluded"].eq(8).all()
    assert rows["note"].eq("no pairs").all()
    assert rows[["difference", "p", "p_holm"]].isna().all(axis=None)


def test_what_so_many_seeds_can_prove() -> None:
    five = {name: values[:5] for name, values in DRAWN.items()}
    table = compare(records(five), "A").set_index("measure")
    # 2 learners at 2/32 each, of which the first p is doubled, however many sizes there are
    assert table.loc["success", "attainable"].eq(0.125).all()
    assert table.loc["success", "note"].eq("p <= .05 takes 7 seeds").all()
    assert table.loc["area", "attainable"].eq(0.125).all()
    assert table.loc["area", "note"].eq("p <= .05 takes 7 seeds").all()
    eight = compare(records(DRAWN), "A").set_index("measure")
    assert eight.loc["area", "attainable"].eq(4 / 256).all()
    assert eight.loc["area", "note"].eq("").all()


def test_no_p_falls_below_what_is_attainable() -> None:
    apart = {"A()": np.zeros((5, 4)), "B()": np.ones((5, 4)), "C()": np.ones((5, 4))}
    table = compare(records(apart), "A")
    tested = table[table["p_holm"].notna()]
    assert tested["p_holm"].tolist() == pytest.approx(tested["attainable"].tolist())


def test_agreeing_pairs() -> None:
    table = compare(records({"A()": np.zeros((5, 4)), "B()": np.zeros((5, 4))}), "A")
    row = table[table["measure"] == "success"].iloc[0]
    assert (row["difference"], row["p"], row["ties"]) == (0, 1, 5)
    assert row["interval"] == "agree"
    # (0 + 1/2) / 6 = 1/12, of which the prior variance counts as one seed of five
    reach = stats.t(5).ppf(0.975) * np.sqrt(0.05 * 1 / 12 * 11 / 12 / 5 / 5)
    assert (row["low"], row["high"]) == pytest.approx((-reach, reach))
    assert np.isnan(row["correlation"])


def test_bands_are_continuous_where_differences_agree() -> None:
    won = np.array([57, 58, 111, 172, 183, 190])
    differences = (won + 6) / 200 - won / 200
    assert np.ptp(differences) > 0
    exact, near = band(np.full((6, 1), 0.03)), band(differences[:, None])
    assert near.low == pytest.approx(exact.low)
    assert near.high == pytest.approx(exact.high)
    moved = differences.copy()
    moved[0] += 0.001
    assert band(moved[:, None]).low == pytest.approx(exact.low, abs=0.002)
    assert exact.high[0] - exact.low[0] > 0.02


def test_equal_shifts_of_the_critical_mass_have_a_prior_scale() -> None:
    a, b = np.tile([0.0, 0, 1, 1], (5, 1)), np.tile([0.0, 0, 0, 1], (5, 1))
    row = compare(records({"A()": a, "B()": b}), "A").set_index("measure").loc["critical"]
    reach = stats.t(5).ppf(0.975) * 0.1 / 5
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((1, 1 - reach, 1 + reach))
    assert row["interval"] == "agree"


def test_pairs_that_are_censored_at_one_end_say_nothing() -> None:
    never = np.tile([0.0, 0, 0, 0.1], (6, 1))
    table = compare(records({"A()": never, "B()": never}), "A").set_index("measure")
    row = table.loc["critical"]
    assert (row["censored"], row["interval"], row["verdict"]) == (6, "none", "cannot tell")
    assert row["needed"] == np.inf


def test_verdicts_are_those_of_bands_and_corrected_p() -> None:
    rng = np.random.default_rng(3)
    a = rng.uniform(0.3, 0.4, (12, 4))
    near = a + rng.normal(0, 0.01, a.shape)
    far = np.clip(a + np.array([0.0, 0.5, 0.5, 0.5]) + rng.normal(0, 0.01, a.shape), 0, 1)
    table = compare(records({"A()": a, "B()": near, "C()": far}), "A")
    said = {key: rows["verdict"].tolist() for key, rows in table.groupby(["learner", "measure"])}
    assert said["B()", "success"] == ["tie"] * 4
    assert said["B()", "area"] == ["tie"]
    assert said["C()", "success"] == ["tie", "win", "win", "win"]
    assert said["C()", "area"] == ["win"]
    assert said["C()", "critical"] == ["win"]


def test_seen_from_the_other_side() -> None:
    frame = records(DRAWN)
    there = compare(frame, "B")
    back = against(frame, "B")
    assert back["learner"].eq("B(k=1)").all()
    assert list(back.columns) == list(there.columns)
    tables = {name: compare(frame, name) for name in back["baseline"].unique()}
    for _, row in back.iterrows():
        one = tables[row["baseline"]]
        same = (one["learner"] == "B(k=1)") & (one["measure"] == row["measure"])
        if row["measure"] == "success":
            same &= one["size"] == row["size"]
        (other,) = one[same].to_dict("records")
        for name in ("difference", "low", "high", "band_low", "band_high", "p", "p_joint"):
            assert row[name] == pytest.approx(other[name])
        for name in ("above", "below", "ties", "seeds", "censored"):
            assert row[name] == other[name]


def test_an_unknown_baseline() -> None:
    with pytest.raises(ValueError, match=r"'D' is none of A, B, C; nearest"):
        compare(records(DRAWN), "D")


def test_a_baseline_alone() -> None:
    table = compare(records({"A()": np.zeros((2, 4))}), "A")
    assert len(table) == 0
    assert list(table.columns) == list(compare(records(DRAWN), "A").columns)
    assert list(table.columns[: len(CELL)]) == CELL
