"""The contract, over all registered components, and over components that break it."""

import itertools
import os
import warnings
from dataclasses import dataclass, fields, replace
from multiprocessing import current_process
from typing import ClassVar

import numpy as np
import pytest
import torch

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.density.base import DensityModel
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.networks import ConvNet
from algorithms.runtime.paths import Absent
from bench.contract import Unfit, checks_for, verdicts
from bench.contract.learners import (
    beats_chance,
    fits_in_a_worker_process,
    leaves_settings_alone,
    leaves_the_data_alone,
    predicts_labels,
    repeats_itself,
    uses_its_generator,
)
from bench.spec.registry import REGISTRY
from collectives.base import Strategy

#: Fields that set the length of a training -> values with which the samples are learned, too.
SHORT = {"epochs": 13, "steps": 20, "trees": 20}


def shortened(component):
    """A component with short trainings, also those of learners and models in its fields."""
    if not isinstance(component, Learner | DensityModel):
        return component
    values = {f.name: getattr(component, f.name) for f in fields(component)}
    short = {n: min(SHORT[n], v) if n in SHORT else shortened(v) for n, v in values.items()}
    changes = {n: v for n, v in short.items() if v != values[n]}
    return replace(component, **changes) if changes else component


COMPONENTS = {name: cls() for name, cls in REGISTRY.names.items()}
LONG = [name for name, component in COMPONENTS.items() if component != shortened(component)]


def hold(component):
    """Run all checks on a component; the errors of those that fail are raised together."""
    errors, absent = [], None
    for check in checks_for(component):
        try:
            check(component)
        except Absent as error:
            absent = error
        except Exception as error:
            error.add_note(f"in the check {check.__name__}")
            errors.append(error)
    if errors:
        raise ExceptionGroup(f"{component!r} breaks the contract", errors)
    if absent:
        pytest.skip(str(absent))


@pytest.mark.parametrize("name", COMPONENTS)
def test_contract(name):
    hold(shortened(COMPONENTS[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_contract_with_the_default_length(name):
    hold(COMPONENTS[name])


def test_all_failed_checks_of_a_component_are_named():
    with pytest.raises(ExceptionGroup, match="breaks the contract") as raised:
        hold(Leaky(act="training labels"))
    notes = {note for error in raised.value.exceptions for note in error.__notes__}
    assert {f"in the check {c}" for c in ("leaves_the_data_alone", "cites_its_source")} <= notes


def test_a_learner_of_images_is_checked_on_images():
    hold(ERM(network=ConvNet((4,)), epochs=10))


@dataclass(frozen=True)
class Forgetful(Learner):
    """Votes among random linear rules, drawn from wherever `source` says.

    References:
        | A Title (Someone, 2020)
        | https://example.org

    Arguments:
        source: Where it draws from.
    """

    source: str = "rng"

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        draw = {
            "rng": lambda: rng,
            "os": np.random.default_rng,
            "fixed": lambda: np.random.default_rng(0),
            "global": lambda: np.random,
        }[self.source]()
        x, y = sample.flat, sample.y
        chosen = draw.permutation(len(x))[: len(x) // 2]
        a = np.c_[x[chosen], np.ones(len(chosen))]
        w = np.linalg.lstsq(a, np.eye(sample.classes)[y[chosen]], rcond=None)[0]
        return Fitted(lambda x: (np.c_[x.reshape(len(x), -1), np.ones(len(x))] @ w).argmax(1))


def test_who_uses_the_generator_passes():
    repeats_itself(Forgetful())
    uses_its_generator(Forgetful())


@pytest.mark.parametrize(
    ("source", "caught_by"),
    [
        ("os", {"repeats_itself"}),
        ("fixed", {"uses_its_generator"}),
        ("global", {"repeats_itself", "leaves_global_randomness_alone"}),
    ],
)
def test_who_ignores_the_generator_is_caught_by_name(source, caught_by):
    # A registered class is needed for its repr to read back; the randomness is what counts here.
    failed = {v.check for v in verdicts(Forgetful(source)) if v.reason} - {"is_a_value"}
    assert caught_by <= failed


ACTS = {
    "nothing": lambda sample, x: None,
    "training labels": lambda sample, x: sample.y.fill(0),
    "training points": lambda sample, x: sample.rows.pool.fill(0),
    "validation points": lambda sample, x: sample.validation.rows.pool.fill(0),
    "validation labels": lambda sample, x: sample.validation.y.fill(0),
    "test points": lambda sample, x: x.fill(0),
    "numpy.seterr": lambda sample, x: np.seterr(over="raise"),
    "warnings.filters": lambda sample, x: warnings.simplefilter("ignore", UserWarning),
    "torch.set_default_dtype": lambda sample, x: torch.set_default_dtype(torch.float64),
    "torch.set_grad_enabled": lambda sample, x: torch.set_grad_enabled(False),
    "os.environ": lambda sample, x: os.environ.update(OTHER_SETTING="1"),
    "the current folder": lambda sample, x: os.chdir("/"),
}


@dataclass(frozen=True)
class Leaky(KNN):
    """Changes something when it predicts, or when it fits."""

    act: str = "nothing"
    at: str = "fit"

    def fit(self, sample, rng):
        if self.at == "fit":
            ACTS[self.act](sample, None)
        fitted = super().fit(sample, rng)

        def predict(x):
            labels = fitted.predict(x)
            if self.at == "predict":
                ACTS[self.act](sample, x)
            return labels

        return Fitted(predict)


@pytest.mark.parametrize(
    ("act", "at", "check"),
    [
        *[(act, "fit", leaves_the_data_alone) for act in list(ACTS)[1:5]],
        ("training points", "predict", leaves_the_data_alone),
        ("test points", "predict", leaves_the_data_alone),
        *[(act, "fit", leaves_settings_alone) for act in list(ACTS)[6:]],
        ("numpy.seterr", "predict", leaves_settings_alone),
    ],
)
def test_a_learner_that_changes_more_than_its_result_is_named_and_undone(act, at, check):
    before = np.geterr(), torch.get_default_dtype(), torch.is_grad_enabled(), os.getcwd()
    check(Leaky())
    with pytest.raises(Unfit, match=act):
        check(Leaky(act=act, at=at))
    assert before == (
        np.geterr(),
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        os.getcwd(),
    )
    assert "OTHER_SETTING" not in os.environ


@dataclass(frozen=True)
class Odd(KNN):
    """Predicts in a way that is not allowed."""

    way: str = "float"

    def fit(self, sample, rng):
        predict, calls = super().fit(sample, rng).predict, itertools.count()
        ways = {
            "float": lambda x: predict(x) + 0.5,
            "flip": lambda x: (predict(x) + next(calls)) % sample.classes,
            "many": lambda x: np.eye(sample.classes)[predict(x)],
            "home": lambda x: predict(x) * (current_process().name == "MainProcess"),
        }
        return Fitted(ways[self.way])


@pytest.mark.parametrize(
    ("way", "check", "says"),
    [
        ("float", predicts_labels, "labels are of type float64, not integers"),
        ("flip", predicts_labels, "two predictions for the same points differ"),
        ("many", predicts_labels, r"\(400, 2\) for 400 points"),
        ("home", fits_in_a_worker_process, "a fit in another process differs"),
    ],
)
def test_predictions_are_validated(way, check, says):
    check(KNN())
    with pytest.raises(Unfit, match=says):
        check(Odd(way=way))


@dataclass(frozen=True)
class Heavy(ERM):
    """Reports weights as if a hook forgot the length of the batch."""

    scale: float = 64.0

    def fit(self, sample, rng):
        return replace(super().fit(sample, rng), weights=np.full(len(sample), self.scale))


def test_loss_weights_of_another_scale_are_warned_of():
    heavy = {scale: verdicts(Heavy(epochs=1, scale=scale)) for scale in (1.0, 64.0)}
    found = {scale: {v.check: v for v in checked} for scale, checked in heavy.items()}
    assert found[1.0]["weighs_its_samples"].warning is None
    verdict = found[64.0]["weighs_its_samples"]
    assert verdict.reason is None
    assert "loss weights sum to 64 over a batch" in verdict.warning


@dataclass(frozen=True)
class Herd(KNN):
    """Learns from whoever stands beside."""

    def fit_many(self, samples, rngs):
        return [self.fit(samples[0], r) for r in rngs]


def test_who_looks_at_neighbours_is_caught():
    failed = {v.check: v.reason for v in verdicts(Herd()) if v.reason}
    assert "fit and fit_many differ" in failed["trains_independently"]


@dataclass(frozen=True)
class Gullible(KNN):
    """Learns the wrong labels, or fails, where a sample is not as easy as in textbooks."""

    experimental: ClassVar[str | None] = None

    fails_on: str = "nothing"

    def fit(self, sample, rng):
        fitted, shares = super().fit(sample, rng), np.bincount(sample.y) / len(sample)
        # On the easy sample the nearest neighbours of a point have its own label.
        odd = {
            "nothing": False,
            "wrong": np.mean(fitted.predict(sample.x) == sample.y) < 0.95,
            "5 %": shares.min() < 0.1,
            "groups": sample.groups > sample.classes,
        }
        turned = odd[self.fails_on]
        return Fitted(lambda x: 1 - fitted.predict(x) if turned else fitted.predict(x))


@dataclass(frozen=True)
class GullibleAndMarked(Gullible):
    """An experimental learner, which has to learn from the easy sample alone."""

    experimental: ClassVar[str | None] = "it learns from easy samples alone"


@pytest.mark.parametrize("kind", ["wrong", "5 %", "groups"])
def test_a_learner_that_fails_on_harder_samples_is_no_better_than_chance(kind):
    beats_chance(Gullible())
    beats_chance(GullibleAndMarked(fails_on=kind))
    with pytest.raises(Unfit, match=rf"on a sample with .*{kind}.* it is right on"):
        beats_chance(Gullible(fails_on=kind))


def test_a_value_that_no_spec_can_hold_is_named():
    reasons = {v.check: v.reason for v in verdicts(KNN(n_neighbors=np.int64(3)))}
    assert "KNN has a field n_neighbors that is of type int64" in reasons["is_a_value"]


def test_every_check_says_what_it_holds():
    for check in {check for component in COMPONENTS.values() for check in checks_for(component)}:
        assert check.__doc__
        assert check.__doc__.strip().splitlines()[0].endswith(".")


def test_unfit_differs_from_a_crash():
    assert issubclass(Unfit, Exception)
    assert not issubclass(Unfit, AssertionError)
    assert any(issubclass(c, Strategy) for c in REGISTRY.names.values())
