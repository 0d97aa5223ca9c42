"""Environments of records: digests in records, their descriptions in about.json, mixtures."""

import json
from io import StringIO

import pandas as pd
import pytest

from bench.core import environment as core
from bench.execution.backends import run_chunks
from bench.execution.guard import failed_record
from bench.execution.sweep import Todo, plan, sweep
from bench.experiment.run import run_trials
from bench.records import manifest, published
from bench.records.merge import environments, lasting, merge
from bench.records.store import Store
from tests.helpers.command_line import tiny
from tests.helpers.trials import Faulty, trial

HERE = core.digest(core.environment())


@pytest.fixture
def upgraded(monkeypatch):
    """Another version of torch; trials of this process run with it."""
    here = core.environment()
    there = here | {"packages": here["packages"] | {"torch": "99.0"}, "cores": 3}
    monkeypatch.setattr("bench.experiment.run.environment", lambda: there)
    return core.digest(there)


def run(folder, *seeds):
    with Store(folder) as store:
        sweep([trial(seed=seed) for seed in seeds], store)
    return folder


def by_seed(folder):
    return {record["seed"]: record["environment"] for record in Store(folder).records()}


@pytest.mark.parametrize("package", core.NUMERICAL)
def test_a_digest_is_of_what_changes_numbers(package):
    here = core.environment()
    assert core.digest(json.loads(json.dumps(here))) == HERE
    assert core.digest(here | {"cores": 1, "system": "another kernel"}) == HERE
    others = {"python": "2.7", "processor": "abacus", "device": "cuda", "accelerator": "GPU"}
    others["packages"] = here["packages"] | {package: "0.1"}
    digests = {core.digest(here | {name: value}) for name, value in others.items()}
    assert len(digests - {HERE}) == len(others)


def test_a_record_keeps_its_environment_after_an_upgrade(tmp_path, request):
    run(tmp_path, 0, 1)
    upgraded = request.getfixturevalue("upgraded")
    run(tmp_path, 2)
    assert by_seed(tmp_path) == {0: HERE, 1: HERE, 2: upgraded}
    described = manifest.read(tmp_path)["environments"]
    assert [described[d][0]["packages"]["torch"] for d in (HERE, upgraded)] == [
        core.package_version("torch"),
        "99.0",
    ]
    assert {"commit", "processor", "python"} <= set(described[upgraded][0])
    assert Store(tmp_path).environments() == {HERE: 2, upgraded: 1}
    trials = [trial(seed=seed) for seed in range(3)]
    todo = Todo(Store(tmp_path).have(), rerun_stale=True)
    assert plan(trials, todo)["left"] == plan(trials, todo)["stale"] == 0


def test_the_environment_is_that_of_the_worker(tmp_path, upgraded):
    """Records of another process are of its environment, not of the one that stores them."""
    with Store(tmp_path) as store:
        sweep([trial(seed=0)], store, run=lambda chunks: run_chunks(chunks, jobs=1))
        sweep([trial(seed=1)], store)
    assert by_seed(tmp_path) == {0: HERE, 1: upgraded}


def test_failed_records_have_their_environment(tmp_path):
    with Store(tmp_path) as store:
        store.commit(run_trials([trial(learner=Faulty(), size=0.9)]))
        store.commit([failed_record(trial(seed=1).key, "TimeLimit: 1 second")])
    assert by_seed(tmp_path) == {0: HERE, 1: HERE}


def test_descriptions_are_added_and_never_removed(tmp_path):
    one, two = {"commit": "a"}, {"commit": "b"}
    manifest.write(tmp_path, {"grid": "g", "environments": {"d": [one]}})
    manifest.write(tmp_path, {"grid": "h", "environments": {"d": [one, two], "e": [one]}})
    manifest.write(tmp_path, {"grid": "i"})
    assert manifest.read(tmp_path) == {"grid": "i", "environments": {"d": [one, two], "e": [one]}}


def test_merged_runs_keep_their_environments(tmp_path, request):
    one = run(tmp_path / "one", 0)
    upgraded = request.getfixturevalue("upgraded")
    two = run(tmp_path / "two", 1)
    merged = merge([one, two], tmp_path / "both")
    assert (merged.records, merged.alarms) == (2, [])
    assert by_seed(tmp_path / "both") == {0: HERE, 1: upgraded}
    assert set(manifest.read(tmp_path / "both")["environments"]) == {HERE, upgraded}


def test_an_environment_alone_is_no_difference_but_explains_one(tmp_path, request):
    one = run(tmp_path / "one", 0, 1)
    request.getfixturevalue("upgraded")
    two = run(tmp_path / "two", 0)
    assert [lasting(r) for r in Store(two).records()] == [
        lasting(r) for r in Store(one).records() if r["seed"] == 0
    ]
    with Store(two) as store:
        (record,) = run_trials([trial(seed=1)])
        (first,) = (r for r in Store(one).records() if r["seed"] == 1)
        store.commit([record | {"code": first["code"], "accuracy": 0.123}])
    (alarm,) = merge([one, two], tmp_path / "both").alarms
    assert alarm.key.seed == 1
    differences = environments(alarm)
    assert set(differences) == {"torch", "cores"}
    assert differences["torch"] == (core.package_version("torch"), "99.0")


def test_records_without_an_environment_are_counted(tmp_path):
    run(tmp_path, 0)
    with Store(tmp_path) as store:
        (old,) = store.records()
        store.commit([old | {"seed": 1, "environment": None}, old | {"seed": 2}])
    text = manifest.mixture(
        Store(tmp_path).environments(), manifest.read(tmp_path)["environments"]
    )
    assert text == f"2 environments: 2 records of {HERE}, 1 of an unknown environment"
    counts = Store(tmp_path).frame()["environment"].value_counts(dropna=False).to_dict()
    assert manifest.mixture(counts, {}) == text


def test_status_publish_and_report_name_mixtures(no_figures, bench, ran, request):
    assert "environments" not in bench("status", "quick").line
    upgraded = request.getfixturevalue("upgraded")
    assert bench(*tiny(seeds="4")).code == 0
    torch = core.package_version("torch")
    mixed = (
        f"2 environments: 18 records of {HERE} (cores {core.environment()['cores']}, "
        f"torch {torch}), 6 of {upgraded} (cores 3, torch 99.0)"
    )
    said = bench("status", "quick", "--format", "csv")
    assert f"the records are of {mixed}" in said.line
    assert pd.read_csv(StringIO(said.out))["stale"].tolist() == [0, 0]
    said = bench("publish", "quick", "--out", "tiny.parquet")
    assert f"the records are of {mixed}" in said.line
    rows, about = published.read("tiny.parquet")
    assert rows["environment"].value_counts().to_dict() == {HERE: 18, upgraded: 6}
    assert set(about["environments"]) == {HERE, upgraded}
    assert published.elsewhere(about) == {}
    board = bench("leaderboard", "tiny.parquet", "--format", "md").out
    assert f"torch {torch} and 99.0" in board or f"torch 99.0 and {torch}" in board
    bench("report", "quick")
    assert mixed in " ".join((ran / "report.html").read_text().split())


def test_published_environments_are_compared_with_this_one():
    there = core.environment() | {"processor": "abacus", "packages": {"torch": "0.1"}}
    about = {"environments": {"a": [there], "b": [there | {"processor": "slide rule"}]}}
    assert published.elsewhere(about) == {
        "processor": ("abacus, slide rule", core.environment()["processor"]),
        "torch": ("0.1", core.package_version("torch")),
    }
