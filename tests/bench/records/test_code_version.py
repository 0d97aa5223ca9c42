"""Code of plugins: the modules beside a plugin's file count, those of other libraries do not."""

import importlib
import sys
from functools import cache

import pytest

from bench.records import code_version as versions
from bench.records.code_version import code_version
from bench.spec.registry import REGISTRY
from tests.helpers.trials import trial

LEARNER = """
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner
{imports}

@dataclass(frozen=True)
class Assisted(Learner):
    def fit(self, sample, rng):
        {inside}
        return Fitted(lambda x: np.full(len(x), 1))
"""


#: The trees of the project's modules, which do not change here.
PROJECT = cache(versions._tree.__wrapped__)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write files, load the plugin among them and return the version of its learner."""
    plugins = cache(versions._tree.__wrapped__)
    monkeypatch.setattr(
        versions, "_tree", lambda m: PROJECT(m) if m.folder is None else plugins(m)
    )
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)

    def version(files, name="assisted.py", imports="import helper", inside="pass", load=None):
        text = LEARNER.format(imports=imports, inside=inside)
        for path, content in (files | {name: text}).items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(content)
        # As in a new process.
        REGISTRY.kinds["learners"].pop("Assisted", None)
        for module in set(sys.modules) - before:
            del sys.modules[module]
        importlib.invalidate_caches()
        for cached in (plugins, versions._version, versions._hashed):
            cached.cache_clear()
        if load is None:
            (learner,) = REGISTRY.load(tmp_path / name)
        else:
            learner = importlib.import_module(load).Assisted
        return code_version(trial(learner())).split(".")[1]

    yield version
    for module in set(sys.modules) - before:
        del sys.modules[module]


@pytest.mark.parametrize(
    ("imports", "inside", "path"),
    [
        ("import helper", "pass", "helper.py"),
        ("import helper as h, json", "pass", "helper.py"),
        ("from helper import *", "pass", "helper.py"),
        ("from math import pi", "from helper import A", "helper.py"),
        ("import first", "pass", "helper.py"),
        ("from lib import helper", "pass", "lib/helper.py"),
        ("import lib.sub.helper", "pass", "lib/sub/helper.py"),
        ("import lib.sub", "pass", "lib/__init__.py"),
        ("import lib.sub", "pass", "lib/sub/helper.py"),
        ("import lib.sub", "pass", "lib/up.py"),
        ("import importlib", "importlib.import_module('helper')", "helper.py"),
        (
            "import sys; sys.path.append(__file__[:-11] + 'deep'); import far",
            "pass",
            "deep/far.py",
        ),
    ],
)
def test_modules_beside_a_plugin_count(plugin, imports, inside, path):
    files = {
        "helper.py": "A = 1\n",
        "first.py": "from helper import A\n",
        "lib/__init__.py": "",
        "lib/helper.py": "",
        "lib/up.py": "",
        "lib/sub/__init__.py": "from .helper import B\nfrom .. import up\n",
        "lib/sub/helper.py": "B = 1\n",
        "deep/far.py": "",
    }
    today = plugin(files, imports=imports, inside=inside)
    same = files | {path: "# a comment\n" + files[path]}
    assert plugin(same, imports=imports, inside=inside) == today
    changed = files | {path: files[path] + "C = 2\n"}
    assert plugin(changed, imports=imports, inside=inside) != today
    unused = files | {"other.py": "C = 2\n"}
    assert plugin(unused, imports=imports, inside=inside) == today


def test_the_place_of_a_plugin_does_not_count(plugin):
    """Two folders have a helper of the same name."""
    one = plugin({"a/helper.py": "A = 1\n"}, name="a/assisted.py", imports="import math")
    two = plugin({"b/helper.py": "A = 2\n"}, name="b/assisted.py", imports="import math")
    assert one == two
    inside = "import helper"
    first = plugin({"a/helper.py": "A = 1\n"}, name="a/assisted.py", inside=inside, imports="")
    moved = plugin({"b/helper.py": "A = 1\n"}, name="b/assisted.py", inside=inside, imports="")
    other = plugin({"b/helper.py": "A = 2\n"}, name="b/assisted.py", inside=inside, imports="")
    assert first == moved != other


@pytest.mark.parametrize(
    ("name", "load", "path", "counts"),
    [
        ("pack/sub/assisted.py", "pack.sub.assisted", "pack/helper.py", True),
        ("pack/sub/assisted.py", "pack.sub.assisted", "pack/__init__.py", True),
        ("pack/sub/assisted.py", "pack.sub.assisted", "library.py", False),
        ("pack/__init__.py", "pack", "pack/helper.py", True),
        ("pack/__init__.py", "pack", "library.py", False),
        ("assisted.py", "assisted", "library.py", True),
    ],
)
def test_the_package_of_an_imported_learner_counts(plugin, name, load, path, counts):
    files = {
        "pack/__init__.py": "",
        "pack/sub/__init__.py": "",
        "pack/helper.py": "A = 1\n",
        "library.py": "",
    }
    imports = "import library; from pack.helper import A"
    if load == "assisted":
        imports = "import library"
    today = plugin(files, name=name, load=load, imports=imports)
    changed = files | {path: files[path] + "C = 2\n"}
    assert (plugin(changed, name=name, load=load, imports=imports) != today) is counts


def test_installed_libraries_do_not_count(plugin, monkeypatch, tmp_path):
    """An environment often lies in the folder of the plugin that uses it."""
    site = ".venv/lib/site-packages"
    monkeypatch.syspath_prepend(tmp_path / site)
    library, single = f"{site}/library.py", f"{site}/assisted.py"
    today = plugin({library: ""}, imports="import library")
    assert plugin({library: "A = 1\n"}, imports="import library") == today
    alone = plugin({library: ""}, name=single, load="assisted", imports="import library")
    changed = plugin({library: "A = 1\n"}, name=single, load="assisted", imports="import library")
    assert changed == alone
