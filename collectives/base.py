"""Base classes of strategies: members' rows, and the success of their collective."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np

from collectives.signals.base import Signal
from collectives.theory.bounds import Bounds
from collectives.types import Array, Labelled, MemberData, Predict

Action = tuple[float, Array, Array]


class Strategy(ABC):
    """Strategy of a collective. A subclass is a frozen dataclass with two methods.

    Fields ``signal`` and ``label`` that are None are filled with the dataset's by
    :meth:`with_defaults`. A strategy with theory also returns its :attr:`bounds`.
    """

    #: On what a member's new row depends: its own row only, also the pooled rows, or also chance.
    acts_on: ClassVar[Literal["row", "pool", "chance"]] = "pool"

    signal: Signal | None
    label: int | None

    @abstractmethod
    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """Return the rows that members hand in.

        Arguments:
            x: The members' own points, float32, (m, ...), m >= 1.
            y: Their own labels, int64, (m,).
            pooled: The rows that members pool before they act. Where members are in the
                validation data, too, all of them pool their rows: there are more than m.
            n: The number of people among whom these m members are, members included.
            rng: The only source of randomness.

        Returns:
            Points and labels of the same shapes and types. The input stays as it is.
        """

    @abstractmethod
    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return the success at each test point, (m,), between 0 and 1; NaN where it is undefined.

        Arguments:
            predict: The firm's classifier, from points to labels; it may have
                ``predict_proba``.
            test: Test points with their labels.
        """

    @property
    def bounds(self) -> Bounds:
        """The lower bounds that theory promises; by default there are none."""
        return Bounds(
            strategy=type(self).__name__, signal=getattr(self, "signal", None), label=self.target
        )

    @property
    def target(self) -> int | None:
        """The label that the collective aims at, if it aims at one."""
        return getattr(self, "label", None)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Return further measurements by name. The arguments are those of :meth:`success`."""
        return {}

    @cached_property
    def parts(self) -> tuple["Strategy", ...]:
        """The strategies in its fields."""
        return tuple(s for s in _values(self) if isinstance(s, Strategy))

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals in its fields and in those of its parts."""
        signals = [s for s in _values(self) if isinstance(s, Signal)]
        return tuple(dict.fromkeys([*signals, *(s for part in self.parts for s in part.signals)]))

    @cached_property
    def rounds(self) -> int:
        """The number of times the firm trains. Members see its classifiers in between."""
        return max((part.rounds for part in self.parts), default=1)

    @cached_property
    def traceable(self) -> bool:
        """Whether :meth:`action_distribution` is complete."""
        return self.acts_on != "chance" and all(part.traceable for part in self.parts)

    @cached_property
    def learns(self) -> bool:
        """Whether it is incomplete before :meth:`bind`."""
        return any(s.learns for s in self.signals) or any(part.learns for part in self.parts)

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[Action]:
        """Return the distribution of the rows that members hand in, if it is traceable.

        A deterministic strategy has one action.

        Arguments:
            x: The members' own points, (m, ...).
            y: Their own labels, (m,).
            pooled: The rows that members pool before they act.
            n: The number of people in the training set.

        Returns:
            The probability, the points and the labels of each action.
        """
        rng = np.random.default_rng(0)
        return [(1.0, *self.act(x, y, pooled=pooled, n=n, rng=rng))]

    def with_defaults(self, signal: Signal | None, label: int | None) -> Self:
        """Return this strategy with its open fields filled.

        Arguments:
            signal: The value for fields ``signal`` that are None, in parts too.
            label: The value for fields ``label`` that are None, in parts too.
        """

        def fill(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.with_defaults(signal, label)
            return tuple(map(fill, value)) if isinstance(value, tuple) else value

        made, defaults = self._map_fields(fill), {"signal": signal, "label": label}
        names = {f.name for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        empty = {k: v for k, v in defaults.items() if k in names and getattr(self, k) is None}
        return dataclasses.replace(made, **empty)  # type: ignore[type-var]

    def bind(self, people: MemberData) -> Self:
        """Return this strategy completed by the rows of people before anybody acts.

        The result is the same for all sizes, without members too: it defines the goal of the
        collective and the measure of its success. The members' knowledge is an argument of
        :meth:`act`.
        """

        def complete(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.bind(people)
            if isinstance(value, Signal):
                return value.learn(people, self.target)
            return tuple(map(complete, value)) if isinstance(value, tuple) else value

        return self._map_fields(complete)

    def _map_fields(self, change: Callable[[Any], Any]) -> Self:
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        made = {f.name: change(getattr(self, f.name)) for f in fields}
        return dataclasses.replace(self, **made)  # type: ignore[type-var]


class StrategyWrapper(Strategy):
    """Strategy that changes how members carry out another one, ``base``. Abstract.

    Success is that of ``base``, and so is the target.
    """

    base: Strategy

    def success(self, predict: Predict, test: Labelled) -> Array:
        """Return the success of ``base``."""
        return self.base.success(predict, test)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Return the measurements of ``base``."""
        return self.base.measures(predict, test)

    @property
    def bounds(self) -> Bounds:
        """No bounds, for the signal and the label of ``base``."""
        base = self.base.bounds
        return Bounds(strategy=type(self).__name__, signal=base.signal, label=self.target)

    @property
    def target(self) -> int | None:
        """The target of ``base``."""
        return self.base.target


def _values(strategy: Any) -> Iterator[Any]:
    """Yield the values of a component's fields, and the elements of those that are tuples."""
    for field in dataclasses.fields(strategy):
        value = getattr(strategy, field.name)
        yield from value if isinstance(value, tuple) else (value,)
