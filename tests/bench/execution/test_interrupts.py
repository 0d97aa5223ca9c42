"""Runs that are interrupted or killed, and go on."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.execution.sweep import Todo, sweep
from bench.experiment import trial as trials_module
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from tests.helpers.trials import lasting

pytestmark = pytest.mark.integration

COMMAND = [
    "run",
    "quick",
    "--datasets",
    "Coins(n=200, n_test=200)",
    "--learners",
    "Slow, EmpiricalBayes",
    "--strategies",
    "FeatureLabel",
    "--sizes",
    "0.1",
    "--seeds",
    "6",
]
SLOW = '''
import os
import time
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Slow(Learner):
    """It takes its time."""
    chunk = 2

    def fit(self, sample, rng):
        time.sleep(float(os.environ.get("PAUSE", 0)))
        label = int(rng.integers(2))
        return Fitted(lambda x: np.full(len(x), label))
'''
HERE = Path(trials_module.__file__).parents[2]


@pytest.fixture
def started(tmp_path):
    """Start the command line in a session of its own."""
    (tmp_path / "slow.py").write_text(SLOW)
    runs = []

    def started(jobs, pause=0.15, on_interrupt=signal.SIG_DFL):
        command = [sys.executable, str(HERE / "run_bench.py"), *COMMAND, "--jobs", str(jobs)]
        command += ["--plugin", "slow.py", "--out", "run"]
        run = subprocess.Popen(
            command,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env=os.environ | {"PAUSE": str(pause)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, on_interrupt),
        )
        runs.append(run)
        return run

    yield started
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def wait_for_records(run, folder):
    """Wait until the first records are committed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        if (folder / "records.jsonl").exists() and (folder / "records.jsonl").stat().st_size:
            return
        time.sleep(0.01)
    raise AssertionError(run.communicate())


def living(session):
    """The processes of a session that are still there, without those that wait to be reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


def gone(session):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and living(session):
        time.sleep(0.05)
    return not living(session)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize(
    ("jobs", "number", "all_hear"),
    [
        (1, signal.SIGINT, True),
        pytest.param(2, signal.SIGTERM, False, marks=pytest.mark.slow),
    ],
)
def test_an_interrupted_run_says_how_to_go_on(tmp_path, started, jobs, number, all_hear):
    # So slow that it is not over before it hears. In the background of a shell only one is heard.
    ignored = signal.SIG_DFL if all_hear else signal.SIG_IGN
    run = started(jobs, pause=0.6, on_interrupt=ignored)
    wait_for_records(run, tmp_path / "run")
    (os.killpg if all_hear else os.kill)(run.pid, number)  # a terminal tells the whole group
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert "of 24 trials are in run; the same command goes on from there" in err
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert out == ""
    assert gone(run.pid)
    records = list(Store(tmp_path / "run").records())
    assert 0 < len(records) < 24
    assert f"interrupted: {len(records)} of 24" in err
    with Store(tmp_path / "run") as store:
        assert store.damaged == []


@needs_proc
def test_a_killed_run_goes_on_to_the_same_records(tmp_path, started, monkeypatch):
    run = started(1)
    wait_for_records(run, tmp_path / "run")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    before = lasting(Store(tmp_path / "run").records())
    assert 0 < len(before) < 24
    path = tmp_path / "run" / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-9])

    from bench.spec.registry import REGISTRY

    monkeypatch.setitem(REGISTRY.kinds, "learners", dict(REGISTRY.kinds["learners"]))
    REGISTRY.load(tmp_path / "slow.py")
    part = Part((COMMAND[3],), ("Slow", "EmpiricalBayes"), sizes=(0.1,), seeds=6)
    trials = list(Grid("g", (part,)).trials())
    with Store(tmp_path / "run") as store:
        assert store.damaged == [f"line {len(before)}"]
        have = Todo(store.have())
        todo = [t for t in trials if t in have]
        assert len(todo) == 24 - len(before) + 1
        sweep(todo, store)
        after = lasting(store.records())
    with Store(tmp_path / "whole") as store:
        sweep(trials, store)
        assert lasting(store.records()) == after
    assert all(record in after for record in before)
