"""Components are found where they are defined."""

import importlib
import inspect
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from bench.core.errors import BenchError
from bench.execution.backends import run_chunks
from bench.experiment.trial import Trial
from bench.spec import registry
from bench.spec.parsing import parse
from bench.spec.registry import KINDS, REGISTRY, Registry

LEARNER = '''
"""A learner."""
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class {name}(Learner):
    """Always the same label."""
    label: int = 1
    def fit(self, sample, rng):
        label = self.label
        return Fitted(lambda x: np.full(len(x), helper(label)))

def helper(label):
    return label
'''
OTHERS = """
from dataclasses import dataclass
import numpy as np
from bench.datasets.base import Dataset, Split
from collectives.base import Signal, Strategy
from collectives.signals.tabular import SetFeature

@dataclass(frozen=True)
class Hush(Strategy):
    signal: Signal | None = None
    label: int | None = None
    def act(self, x, y, *, pooled, n, rng):
        return x.copy(), y.copy()
    def success(self, predict, test):
        return np.zeros(len(test.y))

@dataclass(frozen=True)
class Flip(Signal):
    def __call__(self, x):
        return -x

@dataclass(frozen=True)
class Dust(Dataset):
    n: int = 10
    def split(self, rng):
        rows = np.arange(3 * self.n)
        x = rng.normal(size=(len(rows), 2)).astype(np.float32)
        return Split(x, rows % 2, *np.split(rows, 3), classes=2)
    @property
    def signal(self):
        return SetFeature()
    @property
    def label(self):
        return 1
"""


@pytest.fixture
def fresh():
    """A registry whose plugins don't reach other tests."""
    before = set(sys.modules)
    yield Registry()
    for name in set(sys.modules) - before:
        if name.startswith("plugin_"):
            del sys.modules[name]


@pytest.fixture
def write(tmp_path):
    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# ---- discovery ----------------------------------------------------------------------------


def sources(package):
    return sorted(Path(package.__path__[0]).rglob("*.py"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_finished_class_of_a_package_is_registered(kind):
    _, base, package = KINDS[kind]
    found = set()
    for path in sources(package):
        inside = path.relative_to(Path(package.__path__[0])).with_suffix("").parts
        if not inside[-1].startswith("_"):
            module = importlib.import_module(".".join([package.__name__, *inside]))
            for name, cls in vars(module).items():
                if inspect.isclass(cls) and issubclass(cls, base) and not inspect.isabstract(cls):
                    found |= {cls} if not name.startswith("_") else set()
    assert found
    assert found == set(REGISTRY.kinds[kind].values())


@pytest.mark.parametrize("kind", KINDS)
def test_a_class_is_known_by_its_name_and_never_abstract(kind):
    for name, cls in REGISTRY.kinds[kind].items():
        assert cls.__name__ == name
        assert issubclass(cls, KINDS[kind][1])
        assert not inspect.isabstract(cls)


# ---- identity -----------------------------------------------------------------------------

IMPORTS = """
import enum, pathlib
from dataclasses import dataclass, field
import numpy as np
from algorithms.erm import ERM
from algorithms.knn import KNN
Colour = enum.Enum("Colour", "RED")
"""


@pytest.mark.parametrize(
    ("decorator", "body", "says"),
    [
        ("", "epochs: int = 1", "decorate the class with @dataclass(frozen=True)"),
        ("@dataclass", "epochs: int = 1", "cannot inherit non-frozen dataclass from a frozen"),
        ("@dataclass(frozen=True, eq=False)", "epochs: int = 1", "remove eq=False"),
        ("@dataclass(frozen=True, repr=False)", "epochs: int = 1", "and repr=False from its dec"),
        ("@dataclass(frozen=True)", "epochs = 1", "epochs is ignored without a type: write epoch"),
        ("@dataclass(frozen=True)", "a: int = field(default=1, repr=False)", "from the field a"),
        ("@dataclass(frozen=True)", "a: int = field(default=1, compare=False)", "the field a"),
        (
            "@dataclass(frozen=True)",
            "a: object = field(default_factory=list)",
            "list: use a tuple",
        ),
        ("@dataclass(frozen=True)", "a: object = field(default_factory=dict)", "tuple of pairs"),
        ("@dataclass(frozen=True)", "a: object = (1, [2])", "default of a is of type list"),
        (
            "@dataclass(frozen=True)",
            "a: object = Colour.RED",
            "of a is of type Colour: use a bool",
        ),
        ("@dataclass(frozen=True)", "a: object = pathlib.Path('x')", "a is of type PosixPath"),
        ("@dataclass(frozen=True)", "a: object = lambda: 1", "default of a is of type function"),
        (
            "@dataclass(frozen=True)",
            "a: object = np.float64(1)",
            "default of a is of type float64",
        ),
        (
            "@dataclass(frozen=True)",
            "a: object = KNN(n_neighbors=np.int64(3))",
            "default of a has a field n_neighbors that is of type int64",
        ),
    ],
)
def test_a_class_that_its_repr_would_not_identify_is_refused(fresh, write, decorator, body, says):
    path = write(f"{IMPORTS}\n{decorator}\nclass FastERM(ERM):\n    {body}\n")
    with pytest.raises(BenchError) as caught:
        fresh.load(path)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "FastERM" not in fresh.names


def test_a_field_without_a_default_is_refused(fresh, write):
    source = LEARNER.format(name="Same").replace("label: int = 1", "label: int")
    with pytest.raises(BenchError, match=r"Same in .*: give the field label a default"):
        fresh.load(write(source))


# ---- plugin files -------------------------------------------------------------------------


def test_a_plugin_file_is_registered(fresh, write):
    (cls,) = fresh.load(write(LEARNER.format(name="Same")))
    assert fresh.kinds["learners"]["Same"] is cls
    assert "Same" not in REGISTRY.names


def test_a_file_may_hold_a_strategy_a_signal_and_a_dataset(fresh, write):
    assert {c.__name__ for c in fresh.load(write(OTHERS))} == {"Hush", "Flip", "Dust"}
    kinds = {kind: set(names) - set(REGISTRY.kinds[kind]) for kind, names in fresh.kinds.items()}
    assert kinds["strategies"] == {"Hush"}
    assert kinds["signals"] == {"Flip"}
    assert kinds["datasets"] == {"Dust"}


def test_what_a_plugin_only_imports_or_hides_is_not_its_own(fresh, write):
    hidden = LEARNER.format(name="Shown") + "\nclass _Hidden(Shown):\n    pass\n"
    path = write(hidden + "\nfrom algorithms.erm import ERM\n")
    assert [c.__name__ for c in fresh.load(path)] == ["Shown"]
    assert [c.__name__ for c in fresh.load(path)] == ["Shown"]


def test_a_plugin_loaded_twice_is_one(fresh, write):
    path = write(LEARNER.format(name="Same"))
    assert fresh.load(path) == fresh.load(str(path))


def test_an_edited_plugin_replaces_what_it_was(fresh, write):
    before = fresh.load(write(LEARNER.format(name="Same")))
    after = fresh.load(
        write(LEARNER.format(name="Same").replace("label: int = 1", "label: int = 0"))
    )
    assert before != after
    assert fresh.kinds["learners"]["Same"]().label == 0


def test_a_taken_name_is_an_error_that_says_where_both_come_from(fresh, write):
    erm = fresh.kinds["learners"]["ERM"]
    path = write(LEARNER.format(name="Unheard") + LEARNER.format(name="ERM"))
    for _ in range(2):  # and it stays one
        with pytest.raises(BenchError, match="'ERM' is taken") as caught:
            fresh.load(path)
        assert str(path) in str(caught.value)
        assert str(inspect.getsourcefile(erm)) in str(caught.value)
    assert fresh.kinds["learners"]["ERM"] is erm
    assert "Unheard" not in fresh.names


def test_a_name_is_taken_across_kinds(fresh, write):
    with pytest.raises(BenchError, match="'Coins' is taken"):
        fresh.load(write(LEARNER.format(name="Coins")))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("class (:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("raise SystemExit(0)\n", "SystemExit"),
        ("import nowhere_to_be_found\n", "No module named 'nowhere_to_be_found'"),
        ("x = 1\n", "defines no concrete subclass of Learner, Strategy"),
        (
            "from algorithms.base import Learner\nclass Half(Learner):\n    pass\n",
            ": Half lacks fit",
        ),
        (
            "from collectives.base import Strategy\nclass Half(Strategy):\n    pass\n",
            ": Half lacks act and success",
        ),
    ],
)
def test_a_plugin_that_cannot_be_used_is_named(fresh, write, text, says):
    path = write(text)
    for _ in range(2):
        with pytest.raises(BenchError) as caught:
            fresh.load(path)
        assert says in str(caught.value)
        assert str(path) in str(caught.value)
    assert fresh.names == REGISTRY.names
    assert not [name for name in sys.modules if name.startswith("plugin_mine")]


def test_a_plugin_that_does_not_exist(fresh, tmp_path):
    with pytest.raises(BenchError, match=r"nope\.py: No such file"):
        fresh.load(tmp_path / "nope.py")


def test_a_plugin_that_is_not_python(fresh, write):
    with pytest.raises(BenchError, match=r"mine\.txt is not a Python file"):
        fresh.load(write(LEARNER.format(name="Same"), "mine.txt"))


@pytest.fixture
def installed(write, monkeypatch):
    """Put a module on the path, with an entry point that names it or something in it."""

    def installed(text, value="house_plugin"):
        monkeypatch.syspath_prepend(str(write(text, "house_plugin.py").parent))
        monkeypatch.delitem(sys.modules, "house_plugin", raising=False)
        entry = EntryPoint("mine", value, registry.ENTRY_POINTS)
        monkeypatch.setattr(registry, "entry_points", lambda group: [entry])

    yield installed
    sys.modules.pop("house_plugin", None)


@pytest.mark.parametrize("value", ["house_plugin", "house_plugin:Parcel"])
def test_an_installed_package_brings_components(installed, value):
    installed(LEARNER.format(name="Parcel"), value)
    assert "Parcel" in Registry().kinds["learners"]


def test_an_installed_package_that_cannot_be_loaded_is_named(installed):
    installed("1 / 0")
    with pytest.raises(BenchError, match="mine = house_plugin cannot be loaded: ZeroDivision"):
        Registry()


def test_an_installed_package_cannot_take_a_name(installed):
    installed(LEARNER.format(name="ERM"))
    with pytest.raises(BenchError, match="'ERM' is taken"):
        Registry()


@pytest.mark.integration
def test_a_plugin_learner_runs_in_worker_processes(write, monkeypatch):
    path = write(LEARNER.format(name="Travelling"))
    try:
        REGISTRY.load(path)
        learner, data = parse("Travelling(label=0)", "learners"), parse("Coins(n=40)", "datasets")
        idle = parse("Idle", "strategies").with_defaults(data.signal, data.label)
        chunks = [[Trial(data, learner, idle, 0.0, seed)] for seed in range(2)]
        records = [record for _, pair in run_chunks(chunks, jobs=2) for record in pair]
    finally:
        REGISTRY.kinds["learners"].pop("Travelling", None)
    assert [r["error"] for r in records] == [None, None]
    assert [r["success"] for r in records] == [0.0, 0.0]
