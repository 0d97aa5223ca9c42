"""Sweeps: what a record depends on, and what it does not."""

import ast
import itertools
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar

import numpy as np
import pytest

from algorithms.base import Fitted, Learner
from bench.core.random_streams import stream
from bench.execution.backends import run_chunks
from bench.execution.sweep import Todo, chunks_of, plan, sweep
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, set_up
from bench.records import code_version as versions
from bench.records.code_version import code_version
from bench.records.lines import Have
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.idle import Idle
from collectives.signals.tabular import SetFeature
from tests.helpers.trials import COINS, PLANT, Faulty, lasting, trial

# ---- members, sizes, streams --------------------------------------------------------------


def test_collectives_of_one_seed_are_nested():
    sizes = [0.0, 0.005, 0.1, 0.3, 1.0]
    scenes = [
        set_up(trial(size=size), SeedContext(COINS.split(stream(0, "data")))) for size in sizes
    ]
    for size, scene in zip(sizes, scenes, strict=True):
        assert len(scene.members) == round(size * 200) == len(set(scene.members.tolist()))
        assert len(scene.sample) == 200
    for small, large in itertools.pairwise(scenes):
        assert np.array_equal(small.members, large.members[: len(small.members)])
    other = set_up(trial(seed=1), SeedContext(COINS.split(stream(0, "data")))).members
    assert not np.array_equal(other, scenes[2].members)


def test_only_members_change_their_rows():
    split = COINS.split(stream(0, "data"))
    scene = set_up(trial(size=0.3), SeedContext(split))
    others = np.setdiff1d(np.arange(200), scene.members)
    assert np.array_equal(scene.sample.x[others], split.x[split.train][others])
    assert np.array_equal(scene.sample.y[others], split.y[split.train][others])
    assert (scene.sample.x[scene.members, -1] == 1).all()
    assert (scene.sample.y[scene.members] == 1).all()
    assert np.array_equal(scene.context.test.x, split.x[split.test])


@pytest.mark.parametrize("sizes", [(0.1,), (0.0, 0.1), (0.1, 0.1, 0.0)])
def test_size_zero_is_always_there_and_none_is_twice(sizes):
    grid = Grid("g", (Part(("Coins",), ("KNN", "KNN(5)"), sizes=sizes, seeds=2),) * 2)
    assert [(t.seed, t.size) for t in grid.trials()] == [(0, 0.0), (0, 0.1), (1, 0.0), (1, 0.1)]


def test_a_grid_written_out_is_the_same_grid():
    part = Part(("Coins", "Digits"), ("KNN", "KNN(5)", "LDA"), ("Idle", "FeatureLabel"))
    grid = Grid("g", (part, replace(part, sizes=(0.3,), validation=("clean", "contaminated"))))
    full = grid.written_out()
    assert [t.key for t in full.trials()] == [t.key for t in grid.trials()]
    assert all(t.key in full for t in grid.trials())
    assert full.written_out() == full


@dataclass(frozen=True)
class Listening(Learner):
    """It keeps what it is given, and what its generator says."""

    name: str = ""
    heard: ClassVar[list] = []

    def fit(self, sample, rng):
        """Listen."""
        self.heard.append((sample.x, sample.y, sample.validation.y, rng.random(3).tolist()))
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


@dataclass(frozen=True)
class Drawing(Strategy):
    """It writes what its generator says into its rows."""

    signal: None = None
    label: int = 1
    tilt: float = 0.0

    def act(self, x, y, *, pooled, n, rng):
        """Draw."""
        return x + rng.random(x.shape).astype(np.float32), y

    def success(self, predict, test):
        """None."""
        return np.zeros(len(test.y))


def test_streams_depend_on_the_seed_alone():
    Listening.heard.clear()
    ways = [
        trial(Listening(a), size, 0, Drawing(tilt=b))
        for a in "ab"
        for b in (0, 1)
        for size in (0.1, 0.2)
    ]
    for way in ways:
        run_trials([way])
    small, large = Listening.heard[0::2], Listening.heard[1::2]
    assert len(small) == 4
    for heard in (small, large):
        for one in heard[1:]:
            assert all(map(np.array_equal, one, heard[0]))
    assert small[0][3] == large[0][3]
    moved = [
        (x != COINS.split(stream(0, "data")).x[:200]).any(1) for x in (small[0][0], large[0][0])
    ]
    assert moved[0].sum() == 20
    assert moved[1].sum() == 40
    assert np.array_equal(small[0][0][moved[0]], large[0][0][moved[0]])
    run_trials([trial(Listening(), 0.1, 1, Drawing())])
    assert Listening.heard[-1][3] != small[0][3]


def test_purposes_have_streams_of_their_own():
    purposes = [("data",), ("members",), ("act",), ("fit",), ("members", "validation")]
    draws = {stream(seed, *p).random() for p in purposes for seed in range(3)}
    assert len(draws) == 15


# ---- chunks and processes -----------------------------------------------------------------

MANY = [
    trial(parse(text, "learners"), size, seed, strategy)
    for text in ("KNN", "ERM(epochs=1)", "RandomForest(trees=3)")
    for strategy in (PLANT, Idle(SetFeature(), 1))
    for size in (0.0, 0.2)
    for seed in range(3)
]


@pytest.fixture(scope="module")
def undisturbed():
    return [r for chunk in chunks_of(MANY) for r in run_trials(chunk)]


def test_chunks_hold_each_trial_once_of_one_data_and_learner():
    chunks = list(chunks_of(MANY))
    assert sorted(t.key for c in chunks for t in c) == sorted(t.key for t in MANY)
    for chunk in chunks:
        assert len({(t.key.dataset, t.key.learner) for t in chunk}) == 1
        assert len(chunk) <= chunk[0].learner.chunk
    assert all(len(c) <= c[0].learner.chunk for c in chunks_of(MANY * 9))


@pytest.mark.parametrize("longest", [1, 3])
def test_chunks_are_as_long_as_one_says(longest, undisturbed):
    chunks = list(chunks_of(MANY, plan(MANY, Todo({}), longest)))
    assert max(map(len, chunks)) == longest
    assert len(chunks) == plan(MANY, Todo({}), longest).chunks
    assert lasting([r for c in chunks for r in run_trials(c)]) == lasting(undisturbed)


def test_a_record_does_not_depend_on_its_chunk(undisturbed):
    alone = [r for t in MANY for r in run_trials([t])]
    turned = [r for c in chunks_of(MANY[::-1]) for r in run_trials(c)]
    assert lasting(alone) == lasting(undisturbed) == lasting(turned)


@pytest.mark.integration
def test_a_record_does_not_depend_on_the_number_of_processes(undisturbed):
    spread = [r for _, records in run_chunks(chunks_of(MANY), jobs=2) for r in records]
    here = [r for _, records in run_chunks(chunks_of(MANY)) for r in records]
    assert lasting(spread) == lasting(here) == lasting(undisturbed)


# ---- what is missing, what is stale -------------------------------------------------------


def test_what_is_there_is_not_run_again(tmp_path):
    trials = [trial(size=size) for size in (0.0, 0.1)] + [trial(Faulty(), 0.9)]
    with Store(tmp_path) as store:
        sweep(trials[1:], store)
        have = store.have()
    left = [
        [t for t in trials if t in todo]
        for todo in (
            Todo(have),
            Todo(have, retry_failed=True),
            Todo(have, rerun_stale=True),
            Todo({}),
        )
    ]
    assert left == [trials[:1], [trials[0], trials[2]], trials[:1], trials]
    counted = plan(trials, Todo(have))
    assert [counted[n] for n in ("trials", "done", "failed", "stale", "left")] == [3, 2, 1, 0, 1]
    old = {key: Have(ok, "another") for key, (ok, _) in have.items()}
    assert [t in Todo(old, rerun_stale=True) for t in trials] == [True] * 3
    assert plan(trials, Todo(old))["stale"] == 2


@pytest.fixture
def cleared(monkeypatch):
    """Versions are computed anew, now and after the test."""
    caches = versions._tree, versions._version, versions._hashed
    for kept in caches:
        kept.cache_clear()
    yield
    monkeypatch.undo()
    for kept in caches:
        kept.cache_clear()


#: The trees of modules that are not edited.
UNEDITED = cache(versions._tree.__wrapped__)


@pytest.fixture
def edited(cleared, monkeypatch):
    """The version of a trial after an edit of the source of a module."""
    plain, tree = versions._source, versions._tree.__wrapped__

    def edited(module, edit):
        monkeypatch.setattr(
            versions, "_source", lambda m: edit(plain(m)) if m == module else plain(m)
        )
        monkeypatch.setattr(
            versions, "_tree", lambda m: tree(m) if m.name == module else UNEDITED(m)
        )
        versions._version.cache_clear()
        versions._hashed.cache_clear()
        return code_version(trial(parse("ERM", "learners")))

    return edited


def test_comments_layout_and_docstrings_do_not_count(edited):
    today = edited("algorithms.erm", str)
    assert (
        edited("algorithms.erm", lambda s: s.replace("class ERM", "# new\n\n\nclass ERM")) == today
    )
    assert edited("algorithms.erm", lambda s: s.replace("All people", "Everybody")) == today
    assert (
        edited("algorithms.erm", lambda s: s.replace("descend(samples, ", "descend(\n samples,"))
        == today
    )


@pytest.mark.parametrize(
    ("module", "parts"),
    [
        ("algorithms.erm", [1]),
        ("algorithms.engine.loop", [1]),
        ("algorithms.networks", [1]),
        ("collectives.planting", [2]),
        ("collectives.signals.tabular", [0, 2]),
        ("bench.datasets.synthetic.coins", [0]),
        ("bench.experiment.trial", [0, 1, 2]),
        ("bench.experiment.setup", [0, 1, 2]),
        ("bench.experiment.evaluation", [0, 1, 2]),
        ("bench.experiment.run", [0, 1, 2]),
        ("bench.core.random_streams", [0, 1, 2]),
        ("algorithms.knn", []),
    ],
)
def test_code_counts_for_those_who_use_it(edited, module, parts):
    before = edited("", str).split(".")
    after = edited(module, lambda s: s + "\nx = 1\n").split(".")
    assert [i for i in range(3) if before[i] != after[i]] == parts


@pytest.mark.integration
@pytest.mark.parametrize("planned", [False, True])
def test_versions_are_those_of_the_code_before_a_run_began(
    cleared, monkeypatch, tmp_path, planned
):
    """The source is edited while the first chunk runs; the second is handed out later."""
    before, plain = code_version(trial(parse("ERM", "learners"))), versions._source
    for kept in (versions._tree, versions._version, versions._hashed):
        kept.cache_clear()
    trials = [trial(), trial(parse("ERM(epochs=1)", "learners"))]

    def run(chunks):
        for chunk in chunks:
            monkeypatch.setattr(versions, "_source", lambda m: plain(m) + "\nx = 1\n")
            yield chunk, run_trials(chunk)

    with Store(tmp_path) as store:
        if planned:
            sweep(trials, store, run=run, planned=plan(trials, Todo({})))
        else:
            sweep(trials[1:], store, run=run)
    codes = {r["learner"]: r["code"] for r in store.records()}
    assert codes[repr(trials[1].learner)] == before


def test_a_version_is_the_same_on_all_versions_of_python():
    """The trees of 3.13 have no empty fields in their dumps, those of 3.11 have; ours never."""
    tree = ast.parse("def f(x: int = None) -> None:\n    return (x, 0.5, None, ...)\n")
    assert versions._dumped(tree) == (
        "Module(body=[FunctionDef(name='f',args=arguments(args=[arg(arg='x',annotation="
        "Name(id='int',ctx=Load()))],defaults=[Constant()]),body=[Return(value=Tuple(elts="
        "[Name(id='x',ctx=Load()),Constant(value=0.5),Constant(),Constant(value=Ellipsis)],"
        "ctx=Load()))],returns=Constant())])"
    )


def test_a_version_is_of_code_and_not_of_fields():
    assert code_version(trial(parse("ERM", "learners"))) == code_version(
        trial(parse("ERM(learning_rate=1)", "learners"), size=0.5, seed=7)
    )
