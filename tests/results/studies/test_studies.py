"""Studies: claims hold by their seeds, and each claim finds its records."""

import json
import pkgutil
from itertools import takewhile
from math import inf

import numpy as np
import pandas as pd
import pytest
from matplotlib import rc_context
from statsmodels.stats.power import TTestPower

import results.studies
from bench.records.fields import AVERAGED
from bench.spec.grid import Grid, Part
from results.report.outputs import MANIFEST, differing
from results.stats.analysis import Analysis
from results.stats.frames import without_attributes
from results.studies import action_at_test_time, detection
from results.studies.base import Claim, load, studies, whole_claims
from results.studies.claims import ruling
from results.studies.measures import (
    Measure,
)
from results.studies.outputs import study_of, write, write_study_figures

#: The measures of density models that claims and figures read.
DENSITY_MEASURES = (
    *("coverage", "precision", "recall", "frechet", "classes", "class_kl", "gap", "copies"),
    *("detour", "jump", "effective", "above", "mass", "covered"),
    *(f"{name}_at_1" for name in ("coverage", "precision", "recall", "frechet", "seconds")),
)


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


def test_a_claim_is_judged_without_missing_seeds():
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
def test_agreeing_and_nearly_agreeing_seeds_have_one_verdict(scale, value, region):
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
    plain = {
        "base",
        "claims",
        "drawings",
        "evidence",
        "explained_variance",
        "gate",
        "measures",
        "outputs",
        "page",
        "published",
    }
    modules = {m.name for m in pkgutil.iter_modules(results.studies.__path__)} - plain
    assert {name.replace("_", "-") for name in modules} == set(studies())
    with pytest.raises(Exception, match="Did you mean 'private-learning'"):
        load("private-lerning")


def planned(study, quick):
    """The trials of a study, seed by seed: those of its grid, or its measurements."""
    if study.measurements is not None:
        return sorted(study.measurements(quick), key=lambda trial: trial.key.seed)
    return study.grid("", quick).trials()


def first_seeds(study, quick):
    """The trials of the first two seeds of a study. Trials come seed by seed."""
    return takewhile(lambda trial: trial.key.seed <= 1, planned(study, quick))


def made_up(study, quick=True):
    """Made-up records of a study's trials, two seeds, with the attributes of a store's."""
    rng = np.random.default_rng(0)
    rows = []
    for trial in first_seeds(study, quick):
        key = trial.key
        parts = {name: getattr(trial, name, None) for name in ("dataset", "learner")}
        n = getattr(parts["dataset"], "n", 1000)
        reach = rng.uniform(0.01, 0.2)
        far = float(key.size / (key.size + reach))
        traced = getattr(parts["learner"], "trace", 0)
        epochs = getattr(parts["learner"], "epochs", 0) if traced else 0
        path = {"success": [far * e / epochs for e in range(1, epochs + 1)]} if epochs else None
        rows.append(
            {
                **key._asdict(),
                "status": "ok",
                "error": None,
                "members": 1,
                "n": n,
                "tested": 100,
                "success": far,
                "success_others": far,
                "accuracy": 0.9,
                "worst_group": 0.8,
                "effective_size": key.size * rng.uniform(0.5, 2),
                "epochs": path,
                "bound_exact": far / 2,
                "bound_sample": far / 3,
                "bound_plugin": far / 2,
                "measure_success_0": far,
                "measure_success_1": far,
                "measure_odds_gap": 1 - far,
                "measure_error": 0.1 + far / 10,
                **{
                    f"measure_{name}_round_{t}": far / t
                    for name in ("success", "success_others", "accuracy")
                    for t in range(1, 13)
                },
                "measure_own_accuracy": 0.9 - far / 10,
                "measure_own_accuracy_before": 0.9,
                "measure_intact": 1.0,
                "measure_randomised_simple": 0.5 + far / 10,
                "measure_randomised_complex": 1 - far / 10,
                "measure_trained": key.size / 20,
                "measure_proportional": key.size / 2,
                "measure_amplification": far / key.size if key.size else np.nan,
                "report_epsilon": rng.uniform(0, 0.5)
                if "LED" in key.learner or "Generative" in key.learner
                else 1 / (getattr(getattr(trial, "learner", None), "noise", 0) or np.nan),
                "report_attack_area": 0.5 + far / 4,
                **dict.fromkeys((*action_at_test_time.COLUMNS, *detection.COLUMNS), far),
                **{f"measure_{name}": rng.uniform() for name in DENSITY_MEASURES},
            }
        )
    records = pd.DataFrame(rows)
    records.attrs["averaged"] = AVERAGED
    return records


def first_panel(records):
    """The analysis of one dataset and strategy: that of all takes long, for the same macros."""
    first = records.iloc[0]
    return Analysis(
        records[(records[["dataset", "strategy"]] == first[["dataset", "strategy"]]).all(axis=1)]
    )


def drawn_once(figure, stem, endings):
    """A figure in one format, without finding places for its panels: that it can be drawn."""
    figure.set_layout_engine(None)
    path = stem.with_suffix(".svg")
    # Text is written as text, which is faster than its outlines.
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(path)
    return [path]


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_claim_finds_the_records_that_it_is_about(name):
    study = load(name)
    verdicts = study.verdicts(made_up(study))
    assert len(whole_claims(verdicts)) == len(study.claims) > 0
    judged = verdicts[verdicts["verdict"] != "left out"]
    assert (judged["seeds"] == 2).all(), judged[judged["seeds"] != 2]["claim"].tolist()
    assert judged["effect"].notna().all()
    grounds = judged[["data", "n", "kind", "learner", "settings", "accuracy_less_erm"]]
    assert (grounds != "").all(axis=None), grounds
    if study.measurements is None:
        assert study_of(study.grid("any", quick=True)) is study


@pytest.mark.integration
@pytest.mark.parametrize("name", sorted(studies()))
def test_every_figure_of_a_study_is_drawn(name, tmp_path, monkeypatch):
    monkeypatch.setattr("results.report.outputs.save", drawn_once)
    monkeypatch.setattr("results.studies.outputs.Analysis", first_panel)
    study = load(name)
    records = made_up(study)
    paths = write(study, records, study.verdicts(records), tmp_path)
    drawn = {p.stem for p in paths if p.suffix == ".svg"}
    assert drawn == {"verdicts", *study.figures}
    assert all(p.stat().st_size for p in paths)
    folder = tmp_path / "figures"
    # Formulas are not parsed in figures.
    assert not [p for p in folder.glob("*.svg") if "mathdefault" in p.read_text(encoding="utf-8")]
    for path in folder.glob("*.csv"):
        assert len(pd.read_csv(path)), path
        assert path.with_name(f"{path.stem}_caption.tex").is_file()
    numbers = (folder / "numbers.tex").read_text()
    assert [numbers.count(rf"cb:claim{i}\endcsname") for i in range(1, 1 + len(study.claims))] == [
        1 for _ in study.claims
    ]
    told = json.loads((folder / MANIFEST).read_text())
    assert set(told) == {path.name for path in folder.iterdir()} - {MANIFEST}


@pytest.mark.parametrize("name", sorted(studies()))
def test_every_claim_of_the_whole_study_finds_its_records(name):
    study = load(name)
    whole, quick = ({t.key for t in first_seeds(study, quick)} for quick in (False, True))
    if whole == quick:
        # The records that would be made up are those of the test above.
        return
    # The test above has single data sets and evidence; the claims of both versions are the same.
    records = without_attributes(made_up(study, quick=False))
    judged = {claim.says: claim.judge(records) for claim in study.claims}
    assert len(judged) == len(study.claims)
    counted = {s: v.seeds for s, v in judged.items() if v.verdict != "left out"}
    assert counted == dict.fromkeys(counted, 2)


@pytest.mark.parametrize("name", sorted(studies()))
def test_the_whole_study_has_more_seeds_than_the_quick_one(name):
    study = load(name)
    assert last_seed(study, False) > last_seed(study, True) >= 2


def last_seed(study, quick):
    """The last seed of a study."""
    if study.measurements is not None:
        return max(trial.key.seed for trial in planned(study, quick))
    return max(part.first_seed + part.seeds - 1 for part in study.parts(quick))


def test_the_figures_of_a_study_are_drawn_again_and_compared(no_layout, tmp_path):
    study = load("simplicity-bias")
    records = made_up(study)
    verdicts = study.verdicts(records)
    for name in ("one", "other"):
        write_study_figures(study, records, verdicts, tmp_path / name, only="verdicts")
    assert differing(tmp_path / "one", tmp_path / "other") == []
    verdicts.loc[0, "effect"] += 0.1
    write_study_figures(study, records, verdicts, tmp_path / "other", only="verdicts")
    assert "verdicts.csv" in differing(tmp_path / "one", tmp_path / "other")
    with pytest.raises(ValueError, match=r"no figure 'verdict'. Did you mean 'verdicts'\?"):
        write_study_figures(study, records, verdicts, tmp_path, only="verdict")


def test_a_grid_of_no_study_has_none():
    part = Part(("Coins",), ("ERM",), ("FeatureLabel",), (0.0, 0.1), 2)
    assert study_of(Grid("mine", (part,)).written_out()) is None
