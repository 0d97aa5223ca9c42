"""A function of immutable objects, computed once for each object."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class IdentityCache(Generic[T]):
    """A function that remembers its values by identity, not by equality.

    ``KNN(5)`` equals ``KNN(5.0)`` and has another repr; and to hash an object that is made of
    objects takes longer than what is remembered here.

    Arguments:
        function: What to compute.
        most: How many values are remembered before all are forgotten.

    Example:
        >>> spec = IdentityCache(repr)
        >>> spec(0.0), spec(-0.0)
        ('0.0', '-0.0')
    """

    def __init__(self, function: Callable[[Any], T], most: int = 10_000) -> None:
        self.function, self.most = function, most
        # The object itself is kept too, so that nobody else is given its identity; in a copy made
        # elsewhere somebody may have it, so it is compared.
        self.values: dict[int, tuple[Any, T]] = {}

    def __call__(self, given: Any) -> T:
        """The value, remembered or computed."""
        found = self.values.get(id(given))
        if found is None or found[0] is not given:
            if len(self.values) >= self.most:
                self.cache_clear()
            found = self.values[id(given)] = (given, self.function(given))
        return found[1]

    def cache_clear(self) -> None:
        """Forget all."""
        self.values.clear()
