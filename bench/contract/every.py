"""What every component must do, and what a check is."""

import inspect
import pickle
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from algorithms.base import Learner
from bench.spec.parsing import parse
from bench.spec.registry import kind_of
from collectives.base import Strategy

Check = Callable[[Any], None]


class Unfit(Exception):
    """A component does not do what the contract says."""


def demand(holds: Any, reason: str) -> None:
    """Raise :class:`Unfit` with a reason, unless something holds."""
    if not bool(holds):
        raise Unfit(reason)


def is_a_value(component: Any) -> None:
    """It is a frozen dataclass: it pickles, and its repr is a spec that reads back to it."""
    cls = type(component)
    frozen = is_dataclass(cls) and cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    demand(frozen, f"{cls.__name__} is not decorated with @dataclass(frozen=True)")
    cls()
    demand(pickle.loads(pickle.dumps(component)) == component, "its pickle is another")
    demand(hash(component) == hash(pickle.loads(pickle.dumps(component))), "its hash changes")
    back = parse(repr(component), str(kind_of(cls)))
    demand(back == component, f"{component!r} reads back as {back!r}")


def cites_its_source(component: Any) -> None:
    """Its docstring has the section References, with a title, authors, a year and a link."""
    if isinstance(component, Learner | Strategy):
        title, year, link = source(type(component))
        demand(title and year and link, "References: lacks '| Title (Authors, year)' or '| link'")


def documents_its_fields(component: Any) -> None:
    """Its docstring, or that of a class it extends, says in Arguments what each field is."""
    text = "\n".join(cls.__doc__ or "" for cls in type(component).__mro__ if cls is not object)
    names = [f.name for f in fields(component)]
    absent = [n for n in names if not re.search(rf"^ +{n}: \S", text, re.MULTILINE)]
    demand(not absent, f"Arguments: does not say what {', '.join(absent)} is")


def source(cls: type) -> tuple[str, str, str]:
    """Title with authors, year and link that a class cites; empty where it does not."""
    text = inspect.getdoc(cls) or ""
    found = re.search(r"\| ((?:.+\n +(?!\|))?.+ \(.*?(\d{4})\))\n +\| (https?://\S+)", text)
    return (" ".join(found[1].split()), found[2], found[3]) if found else ("", "", "")


EVERY: list[Check] = [is_a_value, cites_its_source, documents_its_fields]
