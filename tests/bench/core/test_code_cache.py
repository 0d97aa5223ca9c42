"""Values that are kept between processes, until the code changes."""

import itertools
import shutil
import sys

import pytest

from algorithms.runtime.paths import CACHE_VARIABLE
from bench.core import code_cache
from bench.core.code_cache import ROOT, cached_by_code, code_digest
from bench.core.plugin_files import PluginFile


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of a few files of the project, with a cache of its own."""
    for name in ("algorithms/base.py", "bench/core/errors.py", "bench/grids/quick.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    monkeypatch.setattr(code_cache, "ROOT", tmp_path)
    # Other tests of this process may have left plugins.
    finders = [finder for finder in sys.meta_path if not isinstance(finder, PluginFile)]
    monkeypatch.setattr(sys, "meta_path", finders)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def value():
    """Return the number of the computation that made a value."""
    numbers = itertools.count()
    return lambda: cached_by_code("numbers", lambda: next(numbers))


def test_a_value_is_computed_once(project, value):
    assert [value(), value()] == [0, 0]


def edit(project):
    text = (project / "algorithms/base.py").read_text()
    (project / "algorithms/base.py").write_text(text.replace("a", "b", 1))  # of the same length


def rename(project):
    (project / "algorithms/base.py").rename(project / "algorithms/other.py")


@pytest.mark.parametrize(
    "change",
    [
        edit,
        rename,
        lambda project: (project / "bench/core/errors.py").unlink(),
        lambda project: (project / "algorithms/new.py").write_text(""),
        lambda project: (project / "bench/grids/quick.toml").write_text("seeds = 2"),
    ],
    ids=["edit", "rename", "delete", "add", "grid"],
)
def test_a_change_of_a_file_ends_the_value(project, value, change):
    assert value() == 0
    change(project)
    assert [value(), value()] == [1, 1]


@pytest.mark.parametrize(
    ("what", "change"),
    [("version", "3.99"), ("path", ["somewhere"])],
)
def test_another_python_has_another_value(project, value, what, change, monkeypatch):
    (project / "somewhere" / "other_library-1.0.dist-info").mkdir(parents=True)
    assert value() == 0
    if what == "path":
        change = [str(project / name) for name in change]
    with monkeypatch.context() as context:
        context.setattr(f"sys.{what}", change)
        assert value() == 1
    assert value() == 2


def test_values_with_plugins_are_not_kept(project, value):
    plugin = PluginFile(project / "mine.py", b"")
    assert value() == 0
    plugin.install()
    try:
        assert [value(), value()] == [1, 2]
    finally:
        plugin.unload()
    assert value() == 0


def test_a_value_that_does_not_hold_is_computed_again(project):
    values, least = iter([1, -2, 3]), 0

    def value():
        return cached_by_code("numbers", lambda: next(values), lambda kept: kept > least)

    assert [value(), value()] == [1, 1]
    least = 1  # the value in the file does not hold any more
    assert value() == -2  # nor does this one, which is not kept
    assert [value(), value()] == [3, 3]


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_a_damaged_file_is_replaced(project, value, text):
    (project / "cache").mkdir()
    (project / "cache" / "numbers.json").write_text(text)
    assert [value(), value()] == [0, 0]


def test_a_folder_that_cannot_be_written_costs_time_alone(project, value):
    (project / "cache").write_text("a file")
    assert [value(), value()] == [0, 1]


def test_compiled_files_do_not_count(project):
    before = code_digest(project)
    (project / "algorithms" / "base.cpython-311.pyc").write_bytes(b"compiled")
    assert code_digest(project) == before
