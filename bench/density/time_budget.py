"""Equal time for density models: so many steps as a machine does in so many seconds."""

import dataclasses
import time
from typing import TypeVar

from algorithms.density.base import DensityModel
from algorithms.density.generative import Generative
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Array

Model = TypeVar("Model", bound=DensityModel | Generative)
#: A rate is measured by two trainings that take about these shares of the time.
TRIED = (0.04, 0.12)


def fit_steps_to_budget(model: Model, x: Array, seconds: float) -> Model:
    """The same model with so many steps as take about so many seconds of one core.

    What takes no steps, a reference or the final log Z, is counted: a straight line through two
    short trainings says what a step takes and what comes on top. The steps found are part of
    the model's spec, by which a run can be had again to the bit.

    Arguments:
        model: The model; one without steps is left as it is.
        x: Points to train on, (n, d).
        seconds: The time that it may take.
    """
    if scaled(model, 2.0) == model:
        return model
    density = model.model if isinstance(model, Generative) else model
    first = 1e-9
    start, took = first, _took(density, first, x)
    # From next to nothing on, longer trainings are tried until one takes its share.
    factor, longer = 0.002, took
    while True:
        longer = _took(density, factor, x)
        if longer - took > TRIED[0] * seconds:
            break
        factor *= 3 if longer - took < TRIED[0] / 3 * seconds else 2
    rate = (longer - took) / (factor - start)
    return scaled(model, max((seconds - took) / rate, first))


def _took(model: DensityModel, factor: float, x: Array) -> float:
    with one_thread():
        started = time.process_time()
        scaled(model, factor).fit(x, stream(0, "pace"))
        return time.process_time() - started


def scaled(model: Model, factor: float) -> Model:
    """The same model with so many times the steps, at least one, of all in it that has some.

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
