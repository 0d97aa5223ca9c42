"""Training on encoded points: samples are encoded, and classifiers are composed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import methodcaller
from typing import Any

from algorithms.base import Array, Classifier, Fitted, Predict, Rows, TrainingSet
from algorithms.scaling import Scaling


def encode_sample(sample: TrainingSet, encode: Callable[[Rows], Rows]) -> TrainingSet:
    """Return a sample, with its validation data, whose points are encoded.

    The law of the points is not that of their encodings, and is left out.
    """
    validation = sample.validation and encode_sample(sample.validation, encode)
    encoded = TrainingSet(encode(sample.rows), sample.y, sample.group, sample.classes, validation)
    encoded.groups = sample.groups
    if sample.group is sample.y:
        encoded.group = encoded.y
    return encoded


def compose(fitted: Fitted, encode: Callable[[Array], Any]) -> Fitted:
    """Return a classifier of encodings as a classifier of points.

    Arguments:
        fitted: The classifier of encodings.
        encode: The function from points (m, ...) to their encodings.
    """

    def composed(predict: Predict) -> Predict:
        return lambda x: predict(encode(x))

    def functions(classifier: Classifier) -> dict[str, Any]:
        return {
            "predict": composed(classifier.predict),
            "predict_proba": classifier.predict_proba and composed(classifier.predict_proba),
        }

    path = [replace(epoch, **functions(epoch)) for epoch in fitted.path]
    # A density of encodings is not a density of points.
    return replace(fitted, **functions(fitted), log_density=None, path=path)


def standardise(samples: Sequence[TrainingSet]) -> list[TrainingSet]:
    """Return samples whose points are standardised by their own training rows.

    The map is the ``scaler`` of their rows, which the rows of the validation data share. Sparse
    matrices stay as they are, and have none: shifted, they would no longer be sparse.
    """
    standardised = []
    for sample in samples:
        scale = methodcaller("scaled", sample.rows.fit_scaler())
        standardised.append(encode_sample(sample, scale))
    return standardised


def fit_scaled(
    scaling: Scaling, sample: TrainingSet, fit: Callable[[TrainingSet], Fitted]
) -> Fitted:
    """Fit on scaled points, and return a classifier of points as they are.

    Arguments:
        scaling: "standard", or "none" for points as they are.
        sample: The training set.
        fit: The function that fits a classifier.
    """
    if scaling == "none":
        return fit(sample)
    (scaled,) = standardise([sample])
    fitted, scaler = fit(scaled), scaled.rows.scaler
    return fitted if scaler is None else compose(fitted, scaler)
