"""Runs in two stages on the command line: tuning, then the grid."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

import algorithms.knn
from bench.records.store import Store
from tests.helpers.command_line import tiny

SMALL = {"sizes": "0, 2 people,0.1", "seeds": "1", "learners": "KNN,EmpiricalBayes"}
KNN = repr(algorithms.knn.KNN())


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder for the first run of ``tuned``, and what the program answered."""
    return tmp_path_factory.mktemp("tuned") / "runs", []


@pytest.fixture
def tuned(bench, no_figures, kept):
    """Run a tiny grid with three settings of KNN; once, and each test has a copy."""
    folder, answers = kept
    if not answers:
        answers.append(bench(*tiny(**SMALL), "--tune", "3"))
        assert answers[0].code == 0, answers[0]
        shutil.copytree("runs", folder)
    else:
        shutil.copytree(folder, "runs")
    return answers[0]


def test_the_chosen_setting_is_run_under_the_name_of_the_learner(tuned, bench):
    assert "18 trials, 18 to run on 1 process, into runs/quick/tuning" in tuned.line
    assert "6 trials, 6 to run on 1 process, into runs/quick" in tuned.line
    assert "tuned 1 of 2 pairs of a dataset and a learner" in tuned.line
    choices = pd.read_csv("runs/quick/choices.csv")
    assert choices["rule"].value_counts().to_dict() == {"accuracy": 2, "worst_group": 2}
    knn = choices[(choices["rule"] == "accuracy") & (choices["learner"] == KNN)]
    trials = Store(Path("runs/quick/tuning")).frame()
    means = trials.groupby("learner")["firm_accuracy"].mean()
    best = means[means > means.max() - 1e-9].index
    assert knn["setting"].item() in set(best)
    assert knn["firm_accuracy"].item() == pytest.approx(means.max())
    assert knn["tied"].item() == len(best)
    raw = Store(Path("runs/quick")).frame()
    assert set(raw["learner"]) == {knn["setting"].item(), "EmpiricalBayes()"}
    assert raw["members"].tolist() == [0, 2, 20] * 2
    shown = pd.read_csv("runs/quick/curves.csv")
    assert set(shown["learner"]) == {KNN, "EmpiricalBayes()"}
    about = json.loads(Path("runs/quick/about.json").read_text())
    assert (about["tune"], about["tune_by"], about["trials"]) == (3, "accuracy", 6)
    table = bench("choices", "quick")
    assert "KNN" in table.out


def test_the_same_command_repeats_nothing_and_a_forecast_counts_both_stages(tuned, bench):
    again = bench(*tiny(**SMALL), "--tune", "3")
    assert "18 trials, 0 to run" in again.line
    assert "6 trials, 0 to run" in again.line
    forecast = bench(*tiny(**SMALL), "--tune", "4", "--dry-run")
    assert "first the tuning trials: 24 trials, 18 done" in forecast.line
    assert "core-hours for 6 of them" in forecast.line
    assert "6 trials, 6 done" in forecast.line


def test_without_tuning_learners_stand_for_themselves_again(tuned, bench):
    said = bench(*tiny(**SMALL))
    assert "tuning" not in said.err
    assert not Path("runs/quick/settings.csv").exists()
    assert set(pd.read_csv("runs/quick/curves.csv")["learner"]) == {
        KNN,
        "EmpiricalBayes()",
    }


def test_shares_tune_what_they_run_and_are_merged(bench, no_figures):
    several = SMALL | {"learners": "KNN,LDA,LogisticRegression,EmpiricalBayes"}
    for number in (1, 2, 3):
        assert bench(*tiny(**several), "--tune", "2", "--shard", f"{number}/3").code == 0
    runs = [path.parent.name for path in Path("runs").glob("*/records.jsonl")]
    said = bench("merge", *runs, "--out", "runs/whole")
    assert "12 records in runs/whole; 0 were there twice" in said.line
    assert bench("status", "whole").err == ""
    again = bench(*tiny(**several), "--tune", "2", "--out", "runs/whole")
    assert "36 trials, 0 to run" in again.line
    assert "12 trials, 0 to run" in again.line


def test_a_sitting_goes_on_from_published_records(tuned, bench):
    said = bench("publish", "quick", "--out", "kept/tiny.parquet")
    assert "wrote the records of 18 tuning trials to kept/tiny-tuning.parquet" in said.line
    more = SMALL | {"seeds": "2"}
    words = [*tiny(**more), "--tune", "3", "--from", "kept/tiny.parquet", "--out", "runs/next"]
    assert "6 trials, 6 done" not in bench(*words, "--dry-run").line
    assert "12 trials, 6 done" in bench(*words, "--dry-run").line
    assert not Path("runs/next").exists()
    said = bench(*words)
    assert "18 published records were put into runs/next/tuning" in said.line
    assert "18 trials, 0 to run" in said.line
    assert "12 trials, 6 to run" in said.line
    assert Path("runs/next/choices.csv").read_text() == Path("runs/quick/choices.csv").read_text()


def test_an_unfinished_run_is_published_when_asked(tuned, bench):
    about = json.loads(Path("runs/quick/about.json").read_text())
    about["parts"] = [part | {"seeds": 2} for part in about["parts"]]
    Path("runs/quick/about.json").write_text(json.dumps(about))
    said = bench("publish", "quick", "--out", "part.parquet")
    assert "6 of 12 trials" in said.line
    assert "add --unfinished" in said.line
    said = bench("publish", "quick", "--out", "part.parquet", "--unfinished")
    assert "wrote 6 records" in said.line


def test_networks_and_wrappers_of_a_part_keep_the_names(bench, no_figures):
    Path("mine.toml").write_text(
        'datasets = ["Coins(n=100, n_test=50)"]\nlearners = ["PartitionEnsemble(base=KNN(1))"]\n'
        'sizes = [0.1]\nseeds = 1\n[[part]]\nwrapper = "Ensemble(members=2)"\n'
    )
    said = bench("run", "mine.toml", "--jobs", "0")
    assert said.code == 0, said
    spec = Store(Path("runs/mine")).frame()["learner"].unique().tolist()
    assert len(spec) == 1
    assert spec[0].startswith("Ensemble(base=PartitionEnsemble(")
    shown = pd.read_csv("runs/mine/curves.csv")["learner"].unique().tolist()
    assert shown[0].startswith("PartitionEnsemble(")
    Path("bad.toml").write_text(
        'datasets = ["Coins"]\nlearners = ["KNN"]\n[[part]]\nwrapper = "KNN"\n'
    )
    assert "the wrapper KNN has no field base" in bench("run", "bad.toml").line
    Path("odd.toml").write_text('datasets = ["Coins"]\nlearners = ["KNN"]\ntune = -1\n')
    assert "tune=-1 is not a number of settings" in bench("run", "odd.toml").line
