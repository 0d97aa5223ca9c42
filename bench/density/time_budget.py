"""Equal training time for density models: numbers of steps for a budget of seconds."""

import dataclasses
from typing import TypeVar

from algorithms.density.base import DensityModel
from algorithms.density.generative import Generative
from algorithms.density.images.base import ImageModel
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.density.clock import training_clock

Model = TypeVar("Model", bound=DensityModel | Generative | ImageModel)
#: The seconds of a step are measured on trainings of at least this share of the budget.
SHORTEST = 0.04


def fit_steps_to_budget(model: Model, x: Array, seconds: float) -> Model:
    """Return a model with the number of steps that takes about a number of seconds.

    Seconds are those of one core, or on a GPU those that pass
    (:func:`~bench.density.clock.training_clock`).

    A straight line through two short trainings gives the seconds of a step and a constant: the
    time of a reference and of the final log Z counts too. The steps are part of the model's spec,
    so that a run can be reproduced exactly.

    Arguments:
        model: The model; a model without steps is returned unchanged.
        x: Training points, (n, d), or images, (n, h, w).
        seconds: The budget.
    """
    if scaled(model, 2.0) == model:
        return model
    density = model.model if isinstance(model, Generative) else model
    first = 1e-9
    start, shortest = first, _seconds(density, first, x)
    # Longer trainings are tried until one takes long enough for a measurement.
    factor, longer = 0.002, shortest
    while True:
        longer = _seconds(density, factor, x)
        if longer - shortest > SHORTEST * seconds:
            break
        factor *= 3 if longer - shortest < SHORTEST / 3 * seconds else 2
    rate = (longer - shortest) / (factor - start)
    return scaled(model, max((seconds - shortest) / rate, first))


def _seconds(model: DensityModel | ImageModel, factor: float, x: Array) -> float:
    with one_thread():
        started = training_clock()
        scaled(model, factor).fit(x, stream(0, "pace"))
        return training_clock() - started


def scaled(model: Model, factor: float) -> Model:
    """Return a model with all its numbers of steps multiplied by a factor, at least one each.

    Example:
        >>> from algorithms.density.flow import Flow
        >>> scaled(Flow(steps=100), 2.5).steps
        250
    """
    changed: dict[str, object] = {}
    for field in dataclasses.fields(model):  # type: ignore[arg-type]
        value = getattr(model, field.name)
        if field.name == "steps":
            changed["steps"] = max(1, round(factor * value))
        elif isinstance(value, DensityModel):
            changed[field.name] = scaled(value, factor)
    return dataclasses.replace(model, **changed) if changed else model  # type: ignore
