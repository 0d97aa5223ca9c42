"""What learners must do."""

import random
from functools import cache
from typing import Any

import numpy as np
import torch

from algorithms.base import Fitted, Learner, TrainingSet
from bench.contract.every import Check, demand
from bench.core.random_streams import stream
from bench.datasets.base import Dataset, Split
from bench.datasets.real.digits import Digits
from bench.datasets.synthetic.coins import Coins
from bench.experiment.setup import build_training_set
from bench.experiment.trial import Trial
from collectives.idle import Idle


@cache
def _stage(name: str, noise: bool, seed: int = 0) -> tuple[TrainingSet, Split]:
    data: Dataset = (
        Digits() if name == "Digits" else Coins(n=400, n_test=400, overlap=0.0, noise=0.0)
    )
    split = data.split(stream(seed, "data"))
    trial = Trial(data, _NOBODY, Idle().with_defaults(data.signal, data.label), 0.0, seed)
    sample, _ = build_training_set(trial, split, split.train[:400])
    sample.validation, _ = build_training_set(trial, split, split.validation)
    if noise:
        rng = stream(seed, "noise")
        x = sample.x + np.float32(rng.normal(size=sample.x.shape))
        y = rng.integers(split.classes, size=len(sample))
        sample = TrainingSet(x, y, None, split.classes, sample.validation, sample.law)
    return sample, split


class _Nobody(Learner):
    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Learn nothing."""
        return Fitted(lambda x: np.zeros(len(x), dtype=np.int64))


_NOBODY = _Nobody()


def _fit(learner: Learner, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
    """What a learner makes of a sample, if that is a classifier."""
    made = learner.fit(sample, rng)
    told = None if made is None else type(made).__name__
    demand(isinstance(made, Fitted), f"fit returned {told}, not Fitted")
    return made


#: What learners, by class and repr, make of data without noise that suit them, and which: fitting
#: takes time.
_FITTED: dict[tuple[type, str], tuple[str, Fitted]] = {}


def _fitted(learner: Learner) -> tuple[str, Fitted]:
    """Data that suit the learner, flat points, or images for one that takes only these; fitted."""
    who = type(learner), repr(learner)
    if who not in _FITTED:
        name = "Coins"
        try:
            fitted = _fit(learner, _fresh(name, noise=False)[0], stream(0, "fit"))
        except ValueError as error:
            if "image" not in str(error):
                raise
            name = "Digits"
            fitted = _fit(learner, _fresh(name, noise=False)[0], stream(0, "fit"))
        _FITTED[who] = name, fitted
    return _FITTED[who]


def _samples(learner: Learner, noise: bool) -> tuple[TrainingSet, Split]:
    """A sample that suits the learner."""
    return _fresh(_fitted(learner)[0], noise)


def _fresh(name: str, noise: bool) -> tuple[TrainingSet, Split]:
    """A copy that a learner may ruin without a later check suffering from it."""
    kept, split = _stage(name, noise)
    return TrainingSet(kept.x, kept.y.copy(), None, kept.classes, kept.validation, kept.law), split


def predicts_labels(learner: Learner) -> None:
    """Its predictions are one known label for each point."""
    name, fitted = _fitted(learner)
    split = _stage(name, noise=False)[1]
    labels = np.asarray(fitted.predict(split.x[split.test]))
    demand(labels.shape == (len(split.test),), f"{labels.shape} for {len(split.test)} points")
    known = np.isin(labels, np.arange(split.classes))
    demand(known.all(), f"labels {sorted(set(labels[~known].tolist()))[:5]} are not known")


def beats_chance(learner: Learner) -> None:
    """It is right much more often than a guess on an easy sample."""
    name, fitted = _fitted(learner)
    split = _stage(name, noise=False)[1]
    right = float(np.mean(fitted.predict(split.x[split.test]) == split.y[split.test]))
    demand(right > 0.5 + 0.5 / split.classes, f"it is right on {right:.0%}")


def leaves_the_sample_alone(learner: Learner) -> None:
    """It changes neither points nor labels of the sample."""
    sample, _ = _samples(learner, noise=False)
    before = sample.x.copy(), sample.y.copy(), sample.group.copy()
    _fit(learner, sample, stream(0, "fit"))
    after = sample.x, sample.y, sample.group
    demand(all(map(np.array_equal, before, after)), "the sample is another after fitting")


def repeats_itself(learner: Learner) -> None:
    """The generator is all its randomness: the same one gives the same classifier."""
    sample, _ = _samples(learner, noise=True)
    first = _fit(learner, sample, stream(0, "fit")).predict(sample.x)
    # Draw from the global generators in between, so that one who uses them is found out.
    np.random.random(7), random.random(), torch.rand(7)  # noqa: NPY002
    second = _fit(learner, sample, stream(0, "fit")).predict(sample.x)
    demand(np.array_equal(first, second), "two fits with equal generators differ")


def uses_its_generator(learner: Learner) -> None:
    """It draws from its generator, or the order of people makes no difference to it."""
    sample, _ = _samples(learner, noise=True)
    rng = stream(0, "fit")
    before = rng.bit_generator.state
    first = _fit(learner, sample, rng).predict(sample.x)
    if rng.bit_generator.state != before:
        return
    turn = stream(0, "turn").permutation(len(sample))
    turned = TrainingSet(
        sample.x[turn], sample.y[turn], None, sample.classes, sample.validation, sample.law
    )
    second = _fit(learner, turned, stream(0, "fit")).predict(sample.x)
    demand(
        np.mean(first == second) > 0.99,
        "it never draws from rng, yet has randomness of its own: with people in another order "
        "its classifier is another",
    )


def leaves_global_randomness_alone(learner: Learner) -> None:
    """It neither seeds nor uses the global generators of random, numpy and torch."""
    sample, _ = _samples(learner, noise=True)
    before = _global_states()
    _fit(learner, sample, stream(0, "fit"))
    used = [name for name, state in _global_states().items() if state != before[name]]
    demand(not used, f"the global generator of {', '.join(used)} is in another state afterwards")


def _global_states() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy": (state["key"].tobytes(), state["pos"]),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def trains_many_alike(learner: Learner) -> None:
    """What is trained beside a sample does not change what is learnt from it."""
    sample, _ = _samples(learner, noise=True)
    other = TrainingSet(
        sample.x, sample.y[::-1].copy(), None, sample.classes, sample.validation, sample.law
    )
    alone = _fit(learner, sample, stream(0, "fit")).predict(sample.x)
    many = learner.fit_many([other, sample], [stream(1, "fit"), stream(0, "fit")])
    demand(len(many) == 2, f"fit_many returned {len(many)} classifiers for 2 samples")
    together = many[1]
    if isinstance(together, Exception):
        raise together
    demand(np.array_equal(alone, together.predict(sample.x)), "fit and fit_many differ")


def weighs_its_samples(learner: Learner) -> None:
    """Its weights, if it has some, are one finite number above or at zero for each sample."""
    name, fitted = _fitted(learner)
    sample, weights = _stage(name, noise=False)[0], fitted.weights
    if weights is not None:
        demand(weights.shape == (len(sample),), f"{weights.shape} for {len(sample)} samples")
        demand(np.isfinite(weights).all() and (weights >= 0).all(), "some are not at or above 0")
        demand(weights.sum() > 0, "all are zero")


def tells_probabilities(learner: Learner) -> None:
    """Its probabilities, if it tells some, are one of each label for each point, and sum to 1."""
    name, fitted = _fitted(learner)
    split = _stage(name, noise=False)[1]
    if fitted.predict_proba is not None:
        told = np.asarray(fitted.predict_proba(split.x[split.test]))
        shape = len(split.test), split.classes
        demand(told.shape == shape, f"{told.shape} for {shape[0]} points of {shape[1]} labels")
        odd = told[~np.isfinite(told)]
        demand(not len(odd), f"{len(odd)} of {told.size} are {' or '.join({*map(str, odd)})}")
        demand((told >= 0).all(), f"some are below 0, down to {told.min():g}")
        sums = told.sum(axis=1)
        worst = sums[np.abs(sums - 1).argmax()]
        demand(abs(worst - 1) < 1e-3, f"those of a point sum to {worst:g}")


LEARNER: list[Check] = [
    predicts_labels,
    beats_chance,
    leaves_the_sample_alone,
    repeats_itself,
    uses_its_generator,
    leaves_global_randomness_alone,
    trains_many_alike,
    weighs_its_samples,
    tells_probabilities,
]
