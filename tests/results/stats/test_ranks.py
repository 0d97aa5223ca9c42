"""Learners across datasets, against scipy and scikit-posthocs, by hand, by simulation."""

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from scipy import stats

from results.stats.completeness import missing, refuse_missing
from results.stats.curves import area
from results.stats.intervals import signed
from results.stats.rank_tests import (
    against_erm,
    alike,
    critical_difference,
    friedman,
    pairwise,
)
from results.stats.ranks import Field, field, mean_ranks, resampled
from results.stats.sign_flip import holm, joint
from tests.helpers.curves import records_of

SIZES = (0.0, 0.01, 0.1)


def records(learners, datasets, seeds=4, strategies=("S()",), rng=None):
    """Trials whose area is drawn around a number of the learner's own."""
    rng = rng or np.random.default_rng(0)
    level = dict(zip(learners, np.linspace(0.3, 0.7, len(learners)), strict=True))
    frames = []
    for dataset in datasets:
        for strategy in strategies:
            success = {}
            for learner in learners:
                success[learner] = np.clip(level[learner] + rng.normal(0, 0.15, (seeds, 3)), 0, 1)
                success[learner][:, 0] = 0.0
            frames.append(records_of(success, SIZES, dataset=dataset, strategy=strategy))
    return pd.concat(frames, ignore_index=True)


def drawn(datasets=10, learners=4, seeds=5, spread=0.1, rng=None):
    rng = rng or np.random.default_rng(1)
    names = [f"L{i}()" for i in range(learners)]
    level = np.linspace(0.4, 0.6, learners)
    areas = {
        f"D{n:02d}()": level + rng.normal(0, spread, learners) + rng.normal(0, 0.02, (seeds, 1))
        for n in range(datasets)
    }
    return Field(names, areas, [], [])


def test_learners_are_compared_by_the_area_above_their_control():
    """A follows nobody, and has the label from many points by nature."""
    curves = {"A()": [[0.4, 0.4, 0.4]] * 3, "B()": [[0.1, 0.1, 0.5]] * 3}
    frame = records_of(curves, SIZES)
    assert area(frame).set_index("learner")["area"].to_dict() == pytest.approx(
        {"A()": 0.4, "B()": 0.3}
    )
    assert field(frame).means.tolist() == [pytest.approx([0.0, 0.2])]


def test_pairs_at_the_level_without_a_collective_are_left_out():
    frame = pd.concat(
        [
            records_of({l: [[0.0, 0.2, 0.8]] * 3 for l in ("A()", "B()", "C()")}, SIZES),
            records_of(
                {"A()": [[0, 0.2, 0.8]], "B()": [[0, 0.2, 0.8]], "C()": [[0.6, 0.7, 0.9]]},
                SIZES,
                dataset="E()",
            ),
        ]
    )
    found = field(frame)
    assert (found.learners, found.left_out) == (["A()", "B()"], ["C()"])
    assert field(frame, level=0.7).learners == ["A()", "B()", "C()"]


def test_pairs_outside_the_domain_of_a_learner_are_left_out():
    frame = records(["A()", "B()", "C()"], ["D()", "E()"])
    assert field(frame).learners == ["A()", "B()", "C()"]
    outside = [("D()", "C()"), ("E()", "C()")]
    found = field(frame, outside=outside)
    assert (found.learners, found.left_out) == (["A()", "B()"], ["C()"])
    assert list(found.datasets) == ["D()", "E()"]


def test_a_field_holds_means_over_strategies():
    frame = records(["A()", "B()"], ["D()", "E()"], strategies=("S()", "T()"))
    found = field(frame)
    assert found.learners == ["A()", "B()"]
    assert list(found.datasets) == ["D()", "E()"]
    cell = frame[(frame["learner"] == "B()") & (frame["dataset"] == "E()") & (frame["seed"] == 2)]
    # one decade: the area is the mean of the two positive sizes
    wanted = cell.loc[cell["size"] > 0, "success"].mean()
    assert found.datasets["E()"][2, 1] == pytest.approx(wanted)


def test_members_who_do_nothing_have_no_part_in_ranks():
    frame = records(["A()", "B()"], ["D()", "E()"])
    both = pd.concat([frame, records(["A()", "B()"], ["D()"], strategies=("Idle()",))])
    found = field(both)
    assert {panel[1] for panel in found.panels} == {"S()"}
    np.testing.assert_array_equal(found.means, field(frame).means)


def test_a_field_is_where_most_learners_met():
    frame = pd.concat(
        [
            records(["A()", "B()", "C()"], ["D()", "E()"]),
            records(["A()", "B()"], ["F()"]),
            records(["C()"], ["G()"]),
        ]
    )
    found = field(frame)
    assert (found.learners, list(found.datasets)) == (["A()", "B()", "C()"], ["D()", "E()"])
    frame = pd.concat(
        [records(["A()", "B()", "C()"], ["D()"]), records(["A()", "B()"], ["E()", "F()"])]
    )
    found = field(frame)
    assert (found.learners, list(found.datasets)) == (["A()", "B()"], ["D()", "E()", "F()"])
    assert found.left_out == ["C()"]
    assert field(records(["A()"], ["D()"])).datasets == {}
    assert len(mean_ranks(field(records(["A()"], ["D()"])))) == 0


def test_a_field_is_not_lost_on_data_that_others_met():
    met = {"D1()": "ABCD", "D2()": "EFGH", "D3()": "ABC"}
    frame = pd.concat([records([f"{l}()" for l in names], [d]) for d, names in met.items()])
    found = field(frame)
    assert found.learners == ["A()", "B()", "C()"]
    assert list(found.datasets) == ["D1()", "D3()"]


def test_data_without_a_seed_that_all_have_are_not_shown():
    frame = records(["A()", "B()"], ["D()", "E()"])
    odd = frame["seed"] % 2 == (frame["learner"] == "A()")
    frame.loc[(frame["dataset"] == "E()") & odd, "status"] = "failed"
    found = field(frame)
    assert [key[0] for key in found.panels] == list(found.datasets) == ["D()"]


def test_who_somewhere_does_no_better_than_a_constant_is_known():
    datasets = ["E()", *(f"D{n}()" for n in range(7))]
    frame = records(["A()", "B()"], datasets).assign(accuracy=0.9, constant=0.5)
    assert field(frame).idle == set()
    lost = (frame["dataset"] == "E()") & (frame["learner"] == "B()")
    frame.loc[lost, "accuracy"] = 0.4
    assert field(frame).idle == {"B()"}
    assert mean_ranks(field(frame)).set_index("learner")["learns"].to_dict() == {
        "A()": True,
        "B()": False,
    }


def test_friedman_and_wilcoxon_are_scipys_and_scikit_posthocs():
    compared = drawn(datasets=12)
    assert friedman(compared) == stats.friedmanchisquare(*compared.means.T).pvalue
    table = pairwise(compared)
    wanted = scikit_posthocs.posthoc_wilcoxon(list(compared.means.T), p_adjust="holm").to_numpy()
    for row in table.itertuples():
        i, j = compared.learners.index(row.one), compared.learners.index(row.other)
        assert row.p_holm == pytest.approx(wanted[i, j])
        assert row.difference == pytest.approx(
            (compared.means[:, i] - compared.means[:, j]).mean()
        )
    assert table["p_holm"].tolist() == holm(table["p"].to_numpy()).tolist()
    ranks = mean_ranks(compared).set_index("learner")["rank"]
    by_hand = pd.DataFrame(compared.means).rank(axis=1, ascending=False).mean()
    assert ranks[compared.learners].tolist() == pytest.approx(by_hand.tolist())


@pytest.mark.parametrize(("datasets", "learners"), [(10, 3), (14, 6)])
def test_ranks_further_apart_than_nemenyis_difference_are_those_that_scikit_posthocs_finds(
    datasets, learners
):
    found = []
    for seed in range(4):
        compared = drawn(datasets, learners, spread=0.05, rng=np.random.default_rng(seed))
        wanted = scikit_posthocs.posthoc_nemenyi_friedman(compared.means).to_numpy()
        ranks = mean_ranks(compared).set_index("learner")["rank"][compared.learners].to_numpy()
        gaps = np.abs(ranks[:, None] - ranks)
        apart = gaps > critical_difference(learners, len(compared.datasets))
        np.testing.assert_array_equal(apart, wanted < 0.05)
        found += apart[np.triu_indices(learners, 1)].tolist()
    assert 0 < sum(found) < len(found)
    assert np.isnan(critical_difference(4, 7))


def test_ranks_are_alike_in_the_longest_runs_within_the_difference():
    ranks = [1.0, 1.5, 2.4, 4.0, 4.0, 6.0]
    assert alike(ranks, 1.0) == [(0, 1), (1, 2), (3, 4)]
    assert alike(ranks, 0.1) == [(3, 4)]
    assert alike(ranks, 9.0) == [(0, 5)]
    assert alike(ranks, float("nan")) == []


def test_verdicts_against_erm_are_paired_over_seeds_and_corrected_over_datasets():
    rng = np.random.default_rng(0)
    shift = rng.normal(0, 0.2, (8, 1))
    areas = {
        "D()": shift + np.array([0.5, 0.6, 0.5]) + rng.normal(0, 0.005, (8, 3)),
        "E()": shift[:6] + np.array([0.5, 0.4, 0.5]) + rng.normal(0, 0.005, (6, 3)),
    }
    compared = Field(["ERM()", "A()", "B()"], areas, [], [])
    table = against_erm(compared).set_index(["learner", "dataset"])
    # Six seeds of two datasets can reach 2/64.
    assert table["verdict"].to_dict() == {
        ("A()", "D()"): "win",
        ("A()", "E()"): "loss",
        ("B()", "D()"): "tie",
        ("B()", "E()"): "cannot tell",
    }
    gap = areas["D()"][:, 1] - areas["D()"][:, 0]
    row = table.loc[("A()", "D()")]
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(signed(gap)[:3])
    assert row["seeds"] == 8
    both = np.full((8, 2), np.nan)
    both[:, 0], both[:6, 1] = gap, areas["E()"][:, 1] - areas["E()"][:, 0]
    assert table.loc["A()", "p_joint"].tolist() == joint(both).tolist()
    assert len(against_erm(Field(["A()", "B()"], {"D()": areas["D()"][:, :2]}, [], []))) == 0


def test_few_of_learners_that_are_alike_win_against_erm():
    rng, wrong = np.random.default_rng(3), 0
    for _ in range(60):
        areas = {f"D{n}()": rng.normal(0.5, 0.1, (7, 2)) for n in range(12)}
        table = against_erm(Field(["ERM()", "A()"], areas, [], []))
        wrong += int(table["verdict"].isin(["win", "loss"]).any())
    assert wrong <= stats.binom.ppf(0.99, 60, 0.05)


def test_fewer_than_eight_datasets_have_no_p_and_no_mean_rank():
    compared = drawn(datasets=7)
    assert len(mean_ranks(compared)) == 0
    assert len(mean_ranks(drawn(datasets=8))) == 4
    assert np.isnan(friedman(compared))
    table = pairwise(compared)
    assert table[["p", "p_holm"]].isna().all(axis=None)
    assert not table["apart"].any()
    assert not np.isnan(friedman(drawn(datasets=8)))


def test_learners_that_agree_everywhere_are_not_told_apart():
    same = {f"D{i}()": np.full((3, 3), 0.5) for i in range(9)}
    compared = Field(["A()", "B()", "C()"], same, [], [])
    assert friedman(compared) == 1
    assert pairwise(compared)["p"].eq(1).all()
    assert mean_ranks(compared)["rank"].eq(2).all()


def test_resampling_draws_datasets_and_then_common_seeds():
    areas = [np.array([[0.0, 10.0], [1.0, 11.0]]), np.array([[5.0, 15.0]])]
    made = resampled(areas, 500)
    # what pairs the seeds stays: the second learner leads by ten, whatever was drawn
    np.testing.assert_allclose(made[..., 1] - made[..., 0], 10)
    assert set(made[..., 0].ravel()) == {0.0, 0.5, 1.0, 5.0}
    assert (made[..., 0] == 5).mean() == pytest.approx(0.5, abs=0.07)
    alone = resampled([a[:, :1] for a in areas], 500)  # the draws are nobody's
    np.testing.assert_array_equal(made[..., :1], alone)


def told_apart(times, rng):
    """How often some of four learners that are alike are told apart, over ten datasets."""
    found = 0
    for _ in range(times):
        areas = {f"D{n}()": rng.normal(0.5, 0.1, (3, 4)) for n in range(10)}
        found += pairwise(Field(["A()", "B()", "C()", "D()"], areas, [], []))["apart"].any()
    return found


def test_learners_alike_are_seldom_told_apart():
    assert told_apart(40, np.random.default_rng(5)) <= stats.binom.ppf(0.999, 40, 0.05)


@pytest.mark.slow
def test_equal_learners_differ_in_at_most_one_of_twenty_fields():
    assert told_apart(1000, np.random.default_rng(6)) <= stats.binom.ppf(0.999, 1000, 0.05)


@pytest.mark.slow
def test_intervals_of_mean_ranks_cover_with_many_datasets():
    rng, times, held = np.random.default_rng(7), 200, 0
    truth = (4 - pd.DataFrame(drawn(datasets=20_000, rng=rng).means).rank(axis=1)).mean() + 1
    for _ in range(times):
        table = mean_ranks(drawn(datasets=20, rng=rng)).set_index("learner")
        held += int(table["low"]["L1()"] <= truth[1] <= table["high"]["L1()"])
    assert held >= stats.binom.ppf(1e-3, times, 0.92)


def test_missing_trials_are_named():
    frame = records(["A()", "B()"], ["D()", "E()"])
    assert len(missing(frame)) == 0
    refuse_missing(frame)
    gone = frame[~((frame["learner"] == "B()") & (frame["seed"] == 3) & (frame["size"] == 0.1))]
    gone = gone.assign(
        status=np.where((gone["dataset"] == "E()") & (gone["seed"] == 0), "failed", "ok")
    )
    lost = missing(gone).set_index(["dataset", "learner"])
    assert lost.loc[("D()", "B()"), ["trials", "absent", "failed"]].tolist() == [12, 1, 0]
    assert lost.loc[("D()", "B()"), "first"] == "size 0.1 at seed 3"
    assert lost.loc[("E()", "A()"), ["absent", "failed"]].tolist() == [0, 3]
    assert lost.loc[("E()", "B()"), ["absent", "failed"]].tolist() == [1, 3]
    with pytest.raises(ValueError, match="8 trials are missing") as refusal:
        refuse_missing(gone)
    assert "  B on D, S: 1 absent and 0 failed of 12, first size 0.1 at seed 3" in str(
        refusal.value
    )
