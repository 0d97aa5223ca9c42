"""Specs: texts such as ``JTT(upweight=20)``, parsed into objects without running any code.

A spec is the Python call that builds an object. The ``repr`` of an object is a spec too, and
parses to an equal object.
"""

import ast
import difflib
import inspect
import math
from collections.abc import Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_type_hints

from pydantic import ConfigDict, InstanceOf, PydanticUserError, TypeAdapter, ValidationError

from bench.core.errors import BenchError, unknown
from bench.spec.registry import KINDS, REGISTRY

LONGEST = 10_000
NUMBERS = {"inf": math.inf, "nan": math.nan}


def parse(text: str, kind: str) -> Any:
    """Return the object that a spec describes.

    Arguments:
        text: Spec; a bare name stands for all defaults.
        kind: Expected kind, such as "learners", "strategies", "signals" or "datasets".

    Raises:
        BenchError: For any other text, with the allowed names and the nearest match.

    Example:
        >>> parse("CVaRDRO(level=0.1)", "learners").level
        0.1
    """
    noun, base, _ = KINDS[kind]
    try:
        if len(text) > LONGEST:
            raise BenchError(f"this {noun} is longer than {LONGEST} characters: {text[:40]}...")
        node = ast.parse(text.strip(), mode="eval").body
        name = node.func if isinstance(node, ast.Call) else node
        if isinstance(name, ast.Name) and name.id not in REGISTRY.names:
            raise unknown(noun, name.id, REGISTRY.kinds[kind])
        value = _value(node)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BenchError(f"this {noun} is not a spec like Name(field=value): {text!r}") from error
    if not isinstance(value, base):
        allowed = ", ".join(sorted(REGISTRY.kinds[kind]))
        raise BenchError(f"{text!r} is not a {noun}. Allowed: {allowed}")
    return value


def parse_any(text: str) -> Any:
    """Return the component of any kind that a spec describes."""
    name = text.partition("(")[0].strip()
    for kind, classes in REGISTRY.kinds.items():
        if name in classes:
            return parse(text, kind)
    raise unknown("component", name, REGISTRY.names)


def split_specs(texts: Sequence[str] | None) -> list[str] | None:
    """Return the specs in texts that hold several, separated by commas, or None without texts.

    Raises:
        BenchError: If a text is not a list of specs.

    Example:
        >>> split_specs(["ERM,JTT(first=1, upweight=5)", "KNN"])
        ['ERM', 'JTT(first=1, upweight=5)', 'KNN']
    """
    if texts is None:
        return None
    specs = []
    for text in texts:
        if text.strip() == "*":
            specs.append("*")
            continue
        try:
            row = ast.parse(f"[{text}]", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            row = ast.List([])
        if not isinstance(row, ast.List) or not row.elts:
            raise BenchError(f"this is not a list of specs, separated by commas: {text!r}")
        specs += [ast.get_source_segment(f"[{text}]", node) or "" for node in row.elts]
    return specs


def _value(node: ast.AST) -> Any:
    """Return the value of a literal or of a component's call; nothing else is evaluated."""
    match node:
        case ast.Constant(str() | int() | float() | None as value):
            return value
        case ast.UnaryOp(ast.USub() | ast.UAdd() as sign, operand):
            number = _value(operand)
            if isinstance(number, bool) or not isinstance(number, int | float):
                raise ValueError("a sign before a value that is not a number")
            return -number if isinstance(sign, ast.USub) else number
        case ast.Tuple(elements) | ast.List(elements):
            return tuple(_value(e) for e in elements)
        case ast.Name(name) if name in NUMBERS:
            return NUMBERS[name]
        case ast.Name(name):
            return build(_component(name), (), {})
        case ast.Call(ast.Name(name), args, keywords):
            named = {k.arg: _value(k.value) for k in keywords if k.arg is not None}
            if len(named) != len(keywords):
                raise ValueError("a name given twice, or **")
            return build(_component(name), tuple(_value(a) for a in args), named)
    raise ValueError("neither a literal nor a component")


def _component(name: str) -> type:
    """Return the registered class of a name."""
    if name not in REGISTRY.names:
        raise unknown("component", name, REGISTRY.names)
    return REGISTRY.names[name]


def build(
    cls: type, args: tuple[Any, ...], named: dict[str, Any], where: str | None = None
) -> Any:
    """Return an object of a class, with its fields checked against their types and ranges.

    Arguments:
        cls: Dataclass to build.
        args: Positional arguments.
        named: Arguments by name.
        where: Beginning of error messages; the name of the class if None.

    Raises:
        BenchError: If a field is unknown, or its value is not allowed.
    """
    where = where or cls.__name__
    signature = _signature(cls)
    free = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    for name in named:
        if name not in signature.parameters and not free:
            raise unknown(f"field of {cls.__name__} named", name, signature.parameters)
    try:
        bound = signature.bind(*args, **named)
    except TypeError as error:
        text = f"{cls.__name__}{signature.replace(return_annotation=signature.empty)}"
        raise BenchError(f"{where}: {error}. Its fields are {text}") from error
    for name, adapter in _adapters(cls).items():
        if name in bound.arguments:
            bound.arguments[name] = _check(where, name, adapter, bound.arguments[name])
    try:
        made = cls(*bound.args, **bound.kwargs)
        if hasattr(made, "validate"):
            made.validate()
    except Exception as error:
        raise BenchError(f"{where}: {error}") from error
    return made


@cache
def _signature(cls: type) -> inspect.Signature:
    """Return the signature of a class."""
    return inspect.signature(cls)


@cache
def _adapters(cls: type) -> dict[str, TypeAdapter[Any]]:
    """Return validators of the fields of a class by name."""
    adapters = {}
    names = _signature(cls).parameters
    for name, hint in get_type_hints(cls, include_extras=True).items():
        if name in names and names[name].kind is not inspect.Parameter.VAR_KEYWORD:
            # A component in a field was checked when it was built.
            if is_dataclass(hint):
                hint = InstanceOf[hint]  # type: ignore[valid-type, misc]
            try:
                config = ConfigDict(arbitrary_types_allowed=True)
                adapters[name] = TypeAdapter(hint, config=config)
            except PydanticUserError:
                # A type with a configuration accepts no other one.
                adapters[name] = TypeAdapter(hint)
    return adapters


def _check(where: str, name: str, adapter: TypeAdapter[Any], value: Any) -> Any:
    """Return the value of a field, as its type says, or raise with the nearest allowed value."""
    try:
        return adapter.validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        expected = str(first.get("ctx", {}).get("expected", ""))
        words = [w for w in expected.replace(" or ", ", ").replace("'", "").split(", ") if w]
        entry, inside = first["input"], any(isinstance(part, int) for part in first["loc"])
        near = difflib.get_close_matches(entry, words, 1, 0.5) if isinstance(entry, str) else []
        hint = f" Did you mean {near[0]!r}?" if near else ""
        text = first["msg"][0].lower() + first["msg"][1:]
        subject = f"{entry!r} in {name}={value!r}" if inside else f"{name}={value!r}"
        raise BenchError(f"{where}: {subject}: {text}.{hint}") from error
