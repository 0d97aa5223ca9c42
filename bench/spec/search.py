"""Hyper-parameter searches: settings of a learner from lists and distributions of its fields.

A search space maps fields to lists of values or to distributions ``{low, high, scale}``, with the
scale "linear", "log" or "integer". A key may name several fields, separated by commas; its values
are tuples then. A dot leads to a field of a learner in a field: ``base.learning_rate``.
"""

import inspect
import itertools
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import ParameterSampler

from algorithms.base import Learner
from bench.core.errors import BenchError, unknown
from bench.core.random_streams import stream
from bench.spec.parsing import build, parse

SCALES = ("linear", "log", "integer")


def variants(entry: dict[str, Any]) -> list[str]:
    """Return the specs of all settings of a search in a grid.

    An entry names a learner and a search space. Without ``draws`` all combinations of the lists
    are returned. With ``draws`` this number of combinations is drawn at random, the same ones
    each time.

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
        rows = _drawn(entry, draws, repr(base))
    return list(dict.fromkeys(repr(_with(base, row)) for row in rows))


def settings(learner: Learner, count: int) -> list[Learner]:
    """Return the settings of a learner that are tried when it is tuned, the same ones each time.

    The learner itself is the first of them. The others are drawn from its search space. There are
    fewer than ``count`` if the space is smaller.

    Arguments:
        learner: The learner.
        count: The number of settings, the learner itself included.

    Example:
        >>> from algorithms.knn import KNN
        >>> settings(KNN(), 3)[0] == KNN(), len(settings(KNN(), 3)), settings(KNN(), 1) == [KNN()]
        (True, 3, True)
    """
    rows = _drawn(space_of(learner), count, repr(learner))
    return list(dict.fromkeys([learner, *(_with(learner, row) for row in rows)]))[:count]


def space_of(learner: Learner) -> dict[str, Any]:
    """Return the search space of a learner: that of its class and those of learners in its fields.

    A field whose value is not the default of the class is the user's choice and is not searched.

    Example:
        >>> from algorithms.knn import KNN
        >>> space_of(KNN(n_neighbors=7)), list(space_of(KNN()))
        ({}, ['n_neighbors'])
    """
    default, space = type(learner)(), {}
    mine = {f.name: getattr(learner, f.name) for f in fields(learner)}  # type: ignore[arg-type]
    chosen = {name for name, value in mine.items() if value != getattr(default, name)}
    for key, values in learner.space.items():
        names = _names(key)
        if len(names) > 1:
            values = [
                row
                for row in values
                if all(n not in chosen or v == mine[n] for n, v in _named(names, row).items())
            ]
        elif key in chosen:
            values = []
        if values:
            space[key] = values
    for name, part in mine.items():
        if isinstance(part, Learner):
            for key, values in space_of(part).items():
                space[", ".join(f"{name}.{inner}" for inner in _names(key))] = values
    return space


def _names(key: str) -> list[str]:
    return [name.strip() for name in key.split(",")]


def _named(names: list[str], row: Any) -> dict[str, Any]:
    """Return the values of a row by the names of their fields."""
    if not isinstance(row, list | tuple) or len(row) != len(names):
        raise BenchError(
            f"a value of a search over {', '.join(names)} is {row!r}, not one of each"
        )
    return dict(zip(names, row, strict=True))


def _with(learner: Any, row: Mapping[str, Any]) -> Any:
    """Return a learner with other values of some fields, by keys of a search space."""
    own = _fields(learner)
    inner: dict[str, dict[str, Any]] = {}
    for key, value in row.items():
        names = _names(key)
        for name, one in _named(names, value if len(names) > 1 else [value]).items():
            head, dot, rest = name.partition(".")
            if dot:
                inner.setdefault(head, {})[rest] = one
            else:
                own[head] = one
    for head, values in inner.items():
        if head not in own:
            raise unknown(f"field of {type(learner).__name__} named", head, own)
        own[head] = _with(own[head], values)
    return build(type(learner), (), own)


def _fields(learner: Any) -> dict[str, Any]:
    """Return the arguments that build a learner, by name, including those passed as **."""
    arguments: dict[str, Any] = {}
    for p in inspect.signature(type(learner)).parameters.values():
        value = getattr(learner, p.name)
        arguments |= dict(value) if p.kind is p.VAR_KEYWORD else {p.name: value}
    return arguments


def _drawn(space: Mapping[str, Any], draws: int, purpose: str) -> list[dict[str, Any]]:
    """Draw combinations from a search space; without replacement, where it consists of lists.

    Arguments:
        space: The space.
        draws: The number of combinations.
        purpose: Name of the random stream.
    """
    if not space:
        return []
    lists = [len(values) for values in space.values() if isinstance(values, list)]
    draws = min(draws, math.prod(lists)) if len(lists) == len(space) else draws
    sampled = {
        name: values if isinstance(values, list) else _distribution(name, values)
        for name, values in space.items()
    }
    seed = int(stream(0, "draws", purpose).integers(2**32))
    rows = ParameterSampler(sampled, draws, random_state=seed)
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """Return a drawn value as one of Python's; three digits are easy to read and to type."""
    if isinstance(value, np.floating | np.integer):
        value = value.item()
        return float(f"{value:.3g}") if isinstance(value, float) else value
    return value


def _distribution(name: str, values: Mapping[str, Any]) -> Any:
    """Return the distribution of a field.

    Arguments:
        name: Name of the field, for errors.
        values: Its description, ``{low, high, scale}``.
    """
    for word in values:
        if word not in ("low", "high", "scale"):
            raise unknown(
                f"part of a distribution of {name} named", word, ("low", "high", "scale")
            )
    low: Any = values.get("low")
    high: Any = values.get("high")
    scale = values.get("scale", "linear")
    if scale not in SCALES:
        raise unknown("scale", str(scale), SCALES)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (low, high))
    if not numbers or not low < high or (scale == "log" and low <= 0):
        raise BenchError(
            f"the distribution of {name} has an empty range: low={low!r}, high={high!r}"
        )
    if scale == "integer":
        return randint(int(low), int(high) + 1)
    return loguniform(low, high) if scale == "log" else uniform(low, high - low)
