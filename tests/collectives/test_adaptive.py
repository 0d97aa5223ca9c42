"""Rounds: who sees what the firm deployed acts again, and the firm trains again."""

import itertools
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

from algorithms.base import Fitted, Learner
from algorithms.empirical_bayes import EmpiricalBayes
from bench.core.random_streams import stream
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, set_up
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.adaptive import Adaptive, redrawn_rows
from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from collectives.size_aware import SizeAware
from collectives.types import MemberData

DATA = Coins(n=1000, n_test=600, coins=3, overlap=0.1, noise=0.2)
PLANT = FeatureLabel(DATA.signal, 1)
PASSING = ("seconds", "memory", "strategy")


def trial(strategy: Strategy, size: float = 0.05, seed: int = 0, **more: Any) -> Trial:
    return Trial(DATA, more.pop("learner", EmpiricalBayes()), strategy, size, seed, **more)


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in PASSING}


# ---- the rounds of a trial ----------------------------------------------------------------------


@dataclass(frozen=True)
class Counting(EmpiricalBayes):
    """Notes how many samples it is handed at once."""

    handed: ClassVar[list[int]] = []

    def fit_many(self, samples: Any, rngs: Any) -> Any:
        """Count."""
        self.handed.append(len(samples))
        return super().fit_many(samples, rngs)


def test_each_round_is_one_batch_of_the_trials_that_go_on() -> None:
    Counting.handed.clear()
    strategies = [PLANT, Adaptive(PLANT, rounds=3), Adaptive(PLANT, rounds=2)]
    made = run_trials(
        [trial(s, size, learner=Counting()) for s in strategies for size in (0.0, 0.05)]
    )
    # Without members there is nobody to act again.
    assert Counting.handed == [6, 2, 1]
    assert [len(r["measures"]) for r in made] == [0, 0, 0, 2, 0, 1]


def test_a_record_does_not_depend_on_who_is_in_the_chunk() -> None:
    trials = [
        trial(Adaptive(PLANT, rounds=r), size, seed)
        for r in (1, 2, 4)
        for size in (0.0, 0.05, 0.2)
        for seed in (0, 1)
    ]
    together = run_trials(trials)
    alone = [record for t in trials for record in run_trials([t])]
    assert list(map(lasting, together)) == list(map(lasting, alone))


def test_one_round_is_what_it_was() -> None:
    sizes = (0.0, 0.05, 0.3)
    once = run_trials([trial(Adaptive(PLANT, rounds=1), size) for size in sizes])
    plain = run_trials([trial(PLANT, size) for size in sizes])
    for one, other in zip(once, plain, strict=True):
        # What a record promises differs: nothing is known of the law of who adapts.
        drop = {"bounds": None}
        assert lasting(one | drop) == lasting(other | drop)


@dataclass(frozen=True)
class Startled(FeatureLabel):
    """It does not bear what it sees."""

    rounds: ClassVar[int] = 3  # type: ignore[assignment,misc]

    def act(self, x: Any, y: Any, *, pooled: MemberData, n: int, rng: Any) -> Any:
        """Raise."""
        if len(pooled.deployed) == 2:
            raise RuntimeError(f"seen {len(pooled.deployed)}")
        return super().act(x, y, pooled=pooled, n=n, rng=rng)


def test_a_failure_in_a_later_round_affects_one_trial() -> None:
    failed, good = run_trials([trial(Startled(DATA.signal, 1)), trial(Adaptive(PLANT))])
    assert (failed["status"], good["status"]) == ("failed", "ok")
    assert "seen 2" in failed["error"]
    assert failed["members"] == 50
    assert lasting(good) == lasting(run_trials([trial(Adaptive(PLANT))])[0])


@dataclass(frozen=True)
class Moody(Learner):
    """It answers with the label that its labels' sum says."""

    def fit(self, sample: Any, rng: np.random.Generator) -> Fitted:
        """Add up."""
        answer = int(sample.y.sum() + sample.validation.y.sum()) % 2
        return Fitted(lambda x: np.full(len(x), answer))


@dataclass(frozen=True)
class Contrary(FeatureLabel):
    """Members hand in the opposite of what they saw last, in validation data too."""

    rounds: ClassVar[int] = 3  # type: ignore[assignment,misc]

    def act(self, x: Any, y: Any, *, pooled: MemberData, n: int, rng: Any) -> Any:
        """Contradict."""
        seen = pooled.deployed[-1](x[:1])[0] if pooled.deployed else 1
        return x.copy(), np.full_like(y, 1 - seen)


@pytest.mark.parametrize("validation", ["clean", "contaminated"])
def test_rounds_by_hand(validation: Any) -> None:
    given = trial(Contrary(DATA.signal, 1), 0.1, learner=Moody(), validation=validation)
    split = DATA.split(stream(0, "data"))
    members = {
        "": stream(0, "members").permutation(1000)[:100],
        "v": stream(0, "members", "validation").permutation(250)[:25],
    }
    answers, last = [], 1
    for _ in range(3):
        y, v = split.y[split.train].copy(), split.y[split.validation].copy()
        y[members[""]] = 1 - last
        if validation == "contaminated":
            v[members["v"]] = 1 - last
        last = int(y.sum() + v.sum()) % 2
        answers.append(float(last == 1))
    (record,) = run_trials([given])
    assert [*record["measures"].values(), record["success"]] == answers
    assert list(record["measures"]) == ["success_round_1", "success_round_2"]


# ---- what an adaptive collective does -----------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_rows_are_redrawn_rows_into_the_law_of_the_weights(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.gamma(0.5, size=6)
    weight /= weight.mean()
    rows = np.stack([redrawn_rows(weight, rng) for _ in range(4_000)])
    share = np.bincount(rows.ravel(), minlength=6) / rows.size
    np.testing.assert_allclose(share, weight / 6, atol=0.012)
    keeps = (rows == np.arange(6)).mean(axis=0)
    assert (keeps >= np.minimum(weight, 1) - 0.03).all()
    assert redrawn_rows(np.ones(6), rng).tolist() == list(range(6))


@pytest.mark.parametrize("size", [0.02, 0.04, 0.08])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_last_round_repeats_the_best_one(size: float, seed: int) -> None:
    split = DATA.split(stream(seed, "data"))
    adaptive, seen, won = Adaptive(PLANT, rounds=5), (), []
    for _ in range(5):
        scene = set_up(trial(adaptive, size, seed), SeedContext(split), deployed=seen)
        own = split.part(split.train[scene.members])
        fitted = EmpiricalBayes().fit(scene.sample, stream(seed, "fit"))
        seen = (*seen, fitted.predict)
        won.append(PLANT.success(fitted.predict, own).mean())
    assert won[-1] == max(won[:-1])
    (record,) = run_trials([trial(adaptive, size, seed)])
    test = split.part(split.test)
    told = [float(PLANT.success(f, test).mean()) for f in seen]
    assert [*record["measures"].values(), record["success"]] == told


@pytest.mark.parametrize(
    "base",
    [
        Noisy(PLANT, wrong_label=0.4),
        Several((PLANT, replace(PLANT, label=0)), judged=0),
        Noisy(SizeAware(PLANT), dropout=0.5),
    ],
    ids=str,
)
def test_the_lots_of_the_first_round_are_drawn_again(base: Strategy) -> None:
    x = np.random.default_rng(1).integers(2, size=(50, 4)).astype(np.float32)
    y, win = np.arange(50) % 2, lambda x: np.ones(len(x), dtype=int)
    handed = [
        Adaptive(base).act(
            x, y, pooled=MemberData(x, y, 2, deployed=seen), n=90, rng=np.random.default_rng(0)
        )
        for seen in ((), (win,), (win, win, win))
    ]
    for moved, told in handed[1:]:
        assert moved.tolist() == handed[0][0].tolist()
        assert told.tolist() == handed[0][1].tolist()


def test_adapting_lies_between_no_plan_and_the_best_plan() -> None:
    """The best plan by enumeration: which points are won for their resistance in members."""
    sizes, seeds = (0.02, 0.04, 0.06, 0.08), range(4)
    gain = []
    for seed in seeds:
        split = DATA.split(stream(seed, "data"))
        x, y = split.x[split.train], split.y[split.train]
        test = split.x[split.test]
        points = np.array(list(itertools.product([0, 1], repeat=3)), dtype=np.float32)
        here = [(x == [*p, 1]).all(axis=1) for p in points]
        # Members are people too: at most all votes of theirs are missing at a point.
        mass = np.array([(test[:, :3] == p).all(axis=1).mean() for p in points])
        for size in sizes:
            members = stream(seed, "members").permutation(1000)[: round(size * 1000)]
            left = np.setdiff1d(np.arange(1000), members)
            votes = [np.bincount(y[left][h[left]], minlength=2) for h in here]
            # A tie goes to the smaller label.
            needed = np.array([max(v[0] - v[1] + 1, 0) for v in votes])
            plans = np.array(list(itertools.product([0, 1], repeat=8)))
            able = plans @ needed <= len(members)
            best = (plans @ mass)[able].max()
            once, often = (
                run_trials([trial(s, size, seed)])[0]["success"]
                for s in (PLANT, Adaptive(PLANT, rounds=8))
            )
            assert often <= best + 1e-9
            gain.append(often - once)
    assert np.mean(gain) > 0.05
    assert min(gain) > -0.03


def test_what_is_nobodys_business_is_not_lost() -> None:
    x, y = np.zeros((6, 2), dtype=np.float32), np.array([0, 1, 1, 0, 1, 1])
    adaptive = Adaptive(parse("Strike(label=1)", "strategies"), rounds=3)
    seen = (lambda x: np.ones(len(x)),)
    weights = adaptive.weights(x + y[:, None], y, seen, np.random.default_rng(1))
    assert len(set(weights[y == 0].round(9))) == 1
    assert len(set(weights.round(9))) == 2


def test_compounds_pass_on_what_was_seen() -> None:
    adaptive = Adaptive(FeatureLabel(), rounds=3)
    for compound in (Noisy(adaptive), Several((adaptive, FeatureLabel(label=0)), (0.5, 0.5))):
        made = compound.with_defaults(DATA.signal, 1)
        assert made.rounds == 3
        assert not made.traceable
        (record,) = run_trials([trial(made, 0.1)])
        assert record["status"] == "ok"
        assert {"success_round_1", "success_round_2"} <= set(record["measures"])
    assert Noisy(PLANT).rounds == Several((PLANT, PLANT)).rounds == 1


def test_it_succeeds_where_what_was_agreed_on_does() -> None:
    adaptive = Adaptive(PLANT)
    test = SimpleNamespace(x=np.zeros((3, 4), dtype=np.float32), y=np.zeros(3, int))
    for answer in (0, 1):
        assert adaptive.success(lambda x, a=answer: np.full(len(x), a), test).mean() == answer
    assert adaptive.target == 1
    assert replace(adaptive, base=FeatureLabel(SetFeature(), 0)).target == 0
