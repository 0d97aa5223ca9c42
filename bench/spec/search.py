"""Hyper-parameter searches: lists and distributions of fields, drawn once for all seeds."""

import inspect
import itertools
import math
from typing import Any

from bench.core.errors import BenchError, unknown
from bench.core.random_streams import stream
from bench.spec.parsing import build, parse

SCALES = ("linear", "log", "integer")


def variants(entry: dict[str, Any]) -> list[str]:
    """Return the specs of all settings of a search.

    An entry names a learner and, for some of its fields, a list of values or a distribution
    ``{low, high, scale}`` with the scale "linear", "log" or "integer". Without ``draws`` all
    combinations of the lists are returned. With ``draws`` this number of combinations is drawn at
    random, the same ones each time.

    Raises:
        BenchError: If the entry is not a search.

    Example:
        >>> [text[-14:] for text in variants({"learner": "JTT", "upweight": [2, 50]})]
        [' upweight=2.0)', 'upweight=50.0)']
    """
    entry = dict(entry)
    if not isinstance(entry.get("learner"), str):
        raise BenchError(f"a search needs a learner, as in {{learner = ..., ...}}: {entry}")
    base = parse(entry.pop("learner"), "learners")
    draws = entry.pop("draws", None)
    for name, values in entry.items():
        if not isinstance(values, list | dict) or not values:
            raise BenchError(
                f"the search over {name} is neither a list nor a distribution: {values}"
            )
    if draws is None:
        if any(isinstance(values, dict) for values in entry.values()):
            raise BenchError(f"a search over a distribution needs the number of draws: {entry}")
        rows = [dict(zip(entry, row, strict=True)) for row in itertools.product(*entry.values())]
    else:
        if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
            raise BenchError(f"draws={draws!r} is not a whole number above 0")
        rng = stream(0, "draws", repr(base))
        rows = [{n: _draw(n, v, rng.random()) for n, v in entry.items()} for _ in range(draws)]
    fields = _fields(base)
    return list(dict.fromkeys(repr(build(type(base), (), fields | row)) for row in rows))


def _fields(learner: Any) -> dict[str, Any]:
    """Return the arguments that build a learner, by name, including those passed as **."""
    fields: dict[str, Any] = {}
    for p in inspect.signature(type(learner)).parameters.values():
        value = getattr(learner, p.name)
        fields |= dict(value) if p.kind is p.VAR_KEYWORD else {p.name: value}
    return fields


def _draw(name: str, values: Any, u: float) -> Any:
    """Return the value of a field at the quantile u in [0, 1).

    Arguments:
        name: Name of the field, for errors.
        values: List of values, or a distribution.
        u: Quantile.
    """
    if isinstance(values, list):
        return values[int(u * len(values))]
    for word in values:
        if word not in ("low", "high", "scale"):
            raise unknown(
                f"part of a distribution of {name} named", word, ("low", "high", "scale")
            )
    low, high, scale = values.get("low"), values.get("high"), values.get("scale", "linear")
    if scale not in SCALES:
        raise unknown("scale", str(scale), SCALES)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (low, high))
    if not numbers or not low < high or (scale == "log" and low <= 0):
        raise BenchError(
            f"the distribution of {name} has an empty range: low={low!r}, high={high!r}"
        )
    if scale == "integer":
        return int(low) + int(u * (int(high) - int(low) + 1))
    value = low * (high / low) ** u if scale == "log" else low + u * (high - low)
    # Three digits are easy to read and to type.
    return float(f"{value:.3g}") if math.isfinite(value) else value
