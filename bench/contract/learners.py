"""Checks of learners."""

import os
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from joblib.executor import get_memmapping_executor

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.engine.learner import GradientLearner
from algorithms.runtime.settings import restored_settings, settings
from bench.contract.every import Check, ContractWarning, demand
from bench.core.random_streams import stream
from bench.core.worker_processes import Serialized, safe_path
from bench.datasets.base import Array, Dataset, Split
from bench.datasets.real.digits import Digits
from bench.datasets.synthetic.coins import Coins
from bench.execution.remote_fit import predictions
from bench.experiment.setup import build_training_set
from bench.experiment.trial import Trial
from collectives.idle import Idle

#: A warning is given if loss weights sum to more than this over a batch, or to less than 1 / this.
SCALE = 4.0


class _Constant(Learner):
    """A learner for trials of which only the data are used."""

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Return a classifier that predicts label 0."""
        return Fitted(lambda x: np.zeros(len(x), dtype=np.int64))


@cache
def _reference(name: str, noise: bool) -> tuple[TrainingSet, Split]:
    """Return a training set and the split that it comes from.

    Arguments:
        name: Dataset: flat points ("Coins") or images ("Digits").
        noise: Whether points are noisy and labels random, so that equal predictions of two
            classifiers aren't due to an easy problem.
    """
    data: Dataset = (
        Digits() if name == "Digits" else Coins(n=400, n_test=400, overlap=0.0, noise=0.0)
    )
    split = data.split(stream(0, "data"))
    idle = Idle().with_defaults(data.signal, data.label)
    trial = Trial(data, _Constant(), idle, 0.0, 0)
    # Fits on noisy data are compared with each other, for which few rows are enough.
    sample, _ = build_training_set(trial, split, split.train[: 200 if noise else 400])
    sample.validation, _ = build_training_set(trial, split, split.validation)
    if noise:
        rng = stream(0, "noise")
        x = sample.x + np.float32(rng.normal(size=sample.x.shape))
        y = rng.integers(split.classes, size=len(sample))
        sample = TrainingSet(x, y, None, split.classes, sample.validation, sample.law)
    return sample, split


def _copy(name: str, noise: bool) -> TrainingSet:
    """Return a copy of reference data, so that a learner that changes it harms no later check."""
    sample, validation = _reference(name, noise)[0], None
    if sample.validation is not None:
        v = sample.validation
        validation = TrainingSet(v.x, v.y.copy(), v.group.copy(), v.classes, None, v.law)
    return TrainingSet(sample.x, sample.y.copy(), None, sample.classes, validation, sample.law)


def _fit(learner: Learner, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
    """Return the classifier that a learner fits, if it returns one."""
    result = learner.fit(sample, rng)
    name = None if result is None else type(result).__name__
    demand(isinstance(result, Fitted), f"fit returned {name}, not Fitted")
    return result


def _once(function: Callable[[Learner], Any]) -> Callable[[Learner], Any]:
    """Return a function that keeps its results by the class and repr of the learner."""
    results: dict[tuple[type, str], Any] = {}

    def cached(learner: Learner) -> Any:
        key = type(learner), repr(learner)
        if key not in results:
            results[key] = function(learner)
        return results[key]

    return cached


@_once
@restored_settings()
def _fitted(learner: Learner) -> tuple[str, Fitted]:
    """Return the reference data that suit a learner, and its classifier for those without noise.

    The data are flat points, or images for a learner that takes nothing else.
    """
    try:
        return "Coins", _fit(learner, _copy("Coins", noise=False), stream(0, "fit"))
    except ValueError as error:
        if "image" not in str(error):
            raise
        return "Digits", _fit(learner, _copy("Digits", noise=False), stream(0, "fit"))


def _samples(learner: Learner) -> TrainingSet:
    """Return a noisy sample that suits a learner."""
    return _copy(_fitted(learner)[0], noise=True)


@dataclass(frozen=True)
class _Observation:
    """Effects of a fit on noisy data, and of a prediction.

    Arguments:
        predictions: Predictions on the training points, (n,).
        drew: Whether the fit drew from its generator.
        data: Names of the arrays that changed.
        generators: Names of the global generators whose state changed.
        settings: Names of the settings of the process that changed.
    """

    predictions: Array
    drew: bool
    data: list[str]
    generators: list[str]
    settings: list[str]


@_once
def _observation(learner: Learner) -> _Observation:
    """Fit a learner, predict, and compare everything that it may not change before and after."""
    sample = _samples(learner)
    split = _reference(_fitted(learner)[0], noise=True)[1]
    points, test = sample.x, split.x[split.test]
    data = {name: array.copy() for name, array in _arrays(sample, points, test).items()}
    generators, before = _generators(), settings()
    rng = stream(0, "fit")
    state = rng.bit_generator.state
    with restored_settings():
        fitted = _fit(learner, sample, rng)
        predictions = np.asarray(fitted.predict(points)).copy()
        fitted.predict(test)
        after = settings()
    return _Observation(
        predictions,
        rng.bit_generator.state != state,
        [n for n, a in _arrays(sample, points, test).items() if not np.array_equal(a, data[n])],
        [name for name, value in _generators().items() if value != generators[name]],
        [name for name, value in after.items() if value != before[name]],
    )


def _arrays(sample: TrainingSet, points: Array, test: Array) -> dict[str, Array]:
    """Return all arrays that a learner sees: those of its sample, and the points to predict."""
    arrays = {"training points": sample.x, "training labels": sample.y, "groups": sample.group}
    if sample.validation is not None:
        arrays["validation points"] = sample.validation.x
        arrays["validation labels"] = sample.validation.y
    return arrays | {"points that it predicted": points, "test points": test}


def _generators() -> dict[str, Any]:
    """Return the states of the global generators."""
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy": (state["key"].tobytes(), state["pos"]),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def predicts_labels(learner: Learner) -> None:
    """Its predictions are one known label for each point, the same each time."""
    name, fitted = _fitted(learner)
    split = _reference(name, noise=False)[1]
    labels, again = (np.asarray(fitted.predict(split.x[split.test])) for _ in range(2))
    demand(labels.shape == (len(split.test),), f"{labels.shape} for {len(split.test)} points")
    demand(labels.dtype.kind in "iu", f"labels are of type {labels.dtype}, not integers")
    known = np.isin(labels, np.arange(split.classes))
    demand(known.all(), f"labels {sorted(set(labels[~known].tolist()))[:5]} are not known")
    demand(np.array_equal(labels, again), "two predictions for the same points differ")


def beats_chance(learner: Learner) -> None:
    """It is right much more often than a guess: on easy, noisy, imbalanced and grouped samples.

    Test labels are weighted by the labels' shares in training. An experimental learner is checked
    on the easy sample alone.
    """
    name, fitted = _fitted(learner)
    split = _reference(name, noise=False)[1]
    _demand_more_than_chance(fitted, _copy(name, noise=False), split, "an easy sample")
    if learner.experimental is None:
        for kind, change in VARIANTS.items():
            sample = change(_copy(name, noise=False), stream(0, kind))
            fitted = _fit(learner, sample, stream(0, "fit"))
            _demand_more_than_chance(fitted, sample, split, kind)


def _demand_more_than_chance(fitted: Fitted, sample: TrainingSet, split: Split, kind: str) -> None:
    """Demand that a classifier is better than a guess, and not much worse than a constant label.

    Arguments:
        fitted: The classifier.
        sample: The training sample, the shares of whose labels are those of the test.
        split: The data with the test points.
        kind: The name of the sample.
    """
    y = split.y[split.test]
    right = fitted.predict(split.x[split.test]) == y
    shares = np.bincount(sample.y, minlength=split.classes) / len(sample)
    share = float(sum(shares[k] * right[y == k].mean() for k in np.unique(y)))
    least = max(0.5 + 0.5 / split.classes, shares.max() - 0.05)
    demand(share > least, f"on {kind} it is right on {share:.0%}, not above {least:.0%}")


def _noisy(sample: TrainingSet, rng: np.random.Generator) -> TrainingSet:
    """Replace a tenth of the labels by the next label, those of the validation data too."""
    for part in filter(None, (sample, sample.validation)):
        wrong = rng.permutation(len(part))[: len(part) // 10]
        part.y[wrong] = (part.y[wrong] + 1) % part.classes
    return sample


def _imbalanced(sample: TrainingSet, rng: np.random.Generator) -> TrainingSet:
    """Remove rows of the last label until it has 5 % of the rows, or half of its share."""
    rare = sample.y == sample.classes - 1
    share = min(0.05, rare.mean() / 2)
    kept = round(share / (1 - share) * np.count_nonzero(~rare))
    chosen = rng.permutation(np.flatnonzero(rare))[:kept]
    return sample.take(np.sort(np.concatenate([np.flatnonzero(~rare), chosen])))


def _grouped(sample: TrainingSet, rng: np.random.Generator) -> TrainingSet:
    """Make two groups of each label: the points with a small sum, and those with a large one."""
    for part in filter(None, (sample, sample.validation)):
        sums = part.flat.sum(axis=1)
        part.group = 2 * part.y + (sums > np.median(sums))
        part.groups = 2 * part.classes
    return sample


#: What a learner is trained on -> the change that makes it from an easy sample.
VARIANTS: dict[str, Callable[[TrainingSet, np.random.Generator], TrainingSet]] = {
    "a sample with a tenth of the labels wrong": _noisy,
    "a sample with 5 % of one label": _imbalanced,
    "a sample with groups": _grouped,
}


def leaves_the_data_alone(learner: Learner) -> None:
    """It changes neither the sample and its validation data nor the points that it predicts."""
    changed = _observation(learner).data
    demand(not changed, f"fit or predict changed: {', '.join(changed)}")


def repeats_itself(learner: Learner) -> None:
    """The generator is all its randomness: the same one gives the same classifier."""
    sample = _samples(learner)
    first = _observation(learner).predictions
    # Draws from the global generators in between reveal a learner that uses them.
    np.random.random(7), random.random(), torch.rand(7)  # noqa: NPY002
    second = _fit(learner, sample, stream(0, "fit")).predict(sample.x)
    demand(np.array_equal(first, second), "two fits with equal generators differ")


def uses_its_generator(learner: Learner) -> None:
    """It draws from its generator, or the order of people makes no difference to it."""
    sample, first = _samples(learner), _observation(learner)
    if first.drew:
        return
    order = stream(0, "turn").permutation(len(sample))
    reordered = TrainingSet(
        sample.x[order], sample.y[order], None, sample.classes, sample.validation, sample.law
    )
    second = _fit(learner, reordered, stream(0, "fit")).predict(sample.x)
    demand(
        np.mean(first.predictions == second) > 0.99,
        "it never draws from rng, yet it is random: with people in another order its classifier "
        "differs",
    )


def leaves_global_randomness_alone(learner: Learner) -> None:
    """It neither seeds nor uses the global generators of random, numpy and torch."""
    used = _observation(learner).generators
    demand(not used, f"the state of the global generator of {', '.join(used)} changed")


def leaves_settings_alone(learner: Learner) -> None:
    """It leaves the settings of numpy, torch, warnings and the process as they were."""
    changed = _observation(learner).settings
    demand(not changed, f"it left changed: {', '.join(changed)}")


def trains_independently(learner: Learner) -> None:
    """The samples that are trained beside a sample do not change its classifier."""
    sample, alone = _samples(learner), _observation(learner).predictions
    other = TrainingSet(
        sample.x, sample.y[::-1].copy(), None, sample.classes, sample.validation, sample.law
    )
    results = learner.fit_many([other, sample], [stream(1, "fit"), stream(0, "fit")])
    demand(len(results) == 2, f"fit_many returned {len(results)} classifiers for 2 samples")
    together = results[1]
    if isinstance(together, Exception):
        raise together
    demand(np.array_equal(alone, together.predict(sample.x)), "fit and fit_many differ")


def fits_in_a_worker_process(learner: Learner) -> None:
    """It travels to a worker process, and its classifier there is the same."""
    sample, here = _samples(learner), _observation(learner).predictions
    sent = Serialized.of(learner)
    with safe_path():
        # The executor keeps its process for the next learner. It is joblib's own, which loky
        # would hand to joblib's next use in this process if it were another.
        executor = get_memmapping_executor(1, timeout=600)
        future = executor.submit(predictions, sent, sample, dict(os.environ))
    demand(np.array_equal(here, future.result()), "a fit in another process differs")


def weighs_its_samples(learner: Learner) -> None:
    """Its weights, if it has some, are one finite number above or at zero for each sample."""
    name, fitted = _fitted(learner)
    sample, weights = _reference(name, noise=False)[0], fitted.weights
    if weights is None:
        return
    demand(weights.shape == (len(sample),), f"{weights.shape} for {len(sample)} samples")
    demand(np.isfinite(weights).all() and (weights >= 0).all(), "some are not at or above 0")
    demand(weights.sum() > 0, "all are zero")
    mean = float(weights.mean())
    if isinstance(learner, GradientLearner) and not 1 / SCALE < mean < SCALE:
        warnings.warn(
            f"its loss weights sum to {mean:.3g} over a batch, not to about 1, which scales the "
            f"learning rate by that factor: divide the weights by the length of the batch",
            ContractWarning,
            stacklevel=1,
        )


def predicts_probabilities(learner: Learner) -> None:
    """Its probabilities, if it has some, are one for each label and point, and sum to 1."""
    name, fitted = _fitted(learner)
    if fitted.predict_proba is None:
        return
    split = _reference(name, noise=False)[1]
    proba = np.asarray(fitted.predict_proba(split.x[split.test]))
    shape = len(split.test), split.classes
    demand(proba.shape == shape, f"{proba.shape} for {shape[0]} points of {shape[1]} labels")
    odd = proba[~np.isfinite(proba)]
    demand(not len(odd), f"{len(odd)} of {proba.size} are {' or '.join({*map(str, odd)})}")
    demand((proba >= 0).all(), f"some are below 0, down to {proba.min():g}")
    sums = proba.sum(axis=1)
    worst = sums[np.abs(sums - 1).argmax()]
    demand(abs(worst - 1) < 1e-3, f"those of a point sum to {worst:g}")


LEARNER: list[Check] = [
    predicts_labels,
    beats_chance,
    leaves_the_data_alone,
    repeats_itself,
    uses_its_generator,
    leaves_global_randomness_alone,
    leaves_settings_alone,
    trains_independently,
    fits_in_a_worker_process,
    weighs_its_samples,
    predicts_probabilities,
]
