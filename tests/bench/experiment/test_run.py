"""A trial: who fails alone, and what its record says."""

import itertools
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

from algorithms.base import Epoch, Fitted, Learner
from algorithms.erm import ERM
from bench.core.random_streams import stream
from bench.datasets.real.digits import Digits
from bench.datasets.synthetic.coins import Coins
from bench.execution.backends import run_chunks
from bench.execution.sweep import sweep
from bench.experiment.evaluation import evaluate
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, TrainingSetup, build_training_set, set_up
from bench.experiment.trial import Trial
from bench.records.store import Store
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from tests.helpers.trials import COINS, Deadly, Faulty, trial

# ---- failures -----------------------------------------------------------------------------


WAYS = {
    "raises": "ZeroDivisionError: on purpose",
    "exits": "RuntimeError: SystemExit: 3",
    "exits later": "SystemExit: 3",
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
        if self.how == "exits":
            raise SystemExit("gone")
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
        ("exits", "SystemExit: gone"),
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
    scene = set_up(trial(), SeedContext(COINS.split(stream(0, "data"))))
    report = {"loss": np.float32("nan"), "gap": np.inf, "steps": np.int64(3)}
    record = evaluate(trial(), scene, Fitted(lambda x: np.zeros(len(x)), report=report))
    assert record["report"] == {"loss": None, "gap": None, "steps": 3.0}
    json.dumps(record, allow_nan=False)


def test_data_that_cannot_be_drawn_fail_their_trials_alone():
    records = run_trials([trial(data=Digits(), strategy=FeatureLabel(SetFeature(999), 1))])
    assert records[0]["status"] == "failed"


@pytest.mark.integration
def test_a_worker_that_dies_costs_its_trial_alone():
    chunks = [[trial(Deadly(), 0.9), trial(Deadly(), 0.1)], [trial()]]
    records = [r for _, made in run_chunks(chunks, jobs=1) for r in made]
    bad = [r for r in records if r["status"] != "ok"]
    assert len(records) == 3
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
    assert record["success"] * record["tested"] == (x[:, 0] == 1).sum()
    assert record["tested"] == 100
    assert record["success_others"] == (x[y != 1, 0] == 1).mean()
    assert record["accuracy"] == (x[:, 0] == y).mean()
    assert record["constant"] == max(np.mean(y == 0), np.mean(y == 1))
    assert record["worst_group"] is None
    assert (record["members"], record["n"]) == (20, 200)


@pytest.mark.parametrize(
    ("tell", "says"),
    [
        (lambda x: np.full((len(x), 2), np.nan), "no probabilities"),
        (lambda x: np.full((len(x), 2), np.inf), "no probabilities"),
        (lambda x: np.full((len(x), 2), -0.5), "no probabilities"),
        (lambda x: np.full(len(x), 0.5), r"\(50,\) for 50 points"),
    ],
)
def test_what_is_no_probability_is_refused(tell, says):
    scene = set_up(trial(), SeedContext(COINS.split(stream(0, "data"))))
    with pytest.raises(ValueError, match=says):
        evaluate(trial(), scene, Fitted(lambda x: np.zeros(len(x), dtype=int), tell))


def test_a_metric_of_an_epoch_that_is_no_number_is_refused():
    scene = set_up(trial(), SeedContext(COINS.split(stream(0, "data"))))
    fitted = Fitted(lambda x: np.zeros(len(x), dtype=int))
    fitted = replace(fitted, path=[Epoch(fitted.predict, metrics={"loss": float("nan")})])
    with pytest.raises(ValueError, match="firm_loss after an epoch is nan"):
        evaluate(trial(), scene, fitted)


def test_the_worst_group_is_the_one_that_is_served_worst():
    split = COINS.split(stream(0, "data"))
    group = np.arange(len(split.x)) % 3
    scene = set_up(trial(), SeedContext(replace(split, group=group)))
    x, y, g = scene.context.test.x, scene.context.test.y, group[split.test]
    record = evaluate(trial(), scene, Fitted(lambda points: points[:, 0].astype(int)))
    by_hand = [np.mean(x[g == k, 0] == y[g == k]) for k in range(3)]
    assert record["worst_group"] == min(by_hand) < max(by_hand)
    assert np.array_equal(scene.sample.group, group[split.train])
    assert np.array_equal(scene.sample.validation.group, group[split.validation])


def test_members_are_in_contaminated_validation_data_and_not_in_clean():
    split = COINS.split(stream(0, "data"))
    clean = set_up(trial(size=0.3), SeedContext(split)).sample.validation
    dirty = set_up(
        trial(size=0.3, validation="contaminated"), SeedContext(split)
    ).sample.validation
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
    data = Coins(n=400, n_test=600, coins=3, overlap=0.1, gap=0.5, noise=0.2)
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


@pytest.mark.parametrize("validation", ["clean", "contaminated"])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_firm_of_few_people_may_hold_out_nobody(n, validation):
    few = Coins(n=n, n_test=20)
    (record,) = run_trials([trial(size=0.5, data=few, validation=validation)])
    assert (record["status"], record["n"]) == ("ok", n)
    assert ("firm_accuracy" in record) == (n == 4)
    selecting = trial(ERM(epochs=1, selection="accuracy"), data=few, validation=validation)
    (record,) = run_trials([selecting])
    assert record["status"] == "ok" if n == 4 else "needs validation data" in record["error"]


def test_recruits_of_nobody_are_the_data_themselves():
    split = COINS.split(stream(0, "data"))
    sample, members = build_training_set(trial(size=0.0), split, split.train)
    assert len(members) == 0
    assert isinstance(set_up(trial(size=0.0), SeedContext(split)), TrainingSetup)
    assert np.array_equal(sample.x, split.x[split.train])
