"""Trials and sweeps: what a record depends on, and what it does not."""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from algorithms.base import Fitted, Learner
from algorithms.empirical_bayes import EmpiricalBayes
from bench import trial as trials_module
from bench import versions
from bench.backends import run_chunks
from bench.datasets.coins import Coins
from bench.datasets.digits import Digits
from bench.grid import Grid, Part
from bench.specs import parse
from bench.store import Have, Store
from bench.streams import stream
from bench.sweep import Todo, chunks_of, plan, sweep
from bench.trial import Scene, Trial, World, judge, recruit, run_trials, stage
from bench.versions import code_version
from collectives.base import Strategy
from collectives.idle import Idle
from collectives.planting import FeatureLabel
from collectives.signals import SetFeature

COINS = Coins(n=200, test=100, overlap=0.1)
PLANT = FeatureLabel(SetFeature(), 1)


def trial(learner=None, size=0.1, seed=0, strategy=PLANT, data=COINS, validation="clean"):
    return Trial(data, learner or EmpiricalBayes(), strategy, size, seed, validation)


def lasting(records):
    """Records without what differs from run to run."""
    key = ("dataset", "learner", "strategy", "size", "seed", "validation", "groups")
    kept = [{k: v for k, v in r.items() if k not in ("seconds", "memory")} for r in records]
    return sorted(kept, key=lambda r: [r[k] for k in key])


# ---- members, sizes, streams --------------------------------------------------------------


def test_collectives_of_one_seed_are_nested():
    sizes = [0.0, 0.005, 0.1, 0.3, 1.0]
    scenes = [stage(trial(size=size), World(COINS.split(stream(0, "data")))) for size in sizes]
    for size, scene in zip(sizes, scenes, strict=True):
        assert len(scene.members) == round(size * 200) == len(set(scene.members.tolist()))
        assert len(scene.sample) == 200
    for small, large in itertools.pairwise(scenes):
        assert np.array_equal(small.members, large.members[: len(small.members)])
    other = stage(trial(seed=1), World(COINS.split(stream(0, "data")))).members
    assert not np.array_equal(other, scenes[2].members)


def test_only_members_change_their_rows():
    split = COINS.split(stream(0, "data"))
    scene = stage(trial(size=0.3), World(split))
    others = np.setdiff1d(np.arange(200), scene.members)
    assert np.array_equal(scene.sample.x[others], split.x[split.train][others])
    assert np.array_equal(scene.sample.y[others], split.y[split.train][others])
    assert (scene.sample.x[scene.members, -1] == 1).all()
    assert (scene.sample.y[scene.members] == 1).all()
    assert np.array_equal(scene.test.x, split.x[split.test])


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


def test_chunks_hold_every_trial_once_and_share_data_and_learner():
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


def test_a_record_does_not_depend_on_the_number_of_processes(undisturbed):
    spread = [r for _, records in run_chunks(chunks_of(MANY), jobs=2) for r in records]
    here = [r for _, records in run_chunks(chunks_of(MANY)) for r in records]
    assert lasting(spread) == lasting(here) == lasting(undisturbed)


# ---- failures -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Faulty(Learner):
    """It fails, in one way or other, where there is a collective."""

    how: str = "raises"

    def fit(self, sample, rng):
        """Fail."""
        good = Fitted(lambda x: np.zeros(len(x), dtype=int))
        if (sample.y == 1).sum() < 100 and self.how != "has no report":
            return good
        n = len(sample)
        if self.how == "raises":
            raise ZeroDivisionError("on purpose")
        return {
            "is nothing": None,
            "is an array": np.zeros(3),
            "is a class": Fitted,
            "is of the wrong length": Fitted(lambda x: np.zeros(3)),
            "is one number": Fitted(lambda x: 0),
            "raises later": Fitted(lambda x: [][1]),
            "weighs too few": Fitted(good.predict, weights=np.ones(n - 1)),
            "weighs too many": Fitted(good.predict, weights=np.ones(n + 1)),
            "weighs nothing": Fitted(good.predict, weights=np.zeros(n)),
            "weighs NaN": Fitted(good.predict, weights=np.full(n, np.nan)),
            "weighs below zero": Fitted(good.predict, weights=np.r_[-1.0, np.ones(n - 1)]),
            "reports words": Fitted(good.predict, report={"loss": "high"}),
        }[self.how]


WAYS = {
    "raises": "ZeroDivisionError: on purpose",
    "is nothing": "the learner returned NoneType in place of Fitted",
    "is an array": "the learner returned ndarray in place of Fitted",
    "is a class": "the learner returned type in place of Fitted",
    "is of the wrong length": "predict returned (3,) for 100 points",
    "is one number": "predict returned () for 100 points",
    "raises later": "IndexError",
    "weighs too few": "weights are not 200 finite numbers",
    "weighs too many": "weights are not 200 finite numbers",
    "weighs nothing": "weights are not 200 finite numbers",
    "weighs NaN": "weights are not 200 finite numbers",
    "weighs below zero": "weights are not 200 finite numbers",
    "reports words": "TypeError",
}


@pytest.mark.parametrize("how", WAYS)
def test_a_failing_learner_leaves_a_row_and_costs_no_other_trial(how, tmp_path):
    trials = [trial(Faulty(how), size) for size in (0.0, 0.9, 0.01)] + [trial()]
    with Store(tmp_path) as store:
        progress = sweep(trials, store)
        frame = store.frame().set_index(["learner", "size"])
    assert (progress.total, progress.done, progress.failed) == (4, 4, 1)
    row = frame.loc[repr(Faulty(how)), 0.9]
    assert row["status"] == "failed"
    assert WAYS[how] in row["error"]
    assert np.isnan(row["success"])
    assert row["members"] == 180
    assert (frame["status"] == "ok").sum() == 3


@dataclass(frozen=True)
class Together(Learner):
    """It fails only where many are trained at once."""

    how: str = "raises"

    def fit(self, sample, rng):
        """Predict what the generator says."""
        label = int(rng.integers(2))
        return Fitted(lambda x: np.full(len(x), label))

    def fit_many(self, samples, rngs):
        """Fail where there are many."""
        made = super().fit_many(samples, rngs)
        if len(samples) > 1 and self.how == "raises":
            raise RuntimeError("one of them is bad")
        return {"loses one": made[:-1] or made, "is lazy": iter(made)}.get(self.how, made)


@pytest.mark.parametrize("how", ["raises", "loses one", "is lazy"])
def test_who_fails_with_many_is_asked_for_one_at_a_time(how):
    trials = [trial(Together(how), size, seed) for seed in range(4) for size in (0.0, 0.5)]
    records = run_trials(trials)
    assert [r["status"] for r in records] == ["ok"] * 8
    assert [r["success"] for r in records] == [
        r["success"] for t in trials for r in run_trials([t])
    ]


@dataclass(frozen=True)
class Clumsy(Strategy):
    """It hands in rubbish, or counts it."""

    signal: None = None
    label: int = 1
    how: str = "few"

    def act(self, x, y, *, pooled, n, rng):
        """Hand in too few rows, or other ones."""
        if self.how == "raises":
            raise KeyError("tongue-tied")
        rows = {"few": (x[1:], y[1:]), "narrow": (x[:, 1:], y), "unlabelled": (x, y[:0])}
        return rows.get(self.how, (x, y))

    def success(self, predict, test):
        """Some number or other."""
        much = {"nan": np.nan, "more": 1.5, "less": -0.1}.get(self.how, 0.5)
        return np.full(len(test.y), much) if self.how != "scalar" else np.float64(0.5)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("few", "act returned rows of shape (19, 5) for (20, 5)"),
        ("narrow", "act returned rows of shape (20, 4) for (20, 5)"),
        ("unlabelled", "act returned rows of shape (0,) for (20,)"),
        ("raises", "tongue-tied"),
        ("nan", "success is not a share"),
        ("more", "success is not a share"),
        ("less", "success is not a share"),
        ("scalar", "success is not a share"),
    ],
)
def test_a_failing_strategy_costs_no_other_trial(how, says):
    learner = parse("ERM(epochs=1)", "learners")
    bad, good = run_trials([trial(learner, strategy=Clumsy(how=how)), trial(learner)])
    assert bad["status"] == "failed"
    assert says in bad["error"]
    assert good["success"] == run_trials([trial(learner)])[0]["success"]


def test_a_report_that_is_not_finite_is_none(tmp_path):
    scene = stage(trial(), World(COINS.split(stream(0, "data"))))
    report = {"loss": np.float32("nan"), "gap": np.inf, "steps": np.int64(3)}
    record = judge(trial(), scene, Fitted(lambda x: np.zeros(len(x)), report=report))
    assert record["report"] == {"loss": None, "gap": None, "steps": 3.0}
    json.dumps(record, allow_nan=False)


def test_data_that_cannot_be_drawn_fail_their_trials_alone():
    records = run_trials([trial(data=Digits(), strategy=FeatureLabel(SetFeature(999), 1))])
    assert records[0]["status"] == "failed"


@dataclass(frozen=True)
class Deadly(Learner):
    """It takes its process with it."""

    def fit(self, sample, rng):
        """Die."""
        if (sample.y == 1).sum() > 150:
            os.write(1, b"last words")
            os._exit(3)
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


def test_a_worker_that_dies_costs_its_trial_alone():
    chunks = [[trial(Deadly(), 0.0), trial(Deadly(), 0.9), trial(Deadly(), 0.1)], [trial()]]
    records = [r for _, made in run_chunks(chunks, jobs=2) for r in made]
    bad = [r for r in records if r["status"] != "ok"]
    assert len(records) == 4
    assert [(r["size"], r["error"]) for r in bad] == [
        (0.9, "WorkerDied: it ended with exit code 3")
    ]
    assert "last words" in bad[0]["log"]


# ---- what a record says -------------------------------------------------------------------


@dataclass(frozen=True)
class Weighing(Learner):
    """Weights by hand: 3 for label 1, else 1."""

    def fit(self, sample, rng):
        """Weigh."""
        return Fitted(lambda x: x[:, 0].astype(int), weights=np.where(sample.y == 1, 3.0, 1.0))


def test_the_effective_size_is_the_members_share_of_all_weights():
    (record,) = run_trials([trial(Weighing(), 0.1)])
    split = COINS.split(stream(0, "data"))
    members = stream(0, "members").permutation(200)[:20]
    y = split.y[split.train].copy()
    y[members] = 1
    ones = int((y == 1).sum())
    assert record["effective_size"] == pytest.approx(20 * 3 / (3 * ones + (200 - ones)))
    assert run_trials([trial(Weighing(), 0.0)])[0]["effective_size"] == 0.0
    assert run_trials([trial()])[0]["effective_size"] is None


def test_what_is_counted_is_counted_by_hand():
    split = COINS.split(stream(0, "data"))
    x, y = split.x[split.test], split.y[split.test]
    (record,) = run_trials([trial(Weighing(), 0.1)])
    assert record["success"] == (x[:, 0] == 1).mean()  # the signal is in another column
    assert record["won"] == (x[:, 0] == 1).sum()
    assert record["tested"] == 100
    assert record["success_others"] == (x[y != 1, 0] == 1).mean()
    assert record["accuracy"] == (x[:, 0] == y).mean()
    assert record["worst_group"] is None
    assert (record["members"], record["n"]) == (20, 200)


def test_the_worst_group_is_the_one_that_is_served_worst():
    split = COINS.split(stream(0, "data"))
    group = np.arange(len(split.x)) % 3
    scene = stage(trial(), World(replace(split, group=group)))
    x, y, g = scene.test.x, scene.test.y, group[split.test]
    record = judge(trial(), scene, Fitted(lambda points: points[:, 0].astype(int)))
    by_hand = [np.mean(x[g == k, 0] == y[g == k]) for k in range(3)]
    assert record["worst_group"] == min(by_hand) < max(by_hand)
    assert np.array_equal(scene.sample.group, group[split.train])
    assert np.array_equal(scene.sample.validation.group, group[split.validation])


def test_members_are_in_contaminated_validation_data_and_not_in_clean():
    split = COINS.split(stream(0, "data"))
    clean = stage(trial(size=0.3), World(split)).sample.validation
    dirty = stage(trial(size=0.3, validation="contaminated"), World(split)).sample.validation
    assert np.array_equal(clean.x, split.x[split.validation])
    assert np.array_equal(clean.y, split.y[split.validation])
    members = stream(0, "members", "validation").permutation(50)[:15]
    assert len(dirty) == 50
    assert (dirty.x[members, -1] == 1).all()
    assert (dirty.y[members] == 1).all()
    others = np.setdiff1d(np.arange(50), members)
    assert np.array_equal(dirty.x[others], clean.x[others])
    assert not np.array_equal(dirty.y, clean.y)


@pytest.mark.parametrize("size", [0.0, 0.01, 0.03, 0.065, 0.12, 0.3])
def test_the_bayes_rule_of_the_mixture_by_enumeration(size):
    """Count by hand what the rule of alpha h(P0) + (1 - alpha) P0 answers on the signal set."""
    data = Coins(n=400, test=600, coins=3, overlap=0.1, gap=0.5, noise=0.2)
    learner = parse("BayesOptimal", "learners")
    (record,) = run_trials([Trial(data, learner, FeatureLabel(data.signal, 1), size, 0)])
    alpha = round(size * 400) / 400
    answers = {}
    for rank, u in enumerate(itertools.product([0, 1], repeat=3)):
        carried = 0.1 + 0.1 * (2 * rank + 1 - 8) / 8
        one = 0.8 if sum(u) >= 2 else 0.2
        for s in (0, 1):
            mass = (carried if s else 1 - carried) / 8
            p1 = (1 - 0.5) / 2 if s else one
            zero, ones = (1 - alpha) * mass * (1 - p1), (1 - alpha) * mass * p1
            ones += alpha / 8 if s else 0.0  # all members at u are now at (u, 1) with label 1
            answers[*u, s] = int(ones > zero)
    split = data.split(stream(0, "data"))
    x, y = split.x[split.test].astype(int), split.y[split.test]
    planted = np.array([answers[*row[:-1], 1] for row in x.tolist()])
    assert record["success"] == planted.mean()
    assert record["success_others"] == planted[y != 1].mean()
    assert record["accuracy"] == np.mean([answers[tuple(r)] for r in x.tolist()] == y)


# ---- what is missing, what is stale -------------------------------------------------------


def test_what_is_there_is_not_run_again(tmp_path):
    trials = [trial(size=size) for size in (0.0, 0.1)] + [trial(Faulty(), 0.9)]
    with Store(tmp_path) as store:
        sweep(trials[1:], store)
        have = store.have()
    left = [[t for t in trials if t in todo] for todo in (
        Todo(have), Todo(have, retry_failed=True), Todo(have, rerun_stale=True), Todo({}),
    )]  # fmt: skip
    assert left == [trials[:1], [trials[0], trials[2]], trials[:1], trials]
    counted = plan(trials, Todo(have))
    assert [counted[n] for n in ("trials", "done", "failed", "stale", "left")] == [3, 2, 1, 0, 1]
    old = {key: Have(ok, "another") for key, (ok, _) in have.items()}
    assert [t in Todo(old, rerun_stale=True) for t in trials] == [True] * 3
    assert plan(trials, Todo(old))["stale"] == 2


@pytest.fixture
def edited(monkeypatch):
    """The version of a trial after an edit of the source of a module."""
    plain = versions._source

    def edited(module, edit):
        monkeypatch.setattr(
            versions, "_source", lambda m: edit(plain(m)) if m == module else plain(m)
        )
        versions._tree.cache_clear()
        versions._version.cache_clear()
        versions._hashed.cache_clear()
        return code_version(trial(parse("ERM", "learners")))

    yield edited
    monkeypatch.undo()
    versions._tree.cache_clear()
    versions._version.cache_clear()
    versions._hashed.cache_clear()


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
        ("algorithms._training", [1]),
        ("algorithms.networks", [1]),
        ("collectives.planting", [2]),
        ("collectives.signals", [0, 2]),
        ("bench.datasets.coins", [0]),
        ("bench.trial", [0, 1, 2]),
        ("bench.streams", [0, 1, 2]),
        ("algorithms.knn", []),
    ],
)
def test_code_counts_for_those_who_use_it(edited, module, parts):
    before = edited("", str).split(".")
    after = edited(module, lambda s: s + "\nx = 1\n").split(".")
    assert [i for i in range(3) if before[i] != after[i]] == parts


def test_a_version_is_of_code_and_not_of_fields():
    assert code_version(trial(parse("ERM", "learners"))) == code_version(
        trial(parse("ERM(rate=1)", "learners"), size=0.5, seed=7)
    )


# ---- kill, interrupt, resume --------------------------------------------------------------

COMMAND = [
    "run", "quick", "--datasets", "Coins(n=200, test=200)", "--learners", "Slow, KNN",
    "--strategies", "FeatureLabel", "--sizes", "0.1", "--seeds", "6",
]  # fmt: skip
SLOW = '''
import os
import time
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Slow(Learner):
    """It takes its time."""
    chunk = 2

    def fit(self, sample, rng):
        time.sleep(float(os.environ.get("PAUSE", 0)))
        label = int(rng.integers(2))
        return Fitted(lambda x: np.full(len(x), label))
'''
HERE = Path(trials_module.__file__).parent.parent


@pytest.fixture
def started(tmp_path):
    """Start the command line in a session of its own."""
    (tmp_path / "slow.py").write_text(SLOW)
    runs = []

    def started(jobs, pause=0.15):
        command = [sys.executable, str(HERE / "run_bench.py"), *COMMAND, "--jobs", str(jobs)]
        command += ["--plugin", "slow.py", "--out", "run"]
        run = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env=os.environ | {"PAUSE": str(pause)},
        )  # fmt: skip
        runs.append(run)
        return run

    yield started
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.communicate()


def wait_for_records(run, folder):
    """Wait until the first records are committed."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and run.poll() is None:
        if (folder / "records.jsonl").exists() and (folder / "records.jsonl").stat().st_size:
            return
        time.sleep(0.01)
    raise AssertionError(run.communicate())


def living(session):
    """The processes of a session that are still there, without those that wait to be reaped."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(stat.parent.name)
    return found


def gone(session):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and living(session):
        time.sleep(0.05)
    return not living(session)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@needs_proc
@pytest.mark.parametrize(
    ("jobs", "number", "all_hear"),
    [(2, signal.SIGINT, True), (1, signal.SIGTERM, False)],
)
def test_an_interrupted_run_says_how_to_go_on(tmp_path, started, jobs, number, all_hear):
    run = started(jobs, pause=0.6)  # so that it is not over before it hears
    wait_for_records(run, tmp_path / "run")
    (os.killpg if all_hear else os.kill)(run.pid, number)  # a terminal tells the whole group
    out, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert "of 24 trials are in run; the same command goes on from there" in err
    assert "Traceback" not in err
    assert "KeyboardInterrupt" not in err
    assert out == ""
    assert gone(run.pid)
    records = list(Store(tmp_path / "run").records())
    assert 0 < len(records) < 24
    assert f"interrupted: {len(records)} of 24" in err
    with Store(tmp_path / "run") as store:
        assert store.damaged == []


@needs_proc
def test_a_killed_run_goes_on_to_the_same_records(tmp_path, started, monkeypatch):
    run = started(1)
    wait_for_records(run, tmp_path / "run")
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    before = lasting(Store(tmp_path / "run").records())
    assert 0 < len(before) < 24
    path = tmp_path / "run" / "records.jsonl"
    path.write_bytes(path.read_bytes()[:-9])

    from bench.registry import REGISTRY

    monkeypatch.setitem(REGISTRY.kinds, "learners", dict(REGISTRY.kinds["learners"]))
    REGISTRY.load(tmp_path / "slow.py")
    trials = Grid("g", (Part((COMMAND[3],), ("Slow", "KNN"), sizes=(0.1,), seeds=6),)).trials()
    trials = list(trials)
    with Store(tmp_path / "run") as store:
        assert store.damaged == [f"line {len(before)}"]
        have = Todo(store.have())
        todo = [t for t in trials if t in have]
        assert len(todo) == 24 - len(before) + 1
        sweep(todo, store)
        after = lasting(store.records())
    with Store(tmp_path / "whole") as store:
        sweep(trials, store)
        assert lasting(store.records()) == after
    assert all(record in after for record in before)


def test_recruits_of_nobody_are_the_data_themselves():
    split = COINS.split(stream(0, "data"))
    sample, members = recruit(trial(size=0.0), split, split.train)
    assert len(members) == 0
    assert isinstance(stage(trial(size=0.0), World(split)), Scene)
    assert np.array_equal(sample.x, split.x[split.train])
