"""The contract, over everything that is registered; and that it finds out who breaks it."""

from dataclasses import dataclass

import numpy as np
import pytest

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.erm import ERM
from algorithms.knn import KNN
from algorithms.networks import ConvNet
from algorithms.runtime.paths import Absent
from bench.contract import Unfit, checks_for, verdicts
from bench.contract.learners import repeats_itself, uses_its_generator
from bench.spec.registry import REGISTRY
from collectives.base import Strategy

CASES = [
    pytest.param(cls, check, id=f"{name}:{check.__name__}")
    for kind in REGISTRY.kinds.values()
    for name, cls in kind.items()
    for check in checks_for(cls())
]


@pytest.mark.parametrize(("cls", "check"), CASES)
def test_contract(cls, check):
    try:
        check(cls())
    except Absent as absent:
        pytest.skip(str(absent))


@pytest.mark.parametrize("check", checks_for(ERM()), ids=lambda c: c.__name__)
def test_a_learner_of_images_is_checked_on_images(check):
    check(ERM(network=ConvNet((4,)), epochs=10))


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


@dataclass(frozen=True)
class Vandal(KNN):
    """Writes into what it was given."""

    def fit(self, sample, rng):
        sample.y[:] = 0
        return super().fit(sample, rng)


def test_who_writes_into_the_sample_is_caught():
    failed = {v.check for v in verdicts(Vandal()) if v.reason}
    assert "leaves_the_sample_alone" in failed


@dataclass(frozen=True)
class Herd(KNN):
    """Learns from whoever stands beside."""

    def fit_many(self, samples, rngs):
        return [self.fit(samples[0], r) for r in rngs]


def test_who_looks_at_neighbours_is_caught():
    failed = {v.check: v.reason for v in verdicts(Herd()) if v.reason}
    assert "fit and fit_many differ" in failed["trains_many_alike"]


def test_every_check_says_what_it_holds():
    for _, check in {c.values[1].__name__: c.values for c in CASES}.values():
        assert check.__doc__
        assert check.__doc__.strip().splitlines()[0].endswith(".")


def test_unfit_is_told_from_a_crash():
    assert issubclass(Unfit, Exception)
    assert not issubclass(Unfit, AssertionError)
    assert any(issubclass(c, Strategy) for c in REGISTRY.names.values())
