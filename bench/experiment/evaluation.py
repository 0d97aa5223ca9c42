"""Evaluation of a trained classifier: for the collective, for all test points, for the firm."""

from collections.abc import Mapping
from math import isfinite

import numpy as np

from algorithms.base import Classifier, Fitted, Learner
from bench.datasets.base import Array
from bench.experiment.outputs import checked, labels, mask, probabilities, success
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Record, Trial
from bench.theory.bounds import trial_bounds
from collectives.types import MemberData


def evaluate(trial: Trial, setup: TrainingSetup, fitted: Fitted) -> Record:
    """Evaluate a trained classifier on the untouched test data.

    Success is the mean, over the test points that the strategy counts, of the share in which the
    classifier does there what the collective wants.

    Arguments:
        trial: The trial, its strategy bound to the data.
        setup: The data of the training.
        fitted: What the learner returned.

    Returns:
        The fields of the trial's record that describe the classifier.

    Raises:
        ValueError: If the learner or the strategy returned values of another shape or range.
    """
    test, classifier = setup.context.test, checked(fitted, setup.sample.classes)
    clean = classifier(test.x)

    def predict(x: Array) -> Array:
        return clean.copy() if x is test.x else classifier(x)

    deployed = Classifier(predict, classifier.predict_proba)
    won = success(trial.strategy, deployed, test)
    counted = ~np.isnan(won)
    if not counted.any():
        points = f"{len(clean)} test points{_with_signal(trial, setup)}"
        raise ValueError(f"success is not a share for any of the {points}")
    right = clean == test.y
    target = trial.strategy.target
    others = won[counted & (test.y != target)] if target is not None else won[:0]
    tested = int(np.count_nonzero(counted))
    return {
        "success": float(won[counted].sum()) / tested,
        "tested": tested,
        "success_others": float(others.mean()) if len(others) else None,
        "accuracy": _share(right),
        "constant": float(np.bincount(test.y).max() / len(test.y)),
        "worst_group": None if test.group is None else _worst(right, test.group),
        "effective_size": _effective_size(fitted.weights, setup),
        "stand_in_groups": int(_needs_groups(trial.learner) and not _has_groups(trial, setup)),
        **_firm(fitted, setup),
        **_suspicion(fitted.flagged, setup),
        "report": _numbers(fitted.report),
        "measures": _numbers({**trial.strategy.measures(deployed, test), **_rounds(trial, setup)}),
        "signal": _numbers(setup.context.signal_statistics(trial.strategy)),
        "bounds": _numbers(
            trial_bounds(
                trial,
                setup.sample,
                setup.members,
                fitted.weights,
                test.x,
                _rows_before(trial, setup),
            )
        ),
        "epochs": _epochs(trial, setup, fitted),
    }


def _needs_groups(learner: Learner) -> bool:
    """Return whether a learner, or a learner in its fields, is about groups."""
    parts = (part for part in vars(learner).values() if isinstance(part, Learner))
    return learner.needs_groups or any(map(_needs_groups, parts))


def _has_groups(trial: Trial, setup: TrainingSetup) -> bool:
    """Return whether the firm knows groups of the data, or the collective as a group."""
    if trial.groups == "given":
        return setup.context.split.group is not None
    return trial.groups == "own"


def _with_signal(trial: Trial, setup: TrainingSetup) -> str:
    """Return how many test points carry the first signal, for an error about success."""
    share = setup.context.signal_statistics(trial.strategy).get("overlap", np.nan)
    if not isfinite(share):
        return ""
    number = round(share * len(setup.context.test.x))
    return f", {number} of which carry {trial.strategy.signals[0]!r}"


def _share(right: Array) -> float:
    """Return the share of true values: a mean without its overhead."""
    return np.count_nonzero(right) / len(right)


def _worst(right: Array, group: Array) -> float:
    """Return the least accuracy of all groups that have points."""
    points = np.bincount(group)
    present = points > 0
    return float((np.bincount(group, weights=right)[present] / points[present]).min())


def _numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return values for JSON, which has no NaN: None for those that are not finite."""
    return {k: float(v) if isfinite(v) else None for k, v in values.items()}


def _rows_before(trial: Trial, setup: TrainingSetup) -> MemberData | None:
    """Return the members' rows before they acted, if bounds from samples hold for them.

    They have to be a uniform sample of all rows, and to be all that members knew when they acted.
    """
    informed = trial.validation == "contaminated" and trial.strategy.acts_on != "row"
    if trial.recruitment != "uniform" or informed:
        return None
    split = setup.context.split
    part = split.part(split.train[setup.members])
    return MemberData(part.x, part.y, split.classes)


def _rounds(trial: Trial, setup: TrainingSetup) -> dict[str, float]:
    """Return the success on the classifier of each earlier round."""
    test = setup.context.test
    won = (np.nanmean(success(trial.strategy, f, test)) for f in setup.deployed)
    return {f"success_round_{i}": float(share) for i, share in enumerate(won, 1)}


def _firm(fitted: Fitted, setup: TrainingSetup) -> Record:
    """Return the metrics that the firm computes on its validation data."""
    validation = setup.sample.validation
    if validation is None:
        return {}
    x = validation.x
    right = labels(fitted, x, setup.sample.classes) == validation.y
    loss = None
    if fitted.predict_proba is not None:
        p = probabilities(fitted.predict_proba, x, setup.sample.classes)
        p = p[np.arange(len(validation)), validation.y]
        loss = float(-np.log(np.maximum(p, 1e-12)).mean())
    return {
        "firm_accuracy": _share(right),
        "firm_worst_group": _worst(right, validation.group),
        "firm_loss": loss,
    }


def _suspicion(flagged: Array | None, setup: TrainingSetup) -> Record:
    """Return the share of flagged rows, and their precision and recall as to members."""
    if flagged is None:
        return {}
    flagged = mask(flagged, len(setup.sample))
    hits, total = int(flagged[setup.members].sum()), int(flagged.sum())
    return {
        "flagged": total / len(flagged),
        "precision": hits / total if total else None,
        "recall": hits / len(setup.members) if len(setup.members) else None,
    }


def _epochs(trial: Trial, setup: TrainingSetup, fitted: Fitted) -> dict[str, list[float]] | None:
    """Evaluate the classifier after each epoch, where the learner kept these."""
    if not fitted.path:
        return None
    columns: dict[str, list[float]] = {}
    for epoch in fitted.path:
        classifier = checked(epoch, setup.sample.classes)
        right = classifier(setup.context.test.x) == setup.context.test.y
        won = success(trial.strategy, classifier, setup.context.test)
        row: Record = {"success": np.nanmean(won), "accuracy": _share(right)}
        row |= {f"firm_{name}": value for name, value in epoch.metrics.items()}
        if epoch.weights is not None and epoch.weights.sum() > 0:
            row["effective_size"] = _effective_size(epoch.weights, setup)
        for name, value in row.items():
            if not isfinite(value):
                raise ValueError(f"{name} after an epoch is {value}")
            columns.setdefault(name, []).append(float(f"{value:.6g}"))
    return columns


def _effective_size(weights: Array | None, setup: TrainingSetup) -> float | None:
    """Return the members' share of the time-averaged weights of all samples."""
    if weights is None:
        return None
    n, total = len(setup.sample), weights.sum()
    if weights.shape != (n,) or not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ValueError(f"weights are not {n} finite numbers, none below and some above zero")
    return float(weights[setup.members].sum() / total)
