"""What every strategy promises: what members do to their rows, and when they have won."""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
from sklearn.neighbors import NearestNeighbors

if TYPE_CHECKING:
    from collectives.habits import Habits
    from collectives.sample_bounds import Terms
    from collectives.tallies import Counts

T = TypeVar("T")
Array = np.ndarray[Any, np.dtype[Any]]
Predict = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class Deployed:
    """A classifier as people meet it: called with points (m, ...), it answers with labels (m,).

    Arguments:
        labels: What answers.
        proba: From points to the probability of each label, (m, K), where it tells these.
    """

    labels: Predict
    proba: Predict | None = None

    def __call__(self, x: Array) -> Array:
        """Its labels for points (m, ...), (m,)."""
        return self.labels(x)


class Labelled(Protocol):
    """Points with labels: what success is measured on."""

    @property
    def x(self) -> Array:
        """Points, float32, (m, ...)."""

    @property
    def y(self) -> Array:
        """Labels, int64, (m,)."""


class Signal(ABC):
    """A change of points, g: X -> X. Its fields say which; each has a default."""

    #: Whether g(g(x)) = g(x).
    idempotent: ClassVar[bool] = True
    #: Whether it is none before it is :meth:`learnt`.
    learns: ClassVar[bool] = False

    @abstractmethod
    def __call__(self, x: Array) -> Array:
        """g(x) for points (m, ...), of the same shape and type; the input is left alone."""

    def learnt(self, people: "Pooled", label: int | None) -> "Signal":
        """This signal; or what it is for some people, if it learns that from them.

        Arguments:
            people: Whom it is for, as they are before anybody acts.
            label: The label that a strategy aims at with it, if it aims at one.
        """
        return self

    def carried(self, x: Array) -> Array:
        """Which points (m, ...) carry an idempotent signal already, those with g(x) = x, (m,)."""
        return np.asarray((self(x) == x).all(axis=tuple(range(1, x.ndim))))

    def overlap(self, x: Array) -> float:
        r"""The share :math:`\xi` of points (m, ...) that carry the signal already.

        NaN for a signal that is not idempotent, since a point then does not tell.
        """
        return float(self.carried(x).mean()) if self.idempotent else float("nan")

    def visibility(self, x: Array) -> float:
        """The mean absolute change that the signal makes to points (m, ...), in their units."""
        return float(np.abs(self(x).astype(np.float64) - x).mean())


@dataclass(frozen=True, eq=False)
class Pooled:
    r"""What the members know of the base law :math:`P_0`: their rows, pooled before they act.

    Arguments:
        x: Points, float32, (m, ...).
        y: Labels, int64, (m,).
        classes: The number of labels K.
        mass: The weight of each row, (m,), if they do not count alike (an exact law: its atoms).
        seen: The classifiers that the firm deployed so far, the first one first.
    """

    x: Array
    y: Array
    classes: int
    mass: Array | None = None
    seen: tuple[Predict, ...] = ()

    def votes(self, points: Array, neighbours: int) -> Array:
        """What the rows say on the label of other points.

        Rows equal to a point speak for it, each with its mass. Where there is none, the
        nearest rows do.

        Arguments:
            points: Points (n, ...).
            neighbours: How many of the nearest rows; all of them, if there are fewer.

        Returns:
            The mass that speaks for each label, (n, K); its scale differs between points.
        """
        mass = np.ones(len(self.y)) if self.mass is None else np.asarray(self.mass, float)
        heavy = mass > 0
        mass, y = mass[heavy], self.y[heavy]
        rows, asked = self.x[heavy].reshape(len(y), -1), points.reshape(len(points), -1)
        # Each distinct point once: categorical data repeat a few points many times.
        atoms, which = np.unique(np.concatenate([rows, asked]), axis=0, return_inverse=True)
        which = which.reshape(-1)
        table = np.zeros((len(atoms), self.classes))
        np.add.at(table, (which[: len(rows)], y), mass)
        unseen = np.flatnonzero(table.sum(axis=1) == 0)
        if len(unseen):
            search = NearestNeighbors(n_neighbors=min(neighbours, len(rows)), algorithm="brute")
            nearest = search.fit(rows).kneighbors(atoms[unseen], return_distance=False)
            np.add.at(table, (unseen[:, None], y[nearest]), mass[nearest])
        return table[which[len(rows) :]]


def known(value: T | None, name: str) -> T:
    """The value of a field that may be left open, once it is filled."""
    if value is None:
        raise ValueError(f"{name}=None, but it is needed: give one, or fill in the dataset's")
    return value


def overall(won: Array) -> float:
    """The mean success over the points that are a collective's business; NaN without any."""
    asked = won[~np.isnan(won)]
    return float(asked.mean()) if len(asked) else float("nan")


class NoBound(ValueError):
    """A collective can promise itself nothing from its own data; the message says why."""


class Strategy(ABC):
    """What a collective does. Fields left None are filled with the dataset's defaults."""

    #: Whether what a member hands in depends on more than its row and on what all members know.
    chance: ClassVar[bool] = False
    #: Whether what a member hands in depends on its row and on nothing else.
    by_row: ClassVar[bool] = False
    #: Whether it moves members to other points than its signals do.
    strays: ClassVar[bool] = False
    #: Why members can promise themselves nothing from their own rows, where they cannot.
    unpromised: ClassVar[str] = "no finite-sample bound is known for it"

    signal: Signal | None
    label: int | None

    @abstractmethod
    def act(
        self, x: Array, y: Array, *, pooled: Pooled, n: int, rng: np.random.Generator
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
    def decisive(self) -> Signal | None:
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
        """Whether :meth:`outcomes` says all that members may hand in."""
        return not self.chance and all(part.traceable for part in self.parts)

    @cached_property
    def local(self) -> bool:
        """Whether members stay where they are, or go where its signals take them."""
        return not self.strays and all(part.local for part in self.parts)

    @cached_property
    def learns(self) -> bool:
        """Whether it is unfinished before it is :meth:`prepared`."""
        return any(s.learns for s in self.signals) or any(part.learns for part in self.parts)

    def outcomes(
        self, x: Array, y: Array, *, pooled: Pooled, n: int
    ) -> list[tuple[float, Array, Array]]:
        """What members with these rows may hand in: probability, points, labels of each way.

        The arguments are those of :meth:`act`; a strategy without chance has one way.
        """
        rng = np.random.default_rng(0)
        return [(1.0, *self.act(x, y, pooled=pooled, n=n, rng=rng))]

    def promise(
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

    def estimate(self, others: Array, weights: Array, own: Array) -> float | None:
        """The success that a good firm can hardly deny, from what is at hand and no known law.

        Arguments:
            others: The points of those who are no members, (m, ...).
            weights: How much each of these counts, (m,).
            own: How much each member's row counts, (k,).

        Returns:
            A share of the people; None if there is no estimate.
        """
        return None

    def habits(self, classes: int) -> "Habits | None":
        """What members do, if it takes no more than their own label and lots; else None."""
        return None

    def guarantee(self, counts: "Counts", terms: "Terms") -> Array:
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
            f"{self.unpromised}"
        )

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Whatever else is worth a number: name -> value."""
        return {}

    def filled(self, signal: Signal | None, label: int | None) -> Self:
        """This strategy with what its fields leave open taken from the arguments."""

        def fill(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.filled(signal, label)
            return tuple(map(fill, value)) if isinstance(value, tuple) else value

        made, given = self._with(fill), {"signal": signal, "label": label}
        names = {f.name for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        empty = {k: v for k, v in given.items() if k in names and getattr(self, k) is None}
        return dataclasses.replace(made, **empty)  # type: ignore[type-var]

    def prepared(self, people: Pooled) -> Self:
        """This strategy with what it learns from people as they are before anybody acts.

        That is the same for all sizes, and where there are no members: it is what a collective
        wants, and what its success is measured by. What members know is said in :meth:`act`.
        """

        def prepare(value: Any) -> Any:
            if isinstance(value, Strategy):
                return value.prepared(people)
            if isinstance(value, Signal):
                return value.learnt(people, self.target)
            return tuple(map(prepare, value)) if isinstance(value, tuple) else value

        return self._with(prepare)

    def _with(self, change: Callable[[Any], Any]) -> Self:
        """This strategy with each of its fields changed."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        made = {f.name: change(getattr(self, f.name)) for f in fields}
        return dataclasses.replace(self, **made)  # type: ignore[type-var]


class Around(Strategy):
    """A way of acting on what another strategy ``of`` says, by which it is judged. Abstract."""

    of: Strategy

    def success(self, predict: Predict, test: Labelled) -> Array:
        """That of what was agreed on."""
        return self.of.success(predict, test)

    def measures(self, predict: Predict, test: Labelled) -> Mapping[str, float]:
        """Those of what was agreed on."""
        return self.of.measures(predict, test)

    @property
    def target(self) -> int | None:
        """The label that was agreed on."""
        return self.of.target

    @property
    def decisive(self) -> Signal | None:
        """The signal that was agreed on."""
        return self.of.decisive


def _flat(strategy: Any) -> Iterator[Any]:
    """The values of a component's fields; those in a tuple one by one."""
    for field in dataclasses.fields(strategy):
        value = getattr(strategy, field.name)
        yield from value if isinstance(value, tuple) else (value,)
