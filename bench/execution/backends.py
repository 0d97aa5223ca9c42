"""Where chunks run: in this process, in watched worker processes, or on a Dask cluster."""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from itertools import islice
from typing import Any

import cloudpickle

from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.execution.retry import failed_record, run_isolated
from bench.execution.worker_process import Chunk, Limits, WorkerDied, WorkerProcess
from bench.experiment.run import run_trials
from bench.experiment.trial import Record

Finished = Generator[tuple[Chunk, list[Record]]]
#: Chunks handed out for each worker: one in hand, one to go on with.
AHEAD = 2


def run_chunks(chunks: Iterable[Chunk], jobs: int = 0, limits: Limits | None = None) -> Finished:
    """Run chunks, and hand each back with its records as it is finished.

    Chunks are drawn as they are needed. A chunk may come back with fewer records than trials:
    see :func:`bench.execution.retry.run_isolated`. Closing the iterator ends the processes.

    Arguments:
        chunks: What to run.
        jobs: The number of worker processes. 0 stays in this one, which a trial can take down.
        limits: What trials may take; only worker processes are held to it.
    """
    if jobs == 0:
        with one_thread():
            for chunk in chunks:
                yield chunk, run_trials(chunk)
        return
    wards: list[WorkerProcess] = []
    mine = threading.local()

    def work(chunk: Chunk) -> list[Record]:
        # The thread that starts a process is the one that uses it: the kernel ends the process
        # with its thread.
        if not hasattr(mine, "ward"):
            mine.ward = WorkerProcess(limits or Limits())
            wards.append(mine.ward)
        return run_isolated(mine.ward, chunk)

    pool = ThreadPoolExecutor(jobs)
    try:
        yield from _flow(iter(chunks), lambda chunk: pool.submit(work, chunk), jobs)
    finally:
        for ward in wards:
            ward.close()
        pool.shutdown(cancel_futures=True)
        for ward in wards:
            ward.reap()


def _flow(
    chunks: Iterator[Chunk], submit: Callable[[Chunk], Future[list[Record]]], workers: int
) -> Finished:
    """Keep every worker busy, and no more chunks in the making than that takes."""
    waiting = {submit(chunk): chunk for chunk in islice(chunks, AHEAD * workers)}
    while waiting:
        for done in wait(waiting, return_when=FIRST_COMPLETED).done:
            yield waiting.pop(done), done.result()
        for chunk in islice(chunks, AHEAD * workers - len(waiting)):
            waiting[submit(chunk)] = chunk


# ---- Dask ---------------------------------------------------------------------------------

_there = threading.local()


def at_work(payload: bytes, limits: Limits) -> list[Record]:
    """Run a chunk on a worker of a cluster, in a watched process of its own."""
    if getattr(_there, "ward", None) is None or _there.ward.limits != limits:
        _there.ward = WorkerProcess(limits)
    return run_isolated(_there.ward, cloudpickle.loads(payload))


def run_on_dask(
    chunks: Iterable[Chunk], scheduler: str, limits: Limits | None = None, patience: float = 30
) -> Finished:
    """Run chunks on a Dask cluster, and hand each back with its records as it is finished.

    Dask runs a chunk again whose worker is lost. If it gives a chunk up, its trials are sent
    one by one.

    Arguments:
        chunks: What to run.
        scheduler: The address of the cluster's scheduler.
        limits: What trials may take.
        patience: How long to look for the scheduler, in seconds.
    """
    try:
        from distributed import Client, KilledWorker, as_completed
    except ImportError:
        text = "Dask is not installed: pip install 'collective-bench[cluster]'"
        raise BenchError(text) from None
    try:
        client = Client(scheduler, timeout=patience, set_as_default=False)
    except (OSError, ValueError) as error:
        raise BenchError(f"there is no Dask scheduler at {scheduler}: {error}") from error
    limits = limits or Limits()

    def submit(chunk: Chunk) -> Any:
        # Learners travel as objects, with the source of those that come from plugin files.
        return client.submit(at_work, cloudpickle.dumps(chunk), limits, pure=False)

    source = iter(chunks)
    with closing(client):
        threads = max(sum(client.nthreads().values()), 1)
        waiting = {submit(chunk): chunk for chunk in islice(source, AHEAD * threads)}
        futures = as_completed(waiting, loop=client.loop)
        for done in futures:
            chunk = waiting.pop(done)
            try:
                yield chunk, done.result()
            except KilledWorker as error:
                if len(chunk) == 1:
                    reason = f"WorkerDied: {str(error).splitlines()[0]}"
                    yield chunk, [failed_record(chunk[0], WorkerDied(reason, "", limit=False))]
                else:
                    more = {submit([trial]): [trial] for trial in chunk}
                    waiting |= more
                    futures.update(more)
            done.release()
            for chunk in islice(source, max(AHEAD * threads - len(waiting), 0)):
                future = submit(chunk)
                waiting[future] = chunk
                futures.add(future)
