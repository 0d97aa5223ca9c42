"""What is trained on another representation of the points: samples there, classifiers back."""

from collections.abc import Callable
from dataclasses import replace

from algorithms.base import Array, Fitted, Predict, Rows, TrainingSet


def represented(sample: TrainingSet, make: Callable[[Rows], Rows]) -> TrainingSet:
    """A sample, and its validation data, with other points in place of its own."""
    held = sample.validation and represented(sample.validation, make)
    made = TrainingSet(make(sample.rows), sample.y, sample.group, sample.classes, held)
    made.groups = sample.groups
    if sample.group is sample.y:
        made.group = made.y
    return made


def on_points(fitted: Fitted, of: Callable[[Array], Array]) -> Fitted:
    """A classifier of representations as one of points."""

    def on(predict: Predict) -> Predict:
        return lambda x: predict(of(x))

    proba = fitted.predict_proba
    return replace(
        fitted,
        predict=on(fitted.predict),
        predict_proba=None if proba is None else on(proba),
        path=[replace(epoch, predict=on(epoch.predict)) for epoch in fitted.path],
    )
