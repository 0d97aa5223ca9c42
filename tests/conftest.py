"""What all tests share."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
from filelock import FileLock

import run_bench
from algorithms.runtime.threads import one_thread
from bench.spec.registry import REGISTRY
from tests.helpers.command_line import Answer, tiny


@pytest.fixture(autouse=True, scope="session")
def arithmetic_on_one_thread() -> Iterator[None]:
    """As in a worker: the number of threads changes the last digits of sums."""
    with one_thread():
        yield


@pytest.fixture
def bench(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))

    def bench(*words):
        monkeypatch.setattr(sys, "argv", ["run_bench.py", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            run_bench.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(exit.value.code or 0, said.out, said.err)

    return bench


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A folder with a finished tiny run, which the processes that test share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    answer = folder / "answer.json"
    with FileLock(f"{folder}.lock"):
        if not answer.exists():
            folder.mkdir()
            command = [sys.executable, run_bench.__file__, *tiny()]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            answer.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
    return folder / "runs", Answer(*json.loads(answer.read_text()))


@pytest.fixture
def ran(finished, tmp_path):
    """A folder ``runs/`` with a tiny run in it, ours to change."""
    shutil.copytree(finished[0], tmp_path / "runs")
    return tmp_path / "runs" / "quick"


@pytest.fixture
def no_figures(monkeypatch):
    """Runs that draw nothing, for what has nothing to do with figures."""
    for module in ("outputs", "html"):
        monkeypatch.setattr(f"results.report.{module}.write_figures", lambda *_: [])
