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
from results.studies.base import Claim, Study, load, ruling, studies
from results.studies.measures import (
    Measure,
    area,
    cell,
    climbs_in_steps,
    explained,
    explained_by_jittered_size,
    mass,
    matches,
    pick,
    slack,
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
    open_ended = Claim("", "", given([5.0]), scale="decades").judge(nothing)
    assert (open_ended.verdict, open_ended.interval) == ("undecided", "none")


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
        ("share", 1.0, (0.9, inf), 3),
        ("share", 0.0, (-inf, 0.25), 2),
        ("difference", 0.0, (-0.02, inf), 7),
        ("decades", 5.0, (4.9, inf), 4),
        ("difference", 0.0, (0.0, inf), inf),
    ],
)
def test_where_all_seeds_agree_more_of_them_would_decide(scale, value, region, needed):
    def judged(seeds):
        claim = Claim("", "", given([value] * seeds), region=region, scale=scale)
        return claim.judge(pd.DataFrame())

    if needed == inf:
        assert (judged(10).verdict, judged(10).needed) == ("undecided", inf)
        return
    assert judged(needed).verdict == "holds"
    if needed > 2:
        few = judged(needed - 1)
        assert (few.verdict, few.needed) == ("undecided", needed)


@pytest.mark.parametrize(
    ("scale", "value", "region"),
    [("share", 1.0, (0.9, inf)), ("difference", 0.5, (0.0, inf)), ("decades", 5.0, (0.0, inf))],
)
def test_seeds_that_agree_and_seeds_that_nearly_do_have_one_verdict(scale, value, region):
    alike = np.full(10, value)
    near = alike - 0.001 * (np.arange(10) == 0)
    one, two = (
        Claim("", "", given(v), region=region, scale=scale).judge(pd.DataFrame())
        for v in (alike, near)
    )
    assert (one.verdict, one.interval) == (two.verdict, "agree") == ("holds", "agree")
    assert two.low == pytest.approx(one.low, abs=0.002)


@pytest.mark.slow
def test_claims_on_the_border_are_rarely_decided():
    rng = np.random.default_rng(0)
    words = [
        Claim("", "", given(rng.normal(0, 0.1, 8)), scale="decades").judge(pd.DataFrame()).verdict
        for _ in range(4000)
    ]
    # 95 % intervals miss the true mean, 0, on either side once in twenty times, and a prior of the
    # same spread widens them.
    assert np.mean([word != "undecided" for word in words]) <= 0.05 + 0.011


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
    "measure", [explained("size"), explained_by_jittered_size(), climbs_in_steps()]
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


def test_jittered_sizes_explain_more_than_sizes_and_effective_sizes_have_to_beat_them():
    """Learners of unlike success whose effective size is their size, but for noise."""
    rng = np.random.default_rng(0)
    sizes = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
    pieces = []
    for k in range(8):
        shift = rng.normal(0, 0.3)
        piece = curve(lambda a, s, c=shift: a ** (0.5 + c), f"L(k={k})", seeds=20, sizes=sizes)
        noise = np.exp(rng.normal(0, 0.05, len(piece)))
        pieces.append(piece.assign(effective_size=piece["size"] * noise))
    table = pd.concat(pieces)
    null = explained_by_jittered_size()(table)
    gain = explained("effective_size")(table) - explained("size")(table)
    calibrated = explained("effective_size")(table) - null
    assert stats.ttest_1samp(gain, 0, alternative="greater").pvalue < 0.001
    assert stats.ttest_1samp(calibrated, 0).pvalue > 0.01
    # Where effective size is the cause, it explains more than the null.
    cause = table.assign(success=table["effective_size"] ** 0.5)
    cause["effective_size"] = table["success"] ** 2
    cause["success"] = table["success"]
    assert (explained("effective_size")(cause) - explained_by_jittered_size()(cause) > 0.05).all()


def test_claims_that_are_true_by_construction_are_sanity_checks():
    checks = {
        claim.says: study.verdicts
        for study in studies().values()
        for claim in study.claims
        if claim.sanity
    }
    assert len(checks) == 2
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


def test_each_pair_of_collectives_is_told_from_the_others():
    """A spec that leaves the signal open would mean pairs with another signal, too."""
    (part,) = load("two-collectives").grid("pairs", quick=True).parts
    for spec in PAIRS.values():
        assert sum(matches(text, spec) for text in part.strategies) == 1
