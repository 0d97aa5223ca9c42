"""The audit of membership: pairs counted by hand, classifiers with known losses."""

import numpy as np
import pytest

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.erm import ERM
from algorithms.linear_svm import LinearSVM
from algorithms.membership_audit import MembershipAudit, attack_area, losses


@pytest.mark.parametrize("seed", range(3))
def test_the_area_is_the_share_of_pairs_in_the_right_order(seed):
    rng = np.random.default_rng(seed)
    # Few different values make ties.
    inside, outside = rng.integers(6, size=30) / 5, rng.integers(1, 8, size=20) / 5
    pairs = [(a < b) + 0.5 * (a == b) for a in inside for b in outside]
    assert attack_area(inside, outside) == pytest.approx(np.mean(pairs))


def test_losses_are_negative_log_probabilities_of_the_labels():
    p = np.array([[0.25, 0.75], [1.0, 0.0]])
    fitted = Fitted(lambda x: p.argmax(1), lambda x: p)
    sample = TrainingSet(np.zeros((2, 1)), np.array([1, 1]))
    assert losses(fitted, sample) == pytest.approx([-np.log(0.75), -np.log(1e-12)])


def drawn(rng, n=60):
    return TrainingSet(rng.normal(size=(n, 30)), rng.integers(2, size=n))


def test_the_attack_works_on_an_overfitted_network_and_not_on_a_constant_one():
    rng = np.random.default_rng(0)
    sample = drawn(rng)
    sample.validation = drawn(rng)
    long = ERM(epochs=60, learning_rate=0.2, selection="last")
    overfitted = MembershipAudit(long).fit(sample, rng)
    short = MembershipAudit(ERM(epochs=1, learning_rate=1e-6, selection="last")).fit(sample, rng)
    assert overfitted.report["attack_area"] > 0.75
    assert abs(short.report["attack_area"] - 0.5) < 0.15


def test_the_classifier_is_that_of_the_base():
    rng = np.random.default_rng(1)
    sample = drawn(rng)
    sample.validation = drawn(rng)
    base = ERM(epochs=2, selection="last")
    one, other = (
        learner.fit(sample, np.random.default_rng(7)) for learner in (base, MembershipAudit(base))
    )
    assert np.array_equal(one.predict_proba(sample.x), other.predict_proba(sample.x))
    assert set(other.report) - set(one.report) == {"attack_area"}


def test_without_validation_rows_there_is_no_area():
    rng = np.random.default_rng(2)
    fitted = MembershipAudit(ERM(epochs=1, selection="last")).fit(drawn(rng), rng)
    assert "attack_area" not in fitted.report


class _Failing(Learner):
    def fit(self, sample, rng):
        raise RuntimeError("no memory")


def test_failures_are_those_of_the_base_or_name_the_lack_of_probabilities():
    rng = np.random.default_rng(3)
    sample = drawn(rng)
    sample.validation = drawn(rng)
    with pytest.raises(RuntimeError, match="no memory"):
        MembershipAudit(_Failing()).fit(sample, rng)
    with pytest.raises(ValueError, match="needs a classifier with probabilities"):
        MembershipAudit(LinearSVM()).fit(sample, rng)
