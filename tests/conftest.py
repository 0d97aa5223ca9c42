"""What all tests share."""

import io
import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from filelock import FileLock

from bench.core.plugin_files import installed_plugins
from tests.helpers.command_line import Answer, tiny

# The process that hands out tests reads this file too, and starts no worker before: large
# libraries are imported in functions.


@pytest.fixture(autouse=True, scope="session")
def arithmetic_on_one_thread() -> Iterator[None]:
    """As in a worker: the number of threads changes the last digits of sums."""
    from algorithms.runtime.threads import one_thread

    with one_thread():
        yield


@pytest.fixture
def no_device_context() -> Iterator[None]:
    """Leave no default device: even that of the processor slows down all of torch from then on."""
    import torch

    yield
    torch.set_default_device(None)


def patch_program(monkeypatch, folder):
    """Prepare this process for calls of the command line in a folder."""
    from bench.spec.registry import REGISTRY

    monkeypatch.chdir(folder)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))


def call_program(monkeypatch, words):
    """Call the command line in this process, and return its exit code."""
    import run_bench

    monkeypatch.setattr(sys, "argv", ["run_bench.py", *map(str, words)])
    with pytest.raises(SystemExit) as exit:
        run_bench.main()
    return exit.value.code or 0


@pytest.fixture
def bench(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in a folder of its own."""
    patch_program(monkeypatch, tmp_path)
    before = installed_plugins()

    def bench(*words):
        capsys.readouterr()
        code = call_program(monkeypatch, words)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(code, said.out, said.err)

    yield bench
    for plugin in set(installed_plugins()) - set(before):
        plugin.unload()


def save_as_it_is(figure, stem, endings=("png", "svg", "pdf")):
    """Save a figure as SVG, without the search for places of its panels, in place of all formats.

    The search and the other formats take most of the time; the tests of figures have them.
    """
    from results.plots.style import save

    figure.set_layout_engine(None)
    (drawn,) = save(figure, stem, ["svg"])
    paths = [drawn.with_name(f"{Path(stem).name}.{ending}") for ending in endings]
    data = drawn.read_bytes()
    drawn.unlink()
    for path in paths:
        path.write_bytes(data)
    return paths


@pytest.fixture(scope="session")
def finished(tmp_path_factory, worker_id):
    """A folder with a finished tiny run, which the processes that test share.

    Its figures are those of ``no_layout``.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    answer = folder / "answer.json"
    with FileLock(f"{folder}.lock"):
        if not answer.exists():
            folder.mkdir()
            out, err = io.StringIO(), io.StringIO()
            with (
                pytest.MonkeyPatch.context() as monkeypatch,
                redirect_stdout(out),
                redirect_stderr(err),
            ):
                patch_program(monkeypatch, folder)
                monkeypatch.setattr("results.report.outputs.save", save_as_it_is)
                code = call_program(monkeypatch, tiny())
            answer.write_text(json.dumps([code, out.getvalue(), err.getvalue()]))
    return folder / "runs", Answer(*json.loads(answer.read_text()))


@pytest.fixture
def ran(finished, tmp_path):
    """A folder ``runs/`` with a tiny run in it, ours to change."""
    shutil.copytree(finished[0], tmp_path / "runs")
    return tmp_path / "runs" / "quick"


@pytest.fixture
def no_layout(monkeypatch):
    """Figures without the search for places of their panels."""
    monkeypatch.setattr("results.report.outputs.save", save_as_it_is)


@pytest.fixture
def no_figures(monkeypatch):
    """Runs that draw nothing, for what has nothing to do with figures."""
    monkeypatch.setattr("results.report.outputs.write_figures", lambda *_, **__: [])
    monkeypatch.setattr("results.report.html.draw_figures", lambda *_: ([], {}))
