"""Outputs of components are checked, and no component changes what another one depends on."""

import os
import warnings
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import sklearn
import torch

from algorithms.base import Epoch, Fitted, Learner, TrainingSet
from algorithms.runtime.settings import settings
from bench.core.random_streams import stream
from bench.datasets.real.digits import Digits
from bench.experiment.outputs import labels, mask, probabilities, success
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, collective, set_up
from collectives.base import Strategy
from collectives.idle import Idle
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature
from collectives.size_aware import SizeAware
from collectives.unplanting import Unplant
from tests.helpers.trials import COINS, PLANT, lasting, trial

X = np.zeros((4, 2), dtype=np.float32)

# ---- outputs ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        np.array([0, 1, 2, 0]),
        np.array([0, 1, 2, 0], dtype=np.uint8),
        np.array([0.0, 1.0, 2.0, 0.0], dtype=np.float16),
        np.array([0, 1, 2, 0], dtype=object),
        np.array([[0], [1], [2], [0]]),
        [0, 1, 2, 0],
        torch.tensor([0.0, 1.0, 2.0, 0.0], requires_grad=True),
    ],
    ids=repr,
)
def test_whole_numbers_of_any_type_are_labels(given):
    found = labels(lambda x: given, X, 3)
    assert found.dtype == np.int64
    assert found.tolist() == [0, 1, 2, 0]


def test_booleans_are_labels():
    assert labels(lambda x: [True, False, True, True], X, 2).tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([0, np.nan, 1, 1], "predict returned nan for point 1: labels are whole numbers from 0 t"),
        ([0, 1, np.inf, 1], "inf for point 2"),
        ([0, 0.5, 0.25, 1], "0.5 for point 1, 0.25 for point 2"),
        ([1, 2, 3, 1], "3 for point 2: labels are whole numbers from 0 to 2"),
        ([-1, -1, -1, -1], "-1 for point 2 and 1 more"),
        (["cat", "dog", "cat", "1"], "'cat' for point 0"),
        (["0", "1", "1", "0"], "'0' for point 0"),
        ([0, 1, None, 1], "None for point 2"),
        ([0, 1j, 0, 1], "1j for point 1"),
        (np.zeros((4, 3)), r"\(4, 3\) for 4 points"),
        (None, r"\(\) for 4 points"),
    ],
)
def test_other_predictions_are_refused(given, says):
    with pytest.raises(ValueError, match=says):
        labels(lambda x: given, X, 3)


@dataclass(frozen=True)
class Answering(Learner):
    """It predicts one value everywhere."""

    answer: float = 0.0
    where: str = "predict"

    def fit(self, sample, rng):
        """Predict the value, or have it after an epoch, in validation data or as a flag."""
        good = Fitted(lambda x: np.zeros(len(x)))
        many = len(sample.validation)
        return {
            "predict": Fitted(lambda x: np.full(len(x), self.answer)),
            "validation": Fitted(lambda x: np.full(len(x), self.answer if len(x) == many else 0)),
            "epoch": Fitted(good.predict, path=[Epoch(lambda x: np.full(len(x), self.answer))]),
            "flag": Fitted(good.predict, flagged=np.full(len(sample), self.answer)),
            "proba": Fitted(good.predict, lambda x: np.full((len(x), 2), self.answer)),
        }[self.where]


@pytest.mark.parametrize("where", ["predict", "validation", "epoch", "flag", "proba"])
def test_a_learner_with_odd_outputs_has_failed_records(where):
    (record,) = run_trials([trial(Answering(2.0, where))])
    assert record["status"] == "failed"
    assert "flagged is not a mask" in record["error"] or "returned" in record["error"]
    assert run_trials([trial(Answering(0.0, "predict"))])[0]["status"] == "ok"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([[0.5, 0.4]] * 4, r"\[0.5, 0.4\] for point 0.*sum to 1"),
        ([[0.5, 0.5], [1.5, -0.5]] * 2, r"\[1.5, -0.5\] for point 1"),
        ([["a", "b"]] * 4, "no probabilities"),
        ([[1.0, 0.0, 0.0]] * 4, r"\(4, 3\) for 4 points of 2 labels"),
    ],
)
def test_probabilities_are_distributions(given, says):
    with pytest.raises(ValueError, match=says):
        probabilities(lambda x: given, X, 2)
    assert probabilities(lambda x: torch.full((4, 2), 0.5), X, 2).dtype == np.float32


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["much"] * 4, "'much' for point 0"),
        ([0.5, 1.5, np.nan, 0], "1.5 for point 1"),
        ([1, 0], r"its shape is \(2,\)"),
    ],
)
def test_success_is_a_share(given, says):
    test = SimpleNamespace(x=X, y=np.zeros(4))
    with pytest.raises(ValueError, match=f"not a share for each of 4 points.*{says}"):
        success(SimpleNamespace(success=lambda predict, test: given), lambda x: x, test)


def test_flags_are_a_mask():
    assert mask([1, 0, True], 3).tolist() == [True, False, True]
    with pytest.raises(ValueError, match="mask of 3 samples"):
        mask([True, False], 3)


# ---- data ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Writing(Learner):
    """It writes into one of the arrays that it sees, where there is a collective."""

    into: str = "points"

    def fit(self, sample, rng):
        """Write, or return a classifier that writes."""
        v = sample.validation
        arrays = {
            "pool": sample.rows.pool,
            "index": sample.rows.index,
            "replaced": sample.rows.replaced,
            "replacing": sample.rows.points,
            "validation pool": v.rows.pool,
            "points": sample.x,
            "labels": sample.y,
            "groups": sample.group,
            "validation points": v.x,
            "validation labels": v.y,
            "validation groups": v.group,
        }
        acts = len(sample.rows.replaced) > 0
        if acts and self.into in arrays:
            arrays[self.into][:] = 0

        def predict(x):
            answer = x[:, 0].astype(int)
            if acts and self.into == "predicted points":
                x[:] = 0
            return answer

        def predict_proba(x):
            answer = np.eye(2)[x[:, 0].astype(int)]
            if acts and self.into == "predicted points":
                x[:] = 0
            return answer

        return Fitted(predict, predict_proba)


def with_neighbours(bad, size=0.0):
    """The record of a trial, after a check that one beside it is as it is alone."""
    neighbour = trial(bad.learner, size)
    record, *others = run_trials([bad, neighbour])
    assert others[0]["status"] == "ok"
    assert lasting(others) == lasting(run_trials([neighbour]))
    return record


@pytest.mark.parametrize("into", ["pool", "index", "replaced", "replacing", "validation pool"])
def test_shared_rows_are_read_only(into):
    assert "read-only" in with_neighbours(trial(Writing(into)))["error"]


@pytest.mark.parametrize(
    "into",
    [
        "points",
        "labels",
        "groups",
        "validation points",
        "validation labels",
        "validation groups",
        "predicted points",
    ],
)
def test_other_arrays_are_a_learners_own(into):
    """Its record is that of a learner that writes nowhere."""
    (bad,) = lasting([with_neighbours(trial(Writing(into)))])
    (clean,) = lasting(run_trials([trial(Writing("nothing"))]))
    assert clean["status"] == "ok"
    assert bad | {"learner": ""} == clean | {"learner": ""}


@dataclass(frozen=True)
class Scribbling(Strategy):
    """It writes into its input."""

    signal: None = None
    label: int = 1
    into: str = "x"

    def act(self, x, y, *, pooled, n, rng):
        """Write into rows."""
        if self.into in ("x", "y", "pooled"):
            {"x": x, "y": y, "pooled": pooled.x}[self.into][:] = 0
        return x, y

    def success(self, predict, test):
        """Write into test points, or into what the classifier returned."""
        answers = predict(test.x)
        before = answers == 1
        if self.into in ("test.x", "test.y"):
            getattr(test, self.into[-1])[:] = 0
        answers[:] = 0
        return before


@pytest.mark.parametrize("into", ["x", "y", "pooled", "test.x", "test.y"])
def test_rows_of_members_and_test_points_are_read_only(into):
    assert "read-only" in with_neighbours(trial(strategy=Scribbling(into=into)), 0.1)["error"]


def test_predictions_are_a_strategys_own():
    (record,) = run_trials([trial(strategy=Scribbling(into="answers"))])
    assert record["accuracy"] == run_trials([trial(strategy=Idle(SetFeature(), 1))])[0]["accuracy"]


def test_a_copy_of_a_sample_has_the_same_content():
    y, group = np.array([0, 1, 1]), np.array([2, 0, 0])
    inner = TrainingSet(X[:1], y[:1], classes=3)
    sample = TrainingSet(X[:3], y, group, classes=3, validation=inner)
    copy = sample.copy()
    assert copy.rows is sample.rows
    assert (copy.classes, copy.groups) == (3, 3)
    assert copy.validation.group is copy.validation.y
    assert np.array_equal(copy.group, group)
    assert not np.shares_memory(copy.y, sample.y)
    assert not np.shares_memory(copy.group, sample.group)


# ---- settings -----------------------------------------------------------------------------


CHANGES = {
    "numpy.seterr": lambda: np.seterr(all="raise"),
    "warnings.filters": lambda: warnings.simplefilter("ignore"),
    "torch.set_default_dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch.set_default_device": lambda: torch.set_default_device("meta"),
    "torch.set_grad_enabled": lambda: torch.set_grad_enabled(False),
    "torch.set_num_threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch.use_deterministic_algorithms": lambda: torch.use_deterministic_algorithms(True),
    "sklearn.set_config": lambda: sklearn.set_config(assume_finite=True),
    "os.environ": lambda: os.environ.update(COLLECTIVE="1"),
    "the current folder": lambda: os.chdir("/"),
}
SEEN = []


@dataclass(frozen=True)
class Careless(Learner):
    """It leaves a setting changed."""

    setting: str = "os.environ"
    when: str = "fit"

    def fit(self, sample, rng):
        """Note the settings, and change one then or later."""
        SEEN.append(settings())

        def predict(x):
            if self.when == "predict":
                CHANGES[self.setting]()
            return np.zeros(len(x))

        if self.when == "fit":
            CHANGES[self.setting]()
        return Fitted(predict)


def test_each_setting_has_a_change():
    assert set(CHANGES) == set(settings())


@pytest.mark.usefixtures("no_device_context")
@pytest.mark.parametrize("when", ["fit", "predict"])
@pytest.mark.parametrize("setting", CHANGES)
def test_settings_are_restored_after_each_fit_and_evaluation(setting, when):
    before = settings()
    SEEN.clear()
    # The first two are trained together, the third one by itself.
    trials = [trial(Careless(setting, when), size) for size in (0.0, 0.1)]
    run_trials(trials)
    assert settings() == before
    run_trials(trials[:1])
    assert [seen == before for seen in SEEN] == [True, True, True]
    assert settings() == before


# ---- the collective -----------------------------------------------------------------------


@dataclass(frozen=True)
class Noting(FeatureLabel):
    """It notes what members know."""

    signal: SetFeature = SetFeature()  # noqa: RUF009 (frozen)
    label: int = 1

    def act(self, x, y, *, pooled, n, rng):
        """Note the pool."""
        SEEN.append((len(x), n, pooled))
        return super().act(x, y, pooled=pooled, n=n, rng=rng)


def test_members_in_validation_data_share_the_pool_of_all():
    split = COINS.split(stream(0, "data"))
    for validation in ("contaminated", "clean"):
        SEEN.clear()
        set_up(trial(size=0.1, strategy=Noting(), validation=validation), SeedContext(split))
        if validation == "clean":
            assert [(m, n, len(pooled.y)) for m, n, pooled in SEEN] == [(20, 200, 20)]
        else:
            seen = [(m, n, len(pooled.y)) for m, n, pooled in SEEN]
            assert seen == [(20, 200, 25), (5, 50, 25)]
            (*_, first), (*_, second) = SEEN
            assert np.array_equal(first.x, second.x)
            assert np.array_equal(first.y, second.y)


@pytest.mark.parametrize("seed", range(4))
def test_a_naive_collective_takes_one_label_in_training_and_validation_data(seed):
    data = Digits()
    naive = Unplant(data.signal, data.label, way="naive")
    given = trial(size=0.03, seed=seed, strategy=naive, data=data, validation="contaminated")
    split = data.split(stream(seed, "data"))
    setup = set_up(given, SeedContext(split))
    here = setup.sample.y[setup.members]
    y = setup.sample.validation.y
    changed = y[y != split.y[split.validation]]
    assert set(changed.tolist()) <= set(here.tolist())
    assert len(set(here.tolist())) == 1


def test_size_aware_members_know_their_share_in_contaminated_data_too(monkeypatch):
    shares = []
    best = SizeAware.best

    def noting(self, pooled, n, rng):
        shares.append(len(pooled.y) / n)
        return best(self, pooled, n, rng)

    monkeypatch.setattr(SizeAware, "best", noting)
    context = SeedContext(COINS.split(stream(0, "data")))
    set_up(trial(size=0.1, strategy=SizeAware(PLANT), validation="contaminated"), context)
    assert shares == [0.1, 0.1]


def test_bounds_from_samples_need_members_who_know_their_own_rows_alone():
    by_row, by_pool = PLANT, Unplant(SetFeature(), 1)
    for strategy, validation, there in (
        (by_row, "contaminated", True),
        (by_pool, "clean", True),
        (by_pool, "contaminated", False),
    ):
        (record,) = run_trials([trial(size=0.5, strategy=strategy, validation=validation)])
        assert record["status"] == "ok"
        assert ("sample" in record["bounds"]) == there


def test_the_collective_has_no_rows_at_size_zero():
    given = trial(size=0.0, validation="contaminated")
    assert len(collective(given, COINS.split(stream(0, "data"))).y) == 0
