"""Counts of a run from texts: those of the plan of its trials."""

import json
from dataclasses import asdict

import pytest

from bench.execution.run_status import Panel, count, describe, is_current
from bench.execution.sweep import Todo, plan
from bench.records.code_version import code_version
from bench.records.lines import Have
from bench.spec.grid import Grid, Part
from bench.spec.shard import Shard

COINS = "Coins(n=100)", "Coins(n=200)"
PARTS = (
    Part(COINS, ("KNN", "LDA"), ("FeatureLabel", "Idle"), sizes=(0.1, "3 people"), seeds=2),
    # Shares trials with the first part, and has seeds and ways of its own.
    Part(COINS[:1], ("LDA", "EmpiricalBayes"), seeds=2, first_seed=1, groups=("given", "own")),
)
GRID = Grid("g", PARTS).written_out()


@pytest.fixture(scope="module")
def panels():
    tables = describe([asdict(part) for part in GRID.parts], "here")["panels"]
    # As after a round through a file.
    return [Panel.read(table) for table in json.loads(json.dumps(tables))]


@pytest.mark.parametrize("shard", [None, Shard(1, 3), Shard(3, 3)], ids=str)
def test_counts_are_those_of_the_plan(panels, shard):
    have = {}
    for i, trial in enumerate(GRID.trials()):
        code = code_version(trial)
        kinds = [None, Have(True, code), Have(False, code), Have(True, "1.2.3"), Have(True, None)]
        if kinds[i % 5] is not None:
            have[trial.key] = kinds[i % 5]
    expected = plan(GRID.trials(shard), Todo(have)).learners
    found = count(panels, have, shard)
    assert {l: +c for l, c in found.items()} == {l: +c for l, c in expected.items()}
    if shard is None:
        assert list(found) == list(expected)
        assert all(c["stale"] and c["left"] for c in found.values())


def test_keys_and_versions_are_those_of_trials(panels):
    found = dict(pair for panel in panels for pair in panel.trials())
    assert found == {trial.key: code_version(trial) for trial in GRID.trials()}


def test_a_file_that_changes_ends_a_description(tmp_path):
    path = tmp_path / "data.csv"
    assert not is_current({"files": {str(path): None}})
    path.write_text("one")
    status = path.stat()
    described = {"files": {str(path): [status.st_size, status.st_mtime_ns]}}
    assert is_current(described)
    path.write_text("another")
    assert not is_current(described)


def test_files_that_are_missing_are_looked_for_again(tmp_path, monkeypatch):
    monkeypatch.setenv("COLLECTIVE_BENCH_DATA", str(tmp_path))
    part = {"datasets": ["Compas(n=100, n_test=100)"], "learners": ["KNN"], "sizes": [0.1]}
    assert not is_current(describe([part], "here"))
