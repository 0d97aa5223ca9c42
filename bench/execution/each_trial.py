"""A function of each of many trials, in this process or in worker processes."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from joblib import Parallel, delayed

from algorithms.runtime.threads import one_thread
from bench.core.worker_processes import Serialized, safe_path

Item = TypeVar("Item")
Result = TypeVar("Result")


def each_trial(
    trials: Iterable[Item], of: Callable[[Item], Result], jobs: int = 0
) -> Iterator[Result]:
    """Yield a function of each trial, in the order in which they finish.

    Arithmetic runs on one thread, as in a grid, so that results do not depend on ``jobs``.

    Arguments:
        trials: The trials, of a grid or of another kind.
        of: The function. Worker processes must be able to load it.
        jobs: The number of worker processes; 0 computes in this process, in the given order.

    Example:
        >>> list(each_trial([], repr))
        []
    """
    if jobs == 0:
        for trial in trials:
            with one_thread():
                result = of(trial)
            yield result
        return
    tasks = (delayed(_work)(Serialized.of((of, trial))) for trial in trials)
    with safe_path():
        yield from Parallel(jobs, return_as="generator_unordered")(tasks)


def _work(task: Serialized) -> Any:
    with one_thread():
        of, trial = task.load()
        return of(trial)
