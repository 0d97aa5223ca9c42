"""Errors that a user can correct, which are printed in a line without a traceback."""

import difflib
from collections.abc import Iterable

from algorithms.runtime.paths import Absent


class BenchError(Exception):
    """An input that cannot be used; the text names it and what is allowed."""


class Missing(BenchError, Absent):
    """Files that are missing; the text names them, where they belong and how to get them."""


def unknown(what: str, name: str, allowed: Iterable[str]) -> BenchError:
    """Return an error for a name that does not exist, with the nearest match.

    Arguments:
        what: The kind of thing that is named, in the singular.
        name: The unknown name.
        allowed: The names that exist.

    Example:
        >>> print(unknown("learner", "ERN", ["ERM", "KNN"]))
        there is no learner 'ERN'. Did you mean 'ERM'? Allowed: ERM, KNN
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return BenchError(f"there is no {what} {name!r}.{hint} Allowed: {', '.join(names) or '-'}")
