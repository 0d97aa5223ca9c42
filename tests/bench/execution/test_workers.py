"""Worker processes end with their parent, after use and after a death."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from joblib import parallel_config

from bench.core.errors import BenchError
from bench.execution.backends import run_chunks
from tests.helpers.trials import Leaving, trial

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_end_with_a_parent_that_is_killed(tmp_path, jobs):
    code = (
        "import sys; sys.path[:0] = sys.argv[1:2]\n"
        "from bench.execution.backends import run_chunks\n"
        "from tests.helpers.trials import Sleeper, trial\n"
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


def test_workers_end_when_the_iterator_is_closed():
    before = set(psutil.Process().children())
    finished = run_chunks(([trial(seed=seed)] for seed in range(40)), jobs=2)
    next(finished)
    children = set(psutil.Process().children()) - before
    workers = [p for p in children if "resource_tracker" not in " ".join(p.cmdline())]
    assert len(workers) >= 2
    finished.close()
    assert psutil.wait_procs(workers, 10)[1] == []


def test_children_of_a_dead_worker_are_ended(tmp_path):
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
