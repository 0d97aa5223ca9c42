"""The contract of components: checks for the shipped components and for those of users."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from algorithms.base import Learner
from algorithms.runtime.paths import Absent
from algorithms.runtime.settings import restored_settings
from algorithms.runtime.threads import one_thread
from bench.contract.datasets import DATASET
from bench.contract.every import EVERY, Check, ContractWarning, Unfit, source
from bench.contract.learners import LEARNER
from bench.contract.search_spaces import SPACE
from bench.contract.strategies import SIGNAL, STRATEGY
from bench.core.errors import Missing
from bench.datasets.base import Dataset
from collectives.base import Strategy
from collectives.signals.base import Signal

__all__ = ["Check", "Unfit", "Verdict", "checks_for", "source", "verdicts"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check.

    Arguments:
        check: Name of the check.
        says: Sentence that the check holds.
        reason: Why the check failed; None if it passed.
        warning: A warning of a check that passed, if there is one.
    """

    check: str
    says: str
    reason: str | None
    warning: str | None = None


def checks_for(component: Any) -> list[Check]:
    """Return the checks that apply to a component of its kind."""
    checks: list[Check] = [*EVERY]
    if isinstance(component, Learner):
        checks += [*LEARNER, *SPACE]
    if isinstance(component, Strategy):
        checks += STRATEGY
    if isinstance(component, Signal):
        checks += SIGNAL
    if isinstance(component, Dataset):
        checks += DATASET
    return checks


def verdicts(component: Any) -> Iterator[Verdict]:
    """Run all checks on a component, and yield their verdicts.

    Raises:
        Missing: If files that the component needs are not available.
    """
    for check in checks_for(component):
        says = (check.__doc__ or "").strip().splitlines()[0]
        try:
            with (
                one_thread(),
                restored_settings(),
                warnings.catch_warnings(record=True) as caught,
            ):
                warnings.simplefilter("ignore")
                warnings.simplefilter("always", ContractWarning)
                check(component)
        except Absent as absent:
            raise Missing(str(absent)) from None
        except Unfit as unfit:
            yield Verdict(check.__name__, says, str(unfit))
        except (Exception, SystemExit) as error:
            yield Verdict(check.__name__, says, f"{type(error).__name__}: {error}")
        else:
            texts = [str(w.message) for w in caught]
            yield Verdict(check.__name__, says, None, "; ".join(texts) or None)
