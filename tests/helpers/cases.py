"""Many cheap cases in one test."""

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any


def for_each(name: str, values: Iterable[Any]) -> Callable[[Callable[..., None]], Any]:
    """Return a decorator that runs a test for each value of an argument, and names the failed one.

    pytest takes longer to collect, set up and report a case of its own than a cheap case runs.

    Arguments:
        name: The argument.
        values: Its values.
    """

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @wraps(test)
        def run(**others: Any) -> None:
            for value in values:
                try:
                    test(**{name: value}, **others)
                except Exception as error:
                    error.add_note(f"{name}={value!r}")
                    raise

        rest = [p for n, p in inspect.signature(test).parameters.items() if n != name]
        run.__signature__ = inspect.Signature(rest)  # type: ignore[attr-defined]
        return run

    return decorate
