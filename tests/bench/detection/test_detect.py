"""Detection in trials: the same firm as in a grid, the true members, and failures."""

from dataclasses import dataclass

import numpy as np
import pytest

from algorithms.base import Fitted, Learner
from algorithms.engine.representations import fit_with_features
from algorithms.erm import ERM
from algorithms.jtt import JTT
from algorithms.knn import KNN
from algorithms.networks import MLP, Linear
from algorithms.spectral_signatures import SpectralSignatures
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.detection.base import Evidence, Score
from bench.detection.deep_knn import DeepKNN
from bench.detection.detect import DetectionTrial, detect
from bench.detection.loss import Loss
from bench.detection.spectral import Spectral
from bench.execution.measurements import measured
from bench.experiment.run import run_trials, train_firm
from tests.helpers.trials import Faulty, trial

SMALL = ERM(network=MLP((5,)), epochs=2)


@dataclass(frozen=True)
class Oracle(Score):
    """A score that looks up which rows of the sample changed, or answers in another way."""

    way: str = "changed"

    def suspicion(self, evidence, rng):
        """Return one at the rows that are replaced."""
        score = np.zeros(len(evidence.sample))
        score[evidence.sample.rows.replaced] = 1
        return {
            "changed": score,
            "opposite": -score,
            "random": rng.random(len(score)),
            "short": score[1:],
            "infinite": score / 0.0 if self.way == "infinite" else score,
        }[self.way]


@dataclass(frozen=True)
class Probe(Score):
    """A score that fails unless features determine the classifier's log-odds linearly."""

    def suspicion(self, evidence, rng):
        """Return the log-odds."""
        odds = np.diff(np.log(evidence.fitted.predict_proba(evidence.sample.x)))[:, 0]
        design = np.column_stack([evidence.features, np.ones(len(odds))])
        miss = design @ np.linalg.lstsq(design, odds, rcond=None)[0] - odds
        assert np.ptp(odds) > 0.01
        assert np.abs(miss).max() < 1e-4
        return odds


def representation(learner, sample, rng):
    """Return the features of a training of its own."""
    return fit_with_features(learner, sample, rng)[1]()


def test_scores_see_the_features_of_the_trial_s_own_network():
    (record,) = detect(trial(ERM(network=MLP((3,)), epochs=2)), [Probe()])
    assert record["status"] == "ok"


@pytest.mark.parametrize(("way", "found"), [("changed", 1.0), ("opposite", 0.0)])
def test_a_score_that_knows_the_members_finds_them_all(way, found):
    (record,) = detect(trial(), [Oracle(way)])
    assert (record["status"], record["members"], record["n"]) == ("ok", 20, 200)
    assert (record["auc"], record["top_share"]) == (found, found)
    assert {k: record[k] for k in trial().key._asdict()} == trial().key._asdict()


def test_random_scores_find_as_many_as_there_are():
    areas = [detect(trial(seed=s), [Oracle("random")])[0]["auc"] for s in range(40)]
    # The variance of the area of 20 members among 200 points is that of Mann and Whitney.
    error = ((201 / (12 * 20 * 180)) / 40) ** 0.5
    assert abs(np.mean(areas) - 0.5) < 4 * error
    assert len(set(areas)) == 40


@pytest.mark.parametrize(
    ("learner", "layers"),
    [(SMALL, 1), (JTT(network=MLP((5,)), first=1, epochs=2), 1), (ERM(Linear(), epochs=1), 0)],
)
def test_features_are_those_of_the_firm_s_own_network(learner, layers):
    """A linear map of the features gives the log-odds of the trained classifier."""
    _, setup, fitted = train_firm(trial(learner))
    phi = representation(learner, setup.sample, stream(0, "fit")).astype(float)
    odds = np.diff(np.log(fitted.predict_proba(setup.sample.x)))[:, 0]
    design = np.column_stack([phi, np.ones(len(phi))])
    solved = np.linalg.lstsq(design, odds, rcond=None)[0]
    assert np.ptp(odds) > 0.01
    assert design @ solved == pytest.approx(odds, abs=1e-4)
    if layers:
        # Rectified units are no linear map of the points.
        assert phi.min() == 0.0
        other = representation(learner, setup.sample, stream(1, "fit"))
        assert not np.allclose(other, phi)


def test_the_most_suspicious_points_are_those_that_the_learner_removes():
    learner = SpectralSignatures(network=MLP((5,)), epochs=2, outliers=0.1)
    _, setup, fitted = train_firm(trial(learner))
    # The first of the learner's two models is that of ERM.
    phi = representation(SMALL, setup.sample, stream(0, "fit"))
    evidence = Evidence(setup.sample, fitted, lambda: phi)
    suspicion = Spectral().suspicion(evidence, np.random.default_rng(0))
    for label in (0, 1):
        rows = np.flatnonzero(setup.sample.y == label)
        removed = fitted.flagged[rows]
        assert removed.sum() == int(0.15 * len(rows))
        # Coins have few distinct points, of which some are removed in part.
        assert suspicion[rows][removed].min() >= suspicion[rows][~removed].max() - 1e-6


def test_points_take_the_place_of_features_without_a_network():
    _, setup, _ = train_firm(trial(KNN()))
    phi = representation(KNN(), setup.sample, stream(0, "fit"))
    varied = setup.sample.flat.std(axis=0) > 0
    assert phi.mean(axis=0) == pytest.approx(0, abs=1e-5)
    assert phi.std(axis=0)[varied] == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("way", ["short", "infinite"])
def test_a_score_that_is_no_score_fails_alone(way):
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = detect(trial(), [Oracle(way), Oracle()])
    assert (first["status"], second["status"]) == ("failed", "ok")
    assert first["error"] == "the score is not 200 finite numbers"


def test_without_members_there_is_nothing_to_measure():
    for size in (0.0, 1.0):
        (record,) = detect(trial(size=size), [Oracle("random")])
        assert (record["status"], record["auc"], record["roc"]) == ("ok", None, None)


@dataclass(frozen=True)
class LabelsOnly(Learner):
    """A learner without probabilities."""

    def fit(self, sample, rng):
        """Predict zero."""
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


def test_failures_name_their_reason():
    loss, near = detect(trial(LabelsOnly()), [Loss(), DeepKNN()])
    assert "predicts labels only" in loss["error"]
    assert near["status"] == "ok"
    with pytest.raises(BenchError, match="on purpose"):
        detect(trial(Faulty(), size=0.9), [Oracle()])


def test_the_record_of_a_trial_has_the_measures_beside_those_of_a_grid():
    planned, score = trial(SMALL), Oracle("random")
    record = DetectionTrial(planned, (("random", score), ("late", Oracle("short")))).measure()
    (alone,) = detect(planned, [score])
    (grid,) = run_trials([planned])
    assert record["measures"]["auc_random"] == alone["auc"]
    assert record["measures"]["top_share_random"] == alone["top_share"]
    assert record["measures"]["auc_late"] is None
    same = ("success", "accuracy", "members", "n", "firm_loss")
    assert {name: record[name] for name in same} == {name: grid[name] for name in same}


@pytest.mark.parametrize("learner", [SMALL, JTT(network=MLP((5,)), first=1, epochs=2)])
def test_a_network_is_trained_once_for_its_classifier_and_its_features(learner, monkeypatch):
    trained, replicas = [], type(learner).replicas

    def counted(self, samples, rngs, hyperparams):
        trained.append(len(samples))
        return replicas(self, samples, rngs, hyperparams)

    monkeypatch.setattr(type(learner), "replicas", counted)
    record = measured(DetectionTrial(trial(learner), (("spectral", Spectral()), ("loss", Loss()))))
    assert record["measures"]["auc_spectral"] is not None
    assert trained == [1]


def test_a_trial_that_fails_has_a_record_of_a_failure():
    record = measured(DetectionTrial(trial(Faulty(), size=0.9), ()))
    assert record["status"] == "failed"
    assert "on purpose" in record["error"]
