"""Errors that a user can mend: said in a line, without a traceback."""

import difflib
from collections.abc import Iterable

from algorithms.runtime.paths import Absent


class BenchError(Exception):
    """Something that was given cannot be used; the text says what, and what is allowed."""


class Missing(BenchError, Absent):
    """Files that are not at hand; the text says what was looked for, where, and how to get it."""


def unknown(what: str, given: str, allowed: Iterable[str]) -> BenchError:
    """An error for a name that does not exist, with the nearest that does."""
    names = sorted(allowed)
    near = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return BenchError(f"there is no {what} {given!r}.{hint} Allowed: {', '.join(names) or '-'}")
