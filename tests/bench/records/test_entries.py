"""Records under the names of learners, and runs that start from published records."""

import numpy as np
import pandas as pd

from algorithms.empirical_bayes import EmpiricalBayes
from algorithms.knn import KNN
from bench.execution.sweep import sweep
from bench.records import published
from bench.records.adoption import adopt, adoptable
from bench.records.entries import by_entry, by_setting, table
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.part import Entry
from tests.helpers.trials import COINS

GRID = Grid("g", (Part((repr(COINS),), ("KNN(3)", "EmpiricalBayes"), sizes=(0.1,), seeds=2),))
KNN3, EB = repr(KNN(3)), repr(EmpiricalBayes())
SETTINGS = table({Entry(repr(COINS), name, "clean"): [KNN3] for name in ("A()", "B()")})


def run(folder, grid=GRID):
    with Store(folder) as store:
        sweep(grid.trials(), store)
    return Store(folder)


def test_a_setting_that_two_learners_share_counts_for_both(tmp_path):
    frame = run(tmp_path).frame()
    named = by_entry(frame, SETTINGS)
    assert named["learner"].tolist() == ["A()"] * 4 + ["B()"] * 4
    assert set(named["setting"]) == {KNN3}
    assert named.attrs["repeated"] == 4
    assert named.attrs["averaged"] == frame.attrs["averaged"]
    once = frame[frame["learner"] == KNN3].reset_index(drop=True)
    for name in ("A()", "B()"):
        part = named[named["learner"] == name].drop(columns="setting").assign(learner=KNN3)
        pd.testing.assert_frame_equal(part.reset_index(drop=True), once, check_like=True)
    pd.testing.assert_frame_equal(by_setting(named), once, check_like=True)
    assert by_entry(frame, None) is frame
    assert by_setting(frame) is frame


def test_a_run_starts_from_published_records_of_the_same_code(tmp_path):
    store = run(tmp_path / "one")
    file = tmp_path / "g.parquet"
    published.write(by_entry(store.frame(), SETTINGS), {"environments": {"e": [{}]}}, file)
    rows, about = published.read(str(file))
    rows.loc[(rows["seed"] == 1) & (rows["size"] > 0), "code"] = "old"
    with Store(tmp_path / "two") as new:
        assert adopt(rows, about, GRID.trials(), new) == 3
        assert adopt(rows, about, GRID.trials(), new) == 0
    taken = {(r["learner"], r["size"], r["seed"]) for r in new.records()}
    assert taken == {(KNN3, 0.0, 0), (KNN3, 0.0, 1), (KNN3, 0.1, 0)}
    first = {(r["size"], r["seed"]): r for r in store.records() if r["learner"] == KNN3}
    for record in new.records():
        before = first[record["size"], record["seed"]]
        assert {name: before[name] for name in record} == record
    again = run(tmp_path / "two").frame()
    names = ["success", "accuracy", "members", "n", "status"]
    pd.testing.assert_frame_equal(again[names], store.frame()[names])


def test_records_that_are_not_numbers_are_left_out(tmp_path):
    frame = run(tmp_path).frame()
    failed = frame["seed"] == 0
    frame.loc[failed, ["success", "accuracy"]] = np.nan
    frame.loc[failed, ["status", "error"]] = ["failed", "no"]
    with Store(tmp_path / "new") as new:
        assert adopt(frame, {}, GRID.trials(), new) == 8
    bad = [r for r in new.records() if r["status"] == "failed"]
    assert len(bad) == 4
    assert all("success" not in r and r["error"] == "no" for r in bad)
    assert len(adoptable(frame, GRID.trials(), new.have())) == 0
