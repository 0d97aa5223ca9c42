"""A function of each of many trials, in this process or in worker processes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from joblib import Parallel, delayed

from algorithms.runtime.threads import one_thread
from bench.core.worker_processes import Serialized, safe_path
from bench.experiment.trial import Trial

T = TypeVar("T")


def each_trial(trials: Iterable[Trial], of: Callable[[Trial], T], jobs: int = 0) -> Iterator[T]:
    """Yield a function of each trial, in their order.

    Arithmetic runs on one thread, as in a grid, so that results do not depend on ``jobs``.

    Arguments:
        trials: The trials.
        of: The function. Worker processes must be able to load it.
        jobs: The number of worker processes; 0 computes in this process.

    Example:
        >>> list(each_trial([], repr))
        []
    """
    if jobs == 0:
        with one_thread():
            yield from map(of, trials)
        return
    tasks = (delayed(_work)(Serialized.of((of, trial))) for trial in trials)
    with safe_path():
        yield from Parallel(jobs, return_as="generator")(tasks)


def _work(task: Serialized) -> Any:
    with one_thread():
        of, trial = task.load()
        return of(trial)
