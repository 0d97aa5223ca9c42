"""The code of classes that no file defines: those of a notebook, or of an interactive session."""

import contextlib
import sys
from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

#: Types of global variables whose values are part of the code.
_PLAIN = (bool, int, float, complex, str, bytes, tuple, frozenset, type(None))


def is_interactive(cls: type) -> bool:
    """Return whether the module of a class has no file.

    Example:
        >>> is_interactive(FunctionType)
        False
    """
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return cls.__module__ == "__main__" and not (file and Path(file).is_file())


def code_of(cls: type) -> tuple[str, frozenset[str]]:
    """Return the code that a class needs, and the modules with a file that it refers to.

    The code is that of the class, and of all functions, classes and plain values of its module
    that it refers to, directly or not. It is the bytecode, without docstrings: so other layout or
    comments make no difference.

    Arguments:
        cls: The class.

    Returns:
        A text that is equal for equal code, and the names of modules.
    """
    texts: dict[str, str] = {}
    modules: set[str] = set()
    waiting: list[Any] = [cls]
    while waiting:
        value = waiting.pop()
        name = f"{value.__module__}.{value.__qualname__}"
        if value.__module__ != cls.__module__:
            modules.add(value.__module__)
            continue
        if name in texts:
            continue
        texts[name] = ""
        found = list(_references(value))
        waiting += [one for one in found if isinstance(one, FunctionType | type)]
        modules |= {one.__name__ for one in found if isinstance(one, ModuleType)}
        plain = sorted(repr(one) for one in found if type(one) in _PLAIN)
        texts[name] = f"{_own(value)} {plain}"
    return "\n".join(f"{name}: {texts[name]}" for name in sorted(texts)), frozenset(modules)


def _own(value: Any) -> str:
    """Return the code of a function; of a class the names of its attributes and its fields."""
    if isinstance(value, FunctionType):
        return _text(value.__code__, value.__doc__)
    return " ".join(sorted(vars(value)))


def _references(value: Any) -> Iterator[Any]:
    """Yield what a function or a class refers to."""
    if isinstance(value, FunctionType):
        names = _names(value.__code__)
        yield from (value.__globals__[name] for name in names if name in value.__globals__)
        for cell in value.__closure__ or ():
            with contextlib.suppress(ValueError):  # The cell is empty.
                yield cell.cell_contents
        yield from value.__defaults__ or ()
        return
    yield from (base for base in value.__bases__ if base is not object)
    for name, one in vars(value).items():
        yield from _functions(one)
        if type(one) in _PLAIN and not name.startswith("__"):
            yield one


def _functions(attribute: Any) -> Iterator[FunctionType]:
    """Yield the functions in an attribute of a class: methods, properties, wrapped functions."""
    match attribute:
        case FunctionType():
            yield attribute
        case staticmethod() | classmethod():
            yield from _functions(attribute.__func__)
        case property():
            for one in (attribute.fget, attribute.fset):
                yield from _functions(one)
        case cached_property() | partial():
            yield from _functions(attribute.func)


def _names(code: CodeType) -> set[str]:
    """Return the global names in a code object and in those inside it."""
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*map(_names, inner))


def _text(code: CodeType, doc: str | None = None) -> str:
    """Return a code object as text that is the same in each process."""
    values = [_text(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts if c != doc]
    return f"({code.co_code.hex()} {code.co_names} {code.co_varnames} {values})"
