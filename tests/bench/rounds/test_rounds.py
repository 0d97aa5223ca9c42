"""Rounds: what a firm keeps of earlier people, against trainings without the rules."""

import numpy as np
import pandas as pd
import pytest

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.erm import ERM
from algorithms.jtt import JTT
from algorithms.knn import KNN
from algorithms.logistic_regression import LogisticRegression
from algorithms.networks import Linear
from bench.datasets.synthetic.coins import Coins
from bench.rounds.retraining import AllRounds, RoundAlone, joined
from bench.rounds.trial import Campaign, RoundsTrial
from bench.rounds.warm_start import WarmStart
from results.plots.rounds import plot_rounds
from results.stats.rounds import round_curves
from tests.helpers.records import records

DATA = Coins(n=80, n_test=60)
FAST = ERM(network=Linear(), epochs=2, selection="last")


def rng(seed=0):
    return np.random.default_rng(seed)


def sample(seed, n=30, validation=True):
    generator = rng(seed)
    x = generator.normal(3, 2, (n, 2))
    more = sample(seed + 100, 10, validation=False) if validation else None
    return TrainingSet(x, (x[:, 0] > 3).astype(int), classes=2, validation=more)


# ---- update rules -------------------------------------------------------------------------


def test_the_first_round_of_a_warm_start_is_the_learners_own_training():
    one = sample(1)
    _, fitted = WarmStart(ERM(epochs=5)).update(None, one, rng(7))
    alone = ERM(epochs=5).fit(one, rng(7))
    x = rng(2).normal(3, 2, (50, 2)).astype(np.float32)
    assert fitted.predict_proba(x) == pytest.approx(alone.predict_proba(x), abs=1e-6)


def test_a_round_of_a_warm_start_is_gradient_descent_from_the_last_parameters():
    """One batch a pass and no momentum: a pass is one step, which numpy takes, too."""
    learner = ERM(
        network=Linear(),
        epochs=1,
        batch_size=99,
        momentum=0.0,
        learning_rate=0.3,
        selection="last",
    )
    one, two = sample(1), sample(2)
    rule = WarmStart(learner, passes=3)
    state, first = rule.update(None, one, rng(0))
    mean, spread = one.x.mean(0), one.x.std(0)
    x, y = (two.x - mean) / spread, np.eye(2)[two.y]
    # Logits of the first model, from its probabilities, are linear in x.
    a = np.c_[x, np.ones(len(x))]
    lines = np.log(first.predict_proba(two.x))
    w = np.linalg.lstsq(a, lines - lines.mean(1, keepdims=True), rcond=None)[0]
    for _ in range(3):
        p = np.exp(a @ w)
        w -= 0.3 * a.T @ (p / p.sum(1, keepdims=True) - y) / len(y)
    p = np.exp(a @ w)
    _, second = rule.update(state, two, rng(1))
    wanted = p / p.sum(1, keepdims=True)
    assert second.predict_proba(two.x) == pytest.approx(wanted, abs=1e-4)


def test_points_stay_standardised_by_the_first_round():
    rule = WarmStart(FAST)
    state, _ = rule.update(None, sample(1), rng())
    after, _ = rule.update(state, sample(2), rng())
    assert after.scaler is state.scaler
    assert state.scaler.mean == pytest.approx(sample(1).x.mean(0), abs=1e-5)
    bare, _ = WarmStart(ERM(network=Linear(), epochs=1, scaling="none")).update(
        None, sample(1), rng()
    )
    assert bare.scaler is None


def test_training_on_all_rounds_is_training_on_their_union():
    rule, state = AllRounds(LogisticRegression()), None
    for seed in (1, 2, 3):
        state, fitted = rule.update(state, sample(seed), rng())
    parts = [sample(seed) for seed in (1, 2, 3)]
    union = TrainingSet(
        np.concatenate([p.x for p in parts]), np.concatenate([p.y for p in parts]), classes=2
    )
    alone = LogisticRegression().fit(union, rng())
    x = rng(9).normal(3, 2, (50, 2)).astype(np.float32)
    assert fitted.predict_proba(x) == pytest.approx(alone.predict_proba(x), abs=1e-6)
    assert len(state.validation) == 30


def test_groups_of_rounds_are_joined():
    one, two = sample(1), sample(2)
    one.group, one.groups = one.y + 1, 3
    both = joined(one, two)
    assert both.groups == 3
    assert both.group.tolist() == [*(one.y + 1), *two.y]
    plain = joined(sample(1), sample(2))
    assert plain.group is plain.y


def test_training_on_the_round_alone_keeps_nothing():
    rule = RoundAlone(KNN(1))
    state, _ = rule.update(None, sample(1), rng())
    assert state is None
    state, fitted = rule.update(state, sample(2), rng())
    assert fitted.predict(sample(2).x).tolist() == sample(2).y.tolist()


def test_learners_of_several_trainings_cannot_be_warm_started():
    with pytest.raises(ValueError, match="JTT has trainings of its own"):
        WarmStart(JTT()).validate()


# ---- trials -------------------------------------------------------------------------------


class Recorder(Learner):
    """Keeps the training sets that it sees, and answers the label zero."""

    def __init__(self):
        self.seen = []

    def fit(self, sample, rng):
        self.seen.append(sample)
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


def test_members_act_in_the_rounds_of_the_campaign_on_new_people():
    learner = Recorder()
    campaign = Campaign(first=2, last=3, growth=2)
    record = RoundsTrial(DATA, RoundAlone(learner), campaign, 0.5, 0, rounds=4).measure()
    control = Recorder()
    RoundsTrial(DATA, RoundAlone(control), campaign, 0.0, 0, rounds=4).measure()
    changed = [
        int(((a.x != b.x).any(1) | (a.y != b.y)).sum())
        for a, b in zip(learner.seen, control.seen, strict=True)
    ]
    assert changed[0] == changed[3] == 0
    assert 0 < changed[1] <= 20 < changed[2] <= 40
    assert record["members"] == 40
    assert not np.array_equal(control.seen[0].x, control.seen[3].x)
    names = {f"success_round_{t}" for t in range(1, 5)}
    assert names <= set(record["measures"])
    assert record["success"] == record["measures"]["success_round_3"]


def test_a_trial_repeats_itself_and_update_rules_meet_the_same_people():
    trials = [RoundsTrial(DATA, WarmStart(FAST), Campaign(last=3), 0.2, 1, 4) for _ in range(2)]
    one, two = (trial.measure() for trial in trials)
    assert one == two
    alone = RoundsTrial(DATA, RoundAlone(FAST), Campaign(last=3), 0.2, 1, 4).measure()
    first = "success_round_1"
    assert alone["measures"][first] == one["measures"][first]


def test_a_campaign_outside_of_the_rounds_is_refused():
    for campaign in (Campaign(first=3, last=9), Campaign(first=5, last=4)):
        with pytest.raises(ValueError, match="a campaign lies between round 1 and round 8"):
            RoundsTrial(campaign=campaign, rounds=8).measure()


# ---- analysis -----------------------------------------------------------------------------


def test_curves_have_a_row_for_each_round():
    def values(key):
        rounds = {f"measure_success_round_{t}": 0.1 * t + 0.1 * key["seed"] for t in (1, 2, 10)}
        return {"success": 0.5, "tested": 100, **rounds}

    frame = records(values, seed=range(2), size=(0.1,))
    curves = round_curves(frame)
    assert curves["round"].tolist() == [1, 2, 10]
    assert curves["mean"].tolist() == pytest.approx([0.15, 0.25, 1.05])
    (axes,) = plot_rounds(curves, 2, 3).axes
    assert axes.patches[0].get_x() == 1.5
    with pytest.raises(ValueError, match="no rounds"):
        round_curves(pd.DataFrame({"size": [0.1]}))
