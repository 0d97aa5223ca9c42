"""Trials that exceed a limit, learners that always fail, and injected faults."""

import subprocess
import sys

import pytest

from algorithms.empirical_bayes import EmpiricalBayes
from bench.datasets.synthetic.coins import Coins
from bench.execution.guard import Limits
from bench.execution.retry import CircuitBreaker
from bench.execution.sweep import Todo, plan, sweep
from bench.records.store import Store
from bench.spec.parsing import parse_any
from tests.helpers.records import record
from tests.helpers.trials import Greedy, trial


@pytest.mark.integration
@pytest.mark.parametrize(
    ("resource", "jobs", "error"),
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
def test_a_trial_over_a_limit_fails_alone(tmp_path, resource, jobs, error):
    trials = [trial(Greedy(resource), size) for size in (0.95, 0.1)]
    # One trial a chunk: another test covers chunks whose trials are run again one by one.
    alone = plan(trials, Todo({}), longest=1)
    with Store(tmp_path) as store:
        progress = sweep(trials, store, jobs, planned=alone, limits=Limits(time=2, memory=1200))
    records = {r["size"]: r for r in store.records()}
    assert {size: r["error"] for size, r in records.items()} == {0.95: error, 0.1: None}
    if resource in ("lock", "time"):
        assert "in fit" in records[0.95]["log"]  # the traceback of the interrupted code
    assert (progress.done, progress.failed, progress.left_out) == (2, 1, 0)


def test_a_learner_is_stopped_on_the_dataset_where_it_fails(tmp_path):
    data = [Coins(n=100, n_test=100), Coins(n=120, n_test=100)]
    bad = parse_any("Sklearn('SVC', C=-1)")
    trials = [
        trial(learner, seed=s, data=d)
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
    def stopped_by(*errors):
        breaker = CircuitBreaker(3)
        for error in errors:
            breaker.add(record(status="failed" if error else "ok", error=error))
        return bool(breaker.stopped)

    assert stopped_by("a", "a", "a")
    assert stopped_by("b", "a", "a", "a", None)
    assert not stopped_by("a", "a", None, "a")
    assert not stopped_by("a", "a", "b", "a")


@pytest.mark.slow
def test_injected_faults_lose_no_record():
    words = [sys.executable, "-m", "bench.diagnostics.fault_injection"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "records lost: 0, duplicates: 0" in done.stdout
