"""Work in processes: its results, its errors and its end."""

import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import active_children

import pytest

from results.plots.registry import registered
from results.report.outputs import FiguresFailed, write_figures
from results.report.processes import in_processes
from results.stats.analysis import Analysis
from tests.helpers.learner_records import records

needs_fork = pytest.mark.skipif("sys.platform != 'linux'", reason="forks on Linux alone")


class Odd(Exception):
    """An exception that cannot be unpickled."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@needs_fork
def test_names_are_worked_on_in_other_processes():
    got = dict(in_processes(lambda name: (name, os.getpid()), list("abc"), jobs=2))
    assert {name: value[0] for name, value in got.items()} == dict(zip("abc", "abc", strict=True))
    assert os.getpid() not in {pid for _, pid in got.values()}


@pytest.mark.parametrize("jobs", [0, 1])
def test_one_job_starts_no_process(jobs):
    got = list(in_processes(lambda name: (name, os.getpid()), list("ba"), jobs))
    assert got == [("b", ("b", os.getpid())), ("a", ("a", os.getpid()))]


def fail(name):
    """Fail in the way that the name says."""
    if name == "error":
        raise ValueError("no such thing")
    if name == "odd":
        raise Odd(1, 2)
    if name == "local":

        class Local(Exception):
            pass

        raise Local("of a function")
    return name


@needs_fork
def test_errors_say_what_happened_and_cost_no_other():
    names = ["error", "odd", "fine", "local"]
    got = dict(in_processes(fail, names, jobs=3))
    assert got.pop("fine") == "fine"
    assert {name: str(error) for name, error in got.items()} == {
        "error": "no such thing",
        "odd": "Odd: 1 and 2",
        "local": "Local: of a function",
    }
    assert all(isinstance(error, Exception) for error in got.values())


@needs_fork
def test_a_process_that_dies_is_the_outcome_of_all_that_is_left():
    def work(name):
        if name == "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.2)

    got = dict(in_processes(work, ["dies", "late", "later"], jobs=2))
    assert set(got) == {"dies", "late", "later"}
    assert isinstance(got["dies"], BrokenProcessPool)


@needs_fork
def test_processes_end_with_the_iterator(tmp_path):
    def slow(name):
        (tmp_path / name).touch()
        time.sleep(0.2)

    before = {child.pid for child in active_children()}
    outcomes = in_processes(slow, list("abcdefgh"), jobs=2)
    next(outcomes)
    outcomes.close()
    assert {child.pid for child in active_children()} <= before
    assert len(list(tmp_path.iterdir())) < 8


@needs_fork
def test_a_figure_that_fails_in_a_process_is_named(no_layout, tmp_path, monkeypatch):
    def broken(table):
        raise RuntimeError(f"no figure of {len(table)} rows")

    def full(table):
        raise OSError(28, "No space left on device", "cost.svg")

    figures = {name: registered()[name] for name in ("success", "cost", "dynamics")}
    monkeypatch.setattr("results.plots.registry._FIGURES", figures)
    figures["cost"] = replace(figures["cost"], plot=broken)
    with pytest.raises(FiguresFailed, match=r"1 figures.*cost: RuntimeError: no figure") as error:
        write_figures(Analysis(records()), tmp_path, jobs=2)
    drawn = [path.stem for path in error.value.paths if path.suffix == ".png"]
    assert drawn == ["success", "dynamics"]
    figures["cost"] = replace(figures["cost"], plot=full)
    with pytest.raises(OSError, match="No space left") as stopped:
        write_figures(Analysis(records()), tmp_path, jobs=2)
    assert stopped.value.filename == "cost.svg"
