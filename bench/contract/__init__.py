"""What every component must do: checks that tests run over all of them, and users over theirs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from algorithms.base import Learner
from algorithms.runtime.paths import Absent
from algorithms.runtime.threads import one_thread
from bench.contract.datasets import DATASET
from bench.contract.every import EVERY, Check, Unfit, source
from bench.contract.learners import LEARNER
from bench.contract.strategies import SIGNAL, STRATEGY
from bench.core.errors import Missing
from bench.datasets.base import Dataset
from collectives.base import Strategy
from collectives.signals.base import Signal

__all__ = ["Check", "Unfit", "Verdict", "checks_for", "source", "verdicts"]


@dataclass(frozen=True)
class Verdict:
    """A check, and why it failed, if it did."""

    check: str
    says: str
    reason: str | None


def checks_for(component: Any) -> list[Check]:
    """The checks that hold for a component of its kind."""
    checks: list[Check] = [*EVERY]
    if isinstance(component, Learner):
        checks += LEARNER
    if isinstance(component, Strategy):
        checks += STRATEGY
    if isinstance(component, Signal):
        checks += SIGNAL
    if isinstance(component, Dataset):
        checks += DATASET
    return checks


def verdicts(component: Any) -> Iterator[Verdict]:
    """Run all checks on a component.

    Raises:
        Missing: If what it is read from, or needs, is not at hand: that is no verdict.
    """
    for check in checks_for(component):
        says = (check.__doc__ or "").strip().splitlines()[0]
        try:
            with one_thread():
                check(component)
        except Absent as absent:
            raise Missing(str(absent)) from None
        except Unfit as unfit:
            yield Verdict(check.__name__, says, str(unfit))
        except (Exception, SystemExit) as error:
            yield Verdict(check.__name__, says, f"{type(error).__name__}: {error}")
        else:
            yield Verdict(check.__name__, says, None)
