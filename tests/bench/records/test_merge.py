"""Merging of shards, of grids, and of runs that disagree."""

import dataclasses
import json

import pytest

from bench.core.errors import BenchError
from bench.execution.sweep import sweep
from bench.records.merge import environments, merge
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.shard import Shard
from tests.helpers.records import sorted_lasting, stored_record, write_run
from tests.helpers.trials import COINS


def test_shards_make_the_whole_when_they_are_merged(tmp_path):
    grid = Grid("g", (Part((repr(COINS),), ("KNN", "EmpiricalBayes"), sizes=(0.1,), seeds=6),))
    with Store(tmp_path / "whole") as whole:
        sweep(grid.trials(), whole)
    folders = []
    for number in (1, 2, 3):
        folders.append(tmp_path / str(number))
        with Store(folders[-1]) as store:
            sweep(grid.trials(Shard(number, 3)), store)
        assert 0 < len(list(store.records())) < 24
    merged = merge(folders, tmp_path / "merged")
    assert (merged.records, merged.twice, merged.alarms) == (24, 0, [])
    together = list(Store(tmp_path / "merged").records())
    assert sorted_lasting(together) == sorted_lasting(whole.records())
    with pytest.raises(BenchError, match="has records already"):
        merge(folders, tmp_path / "merged")


def test_parts_of_two_grids_make_a_larger_one(tmp_path):
    parts = [
        Grid("g", (Part((repr(COINS),), (learner,), ("Idle",), (0.1,), seeds),)).written_out()
        for learner, seeds in (("KNN", 3), ("QDA", 2))
    ]
    described = [
        json.loads(json.dumps([dataclasses.asdict(part) for part in grid.parts])) for grid in parts
    ]
    folders = [
        write_run(
            tmp_path / str(i),
            [stored_record(i)],
            parts=one,
            trials=grid.count(),
            plugins=["/shared.py", f"/{i}.py"],
        )
        for i, (one, grid) in enumerate(zip(described, parts, strict=True))
    ]
    merge(folders, tmp_path / "both")
    about = json.loads((tmp_path / "both" / "about.json").read_text())
    assert (about["trials"], len(about["parts"])) == (10, 2)  # with the control
    assert about["plugins"] == ["/shared.py", "/0.py", "/1.py"]


def test_two_good_records_that_differ_raise_an_alarm(tmp_path):
    one = write_run(
        tmp_path / "one",
        [stored_record(0), stored_record(1, environment="ea"), stored_record(2, status="failed")],
        environments={"ea": [{"processor": "A", "python": "3.11"}]},
    )
    two = write_run(
        tmp_path / "two",
        [
            stored_record(0, seconds=9.0),
            stored_record(1, success=0.75, environment="eb"),
            stored_record(2),
            stored_record(1, code="b"),
        ],
        environments={"eb": [{"processor": "B", "python": "3.11"}]},
    )
    merged = merge([one, two], tmp_path / "out")
    assert (merged.records, merged.twice) == (5, 2)
    (alarm,) = merged.alarms
    assert alarm.key.seed == 1
    assert alarm.values == {"success": (0.5, 0.75)}
    assert environments(alarm) == {"processor": ("A", "B")}
    kept = {
        r["seed"]: (r["success"], r["status"], r["code"])
        for r in Store(tmp_path / "out").records()
    }
    assert kept == {0: (0.5, "ok", "a"), 1: (0.5, "ok", "b"), 2: (0.5, "ok", "a")}
