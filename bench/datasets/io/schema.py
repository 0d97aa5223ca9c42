"""Names of a table's columns once it is encoded, and signals that are named by them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from bench.core.errors import BenchError, unknown
from collectives.signals.base import Signal
from collectives.signals.tabular import Category, Offset


@dataclass(frozen=True)
class Schema:
    """Features of a table, and their columns once it is encoded.

    Numbers come first, one column each. Categories follow, a block of one-hot columns each.

    Arguments:
        numbers: The names of numeric features.
        categories: The names of categorical features, each with all its values.

    Example:
        >>> schema = Schema(("age",), (("work", ("none", "some")), ("sex", ("f", "m"))))
        >>> schema.columns
        ('age', 'work=none', 'work=some', 'sex=f', 'sex=m')
        >>> schema.mark("sex=m")
        Category(blocks=((3, 2),), values=(1,))
        >>> schema.mark("age+2")
        Offset(columns=(0,), amount=2.0)
    """

    numbers: tuple[str, ...]
    categories: tuple[tuple[str, tuple[str, ...]], ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The names of the encoded columns."""
        pairs = [(name, value) for name, values in self.categories for value in values]
        return (*self.numbers, *(f"{name}={value}" for name, value in pairs))

    @cached_property
    def blocks(self) -> dict[str, tuple[int, int]]:
        """First column and number of columns of each category."""
        widths = [len(values) for _, values in self.categories]
        starts = itertools.accumulate(widths, initial=len(self.numbers))
        names = [name for name, _ in self.categories]
        return {n: (s, w) for n, s, w in zip(names, starts, widths, strict=False)}

    def mark(self, text: str) -> Signal:
        """Return the signal that a text names.

        Names and values may contain "=" and " & " themselves.

        Arguments:
            text: "name=value" sets a category, several are joined by " & "; "name+2" adds two
                standard deviations to a number.

        Raises:
            BenchError: If there is no such feature or value, or if several are meant.
        """
        readings = list(dict.fromkeys(self._readings(text)))
        if len(readings) > 1:
            raise BenchError(
                f"mark={text!r} names several signals: {' or '.join(map(repr, readings))}. Give "
                f"one of these as the mark"
            )
        if readings:
            return readings[0]
        for name in self.numbers:
            amount = re.fullmatch(r"[+-]\d+(?:\.\d+)?", text.removeprefix(name))
            if text.startswith(name) and amount:
                return Offset((self.numbers.index(name),), float(amount[0]))
        raise self._error(text)

    def _readings(self, text: str) -> Iterator[Category]:
        """Yield the signal of each way to read a text as values of categories."""
        for pairs in self._pairs(text):
            named = dict(pairs)
            if len(named) == len(pairs):
                yield Category(
                    tuple(self.blocks[name] for name in named),
                    tuple(dict(self.categories)[name].index(value) for name, value in pairs),
                )

    def _pairs(self, text: str) -> Iterator[list[tuple[str, str]]]:
        """Yield each way to read a text as "name=value" joined by " & "."""
        for name, values in self.categories:
            if not text.startswith(f"{name}="):
                continue
            rest = text[len(name) + 1 :]
            for value in values:
                if rest == value:
                    yield [(name, value)]
                elif rest.startswith(f"{value} & "):
                    for others in self._pairs(rest[len(value) + 3 :]):
                        yield [(name, value), *others]

    def _error(self, text: str) -> BenchError:
        """Return the error for a text that names no signal."""
        change = re.fullmatch(r"(.+?)([+-]\d+(?:\.\d+)?)", text)
        if change and "=" not in text:
            return unknown("numeric feature", change[1], self.numbers)
        known = dict(self.categories)
        for part in text.split(" & "):
            name, _, value = part.partition("=")
            if name in self.numbers:
                return BenchError(f"{name} is a number: a mark like '{name}+2' changes it")
            if name not in known:
                return unknown("categorical feature", name, known)
            if value not in known[name]:
                return unknown(f"value of {name}", value, known[name])
        return BenchError(f"mark={text!r} names a feature twice")
