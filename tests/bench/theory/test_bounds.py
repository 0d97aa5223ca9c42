"""What is promised on a known law, against the worst firm, by enumeration of random laws."""

import itertools
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest

from algorithms.base import TrainingSet
from algorithms.empirical_bayes import EmpiricalBayes
from algorithms.jtt import JTT
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from bench.theory.bounds import trial_bounds
from bench.theory.mixture import Mixture
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Strike
from collectives.erasing import Erase
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnly, FeatureOnlyPlus
from collectives.signals.tabular import SetFeature
from collectives.theory.pointwise import overlap_bound
from collectives.types import MemberData
from collectives.unplanting import Unplant

BIT, LOW = SetFeature(-1, 1.0), SetFeature(0, 0.0)
POINTS = np.array(list(itertools.product([0, 1], repeat=3)), dtype=np.float32)
PLANT = FeatureLabel(BIT, 1)
STRATEGIES = [
    PLANT,
    FeatureOnly(BIT, 1),
    FeatureOnlyPlus(BIT, 1),
    Erase(BIT),
    Unplant(BIT, 1, asked=8),
    Unplant(BIT, 1, "naive", asked=8),
    Noisy(PLANT, dropout=0.3, wrong_label=0.2, wrong_signal=0.4),
    Noisy(Noisy(PLANT, dropout=0.5), wrong_signal=0.1, mistaken=LOW),
    Several((PLANT, FeatureLabel(BIT, 2)), shares=(0.6, 0.3), judged=0),
    Several((PLANT, FeatureLabel(LOW, 1)), shares=(0.6, 0.3)),
    Several((Noisy(PLANT, dropout=0.2), Erase(LOW)), shares=(0.5, 0.5), judged=1, alone=True),
]


def index_of(x, points):
    """Where each point is among distinct ones; their number, where it is not."""
    same = (x[:, None] == points).all(axis=2)
    return np.where(same.any(axis=1), same.argmax(axis=1), len(points))


@dataclass(frozen=True, eq=False)
class Table:
    """A law that is a table on three bits."""

    table: np.ndarray
    support: np.ndarray

    def joint(self, x):
        padded = np.vstack([self.table, np.zeros((1, 3))])
        return padded[index_of(x, self.support)]


def law(seed):
    rng = np.random.default_rng(seed)
    joint = rng.dirichlet(np.full(24, 0.6)).reshape(8, 3)
    if seed % 3 == 0:  # small integers tie
        joint = rng.integers(1, 4, size=(8, 3)).astype(float)
    joint[rng.random(8) < 0.3] *= 0.05
    return Table(joint / joint.sum(), POINTS), rng


def pooled(known):
    """What members know who know the law; all its atoms, with their masses."""
    x, y = np.repeat(POINTS, 3, axis=0), np.tile(np.arange(3), 8)
    return MemberData(x, y, 3, known.table.ravel())


def faced(known, strategy, size):
    """What the firm faces, person by person and way by way."""
    seen, said = (1 - size) * known.table, pooled(known)
    rng = np.random.default_rng(0)
    for i, k in itertools.product(range(8), range(3)):
        x, y = POINTS[i : i + 1], np.array([k])
        for likely, moved, told in ways(strategy, x, y, said, rng):
            (j,) = np.flatnonzero((moved == POINTS).all(axis=1))
            seen[j, told[0]] += size * likely * known.table[i, k]
    return seen


def ways(strategy, x, y, said, rng):
    """What one person may hand in, spelled out for each of the compounds."""
    if isinstance(strategy, Noisy):
        yield strategy.dropout, x, y
        for p, moved, told in ways(strategy.base, x, y, said, rng):
            p = p * (1 - strategy.dropout)
            point = x if strategy.mistaken is None else strategy.mistaken(x)
            for q, place in ((1 - strategy.wrong_signal, moved), (strategy.wrong_signal, point)):
                for k in range(3):
                    w = strategy.wrong_label
                    yield p * q * (1 - w if k == told[0] else w / 2), place, np.array([k])
    elif isinstance(strategy, Several):
        yield 1 - sum(strategy.shares), x, y
        for j, (part, share) in enumerate(zip(strategy.strategies, strategy.shares, strict=True)):
            if strategy.alone and j != strategy.judged:
                yield share, x, y
            else:
                for p, moved, told in ways(part, x, y, said, rng):
                    yield share * p, moved, told
    else:
        yield 1.0, *strategy.act(x, y, pooled=said, n=99, rng=rng)


def worst(known, strategy, seen):
    """The success that the worst of all firms leaves which answer with a likeliest label."""
    likely = [np.flatnonzero(row >= row.max() - 1e-12).tolist() for row in seen]
    people, lowest = known.table.sum(axis=1), np.inf
    test = SimpleNamespace(x=POINTS, y=np.zeros(8, int))
    for answers in itertools.product(*likely):
        table = np.array(answers)
        won = strategy.success(lambda x, table=table: table[index_of(x, POINTS)], test)
        lowest = min(lowest, float(people @ won))
    return lowest


@pytest.mark.parametrize("strategy", STRATEGIES, ids=range(len(STRATEGIES)))
def test_what_is_promised_is_what_the_worst_firm_leaves(strategy):
    tight = 0
    for seed in range(25):
        known, rng = law(seed)
        size = float(rng.choice([0.0, 0.01, 0.05, 0.2, 0.5, 0.9]))
        mixture = Mixture(known, strategy, size, pooled(known), 99)
        seen = faced(known, strategy, size)
        np.testing.assert_allclose(mixture.joint(POINTS), seen, atol=1e-12)
        promised = strategy.bounds.exact(
            known.table, mixture.joint(POINTS), lambda g: index_of(g(POINTS), POINTS)
        )
        exact = worst(known, strategy, seen)
        assert promised <= exact + 1e-9
        tight += promised > exact - 1e-9
    assert tight >= 23


@pytest.mark.parametrize("strategy", STRATEGIES, ids=range(len(STRATEGIES)))
def test_members_hand_in_what_the_outcomes_say(strategy):
    known, rng = law(3)
    cell = rng.choice(24, size=40_000, p=known.table.ravel())
    x, y = POINTS[cell // 3], cell % 3
    moved, told = strategy.act(x, y, pooled=pooled(known), n=99, rng=rng)
    seen = np.zeros((8, 3))
    np.add.at(seen, (index_of(moved, POINTS), told), 1 / len(y))
    law_of = Mixture(known, strategy, 1.0, pooled(known), 99).joint(POINTS)
    np.testing.assert_allclose(seen, law_of, atol=0.012)


def test_noise_of_a_smaller_collective_is_a_prefix_of_a_larger():
    known, rng = law(4)
    cell = rng.choice(24, size=300, p=known.table.ravel())
    x, y = POINTS[cell // 3], cell % 3
    for strategy in STRATEGIES[6:]:
        some, all_ = (
            strategy.act(x[:m], y[:m], pooled=pooled(known), n=99, rng=np.random.default_rng(5))
            for m in (100, 300)
        )
        np.testing.assert_array_equal(some[0], all_[0][:100])
        # The lots of a row stay its own.
        np.testing.assert_array_equal(some[1], all_[1][:100])


def test_points_that_only_a_signal_makes_are_asked_for_too():
    far = SetFeature(-1, 7.0)
    data = Coins(n=400, n_test=300)
    learner = parse("BayesOptimal", "learners")
    for size in (0.01, 0.4):
        (record,) = run_trials([Trial(data, learner, FeatureLabel(far, 1), size, 0)])
        assert record["status"] == "ok", record["error"]
        assert record["success"] == 1.0 == record["bounds"]["exact"]


@pytest.mark.parametrize(
    "strategy",
    [
        "FeatureLabel",
        "FeatureOnlyPlus",
        "Erase",
        "Unplant(label=0)",
        "Noisy(dropout=0.3)",
        "Several",
    ],
)
def test_the_bayes_rule_keeps_what_is_promised(strategy):
    data, learner = (
        Coins(n=2000, n_test=4000, overlap=0.1, noise=0.4),
        parse("BayesOptimal", "learners"),
    )
    made = parse(strategy, "strategies").with_defaults(data.signal, data.label)
    sizes = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
    records = run_trials([Trial(data, learner, made, s, seed) for s in sizes for seed in (0, 1)])
    promised = [r["bounds"]["exact"] for r in records]
    for record, bound in zip(records, promised, strict=True):
        assert record["success"] >= bound - 1e-9
    assert len(set(promised)) > 1


def test_chance_and_unknown_laws_have_no_exact_bound():
    data = Coins(n=200, n_test=100)
    (struck,) = run_trials([Trial(data, EmpiricalBayes(), Strike(label=1), 0.1, 0)])
    assert "exact" not in struck["bounds"]
    digits = parse("Digits", "datasets")
    made = FeatureLabel().with_defaults(digits.signal, digits.label)
    (record,) = run_trials([Trial(digits, EmpiricalBayes(), made, 0.1, 0)])
    assert set(record["bounds"]) == {"plugin"}
    assert record["bounds"]["plugin"] == 1.0  # nobody has the signal by nature


def test_the_plug_in_is_the_formula_on_what_is_there():
    data = Coins(n=500, n_test=50, overlap=0.2)
    sample = TrainingSet(POINTS, np.zeros(8), classes=2)
    trial = SimpleNamespace(strategy=FeatureLabel(BIT, 1), dataset=data)
    weights = np.array([1, 1, 2, 2, 3, 4, 4, 4.0])
    found = trial_bounds(trial, sample, np.array([0, 1]), weights, POINTS)
    # Of the others, three of six carry the bit; members have 2 of 21 of the weight.
    assert found["plugin"] == 0.0 == max(0.0, 1 - 6 / 2 * 0.5)
    assert found["weighted"] == max(0.0, 1 - 19 / 2 * (2 + 4 + 4) / 19)
    found = trial_bounds(trial, sample, np.array([0, 1, 2, 4, 6]), None, POINTS)
    # Three others, all of whom carry it, against five members.
    assert found == {"plugin": pytest.approx(0.4)}
    weights = np.array([5, 5, 5, 1, 5, 1, 10, 1.0])
    found = trial_bounds(trial, sample, np.array([0, 1, 2, 4, 6]), weights, POINTS)
    assert found["weighted"] == pytest.approx(1 - 6 / 5 * (3 / 30))
    some = trial_bounds(trial, sample, np.array([1, 3, 5, 4, 6, 7]), None, POINTS)
    assert some == {"plugin": 1.0}


def test_a_weighted_learners_bound_is_that_of_its_weights():
    for seed in range(150):
        known, rng = law(seed)
        own, others = rng.random(8) + 0.1, rng.random((8, 3)) * 3
        size, mass = rng.random(), known.table.sum(axis=1)
        moved = index_of(BIT(POINTS), POINTS)
        members, rest = size * mass * own, (1 - size) * known.table * others
        seen = rest.copy()
        np.add.at(seen[:, 1], moved, members)
        rival = np.delete(seen, 1, axis=1).max(axis=1)
        exact = mass[(seen[:, 1] > rival + 1e-12)[moved]].sum()
        effective = members.sum() / (members.sum() + rest.sum())
        carried = rest[np.unique(moved)]
        overlap = carried.sum() / rest.sum()
        lead = max((row.max() - row[1]) / row.sum() for row in carried)
        spread = (mass @ own) / own.min()
        bound = 1 - spread * (1 - effective) / effective * lead * overlap
        assert overlap_bound(effective, overlap, None) <= 1
        assert max(bound, 0) <= exact + 1e-9
    assert overlap_bound(0.5, 0.1, np.array([1.0, 1.0]), 0.5) == pytest.approx(0.95)
    assert overlap_bound(0.5, 0.1, np.array([0.0, 1.0])) == 0.0


def test_re_weighting_learners_leave_a_bound_of_their_own():
    data = Coins(n=400, n_test=200, overlap=0.05)
    trial = Trial(data, JTT(epochs=2), FeatureLabel(BIT, 1), 0.3, 0)
    (record,) = run_trials([trial])
    assert set(record["bounds"]) == {"exact", "plugin", "sample", "weighted"}
    (plain,) = run_trials([replace(trial, strategy=FeatureOnly(BIT, 1))])
    assert set(plain["bounds"]) == {"exact", "sample"}
    (struck,) = run_trials([replace(trial, strategy=Strike(1))])
    assert set(struck["bounds"]) == set()


def test_members_promise_themselves_what_their_own_rows_allow():
    data = Coins(n=8000, n_test=4000, coins=1, overlap=0.05)
    trial = Trial(data, EmpiricalBayes(), FeatureLabel(BIT, 1), 0.3, 0)
    for strategy, size in (
        (trial.strategy, 0.3),
        (Unplant(BIT, 0), 0.3),
        (FeatureOnlyPlus(BIT, 1), 0.4),
        (FeatureOnly(BIT, 1), 0.6),
        (Noisy(FeatureLabel(BIT, 1), wrong_label=0.1), 0.5),
        (Several((FeatureLabel(BIT, 1), Strike(1)), shares=(0.95, 0.05), judged=0), 0.5),
    ):
        (record,) = run_trials([replace(trial, strategy=strategy, size=size)])
        assert 0 < record["bounds"]["sample"] <= record["bounds"].get("exact", 1.0)
        assert record["success"] >= record["bounds"]["sample"]
