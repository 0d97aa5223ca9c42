"""Where chunks run: in this process, or in worker processes of one thread each."""

import signal
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager

import cloudpickle
import torch
from joblib.externals.loky import as_completed, get_reusable_executor
from joblib.externals.loky.backend import resource_tracker
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from bench.errors import BenchError
from bench.trial import Record, Trial, run_trials

Chunk = list[Trial]
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES} | {"VECLIB_MAXIMUM_THREADS": "1"}


@contextmanager
def deaf_children() -> Iterator[None]:
    """Processes that are started here never hear of Ctrl-C: the parent alone answers it."""
    # Starting the tracker of shared memory undoes the mask, so it comes first.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Arithmetic on one thread: the number of threads changes the last digits of sums."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def run_chunk(chunk: Chunk) -> list[Record]:
    """Run a chunk on one thread."""
    with one_thread():
        return run_trials(chunk)


def _work(payload: bytes) -> list[Record]:
    return run_chunk(cloudpickle.loads(payload))


def run_chunks(chunks: Iterable[Chunk], jobs: int) -> Generator[tuple[Chunk, list[Record]]]:
    """Run chunks, and hand each back with its records as it is finished.

    Whoever stops listening closes the iterator: that ends the processes.
    """
    if jobs == 1:
        for chunk in chunks:
            yield chunk, run_chunk(chunk)
        return
    with deaf_children():
        pool = get_reusable_executor(jobs, env=ONE_THREAD)
        # Learners travel as objects, with the source of those that come from plugin files.
        waiting = {pool.submit(_work, cloudpickle.dumps(chunk)): chunk for chunk in chunks}
    try:
        for done in as_completed(waiting):
            yield waiting[done], done.result()
    except TerminatedWorkerError as error:
        raise BenchError(
            "a worker process died, perhaps for want of memory: try fewer --jobs, or --jobs 1 to "
            "see which trial it is; the same command goes on from here"
        ) from error
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise
