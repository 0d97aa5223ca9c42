"""From a strategy to its finite-sample bound, where members act on their own."""

from collectives.base import Strategy
from collectives.theory.counts import Counts
from collectives.theory.finite_sample import Terms
from collectives.theory.independent_members import planting
from collectives.theory.label_policy import LabelPolicy
from collectives.types import Array, NoBound, known


def promised(strategy: Strategy, counts: Counts, terms: Terms) -> Array:
    """Return the bound of planting by members of a strategy that act on their own, (T,).

    Raises:
        NoBound: If it has none.
    """
    label_policy = needed(strategy, counts.classes)
    data = counts.at(known(strategy.evaluation_signal, "signal"))
    return planting(data, label_policy, terms, aim(strategy))


def aim(strategy: Strategy) -> int:
    """The one label that a strategy is after.

    Raises:
        NoBound: If there is no such label.
    """
    if strategy.target is None:
        raise NoBound(
            f"{type(strategy).__name__} can promise itself nothing from its members' own data, as "
            "it is judged by more labels than one: judge one of its parts, by judged=0, say"
        )
    return strategy.target


def needed(strategy: Strategy, classes: int) -> LabelPolicy:
    """The habits of a strategy.

    Raises:
        NoBound: If it has none.
    """
    found = strategy.label_policy(classes)
    if found is None:
        raise NoBound(
            f"{type(strategy).__name__} can promise itself nothing from its members' own data "
            "unless they plant a signal by their own label and by lot alone; those of "
            f"{_culprit(strategy, classes)} do not, and a bound for them in company is missing"
        )
    return found


def _culprit(strategy: Strategy, classes: int) -> str:
    """The innermost part that has no habits."""
    for part in strategy.parts:
        if part.label_policy(classes) is None:
            return _culprit(part, classes)
    return type(strategy).__name__
