"""Where chunks run: in this process, or in worker processes of one thread each."""

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import cloudpickle
import torch
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor
from threadpoolctl import threadpool_limits

from bench.trial import Record, Trial, run_trials

Chunk = list[Trial]


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


def _work(payload: bytes) -> tuple[int, list[Record]]:
    # The parent alone answers an interrupt: it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    number, chunk = cloudpickle.loads(payload)
    return number, run_chunk(chunk)


def run_chunks(chunks: Iterable[Chunk], jobs: int) -> Iterator[tuple[Chunk, list[Record]]]:
    """Run chunks, and hand each back with its records as it is finished."""
    if jobs == 1:
        for chunk in chunks:
            yield chunk, run_chunk(chunk)
        return
    numbered = list(enumerate(chunks))
    # Learners travel as objects, with the source of those that come from plugin files.
    tasks = (delayed(_work)(cloudpickle.dumps(pair)) for pair in numbered)
    done: Any
    try:
        with parallel_config("loky", inner_max_num_threads=1):
            pool = Parallel(jobs, return_as="generator_unordered", batch_size=1)
            for done in pool(tasks):
                yield numbered[done[0]][1], done[1]
    except BaseException:
        get_reusable_executor().shutdown(wait=False, kill_workers=True)
        raise
