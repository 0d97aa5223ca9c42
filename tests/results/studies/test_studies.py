"""Studies: when a claim holds, that each finds its records, and what is measured."""

import pkgutil
from math import inf

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

import results.studies
from bench.core.errors import BenchError
from results.stats.frames import KEY
from results.stats.intervals import bounded
from results.studies.base import Claim, load, ruling, studies
from results.studies.measures import (
    Measure,
    area,
    cell,
    explained,
    mass,
    matches,
    pick,
    slack,
    steepest,
    success,
)
from results.studies.outputs import write
from results.studies.two_collectives import PAIRS

SIZES = (0.0, 0.01, 0.1, 0.4)


def given(values):
    return Measure(lambda records: pd.Series(dict(enumerate(values))))


@pytest.mark.parametrize(
    ("interval", "region", "word"),
    [
        ((0.1, 0.3), (0.0, inf), "holds"),
        ((-0.3, -0.1), (0.0, inf), "fails"),
        ((-0.1, 0.1), (0.0, inf), "undecided"),
        ((0.0, 0.1), (0.0, inf), "undecided"),
        ((-0.3, 0.0), (0.0, inf), "fails"),
        ((-0.05, 0.05), (-0.1, 0.1), "holds"),
        ((0.05, 0.15), (-0.1, 0.1), "undecided"),
        ((0.2, 0.3), (-0.1, 0.1), "fails"),
        ((np.nan, np.nan), (0.0, inf), "undecided"),
    ],
)
def test_an_interval_rules_by_where_it_lies(interval, region, word):
    assert ruling(interval, region) == word


def test_a_claim_is_judged_by_its_seeds_and_not_by_those_that_are_missing():
    nothing = pd.DataFrame()
    rng = np.random.default_rng(0)
    for centre, word in ((0.3, "holds"), (-0.3, "fails"), (0.0, "undecided")):
        values = centre + rng.normal(0, 0.05, 10)
        found = Claim("", "", given([*values, np.nan])).judge(nothing)
        assert (found.verdict, found.seeds) == (word, 10)
        assert found.effect == pytest.approx(values.mean())
        assert found.low < found.effect < found.high
    alone = Claim("", "", given([0.9])).judge(nothing)
    assert (alone.verdict, alone.seeds) == ("undecided", 1)
    assert Claim("", "", given([])).judge(nothing).verdict == "undecided"
    agreed = Claim("", "", given([5.0, 5.0, 5.0]), scale="number").judge(nothing)
    assert agreed.verdict == "undecided"


def test_an_undecided_claim_says_how_many_seeds_it_would_take():
    nothing, rng = pd.DataFrame(), np.random.default_rng(0)
    drawn = rng.normal(size=10)
    values = 0.1 + 0.3 * (drawn - drawn.mean()) / drawn.std(ddof=1)
    open_ended = Claim("", "", given(values)).judge(nothing)
    wanted = TTestPower().solve_power(0.1 / 0.3, alpha=0.05, power=0.8)
    assert abs(open_ended.needed - wanted) <= 2
    assert np.isnan(Claim("", "", given(values + 0.9)).judge(nothing).needed)
    assert np.isnan(Claim("", "", given([0.9])).judge(nothing).needed)
    # exactly on the border of what is claimed
    assert Claim("", "", given([-1.0, 1.0])).judge(nothing).needed == inf


@pytest.mark.parametrize(
    ("scale", "value", "region", "needed"),
    [
        ("share", 1.0, (0.9, inf), 35),
        ("share", 0.0, (-inf, 0.25), 12),
        ("difference", 0.0, (-0.02, inf), 189),
        ("number", 5.0, (0.0, inf), inf),
    ],
)
def test_where_all_seeds_agree_more_of_them_would_decide(scale, value, region, needed):
    claim = Claim("", "", given([value] * 10), region=region, scale=scale)
    assert (claim.judge(pd.DataFrame()).verdict, claim.judge(pd.DataFrame()).needed) == (
        "undecided",
        needed,
    )
    if needed < inf:
        for seeds, word in ((needed - 1, "undecided"), (needed, "holds")):
            many = Claim("", "", given([value] * seeds), region=region, scale=scale)
            assert many.judge(pd.DataFrame()).verdict == word


@pytest.mark.slow
@pytest.mark.parametrize("rare", [0.02, 0.05, 0.1, 0.2])
def test_seeds_that_agree_may_hide_a_rare_one_and_test_points_do_not_tell(rare):
    """Each seed is at the goal or, rarely, nowhere, by a thousand test points: what is sure?"""
    rng, agreed = np.random.default_rng(0), 0
    covered = {"seeds": 0, "points": 0}
    for _ in range(2000):
        values = (rng.random(10) > rare).astype(float)
        if np.ptp(values):
            continue
        agreed += 1
        covered["seeds"] += bounded(values).low <= 1 - rare
        points = stats.binomtest(int(values.sum()) * 1000, 10_000).proportion_ci(0.95)
        covered["points"] += points.low <= 1 - rare
    assert agreed > 100
    assert covered["seeds"] == agreed
    assert covered["points"] == 0


@pytest.mark.slow
def test_claims_on_the_border_are_rarely_decided():
    rng = np.random.default_rng(0)
    words = [
        Claim("", "", given(rng.normal(0, 0.1, 8)), scale="number").judge(pd.DataFrame()).verdict
        for _ in range(4000)
    ]
    # 95 % intervals miss the true mean, 0, on either side once in twenty times.
    assert np.mean([word != "undecided" for word in words]) == pytest.approx(0.05, abs=0.011)


def test_every_study_is_found_where_it_is():
    plain = {"base", "drawings", "measures", "outputs"}
    modules = {m.name for m in pkgutil.iter_modules(results.studies.__path__)} - plain
    assert {name.replace("_", "-") for name in modules} == set(studies())
    with pytest.raises(Exception, match="Did you mean 'private-learning'"):
        load("private-lerning")


def made_up(study, quick=True):
    """Records of a study's grid that nobody trained for, two seeds."""
    rng = np.random.default_rng(0)
    rows = []
    for trial in study.grid("", quick).trials():
        if trial.seed > 1:
            break
        n = getattr(trial.dataset, "n", 1000)
        reach = rng.uniform(0.01, 0.2)
        far = float(trial.size / (trial.size + reach))
        epochs = getattr(trial.learner, "epochs", 0) if getattr(trial.learner, "trace", 0) else 0
        path = {"success": [far * e / epochs for e in range(1, epochs + 1)]} if epochs else None
        rows.append(
            {
                **trial.key._asdict(),
                "status": "ok",
                "error": None,
                "members": 1,
                "n": n,
                "success": far,
                "success_others": far,
                "accuracy": 0.9,
                "worst_group": 0.8,
                "effective_size": trial.size * rng.uniform(0.5, 2),
                "epochs": path,
                "bound_exact": far / 2,
                "bound_sample": far / 3,
                "bound_plugin": far / 2,
                "measure_success_0": far,
                "measure_success_1": far,
                "report_epsilon": rng.uniform(0, 0.5)
                if "LED" in repr(trial.learner) or "Generative" in repr(trial.learner)
                else np.nan,
            }
        )
    return pd.DataFrame(rows)


def drawn_once(figure, stem):
    """A figure in one format, without finding places for its panels: that it can be drawn."""
    figure.set_layout_engine("none")
    path = stem.with_suffix(".svg")
    figure.savefig(path)
    return [path]


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_claim_finds_the_records_that_it_is_about(name, tmp_path, monkeypatch):
    monkeypatch.setattr("results.studies.outputs.save", drawn_once)
    study = load(name)
    records = made_up(study)
    verdicts = study.verdicts(records)
    assert len(verdicts) == len(study.claims) > 0
    assert (verdicts["seeds"] == 2).all(), verdicts[verdicts["seeds"] != 2]["claim"].tolist()
    assert verdicts["effect"].notna().all()
    paths = write(study, records, verdicts, tmp_path)
    drawn = {p.stem for p in paths if p.suffix == ".svg"}
    assert drawn == {"verdicts", *study.figures}
    assert all(p.stat().st_size for p in paths)
    for path in (tmp_path / "figures").glob("*.csv"):
        assert len(pd.read_csv(path)), path


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_claim_of_the_whole_study_finds_its_records(name):
    verdicts = load(name).verdicts(made_up(load(name), quick=False))
    assert (verdicts["seeds"] == 2).all(), verdicts[verdicts["seeds"] != 2]["claim"].tolist()


@pytest.mark.parametrize("name", sorted(studies()))
def test_the_whole_study_has_more_seeds_than_the_quick_one(name):
    study = load(name)
    whole, quick = (study.grid("", short).trials() for short in (False, True))
    assert max(t.seed for t in whole) > max(t.seed for t in quick) >= 2


# ---- measures -----------------------------------------------------------------------------


def curve(success, learner="ERM(learning_rate=0.1)", seeds=2, sizes=SIZES, **columns):
    rows = [
        {
            "dataset": "D(n=1)",
            "strategy": "Plant(label=1)",
            "validation": "clean",
            "groups": "given",
            "recruitment": "uniform",
            "learner": learner,
            "size": size,
            "seed": seed,
            "status": "ok",
            "success": success(size, seed),
            "effective_size": size,
            **{name: of(size) for name, of in columns.items()},
        }
        for seed in range(seeds)
        for size in sizes
    ]
    return pd.DataFrame(rows)


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
    [success(0.1), success((0.01, 0.4)), mass(0.5), area(), steepest(1), slack("exact")],
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


@pytest.mark.parametrize("measure", [explained("size"), steepest(1)])
def test_a_seed_at_which_a_trial_failed_has_no_number(measure):
    table = curve(lambda a, s: a**0.3)
    lost = (table["seed"] == 0) & (table["size"] == table["size"].max())
    table.loc[lost, ["success", "effective_size"]] = np.nan
    assert measure(table).isna().tolist() == [True, False]


def test_a_staircase_climbs_in_its_steps():
    stairs = curve(lambda a, s: 0.5 * (a > 0.05) + 0.5 * (a > 0.2))
    assert steepest(2)(stairs).tolist() == [1, 1]
    assert steepest(1)(stairs).tolist() == [0.5, 0.5]


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


def test_each_pair_of_collectives_is_told_from_the_others():
    """A spec that leaves the signal open would mean pairs with another signal, too."""
    (part,) = load("two-collectives").grid("pairs", quick=True).parts
    for spec in PAIRS.values():
        assert sum(matches(text, spec) for text in part.strategies) == 1
