"""Checks of every component, and the exception that a check raises."""

import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from algorithms.base import Learner
from bench.spec.parsing import parse
from bench.spec.registry import check_identity, kind_of, value_fault
from collectives.base import Strategy

Check = Callable[[Any], None]


class Unfit(Exception):
    """Error of a component that breaks the contract."""


class ContractWarning(UserWarning):
    """Warning about a component that keeps the contract, but is probably not as intended."""


def demand(holds: Any, reason: str) -> None:
    """Raise :class:`Unfit` with a reason unless a condition holds."""
    if not bool(holds):
        raise Unfit(reason)


def is_a_value(component: Any) -> None:
    """It is a frozen dataclass: its pickle and its repr lead back to it."""
    cls = type(component)
    check_identity(cls)
    fault = value_fault(component)
    demand(fault is None, f"{cls.__name__} {fault}")
    cls()
    copy = pickle.loads(pickle.dumps(component))
    demand(copy == component, "its pickle is another object")
    demand(hash(component) == hash(copy), "its hash changes when it is pickled")
    parsed = parse(repr(component), str(kind_of(cls)))
    demand(parsed == component, f"{component!r} parses to {parsed!r}")


def cites_its_source(component: Any) -> None:
    """Its docstring has the section References, with a title, authors, a year and a link."""
    if isinstance(component, Learner | Strategy):
        title, year, link = source(type(component))
        demand(title and year and link, "References: lacks '| Title (Authors, year)' or '| link'")


def documents_its_fields(component: Any) -> None:
    """Its docstring, or that of a base class, describes each field in the section Arguments."""
    text = "\n".join(cls.__doc__ or "" for cls in type(component).__mro__ if cls is not object)
    names = [f.name for f in fields(component)]
    absent = [n for n in names if not re.search(rf"^ +{n}: \S", text, re.MULTILINE)]
    demand(not absent, f"Arguments: lacks {', '.join(absent)}")


def source(cls: type) -> tuple[str, str, str]:
    """Return the title with authors, the year and the link of a class's reference, or ''."""
    text = inspect.getdoc(cls) or ""
    match = re.search(r"\| ((?:.+\n +(?!\|))?.+ \(.*?(\d{4})\))\n +\| (https?://\S+)", text)
    return (" ".join(match[1].split()), match[2], match[3]) if match else ("", "", "")


EVERY: list[Check] = [is_a_value, cites_its_source, documents_its_fields]
