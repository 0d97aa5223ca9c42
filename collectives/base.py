"""What every strategy promises: what members do to their rows, and when they have won."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from collectives.signals.base import Signal
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.label_policy import LabelPolicy
from collectives.types import Array, Labelled, MemberData, NoBound, Predict


class Strategy(ABC):
    """What a collective does. Fields left None are filled with the dataset's defaults."""

    #: Whether what a member hands in depends on more than its row and on what all members know.
    stochastic: ClassVar[bool] = False
    #: Whether what a member hands in depends on its row and on nothing else.
    rowwise: ClassVar[bool] = False
    #: Whether it moves members to other points than its signals do.
    moves_off_signal: ClassVar[bool] = False
    #: Why members can promise themselves nothing from their own rows, where they cannot.
    no_bound_reason: ClassVar[str] = "no finite-sample bound is known for it"

    signal: Signal | None
    label: int | None

    @abstractmethod
    def act(
        self, x: Array, y: Array, *, pooled: MemberData, n: int, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The members' rows as they hand them in.

        Arguments:
            x: The members' own points, float32, (m, ...), m >= 1.
            y: Their own labels, int64, (m,).
            pooled: What the members know of the base law.
            n: The number of people in the training set, members included.
            rng: All the randomness.

        Returns:
            Points and labels of the same shapes and types; the input is left alone.
        """

    @abstractmethod
    def success(self, predict: Predict, test: Labelled) -> Array:
        """How far the collective got on each test point, (m,), between 0 and 1.

        NaN where a point is none of its business.
        """

    @property
    def target(self) -> int | None:
        """The label that the collective aims at, if it aims at one."""
        return getattr(self, "label", None)

    @property
    def evaluation_signal(self) -> Signal | None:
        """The signal at whose points it is decided whether it has won, if there is one."""
        return getattr(self, "signal", None)

    @cached_property
    def parts(self) -> tuple["Strategy", ...]:
        """The strategies that it is made of, if it is a compound."""
        return tuple(s for s in _flat(self) if isinstance(s, Strategy))

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """The signals in its fields and in those of its parts."""
        own = [s for s in _flat(self) if isinstance(s, Signal)]
        return tuple(dict.fromkeys([*own, *(s for part in self.parts for s in part.signals)]))

    @cached_property
    def rounds(self) -> int:
        """How often the firm trains: from the second time on, members have seen classifiers."""
        return max((part.rounds for part in self.parts), default=1)

    @cached_property
    def traceable(self) -> bool:
        """Whether :meth:`action_distribution` says all that members may hand in."""
        return not self.stochastic and all(part.traceable for part in self.parts)

    @cached_property
    def local(self) -> bool:
        """Whether members stay where they are, or go where its signals take them."""
        return not self.moves_off_signal and all(part.local for part in self.parts)

    @cached_property
    def learns(self) -> bool:
        """Whether it is unfinished before it is :meth:`bind`."""
        return any(s.learns for s in self.signals) or any(part.learns for part in self.parts)

    def action_distribution(
        self, x: Array, y: Array, *, pooled: MemberData, n: int
    ) -> list[tuple[float, Array, Array]]:
        """What members with these rows may hand in: probability, points, labels of each way.

        The arguments are those of :meth:`act`; a strategy without chance has one way.
        """
        rng = np.random.default_rng(0)
        return [(1.0, *self.act(x, y, pooled=pooled, n=n, rng=rng))]

    def exact_bound(
        self, joint: Array, mixture: Array, moved: Callable[[Signal], Array]
    ) -> float | None:
        """The success that no firm can deny which answers with a likeliest label of the mixture.

        Arguments:
            joint: The law of the people on whom success is measured, (S, K).
            mixture: What the firm sees once the members have acted, (S, K).
            moved: From a signal g to the index of g(x) for each point x, (S,).

        Returns:
            A share of the people; None if nothing is known.
        """
        return None

    def plugin_bound(self, others: Array, weights: Array, own: Array) -> float | None:
        """The success that a good firm can hardly deny, from what is at hand and no known law.

        Arguments:
            others: The points of those who are no members, (m, ...).
            weights: How much each of these counts, (m,).
            own: How much each member's row counts, (k,).

        Returns:
            A share of the people; None if there is no estimate.
        """
        return None

    def label_policy(self, classes: int) -> LabelPolicy | None:
        """What members do, if it takes no more than their own label and lots; else None."""
        return None

    def finite_sample_bound(self, counts: Counts, terms: Terms) -> Array:
        """What members can promise themselves from their own rows, for each size, (T,).

        Arguments:
            counts: The rows of members, to be counted at the points of a signal set.
            terms: The number of people, the test, and what may fail.

        Returns:
            Lower bounds on success.

        Raises:
            NoBound: If there is no such bound, or none for these rows.
        """
        raise NoBound(
            f"{type(self).__name__} can promise itself nothing from its members' own data: "
            f"{self.no_bound_reason}"
        )

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Whatever else is worth a number: name -> value."""
        return {}

    def with_defaults(self, signal: Signal | None, label: int | None) -> Self:
        """This strategy with what its fields leave open taken from the arguments."""

        def fill(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.with_defaults(signal, label)
            return tuple(map(fill, value)) if isinstance(value, tuple) else value

        made, given = self._with(fill), {"signal": signal, "label": label}
        names = {f.name for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        empty = {k: v for k, v in given.items() if k in names and getattr(self, k) is None}
        return dataclasses.replace(made, **empty)  # type: ignore[type-var]

    def bind(self, people: MemberData) -> Self:
        """This strategy with what it learns from people as they are before anybody acts.

        That is the same for all sizes, and where there are no members: it is what a collective
        wants, and what its success is measured by. What members know is said in :meth:`act`.
        """

        def prepare(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.bind(people)
            if isinstance(value, Signal):
                return value.learn(people, self.target)
            return tuple(map(prepare, value)) if isinstance(value, tuple) else value

        return self._with(prepare)

    def _with(self, change: Callable[[Any], Any]) -> Self:
        """This strategy with each of its fields changed."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        made = {f.name: change(getattr(self, f.name)) for f in fields}
        return dataclasses.replace(self, **made)  # type: ignore[type-var]


class StrategyWrapper(Strategy):
    """A way of acting on what another strategy ``base`` says, by which it is judged. Abstract."""

    base: Strategy

    def success(self, predict: Predict, test: Labelled) -> Array:
        """That of what was agreed on."""
        return self.base.success(predict, test)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Those of what was agreed on."""
        return self.base.measures(predict, test)

    @property
    def target(self) -> int | None:
        """The label that was agreed on."""
        return self.base.target

    @property
    def evaluation_signal(self) -> Signal | None:
        """The signal that was agreed on."""
        return self.base.evaluation_signal


def _flat(strategy: Any) -> Iterator[Any]:
    """The values of a component's fields; those in a tuple one by one."""
    for field in dataclasses.fields(strategy):
        value = getattr(strategy, field.name)
        yield from value if isinstance(value, tuple) else (value,)
