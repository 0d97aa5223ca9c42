"""Measures of studies: cells, critical masses, staircases and explained variance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.core.errors import BenchError
from results.stats.frames import KEY
from results.studies.base import Claim, Study, load, studies
from results.studies.explained_variance import (
    explained,
    explained_beyond_chance,
    permutation_p,
    permutations_of,
)
from results.studies.measures import (
    Measure,
    area,
    cell,
    climbs_in_steps,
    mass,
    matches,
    pick,
    slack,
    success,
)
from results.studies.two_collectives import PAIRS
from tests.helpers.records import records

SIZES = (0.0, 0.01, 0.1, 0.4)


def given(values):
    return Measure(lambda records: pd.Series(dict(enumerate(values))))


def curve(success, learner="ERM(learning_rate=0.1)", seeds=2, sizes=SIZES, **columns):
    def values(key):
        size = key["size"]
        more = {name: value_at(size) for name, value_at in columns.items()}
        return {"success": success(size, key["seed"]), "effective_size": size} | more

    cell = {"dataset": ["D(n=1)"], "strategy": ["Plant(label=1)"], "learner": [learner]}
    return records(values, **cell, seed=range(seeds), size=sizes)


def curve_of(*learners):
    """Records of learners that differ by a tenth."""
    return lambda: pd.concat(
        [curve(lambda a, s, i=i: a + i / 10, name) for i, name in enumerate(learners)]
    )


def test_cells_are_picked_by_the_fields_that_are_named():
    table = pd.concat(
        [curve(lambda a, s: a, f"ERM(learning_rate={rate}, batch_size=64)") for rate in (0.1, 0.2)]
    )
    assert set(pick(table, learner="ERM(learning_rate=.2)")["learner"]) == {
        "ERM(learning_rate=0.2, batch_size=64)"
    }
    assert len(pick(table, learner="ERM")) == len(table)
    assert set(pick(table, size=(0.01, 0.1))["size"]) == {0.01, 0.1}


MANY = {
    "learner": curve_of("ERM(learning_rate=0.1)", "ERM(learning_rate=0.2)"),
    "groups": lambda: pd.concat(
        [curve(lambda a, s: a).assign(groups=g) for g in ("given", "own")]
    ),
}


@pytest.mark.parametrize(
    "measure",
    [success(0.1), success((0.01, 0.4)), mass(0.5), area(), climbs_in_steps(), slack("exact")],
)
@pytest.mark.parametrize("axis", MANY)
def test_what_means_more_than_one_cell_is_not_pooled_in_silence(measure, axis):
    table = MANY[axis]()
    claim = Claim("It is so.", "", measure)
    with pytest.raises(BenchError, match=f"'It is so.' cannot be judged.*{axis}: "):
        claim.judge(table)
    one = table[table[axis] == table[axis].iloc[0]]
    assert claim.judge(one).verdict


def test_several_cells_are_a_measures_where_it_says_so():
    table = MANY["learner"]()
    assert len(cell(table, over=("learner",))) == len(table)
    assert success(0.1, over=("learner",))(table).tolist() == pytest.approx([0.15, 0.15])
    with pytest.raises(BenchError, match=r"over=\('learner',\)"):
        cell(table, over=("strategy",))
    assert explained("size")(table).between(0, 1).all()


@pytest.mark.parametrize(
    "wanted",
    [
        {"learner": "JTT"},
        {"learner": "ERM(learning_rate=7)"},
        {"learner": "ERM(rte=0.1)"},
        {"size": 0.3},
        {"size": (0.02, 0.05)},
        {"groups": "owm"},
    ],
)
def test_what_means_no_record_is_said(wanted):
    with pytest.raises(BenchError, match="no record is of"):
        pick(curve(lambda a, s: a), **wanted)


def test_a_seed_that_lacks_a_size_has_no_mean():
    table = curve(lambda a, s: a + s)
    assert success((0.01, 0.1))(table).tolist() == pytest.approx([0.055, 1.055])
    lost = table.copy()
    lost.loc[(lost["seed"] == 1) & (lost["size"] == 0.1), "success"] = np.nan
    assert success((0.01, 0.1))(lost).isna().tolist() == [False, True]


def test_the_critical_mass_of_a_line_is_where_it_crosses():
    # Success rises from 0 at 1 % to 1 at 10 % of the people, a line over log size.
    sizes = (0.0, 0.001, 0.01, 0.1)
    table = curve(lambda a, s: max(0.0, np.log10(a) + 2) if a else 0.0, sizes=sizes)
    assert mass(0.5)(table).tolist() == pytest.approx([-1.5, -1.5], abs=1e-6)
    never = curve(lambda a, s: 0.0, sizes=sizes)
    assert mass(0.5)(never).tolist() == pytest.approx([-1.0, -1.0])


def test_what_rises_with_a_number_is_explained_by_it():
    rising = curve(lambda a, s: a**0.3)
    assert explained("size")(rising).tolist() == pytest.approx([1, 1])
    # Against a number that falls as success rises, the best rising function is a constant.
    falling = rising.assign(effective_size=1 - rising["size"])
    assert explained("effective_size")(falling).tolist() == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize(
    "measure",
    [explained("size"), explained_beyond_chance("effective_size"), climbs_in_steps()],
)
def test_a_seed_at_which_a_trial_failed_has_no_number(measure):
    table = curve(lambda a, s: a**0.3, bound_exact=lambda a: a)
    lost = (table["seed"] == 0) & (table["size"] == table["size"].max())
    table.loc[lost, ["success", "effective_size"]] = np.nan
    assert measure(table).isna().tolist() == [True, False]


FINE = (0.0, *np.logspace(-2, -1, 21).round(6))


def law(size):
    """A staircase of two steps."""
    return 0.4 * (size > 0.02) + 0.6 * (size > 0.05)


def test_the_staircase_of_the_law_climbs_at_its_steps():
    stairs = curve(lambda a, s: law(a), sizes=FINE, bound_exact=law)
    between = np.log10(FINE[8] / FINE[7]) + np.log10(FINE[15] / FINE[14])
    during = np.log10(FINE[15] / FINE[7])
    assert climbs_in_steps()(stairs).tolist() == pytest.approx([1 - between / during] * 2)
    elsewhere = curve(lambda a, s: law(a / 1.2), sizes=FINE, bound_exact=law)
    assert (climbs_in_steps()(elsewhere) < 0).all()


def test_a_smooth_curve_does_not_climb_at_the_steps_of_the_law():
    """Its steepest steps make up nine tenths of its climb nevertheless."""
    line = curve(lambda a, s: np.log10(a / 0.01) if a else 0.0, sizes=FINE, bound_exact=law)
    assert climbs_in_steps()(line).tolist() == pytest.approx([0, 0], abs=1e-5)
    smooth = curve(lambda a, s: 1 / (1 + (0.033 / a) ** 8) if a else 0.0, sizes=FINE)
    smooth["bound_exact"] = smooth["size"].map(law)
    rises = np.diff([1 / (1 + (0.033 / a) ** 8) for a in FINE[1:]])
    assert np.sort(rises)[-10:].sum() > 0.9 * rises.sum()
    assert (climbs_in_steps()(smooth) < 0.1).all()


WEIGHED = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)


def study_of_weights(rng, learners=5, seeds=4, effect=0.0, own=0.3):
    """Records of ERM and other learners: effective sizes, and success that follows them or not.

    A learner's success and effective size are shifted at all sizes and seeds alike; without an
    effect the two shifts are independent.
    """
    pieces = []
    for k in range(learners):
        shift = rng.normal(0, own) if k else 0.0
        gain = effect * shift + rng.normal(0, 0.3)
        name = f"L(k={k})" if k else "ERM()"
        piece = curve(lambda a, s: a, name, seeds=seeds, sizes=WEIGHED)
        size = piece["size"].to_numpy()
        noise = rng.normal(0, 0.02, (2, len(piece)))
        with np.errstate(divide="ignore"):
            climb = 1 / (1 + np.exp(-2 * (np.log(size / 0.05) + 3 * gain) - noise[0]))
        effective = size * np.exp(shift + noise[1]) if k else np.nan
        pieces.append(piece.assign(success=climb, effective_size=effective))
    return pd.concat(pieces, ignore_index=True)


@pytest.mark.parametrize(
    ("learners", "tables"),
    [(4, 40), pytest.param(5, 200, marks=pytest.mark.slow)],
)
def test_effective_sizes_that_say_nothing_explain_in_one_of_twenty_studies(learners, tables):
    rng = np.random.default_rng(0)
    drawn = [study_of_weights(rng, learners, seeds=1) for _ in range(tables)]
    p = np.array([permutation_p("effective_size")(table) for table in drawn])
    assert (p <= 0.05).sum() <= stats.binom(tables, 0.05).ppf(0.99)
    # As many p lie in the lower half as in the upper one.
    assert stats.binomtest(int((p <= 0.5).sum()), tables).pvalue > 0.01


def test_untied_sizes_explain_more_than_size_and_no_more_than_chance():
    """Noise of a millionth unties sizes of learners, whose success differs."""
    rng = np.random.default_rng(0)
    ties, chance = [], []
    for _ in range(20):
        table = study_of_weights(rng, learners=4, seeds=1)
        noise = 1 + 1e-6 * rng.normal(size=len(table))
        table = table.assign(effective_size=table["size"] * noise)
        by = explained("effective_size")(table)
        ties += (by - explained("size")(table)).tolist()
        chance += explained_beyond_chance("effective_size")(table).tolist()
    assert stats.ttest_1samp(ties, 0.02, alternative="greater").pvalue < 1e-4
    assert stats.ttest_1samp(chance, 0).pvalue > 0.01


def test_effective_sizes_that_success_follows_are_found():
    rng = np.random.default_rng(1)
    tables = [study_of_weights(rng, seeds=1, effect=1.0, own=1.0) for _ in range(12)]
    found = [permutation_p("effective_size")(table) <= 0.05 for table in tables]
    assert np.mean(found) >= 0.8
    assert (explained_beyond_chance("effective_size")(tables[0]) > 0).all()


def test_learners_with_equal_weights_have_their_size():
    """ERM takes part; learners that report no weights do not."""
    table = study_of_weights(np.random.default_rng(2), learners=3)
    given = table.assign(
        effective_size=table["effective_size"].where(table["learner"] != "ERM()", table["size"])
    )
    silent = table[table["learner"] == "L(k=1)"].assign(learner="S()", effective_size=np.nan)
    with_silent = pd.concat([table, silent], ignore_index=True)
    test = permutation_p("effective_size")
    assert test(table) == test(given) == test(with_silent)
    assert test(table) in {k / 6 for k in range(1, 7)}


def test_permutations_are_all_or_drawn():
    assert sorted(permutations_of(3)) == sorted(set(permutations_of(3)))
    assert len(permutations_of(3)) == 6
    many = permutations_of(9)
    assert many[0] == tuple(range(9))
    assert len(many) == 1000
    assert all(sorted(order) == list(range(9)) for order in many)


def test_a_claim_with_a_test_needs_its_p():
    def measure(records):
        return pd.Series([0.3, 0.31, 0.32])

    words = [
        Claim("It is so.", "", Measure(measure), p=p).judge(pd.DataFrame()).verdict
        for p in (None, lambda records: 0.05, lambda records: 0.06, lambda records: np.nan)
    ]
    assert words == ["holds", "holds", "undecided", "undecided"]
    low = Claim("It is so.", "", Measure(measure), (0.5, 1.0), p=lambda records: 0.0)
    assert low.judge(pd.DataFrame()).verdict == "fails"


def test_claims_that_are_true_by_construction_are_sanity_checks():
    checks = {
        claim.says: study.verdicts
        for study in studies().values()
        for claim in study.claims
        if claim.sanity
    }
    assert len(checks) == 6
    one = Claim("It is so.", "", given([0.1, 0.2]), sanity=True)
    study = Study("", "", lambda quick: (), (one,), {})
    assert study.verdicts(pd.DataFrame())["claim"].tolist() == ["Sanity check: It is so."]


def test_the_optimal_firm_is_the_one_that_knows_the_law():
    """The promise to an optimal firm is tested on the Bayes rule of the law."""
    from bench.experiment.run import run_trials

    study = load("algorithmic-collective-action")
    trials = [
        trial
        for trial in study.grid("").trials()
        if trial.seed < 8 and "BayesOptimal" in repr(trial.learner)
    ]
    records = pd.DataFrame(run_trials(trials))
    records["bound_exact"] = [bounds.get("exact", np.nan) for bounds in records["bounds"]]
    optimal = [claim for claim in study.claims if "optimal for the law" in claim.says]
    assert len(optimal) == 3
    for claim in optimal:
        assert claim.judge(records).verdict == "holds"
    assert (records["success"] - records["bound_exact"]).min() > -0.02


def test_slack_counts_where_something_was_promised():
    table = curve(lambda a, s: a, bound_exact=lambda a: a / 2 if a > 0.05 else np.nan)
    assert slack("exact")(table).tolist() == pytest.approx([0.125, 0.125])
    assert slack("exact", least=True)(table).tolist() == pytest.approx([0.05, 0.05])
    assert not len(slack("sample")(table))


def test_differences_are_paired_by_seed():
    both = pd.concat(
        [curve(lambda a, s: 0.5 + s / 10, "ERM()"), curve(lambda a, s: 0.4 + s / 10, "JTT()")]
    )
    gap = success(0.1, learner="ERM") - success(0.1, learner="JTT")
    assert gap(both).tolist() == pytest.approx([0.1, 0.1])
    assert set(KEY) <= set(both.columns)


def test_each_pair_of_collectives_differs_from_the_others():
    """A spec that leaves the signal open would mean pairs with another signal, too."""
    (part,) = load("two-collectives").grid("pairs", quick=True).parts
    for spec in PAIRS.values():
        assert sum(matches(text, spec) for text in part.strategies) == 1
