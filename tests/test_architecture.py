"""Imports go one way, without circles; no module uses a global random generator."""

import ast
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import run_bench

ROOT = Path(run_bench.__file__).parent
#: Package -> packages of ours that it may import; the most specific entry counts.
MAY = {
    "algorithms": {"algorithms"},
    "collectives": {"collectives"},
    "bench": {"algorithms", "collectives", "bench"},
    "bench.cli": {"algorithms", "collectives", "bench", "results"},
    "results": {"results"},
    "results.studies": {"results", "bench"},
    "run_bench": {"bench", "bench.cli"},
    "collective_bench": {"algorithms", "collectives", "bench", "results", "collective_bench"},
}
OURS = {"algorithms", "collectives", "bench", "results", "run_bench", "collective_bench"}
#: What may import the commands.
ABOVE = {"bench.cli", "run_bench", "collective_bench"}
#: What the analysis of frames may use beside the standard library.
FRAMES = {
    "pandas",
    "numpy",
    "scipy",
    "statsmodels",
    "matplotlib",
    "rich",
    "jinja2",
    "markupsafe",
    "bokeh",
}
SOURCES = sorted(
    path
    for name in (*sorted(OURS - {"run_bench"}), "run_bench.py")
    for path in [*(ROOT / name).rglob("*.py"), *ROOT.glob(name)]
    if path.suffix == ".py"
)


def name_of(path):
    """The dotted name of a module or package."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in SOURCES}


def offenders(check):
    """The modules that break a rule, each with its violations.

    A test for each module and rule would take more time to collect than to run.
    """
    found = {name: list(check(name, path.read_text())) for name, path in MODULES.items()}
    return {name: wrong for name, wrong in found.items() if wrong}


@cache
def nodes(source):
    """The imports and the calls of a source, from its syntax tree."""
    wanted = (ast.Import, ast.ImportFrom, ast.Call)
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, wanted)]


def imports(source):
    """The modules that a source imports anywhere in it: in functions and for types alone, too."""
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in MODULES else str(node.module)


def layer(module):
    """The entry of MAY that a module belongs to."""
    return max((k for k in MAY if f"{module}.".startswith(f"{k}.")), key=len)


def violations(module, source):
    """What a module imports that its layer may not."""
    wrong = set()
    for used in imports(source):
        top = used.partition(".")[0]
        if top in OURS:
            cli = f"{used}.".startswith("bench.cli.")
            allowed = layer(module) in ABOVE if cli else top in MAY[layer(module)]
            studies = f"{used}.".startswith("results.studies.")
            if not allowed or (studies and layer(module) == "results"):
                wrong.add(used)
        elif layer(module) == "results" and top not in FRAMES | set(sys.stdlib_module_names):
            wrong.add(used)
    return wrong


def package(module):
    """The package at whose door an underscore stops others."""
    return module if MODULES[module].stem == "__init__" else module.rpartition(".")[0]


def private(module, source):
    """The private modules and names of other packages that a module imports."""
    for node in nodes(source):
        if not isinstance(node, ast.ImportFrom) or str(node.module).partition(".")[0] not in OURS:
            continue
        parts = str(node.module).split(".")
        for depth, part in enumerate(parts):
            owner = ".".join(parts[:depth])
            if part.startswith("_") and not f"{module}.".startswith(f"{owner}."):
                yield node.module
        for alias in node.names:
            if alias.name.startswith("_") and package(module) != package(node.module):
                yield f"{node.module}.{alias.name}"


def test_imports_go_one_way():
    assert len(MODULES) > 400
    assert offenders(violations) == {}


def test_what_other_packages_use_has_no_underscore():
    assert offenders(private) == {}


def circle(edges):
    """Nodes that reach each other, if there are some."""
    graph = {}
    for a, b in edges:
        if a != b:
            graph.setdefault(a, set()).add(b)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


@cache
def module_edges():
    return [
        (module, used)
        for module, path in MODULES.items()
        for used in imports(path.read_text())
        if used in MODULES
    ]


def test_modules_have_no_circles():
    assert circle(module_edges()) is None


@pytest.mark.parametrize("top", ["algorithms", "bench", "collectives", "results"])
def test_sub_packages_have_no_circles(top):
    """Sub-packages of one package; modules that lie beside them count one by one."""

    def box(module):
        return ".".join(module.split(".")[:2])

    edges = [
        (box(a), box(b))
        for a, b in module_edges()
        if a.startswith(f"{top}.") and b.startswith(f"{top}.")
    ]
    assert circle(edges) is None


@pytest.mark.parametrize(
    ("module", "source", "wrong"),
    [
        ("algorithms.erm", "def f():\n    from bench.core import errors", {"bench.core.errors"}),
        ("algorithms.erm", "import collectives.base as c", {"collectives.base"}),
        ("collectives.idle", "from algorithms import erm", {"algorithms.erm"}),
        ("bench.core.errors", "import results.stats.curves", {"results.stats.curves"}),
        ("bench.core.errors", "if True:\n    import run_bench", {"run_bench"}),
        ("bench.core.errors", "from bench.cli import shared", {"bench.cli.shared"}),
        ("bench.cli.run", "from collective_bench import trials", {"collective_bench.trials"}),
        ("results.stats.frames", "import torch", {"torch"}),
        ("results.stats.frames", "from bench.records import store", {"bench.records.store"}),
        ("results.report.html", "from results.studies import base", {"results.studies.base"}),
        ("results.studies.base", "import algorithms", {"algorithms"}),
        ("bench.cli.run", "from results.stats import curves", set()),
        ("results.stats.frames", "import json\nimport numpy as np", set()),
    ],
)
def test_a_violation_would_be_seen(module, source, wrong):
    assert violations(module, source) == wrong


def test_hidden_circles_and_private_names_would_be_seen():
    hidden = (
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bench.records import store"
    )
    assert list(imports(hidden)) == ["typing", "bench.records.store"]
    assert set(circle([("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")])) == {"a", "b", "c"}
    assert circle([("a", "b"), ("a", "c"), ("b", "c")]) is None
    assert list(private("bench.core.errors", "from algorithms._features import cache"))
    assert list(private("bench.core.errors", "from bench.records.store import _sync_folder"))
    assert not list(private("algorithms.finetune", "from algorithms._features import cache"))


SEEDS = {"seed", "manual_seed", "set_state", "set_rng_state", "RandomState", "manual_seed_all"}


def seeding(source):
    """Calls that seed or use a global generator."""
    for node in nodes(source):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if owner in {"np.random", "numpy.random"} and node.func.attr[0].islower():
                if node.func.attr != "default_rng":
                    yield ast.unparse(node)
            elif owner == "random" or (
                # A generator object of torch is no global one.
                owner.startswith("torch") and node.func.attr in SEEDS and "Generator(" not in owner
            ):
                yield ast.unparse(node)


def test_no_module_seeds_or_uses_global_generators():
    # The contract provokes learners that do; modules of torch draw from a seeded fork.
    seeds = offenders(lambda _, source: seeding(source))
    forks = {"algorithms.torch_network", "algorithms.finetune_encoder"}
    assert set(seeds) == {"bench.contract.learners", *forks}, seeds


@pytest.mark.parametrize(
    "source", ["np.random.seed(0)", "torch.manual_seed(1)", "random.random()", "np.random.rand(3)"]
)
def test_global_seeding_would_be_seen(source):
    assert list(seeding(source)) == [source]


def test_a_generator_of_its_own_may_be_seeded():
    assert list(seeding("torch.Generator().manual_seed(1)")) == []


def test_the_program_and_a_worker_start_without_large_libraries():
    """Neither help nor a worker that needs no torch waits for its import."""
    modules = "run_bench, bench.execution.backends, bench.datasets.synthetic.coins"
    modules += ", algorithms.empirical_bayes, collectives.planting"
    code = f"import sys, {modules}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"torch", "sklearn", "scipy", "pandas", "matplotlib"}.isdisjoint(done.stdout.split())
