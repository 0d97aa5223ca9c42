"""Checks of what learners and strategies return: labels, probabilities, success, weights.

A classifier gets a copy of the points at each call, so that it cannot change those of others.
"""

import sys
from typing import Any

import numpy as np

from algorithms.base import Classifier
from bench.datasets.base import Array
from collectives.base import Strategy
from collectives.types import Labelled, Predict

#: The number of wrong values that an error shows.
SHOWN = 3
#: The most by which the probabilities of a point may miss a sum of one.
TOLERANCE = 1e-3


def checked(classifier: Classifier, classes: int) -> Classifier:
    """Return a classifier whose labels and probabilities are checked at each call.

    Arguments:
        classifier: The classifier.
        classes: The number K of labels.
    """
    proba = classifier.predict_proba
    return Classifier(
        lambda x: labels(classifier, x, classes),
        None if proba is None else lambda x: probabilities(proba, x, classes),
    )


def labels(classifier: Classifier, x: Array, classes: int) -> Array:
    """Return the labels that a classifier predicts, checked.

    Whole numbers of any type are labels, also as a list, a tensor or a single column.

    Arguments:
        classifier: The classifier.
        x: Points, (m, ...).
        classes: The number K of labels.

    Returns:
        The labels, int64, (m,).

    Raises:
        ValueError: If they have another shape, or are no labels of the data.
    """
    predicted = _array(classifier(x.copy()))
    if predicted.shape == (len(x), 1):
        predicted = predicted[:, 0]
    if predicted.shape != (len(x),):
        raise ValueError(f"predict returned {predicted.shape} for {len(x)} points")
    return known_labels("predict", predicted, classes)


def known_labels(source: str, values: Array, classes: int) -> Array:
    """Return labels as whole numbers, checked.

    Arguments:
        source: The function that returned them, for the error.
        values: Labels, (m,), of any type.
        classes: The number K of labels.

    Returns:
        The labels, int64, (m,).

    Raises:
        ValueError: If some are not whole numbers from 0 to K - 1.
    """
    known = np.zeros(len(values), dtype=bool)
    if values.dtype.kind in "biuf":
        known = (values >= 0) & (values < classes) & (values == np.floor(values))
    if not known.all():
        raise ValueError(
            f"{source} returned {_first(values, ~known)}: labels are whole numbers from 0 to "
            f"{classes - 1}"
        )
    return values.astype(np.int64)


def probabilities(predict_proba: Predict, x: Array, classes: int) -> Array:
    """Return the probabilities that a classifier predicts, checked.

    Arguments:
        predict_proba: From points (m, ...) to the probability of each label, (m, K).
        x: Points, (m, ...).
        classes: The number K of labels.

    Returns:
        The probability of each label at each point, (m, K).

    Raises:
        ValueError: If they have another shape, are negative or not finite, or if those of a point
            do not sum to one.
    """
    predicted = _array(predict_proba(x.copy()))
    if predicted.shape != (len(x), classes):
        raise ValueError(
            f"predict_proba returned {predicted.shape} for {len(x)} points of {classes} labels"
        )
    right = np.zeros(len(x), dtype=bool)
    if predicted.dtype.kind in "biuf":
        right = np.asarray(((predicted >= 0) & np.isfinite(predicted)).all(axis=1))
        right[right] = np.abs(predicted[right].sum(axis=1) - 1) <= TOLERANCE
    if not right.all():
        raise ValueError(
            f"predict_proba returned {_first(predicted, ~right)}, which are no probabilities: "
            "those of a point are at least 0 and sum to 1"
        )
    return predicted


def success(strategy: Strategy, classifier: Predict, test: Labelled) -> Array:
    """Return the success of a strategy at each test point, checked.

    Arguments:
        strategy: The strategy.
        classifier: The firm's classifier.
        test: The test points, m of them.

    Returns:
        Success between 0 and 1, or NaN where it is undefined, (m,).

    Raises:
        ValueError: If it has another shape, or is no share.
    """
    values = _array(strategy.success(classifier, test))
    shape = f"success is not a share for each of {len(test.y)} points"
    if values.shape != (len(test.y),):
        raise ValueError(f"{shape}: its shape is {values.shape}")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"{shape}: it returned {_first(values, np.ones(len(values), bool))}")
    values = values.astype(float)
    right: Array = np.isnan(values) | ((values >= 0) & (values <= 1))
    if not right.all():
        raise ValueError(f"{shape}: it returned {_first(values, ~right)}")
    return values


def mask(flagged: Any, n: int) -> Array:
    """Return the flags of n samples as a mask, checked.

    Raises:
        ValueError: If they have another shape, or are neither true nor false.
    """
    values = _array(flagged)
    if values.shape != (n,) or not np.isin(values, (0, 1)).all():
        raise ValueError(f"flagged is not a mask of {n} samples")
    return values.astype(bool)


def _array(values: Any) -> Array:
    """Return what a component returned as an array, in its own type if it has one."""
    # Without torch, which takes seconds to import, there are no tensors.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(values, torch.Tensor):
        values = values.detach().cpu()
    array = np.asarray(values)
    # Whole numbers in an array of objects get their own type; words and None stay as they are.
    return np.asarray(array.tolist()) if array.dtype.kind == "O" else array


def _first(values: Array, wrong: Array) -> str:
    """Return the first values at a mask, for an error."""
    places = np.flatnonzero(wrong)
    shown = [f"{values[[i]].tolist()[0]!r} for point {i}" for i in places[:SHOWN]]
    more = len(places) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
