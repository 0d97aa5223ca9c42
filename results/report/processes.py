"""Processes that share the work of drawing figures."""

import multiprocessing
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

_Result = TypeVar("_Result")

#: The work of a process of the pool.
_work: Callable[[str], Any]


def in_processes(
    work: Callable[[str], _Result], names: Sequence[str], jobs: int
) -> Generator[tuple[str, _Result | Exception]]:
    """Do the work of each name in a process of a pool, and yield its result when it is finished.

    Processes are forks of this one: they start with all of its modules, records and settings.
    Elsewhere than on Linux a fork is not safe, and the work is done in this process.

    Arguments:
        work: The function to call with each name; its result must be picklable.
        names: The names, in the order in which the work begins.
        jobs: The number of processes; 0 and 1 do the work in this one.

    Yields:
        Each name with its result, or with the exception that the work raised. If a process dies,
        that is the outcome of all names without a result.

    Example:
        >>> dict(in_processes(str.upper, ["a", "b"], jobs=1))
        {'a': 'A', 'b': 'B'}
    """
    jobs = min(jobs, len(names))
    if jobs < 2 or sys.platform != "linux":
        for name in names:
            yield name, _outcome(work, name)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(jobs, context, _begin, (work,)) as pool:
        with warnings.catch_warnings():
            # Python warns of threads, whose locks a fork may find taken. Drawing uses none.
            warnings.simplefilter("ignore", DeprecationWarning)
            futures = {pool.submit(_do, name): name for name in names}
        try:
            for future in as_completed(futures):
                error = future.exception()
                yield futures[future], error if isinstance(error, Exception) else future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(work: Callable[[str], Any]) -> None:
    """Prepare a process of the pool."""
    global _work
    _work = work
    # The parent answers an interrupt; this process ends without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _do(name: str) -> Any:
    """Return the outcome of a name in its process, with an exception that can be sent."""
    outcome = _outcome(_work, name)
    if isinstance(outcome, Exception):
        try:
            pickle.loads(pickle.dumps(outcome))
        except Exception:  # whatever the exception's own methods raise
            return RuntimeError(f"{type(outcome).__name__}: {outcome}")
    return outcome


def _outcome(work: Callable[[str], _Result], name: str) -> _Result | Exception:
    """Return the result of the work of a name, or the exception that it raised."""
    try:
        return work(name)
    except Exception as error:  # a plugin's figure may raise anything
        return error
