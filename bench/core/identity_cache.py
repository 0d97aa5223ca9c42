"""A function of immutable objects, computed once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class IdentityCache(Generic[T]):
    """A cache of a function's values, by the identity of its argument and not by equality.

    :func:`functools.lru_cache` does not serve: ``KNN(5)`` equals ``KNN(5.0)`` and has another
    repr, and hashing an object that consists of objects takes longer than computing its value.

    Arguments:
        function: A function of one immutable object.
        most: The number of values after which the cache is cleared.

    Example:
        >>> spec = IdentityCache(repr)
        >>> spec(0.0), spec(-0.0)
        ('0.0', '-0.0')
    """

    def __init__(self, function: Callable[[Any], T], most: int = 10_000) -> None:
        self.function, self.most = function, most
        # The cache keeps the object too, so that no other object gets its identity. In a copy of
        # the cache in another process one may have it; so a hit is checked.
        self.values: dict[int, tuple[Any, T]] = {}

    def __call__(self, argument: Any) -> T:
        """Return the function's value, from the cache or computed."""
        entry = self.values.get(id(argument))
        if entry is None or entry[0] is not argument:
            if len(self.values) >= self.most:
                self.cache_clear()
            entry = self.values[id(argument)] = (argument, self.function(argument))
        return entry[1]

    def cache_clear(self) -> None:
        """Remove all values."""
        self.values.clear()
