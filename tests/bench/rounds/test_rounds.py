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
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.synthetic.coins import Coins
from bench.datasets.synthetic.gaussians import Gaussians
from bench.rounds.field_drift import FieldDrift
from bench.rounds.label_shift import LabelShift
from bench.rounds.retraining import AllRounds, RoundAlone, joined
from bench.rounds.trial import Campaign, RoundsTrial
from bench.rounds.warm_start import WarmStart
from results.plots.rounds import plot_rounds
from results.stats.rounds import by_round, round_curves, rounds_to_half
from results.studies import rounds
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


def test_members_act_by_the_shares_of_the_campaign_on_new_people():
    campaign = Campaign(shares=(0.0, 0.5, 1.0, 0.0))
    learner, control = Recorder(), Recorder()
    record = RoundsTrial(DATA, RoundAlone(learner), campaign, 0.5, 0).measure()
    RoundsTrial(DATA, RoundAlone(control), campaign, 0.0, 0).measure()
    counts = [
        int(((a.x != b.x).any(1) | (a.y != b.y)).sum())
        for a, b in zip(learner.seen, control.seen, strict=True)
    ]
    assert counts[0] == counts[3] == 0
    assert 0 < counts[1] <= 20 < counts[2] <= 40
    assert (record["members"], record["n"]) == (40, 80)
    assert not np.array_equal(control.seen[0].x, control.seen[3].x)
    names = {f"success_round_{t}" for t in range(1, 5)}
    assert names <= set(record["measures"])
    assert record["success"] == record["measures"]["success_round_3"]


def test_members_who_leave_are_missing_and_others_stay():
    """Of 40 members 30 leave: the 10 who go on act, and 40 others are as they were."""
    learner, stay, control = Recorder(), Recorder(), Recorder()
    shares = (1.0, 0.25, 0.5)
    for one, size, leavers in (
        (learner, 0.5, "leave"),
        (stay, 0.5, "stay"),
        (control, 0.0, "stay"),
    ):
        campaign = Campaign(shares=shares, leavers=leavers)
        RoundsTrial(DATA, RoundAlone(one), campaign, size, 0).measure()
    assert [len(sample) for sample in learner.seen] == [80, 50, 60]
    acted = (stay.seen[1].x != control.seen[1].x).any(1) | (stay.seen[1].y != control.seen[1].y)
    order = stream(0, "members").permutation(80)
    assert set(np.flatnonzero(acted)) <= set(order[:10])
    kept = np.sort(np.concatenate([order[:10], order[40:]]))
    assert np.array_equal(learner.seen[1].x, stay.seen[1].x[kept])
    assert np.array_equal(learner.seen[1].y, stay.seen[1].y[kept])
    # Nobody has left before the collective is smaller than it was.
    assert np.array_equal(learner.seen[0].x, stay.seen[0].x)


def test_success_is_also_that_on_points_of_other_labels():
    """A constant answer of the target wins all points; a constant zero only those with it."""

    class Constant(Learner):
        def __init__(self, label):
            self.label = label

        def fit(self, sample, rng):
            return Fitted(lambda x: np.full(len(x), self.label))

    for label in (0, 1):
        trial = RoundsTrial(DATA, RoundAlone(Constant(label)), Campaign(shares=(1.0,)), 0.5, 0)
        measures = trial.measure()["measures"]
        assert measures["success_others_round_1"] == measures["success_round_1"] == label


def test_a_trial_repeats_itself_and_update_rules_meet_the_same_people():
    campaign = Campaign(shares=(0.0, 0.0, 1.0, 0.0))
    trials = [RoundsTrial(DATA, WarmStart(FAST), campaign, 0.2, 1) for _ in range(2)]
    one, two = (trial.measure() for trial in trials)
    assert one == two
    alone = RoundsTrial(DATA, RoundAlone(FAST), campaign, 0.2, 1).measure()
    first = "success_round_1"
    assert alone["measures"][first] == one["measures"][first]


@pytest.mark.parametrize(
    ("campaign", "text"),
    [
        (Campaign(shares=()), "one of them is above 0"),
        (Campaign(shares=(0.0, 0.0)), "one of them is above 0"),
        (Campaign(shares=(0.5, 1.5)), "a share between 0 and 1 for each round"),
        (Campaign(leavers="gone"), "allowed are 'stay' or 'leave'"),
    ],
)
def test_a_campaign_without_shares_of_members_is_refused(campaign, text):
    with pytest.raises(ValueError, match=text):
        RoundsTrial(campaign=campaign).measure()


# ---- drift --------------------------------------------------------------------------------


def test_the_noise_of_labels_grows_from_round_to_round():
    """Wrong labels of coins without overlap are those that differ from the majority."""
    learner, data = Recorder(), Coins(n=4000, n_test=10, coins=1, overlap=0.0, noise=0.0)
    drift = FieldDrift("noise", 0.4)
    campaign = Campaign(shares=(0.0, 0.0, 1.0))
    RoundsTrial(data, RoundAlone(learner), campaign, 0.0, 0, drift).measure()
    wrong = [float(np.mean(sample.x[:, 0] != sample.y)) for sample in learner.seen]
    assert wrong == pytest.approx([0.0, 0.2, 0.4], abs=0.03)


def test_a_label_gets_rare_while_points_of_each_label_stay_alike():
    learner, data = Recorder(), Gaussians(n=20_000, n_test=100, classes=3, priors=(0.2, 0.3, 0.5))
    campaign = Campaign(shares=(0.0, 0.0, 1.0))
    trial = RoundsTrial(data, RoundAlone(learner), campaign, 0.0, 0, LabelShift(until=0.1))
    trial.measure()
    shares = np.array([np.bincount(s.y, minlength=3) / len(s) for s in learner.seen])
    # The two other labels are as 2 to 3 in all rounds.
    wanted = [[0.4 * (1 - p), 0.6 * (1 - p), p] for p in (0.5, 0.3, 0.1)]
    assert shares == pytest.approx(np.array(wanted), abs=0.02)
    means = [[s.x[s.y == k, :2].mean(0) for k in range(3)] for s in learner.seen]
    assert np.ptp(means, axis=0).max() < 0.12
    assert all(len(s) == 20_000 for s in learner.seen)
    assert all(s.law is None for s in learner.seen)


def test_drifts_that_data_do_not_have_are_refused():
    with pytest.raises(BenchError, match=r"field of Gaussians .*'noises'.*noise"):
        FieldDrift("noises").at(Gaussians(), 0.5)
    with pytest.raises(BenchError, match=r"noise=0\.75 is not allowed for Coins"):
        FieldDrift("noise", 0.75).at(Coins(), 1.0)
    with pytest.raises(BenchError, match=r"labels 0\.\.1"):
        LabelShift(label=5).at(DATA, 0.5).split(rng())
    with pytest.raises(BenchError, match="rows of a single kind"):
        LabelShift(until=0.5).at(Gaussians(n=40, priors=(1.0, 0.0)), 1.0).split(rng())


# ---- analysis -----------------------------------------------------------------------------


def in_rounds(key):
    rounds = {f"measure_success_round_{t}": 0.1 * t + 0.1 * key["seed"] for t in (1, 2, 10)}
    return {"success": 0.5, "tested": 100, **rounds}


def test_curves_have_a_row_for_each_round():
    strategy = "Rounds(campaign=Campaign(shares=(0.0, 0.5)), drift=Stationary())"
    frame = records(in_rounds, seed=range(2), size=(0.1,), strategy=(strategy,))
    curves = round_curves(frame)
    assert curves["round"].tolist() == [1, 2, 10]
    assert curves["mean"].tolist() == pytest.approx([0.15, 0.25, 1.05])
    assert curves["acting"].tolist()[:2] == [0.0, 0.5]
    (axes,) = plot_rounds(curves.assign(title="all")).axes
    assert [bar.get_height() for bar in axes.patches][:2] == [0.0, 0.5]
    (line,) = axes.lines
    assert line.get_ydata().tolist() == pytest.approx([0.15, 0.25, 1.05])
    with pytest.raises(ValueError, match="no rounds"):
        by_round(pd.DataFrame({"size": [0.1]}))


@pytest.mark.parametrize(
    ("values", "rounds"),
    [
        ((0.2, 0.8, 0.4), 1),
        ((0.2, 0.8, 0.41, 0.41, 0.1), 3),
        # It never falls: one more than the rounds that follow.
        ((0.2, 0.8, 0.7, 0.7), 3),
        # The first fall counts, though success rises again.
        ((0.2, 0.8, 0.3, 0.7), 1),
        ((0.2, -0.1, 0.0), None),
        ((0.2, 0.8, float("nan")), None),
    ],
)
def test_rounds_until_success_falls_to_half(values, rounds):
    found = rounds_to_half(np.array(values), last=2)
    assert np.isnan(found) if rounds is None else found == rounds


def test_the_study_finds_what_is_planted_in_its_records():
    """Half-lives of 1, 2 and 4 rounds, and a collective that adds .5 while it acts."""
    lives = {"RoundAlone": 1, "WarmStart": 2, "AllRounds": 4}
    rows = []
    for seed in (0, 1):
        for trial in rounds._trials(seed):
            key, life = trial.key, lives[type(trial.rule).__name__]
            won = {}
            for t, share in enumerate(trial.campaign.shares, 1):
                since = t - rounds.LAST
                left = share if since <= 0 else max(share, 0.5 ** (since / life))
                won[f"measure_success_others_round_{t}"] = 0.125 + (0.5 * left if key.size else 0)
                won[f"measure_accuracy_round_{t}"] = 0.9
            rows.append({**key._asdict(), "status": "ok", "success": 0.5, "n": 500, **won})
    frame = pd.DataFrame(rows)
    claims = {claim.says: claim for claim in rounds.CLAIMS}

    def effect(says):
        return claims[says].judge(frame).effect

    halved = "It takes more rounds until success falls to half "
    alone = f"{halved}than with a firm that trains on the round alone"
    assert effect(f"{alone} (WarmStart).") == pytest.approx(np.log10(2))
    assert effect(f"{alone} (AllRounds).") == pytest.approx(np.log10(4))
    last = f"{halved}with a firm that trains on all people so far than with one that warm-starts."
    assert effect(last) == pytest.approx(np.log10(2))
    # Half of the members keep half of .5, and what is left of the others' is less.
    kept = "Half of the members, who go on, keep more than half of the success (WarmStart)."
    assert effect(kept) == pytest.approx(0.0)
