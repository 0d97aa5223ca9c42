"""Failures that are not exceptions, limits, shards, merges: with real processes and real files."""

import contextlib
import ctypes
import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config

from algorithms.base import Fitted, Learner
from algorithms.empirical_bayes import EmpiricalBayes
from bench.core.errors import BenchError
from bench.datasets.synthetic.coins import Coins
from bench.execution.backends import run_chunks, run_on_dask
from bench.execution.guard import Limits
from bench.execution.retry import CircuitBreaker
from bench.execution.sweep import Todo, chunks_of, plan, sweep
from bench.experiment.trial import Trial
from bench.records import columns
from bench.records.lines import Have, key_of
from bench.records.merge import environments, lasting, merge
from bench.records.store import Store
from bench.spec.grid import Grid, Part, Shard
from bench.spec.parsing import parse_any
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature

COINS = Coins(n=100, n_test=100)
PLANT = FeatureLabel(SetFeature(), 1)


def trial(learner=None, size=0.1, seed=0):
    return Trial(COINS, learner or EmpiricalBayes(), PLANT, size, seed)


def sorted_lasting(records):
    return sorted((lasting(r) for r in records), key=key_of)


def record(seed=0, size=0.0, **more):
    return {
        "dataset": "Coins()",
        "learner": "ERM()",
        "strategy": "Idle()",
        "size": size,
        "seed": seed,
        "validation": "clean",
        "groups": "given",
        "recruitment": "uniform",
        "status": "ok",
        "error": None,
        "success": 0.5,
        "code": "a",
        "seconds": 1.0,
    } | more


def written(folder, records, **about):
    with Store(folder) as store:
        store.commit(records)
    (folder / "about.json").write_text(json.dumps(about))
    return folder


# ---- limits -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Greedy(Learner):
    """It takes too much of something where the collective is large."""

    what: str = "time"
    chunk = 8

    def fit(self, sample, rng):
        """Take."""
        if (sample.y == 1).sum() > 80:
            if self.what == "time":
                time.sleep(60)  # without the limit it succeeds in the end
            kept = []
            while self.what == "memory":
                kept.append(np.ones(1_000_000))
            if self.what == "lock":
                ctypes.PyDLL(None).sleep(60)  # in native code, with the interpreter's lock
            if self.what == "everything":
                os.kill(os.getpid(), signal.SIGKILL)
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


@pytest.mark.parametrize(
    ("what", "jobs", "says"),
    [
        ("lock", 2, "TimeLimit: more than 2 seconds a trial"),
        pytest.param("time", 1, "TimeLimit: more than 2 seconds a trial", marks=pytest.mark.slow),
        pytest.param("memory", 1, "MemoryLimit: more than 1200 MB", marks=pytest.mark.slow),
        pytest.param(
            "everything",
            2,
            "WorkerDied: killed by SIGKILL, perhaps by the kernel for want of memory",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_who_takes_too_much_is_found_and_costs_nobody_else(tmp_path, what, jobs, says):
    trials = [trial(Greedy(what), size) for size in (0.95, 0.1)]
    # Each in a chunk of its own: that one is run again trial by trial is tested elsewhere.
    alone = plan(trials, Todo({}), longest=1)
    with Store(tmp_path) as store:
        progress = sweep(trials, store, jobs, planned=alone, limits=Limits(time=2, memory=1200))
    records = {r["size"]: r for r in store.records()}
    assert {size: r["error"] for size, r in records.items()} == {0.95: says, 0.1: None}
    if what in ("lock", "time"):
        assert "in fit" in records[0.95]["log"]  # the traceback of what it was at
    assert (progress.done, progress.failed, progress.left_out) == (2, 1, 0)


def test_a_learner_that_always_fails_is_stopped_where_it_fails(tmp_path):
    data = [Coins(n=100, n_test=100), Coins(n=120, n_test=100)]
    bad = parse_any("Sklearn('SVC', C=-1)")
    trials = [
        Trial(d, learner, PLANT, 0.1, s)
        for s in range(40)
        for d in data
        for learner in (bad, EmpiricalBayes())
    ]
    with Store(tmp_path) as store:
        progress = sweep(trials, store)
    failed = [r for r in store.records() if r["status"] != "ok"]
    assert {(d, l) for d, l in progress.stopped} == {(repr(d), repr(bad)) for d in data}
    assert len(failed) == 2 * bad.chunk
    assert progress.left_out == 80 - len(failed)
    assert sum(r["status"] == "ok" for r in store.records()) == 80
    with Store(tmp_path) as store:
        todo = Todo(store.have())
        sweep([t for t in trials if t in todo], store, limits=Limits(patience=0))
    assert len(list(store.records())) == 160


def test_only_equal_errors_in_a_row_stop_a_learner():
    def heard(*errors):
        breaker = CircuitBreaker(3)
        for error in errors:
            breaker.add(record(status="failed" if error else "ok", error=error))
        return bool(breaker.stopped)

    assert heard("a", "a", "a")
    assert heard("b", "a", "a", "a", None)
    assert not heard("a", "a", None, "a")
    assert not heard("a", "a", "b", "a")


@dataclass(frozen=True)
class Sleeper(Learner):
    """It says who it is, and sleeps."""

    path: str = ""

    def fit(self, sample, rng):
        """Sleep."""
        with open(self.path, "w") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(3600)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_end_with_a_parent_that_is_killed(tmp_path, jobs):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "from bench.execution.backends import run_chunks\n"
        "from tests.bench.execution.test_faults import Sleeper, trial\n"
        "chunks = [[trial(Sleeper(sys.argv[2]), seed=seed)] for seed in range(2)]\n"
        "next(run_chunks(chunks, int(sys.argv[3])))"
    )
    busy = tmp_path / "busy"
    words = [sys.executable, "-c", code, str(Path(__file__).parents[3]), str(busy), str(jobs)]
    with subprocess.Popen(words) as parent:
        while not (busy.exists() and busy.read_text().endswith("\n")):
            assert parent.poll() is None
            time.sleep(0.01)
        parent.kill()
    pid = int(busy.read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.05)
    raise AssertionError("the worker outlived its parent")


# ---- the store ----------------------------------------------------------------------------


def test_a_full_disk_leaves_whole_records_and_says_so(tmp_path, monkeypatch):
    """A write is cut short, as the kernel does it, and the next one is refused."""
    with Store(tmp_path) as store:
        store.commit([record(0)])
        before = store.path.read_bytes()
        write = os.write

        def short(file, data):
            monkeypatch.setattr(os, "write", refuse)
            return write(file, data[:50])

        def refuse(file, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", short)
        with pytest.raises(BenchError, match="no room for more records"):
            store.commit([record(1)])
        monkeypatch.undo()
        assert store.path.read_bytes() == before
        store.commit([record(2)])
    assert [r["seed"] for r in store.records()] == [0, 2]


def test_a_failed_rerun_of_a_stale_record_is_seen(tmp_path):
    written(tmp_path, [record(code="old"), record(status="failed", error="E", code="new")])
    (kept,) = Store(tmp_path).records()
    assert kept["status"] == "failed"
    assert list(Store(tmp_path).have().values()) == [Have(False, "new")]
    assert Store(tmp_path).frame()["status"].tolist() == ["failed"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.booleans(), st.floats(0, 1)),
        max_size=12,
    )
)
def test_columns_and_lines_agree_on_what_counts(tmp_path_factory, told):
    folder = tmp_path_factory.mktemp("store")
    records = [
        record(seed, code=code, status="ok" if good else "failed", success=x)
        for seed, code, good, x in told
    ]
    written(folder, records)
    kept = sorted(Store(folder).records(), key=key_of)
    frame = Store(folder).frame()
    assert frame["success"].tolist() == [r["success"] for r in kept]
    assert frame["status"].tolist() == [r["status"] for r in kept]
    have = Store(folder).have()
    assert have == {key_of(r): Have(r["status"] == "ok", r["code"]) for r in kept}


@pytest.fixture
def eager(monkeypatch):
    """Copies by columns that are renewed at once."""
    monkeypatch.setattr(columns, "RENEW", 1)


def test_the_copy_by_columns_follows_the_file_and_never_leads(tmp_path, eager):
    records = [record(s, epochs={"success": [0.1, s / 3]}) for s in range(8)]
    written(tmp_path, records[:5])
    whole = columns.frame(columns.table(records))
    assert Store(tmp_path).frame().equals(columns.frame(columns.table(records[:5])))
    copy = tmp_path / "records.parquet"
    assert pq.read_metadata(copy).num_rows == 5
    with Store(tmp_path) as store:
        store.commit(records[5:])
    assert Store(tmp_path).frame().equals(whole)
    # A torn tail is not in the copy, and neither is what comes where it was.
    data = store.path.read_bytes()
    store.path.write_bytes(data[:-3])
    assert len(Store(tmp_path).frame()) == 7
    store.path.write_bytes(data)
    assert Store(tmp_path).frame().equals(whole)
    # Where the file says something else, the copy does not count; nor if it is damaged itself.
    with Store(tmp_path / "other") as other:
        other.commit([record(s, success=0.25) for s in range(8)])
    store.path.write_bytes(other.path.read_bytes())
    assert set(Store(tmp_path).frame()["success"]) == {0.25}
    copy.write_bytes(copy.read_bytes()[:-9])
    assert set(Store(tmp_path).frame()["success"]) == {0.25}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_bytes_are_read_or_refused_in_a_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    written(folder, [record(seed) for seed in range(3)])
    path = folder / "records.jsonl"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=30) | st.sampled_from([b'{"check":"', b"\n", b"\x00"]))
    path.write_bytes(whole[:at] + junk + whole[at + data.draw(st.integers(0, 40)) :])
    with Store(folder) as store:
        kept = list(store.records())
        assert all(lasting(r) == lasting(record(r["seed"])) for r in kept)
        store.commit([record(9)])
    assert 9 in [r["seed"] for r in store.records()]


# ---- merge --------------------------------------------------------------------------------


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
    told = [
        json.loads(json.dumps([dataclasses.asdict(part) for part in grid.parts])) for grid in parts
    ]
    folders = [
        written(tmp_path / str(i), [record(i)], parts=one, trials=grid.count())
        for i, (one, grid) in enumerate(zip(told, parts, strict=True))
    ]
    merge(folders, tmp_path / "both")
    about = json.loads((tmp_path / "both" / "about.json").read_text())
    assert (about["trials"], len(about["parts"])) == (10, 2)  # with the control


def test_two_good_records_that_differ_raise_an_alarm(tmp_path):
    one = written(
        tmp_path / "one",
        [record(0), record(1, environment="ea"), record(2, status="failed")],
        environments={"ea": [{"processor": "A", "python": "3.11"}]},
    )
    two = written(
        tmp_path / "two",
        [
            record(0, seconds=9.0),
            record(1, success=0.75, environment="eb"),
            record(2),
            record(1, code="b"),
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


# ---- grids --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seeds=st.integers(1, 5),
    sizes=st.lists(st.sampled_from([0.0, 0.1, 0.25, 1.0]), min_size=1, max_size=4),
    parts=st.lists(
        st.lists(st.sampled_from(["KNN", "KNN(5)", "LDA", "EmpiricalBayes"]), min_size=1),
        min_size=1,
        max_size=3,
    ),
    of=st.integers(1, 4),
)
def test_grids_hold_each_trial_once_and_shards_share_them_out(seeds, sizes, parts, of):
    grid = Grid(
        "g", tuple(Part(("Coins",), tuple(p), sizes=tuple(sizes), seeds=seeds) for p in parts)
    )
    trials = list(grid.trials())
    keys = [t.key for t in trials]
    assert len(set(keys)) == len(keys) == grid.count()
    assert [t.seed for t in trials] == sorted(t.seed for t in trials)
    assert set(keys) == {t.key for part in grid.parts for t in part.trials()}
    shared = [t.key for k in range(of) for t in grid.trials(Shard(k + 1, of))]
    assert sorted(shared) == sorted(keys)
    counted = plan(trials, Todo({}))
    chunks = list(chunks_of(trials, counted))
    assert sorted(t.key for c in chunks for t in c) == sorted(keys)
    assert len(chunks) == counted.chunks


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[0-9]*/[0-9]*", fullmatch=True))
def test_any_text_is_a_share_or_refused(text):
    try:
        shard = Shard.read(text)
    except BenchError:
        return
    assert 1 <= shard.number <= shard.of


# ---- Dask ---------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_leaves_the_same_records_though_a_worker_is_killed(tmp_path):
    from distributed import LocalCluster

    trials = [
        trial(learner, 0.1, seed)
        for learner in (EmpiricalBayes(), parse_any("KNN"))
        for seed in range(100)
    ]
    here = [r for _, made in run_chunks(chunks_of(trials)) for r in made]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        there = []
        for _, made in run_on_dask(chunks_of(trials), cluster.scheduler_address):
            if not there:
                os.kill(victim, signal.SIGKILL)
            there += made
    assert sorted_lasting(there) == sorted_lasting(here)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_command_runs_on_a_cluster_too(tmp_path):
    from distributed import LocalCluster

    words = [
        sys.executable,
        os.path.abspath("run_bench.py"),
        "run",
        "quick",
        "--seeds",
        "1",
        "--learners",
        "ERM(epochs=2),KNN",
    ]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        for out, where in (("here", []), ("there", ["--dask", address])):
            subprocess.run([*words, "--out", out, *where], cwd=tmp_path, check=True)
    here, there = (list(Store(tmp_path / out).records()) for out in ("here", "there"))
    assert len(here) == 70
    assert sorted_lasting(there) == sorted_lasting(here)


@pytest.mark.slow
def test_faults_cost_nothing():
    words = [sys.executable, "-m", "bench.diagnostics.fault_injection"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records lost: 0, duplicates: 0" in done.stdout


@pytest.mark.parametrize("jobs", [1, 2])
def test_workers_that_are_not_needed_any_more_are_ended(jobs):
    finished = run_chunks(([trial(seed=seed)] for seed in range(40)), jobs)
    next(finished)
    children = psutil.Process().children()
    workers = [p for p in children if "resource_tracker" not in " ".join(p.cmdline())]
    assert len(workers) >= jobs
    finished.close()
    assert psutil.wait_procs(workers, 10)[1] == []


@dataclass(frozen=True)
class Leaving(Learner):
    """It starts a process, and ends its own."""

    path: str = ""

    def fit(self, sample, rng):
        """Leave."""
        child = subprocess.Popen(["sleep", "3600"])
        with open(self.path, "w") as file:
            file.write(str(child.pid))
        os._exit(3)


def test_what_a_dead_worker_started_is_ended(tmp_path):
    path = tmp_path / "child"
    ((_, (bad,)),) = run_chunks([[trial(Leaving(str(path)))]], 1)
    assert bad["error"] == "WorkerDied: it ended with exit code 3"
    with contextlib.suppress(psutil.NoSuchProcess):
        child = psutil.Process(int(path.read_text()))
        assert child.status() == psutil.STATUS_ZOMBIE or psutil.wait_procs([child], 10)[0]


def test_a_backend_in_this_process_is_refused():
    with (
        parallel_config("threading"),
        pytest.raises(BenchError, match="runs trials in the calling process"),
    ):
        list(run_chunks([[trial(seed=seed)] for seed in range(3)], 2))


def test_an_error_of_the_chunks_reaches_the_sweep():
    def chunks():
        for seed in range(9):
            yield [trial(seed=seed)]
        raise BenchError("no more of them")

    with pytest.raises(BenchError, match="no more of them"):
        list(run_chunks(chunks(), 2))
