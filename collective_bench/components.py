"""Components in the arguments of the Python interface: objects, classes and specs."""

import inspect
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from typing import Any

from bench.core.errors import BenchError
from bench.spec.parsing import parse, split_specs
from bench.spec.registry import KINDS, REGISTRY, kind_of, value_fault


def specs(values: Any, kind: str) -> list[Any]:
    """Return the specs of one or more components; their classes are registered.

    Arguments:
        values: An object, a class, a text with one or more specs, or an iterable of these. For
            learners, a search as in a grid's file, too.
        kind: Kind of the components, such as "learners".

    Raises:
        BenchError: If a value is not a component of this kind, or there is none.
    """
    single = isinstance(values, str | dict | type) or not isinstance(values, Iterable)
    found = [spec for value in ([values] if single else values) for spec in _specs(value, kind)]
    if not found:
        raise BenchError(f"{kind} is empty: give at least one {KINDS[kind][0]}")
    return found


def component(value: Any, kind: str) -> Any:
    """Return the component that an object, a class or a spec describes."""
    (spec,) = found if len(found := specs(value, kind)) == 1 else (None,)
    if spec is None:
        raise BenchError(f"{value!r} describes {len(found)} {kind}, not one")
    return parse(spec, kind)


def _specs(value: Any, kind: str) -> list[Any]:
    if isinstance(value, str):
        return split_specs([value]) or []
    if isinstance(value, dict) and kind == "learners":
        return [value]
    return [_spec(value, kind)]


def _spec(value: Any, kind: str) -> str:
    """Return the spec of an object or of a class with its defaults."""
    noun, base, _ = KINDS[kind]
    cls = value if inspect.isclass(value) else type(value)
    if not issubclass(cls, base):
        raise BenchError(
            f"{value!r} is not a {noun}. Allowed: an object or a subclass of {base.__name__}, or "
            f"a spec such as {min(REGISTRY.kinds[kind])!r}"
        )
    if inspect.isabstract(cls):
        missing = " and ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise BenchError(f"the {noun} {cls.__name__} lacks {missing}")
    _register(cls)
    made = cls() if inspect.isclass(value) else value
    _register_parts(made)
    fault = value_fault(made)
    if fault is not None:
        raise BenchError(f"the {noun} {made!r} {fault}")
    return repr(made)


def _register(cls: type) -> None:
    """Register a class that is not registered yet.

    Raises:
        BenchError: If the ``repr`` of its objects would not be a spec, or the name is taken.
    """
    if "." in cls.__qualname__:
        raise BenchError(
            f"{cls.__qualname__} is defined inside a function or a class: define it at the top "
            f"level of a module or notebook"
        )
    if REGISTRY.names.get(cls.__name__) is not cls:
        REGISTRY.register(cls)


def _register_parts(value: Any) -> None:
    """Register the classes of all components in a component's fields."""
    if isinstance(value, tuple):
        for part in value:
            _register_parts(part)
    elif is_dataclass(value) and kind_of(type(value)):
        _register(type(value))
        for field in fields(value):
            _register_parts(getattr(value, field.name))
