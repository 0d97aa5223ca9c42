"""What a trained classifier means: for the collective, for everybody else, and for the firm."""

from collections.abc import Mapping
from functools import partial
from math import isfinite

import numpy as np

from algorithms.base import Classifier, Fitted
from bench.datasets.base import Array
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Record, Trial
from bench.theory.bounds import trial_bounds
from collectives.types import MemberData, Predict


def evaluate(trial: Trial, scene: TrainingSetup, fitted: Fitted) -> Record:
    """What a trained classifier means for the collective and for everybody else."""
    test = scene.world.test
    clean = labels(fitted, test.x)

    def predict(x: Array) -> Array:
        return clean if x is test.x else labels(fitted, x)

    deployed = Classifier(predict, fitted.predict_proba)
    won = np.asarray(trial.strategy.success(deployed, test), dtype=float)
    asked = ~np.isnan(won)
    if won.shape != clean.shape or not ((won >= 0) & (won <= 1))[asked].all():
        raise ValueError(f"success is not a share for each of {len(clean)} points")
    if not asked.any():
        many = f"{len(clean)} test points{_carrying(trial, scene)}"
        raise ValueError(f"success is not a share for any of the {many}")
    right = clean == test.y
    target = trial.strategy.target
    others = won[asked & (test.y != target)] if target is not None else won[:0]
    tested = int(np.count_nonzero(asked))
    return {
        "success": float(won[asked].sum()) / tested,
        "tested": tested,
        "success_others": float(others.mean()) if len(others) else None,
        "accuracy": _share(right),
        "constant": float(np.bincount(test.y).max() / len(test.y)),
        "worst_group": None if test.group is None else _worst(right, test.group),
        "effective_size": _effective_size(fitted.weights, scene),
        **_firm(fitted, scene),
        **_suspicion(fitted.flagged, scene),
        "report": _numbers(fitted.report),
        "measures": _numbers({**trial.strategy.measures(deployed, test), **_rounds(trial, scene)}),
        "signal": _numbers(scene.world.told(trial.strategy)),
        "bounds": _numbers(
            trial_bounds(
                trial, scene.sample, scene.members, fitted.weights, test.x, _own(trial, scene)
            )
        ),
        "epochs": _epochs(trial, scene, fitted),
    }


def _carrying(trial: Trial, scene: TrainingSetup) -> str:
    """How many test points carry the first signal: success may be about those who do or don't."""
    share = scene.world.told(trial.strategy).get("overlap", np.nan)
    many = round(share * len(scene.world.test.x)) if isfinite(share) else None
    return "" if many is None else f", {many} of which carry {trial.strategy.signals[0]!r}"


def _share(right: Array) -> float:
    """The share of the points that are right: a mean of truth values, without its overhead."""
    return np.count_nonzero(right) / len(right)


def _worst(right: Array, group: Array) -> float:
    """The least share that is right in any group that has points."""
    points = np.bincount(group)
    here = points > 0
    return float((np.bincount(group, weights=right)[here] / points[here]).min())


def _numbers(given: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: what is not finite is None."""
    return {k: float(v) if isfinite(v) else None for k, v in given.items()}


def _own(trial: Trial, scene: TrainingSetup) -> MemberData | None:
    """The members' rows before they acted, if these stand for everybody's."""
    if trial.recruitment != "uniform":
        return None
    split = scene.world.split
    part = split.part(split.train[scene.members])
    return MemberData(part.x, part.y, split.classes)


def _rounds(trial: Trial, scene: TrainingSetup) -> dict[str, float]:
    """The success that each earlier classifier meant."""
    won = (np.nanmean(trial.strategy.success(f, scene.world.test)) for f in scene.seen)
    return {f"success_round_{i}": float(share) for i, share in enumerate(won, 1)}


def _firm(fitted: Fitted, scene: TrainingSetup) -> Record:
    """What the firm sees on its own validation data, members' rows in it included."""
    held = scene.sample.validation
    if held is None:
        return {}
    x = held.x
    right = labels(fitted, x) == held.y
    loss = None
    if fitted.predict_proba is not None:
        p = probabilities(fitted.predict_proba, x, scene.sample.classes)
        p = p[np.arange(len(held)), held.y]
        loss = float(-np.log(np.maximum(p, 1e-12)).mean())
    return {
        "firm_accuracy": _share(right),
        "firm_worst_group": _worst(right, held.group),
        "firm_loss": loss,
    }


def _suspicion(flagged: Array | None, scene: TrainingSetup) -> Record:
    """Return the share of flagged samples, and their precision and recall as to members."""
    if flagged is None:
        return {}
    hits, total = int(flagged[scene.members].sum()), int(flagged.sum())
    return {
        "flagged": total / len(flagged),
        "precision": hits / total if total else None,
        "recall": hits / len(scene.members) if len(scene.members) else None,
    }


def _epochs(trial: Trial, scene: TrainingSetup, fitted: Fitted) -> dict[str, list[float]] | None:
    """What the classifier meant after each epoch, where the learner kept them."""
    if not fitted.path:
        return None
    told: dict[str, list[float]] = {}
    for epoch in fitted.path:
        classifier = checked(epoch)
        right = classifier(scene.world.test.x) == scene.world.test.y
        won = trial.strategy.success(classifier, scene.world.test)
        row: Record = {"success": np.nanmean(won), "accuracy": _share(right)}
        row |= {f"firm_{name}": value for name, value in epoch.metrics.items()}
        if epoch.weights is not None and epoch.weights.sum() > 0:
            row["effective_size"] = _effective_size(epoch.weights, scene)
        for name, value in row.items():
            if not isfinite(value):
                raise ValueError(f"{name} after an epoch is {value}")
            told.setdefault(name, []).append(float(f"{value:.6g}"))
    return told


def _effective_size(weights: Array | None, scene: TrainingSetup) -> float | None:
    """The members' share of all weights."""
    if weights is None:
        return None
    n, total = len(scene.sample), weights.sum()
    if weights.shape != (n,) or not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ValueError(f"weights are not {n} finite numbers, none below and some above zero")
    return float(weights[scene.members].sum() / total)


def probabilities(tell: Predict, x: Array, classes: int) -> Array:
    """How likely a classifier says that each label is at points, (m, K)."""
    told = np.asarray(tell(x))
    if told.shape != (len(x), classes):
        raise ValueError(f"predict_proba returned {told.shape} for {len(x)} points")
    if not (told >= 0).all() or not np.isfinite(told).all():
        raise ValueError("predict_proba returned numbers that are no probabilities")
    return told


def labels(classifier: Classifier, x: Array) -> Array:
    """Return the labels of points, (m,), after a check of their shape."""
    predicted = np.asarray(classifier(x))
    if predicted.shape != (len(x),):
        raise ValueError(f"predict returned {predicted.shape} for {len(x)} points")
    return predicted


def checked(classifier: Classifier) -> Classifier:
    """Return a classifier whose labels are checked at each call."""
    return Classifier(partial(labels, classifier), classifier.predict_proba)
