"""Keys and measures of the trials of density models, which have no collective."""

from collections.abc import Mapping
from math import isfinite

from bench.experiment.trial import Key
from collectives.idle import Idle


def density_key(data: str, model: object, seed: int) -> Key:
    """Return the key of a density model without a collective, in the place of a learner.

    Arguments:
        data: The spec of the data.
        model: The model.
        seed: The seed of training and samples.

    Example:
        >>> from algorithms.density.flow import Flow
        >>> density_key("Digits()", Flow(), 3)[2:5]
        ('Idle(signal=None, label=None)', 0.0, 3)
    """
    return Key(data, repr(model), repr(Idle()), 0.0, seed, "clean", "given", "uniform")


def finite(measures: Mapping[str, float]) -> dict[str, float | None]:
    """Return measures with None in place of those that are not finite, as records have them.

    Example:
        >>> finite({"nll": float("inf"), "seconds": 2})
        {'nll': None, 'seconds': 2.0}
    """
    return {name: float(value) if isfinite(value) else None for name, value in measures.items()}
