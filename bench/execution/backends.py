"""Backends for chunks of trials: this process, worker processes by joblib, or a Dask cluster."""

import os
import re
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, nullcontext
from dataclasses import replace
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import ProcessPoolExecutor, get_reusable_executor
from joblib.parallel import get_active_backend

from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.core.worker_processes import safe_path
from bench.execution.guard import (
    LOG,
    ONE_THREAD,
    Chunk,
    Limits,
    Task,
    WorkerDied,
    end_groups,
    read_log,
    run_guarded,
    start_worker,
)
from bench.execution.retry import isolate
from bench.experiment.run import run_trials
from bench.experiment.trial import Record

Finished = Generator[tuple[Chunk, list[Record]]]
#: Chunks sent per worker of a cluster: one that runs and one that waits.
AHEAD = 2
#: Tries to start worker processes before that is given up.
STARTS = 3


def run_chunks(chunks: Iterable[Chunk], jobs: int = 0, limits: Limits | None = None) -> Finished:
    """Run chunks and yield each with its records as it is finished.

    joblib runs them in worker processes: by its backend loky, or by the one that is set with
    :class:`joblib.parallel_config`. Chunks are drawn as they are needed. A chunk may have fewer
    records than trials: see :func:`bench.execution.retry.isolate`. Closing the iterator ends the
    workers.

    Arguments:
        chunks: The chunks to run.
        jobs: The number of worker processes. 0 runs chunks in this process, which a trial can
            end.
        limits: What trials may use; only worker processes are held to it.
    """
    limits = limits or Limits()
    if jobs == 0:
        with one_thread(), safe_path():
            for chunk in chunks:
                yield chunk, run_trials(chunk)
        return
    with (
        safe_path(),
        tempfile.TemporaryDirectory(prefix="collective-bench-") as folder,
        closing(SingleWorker(limits, Path(folder))) as worker,
    ):
        if jobs == 1:
            for chunk in chunks:
                yield chunk, isolate(chunk, worker.run, limits.patience)
        else:
            yield from _run_in_parallel(iter(chunks), jobs, worker)


class SingleWorker:
    """A worker process, started when it is needed and again after it died.

    joblib runs a single job in the calling process, which a trial could end; so one worker takes
    loky itself.

    Arguments:
        limits: What trials may use.
        folder: The folder of the workers' logs.
    """

    def __init__(self, limits: Limits, folder: Path) -> None:
        self.limits, self.folder = limits, folder
        self.pool: ProcessPoolExecutor | None = None
        self._numbers = count()

    def task(self, chunk: Chunk) -> Task:
        """Return the task that runs a chunk."""
        return Task.of(chunk, self.limits, self.folder / f"{next(self._numbers)}.log")

    def run(self, chunk: Chunk) -> list[Record]:
        """Run a chunk.

        Raises:
            WorkerDied: If the worker died while it ran the chunk.
        """
        task = self.task(chunk)
        for _ in range(STARTS):
            if self.pool is None:
                start = {"initializer": start_worker, "initargs": (os.getpid(), self.folder)}
                self.pool = ProcessPoolExecutor(1, env=ONE_THREAD, **start)
            try:
                with _interrupts_blocked():
                    future = self.pool.submit(run_guarded, task)
                return list(future.result())
            except BrokenProcessPool as error:
                self.close()
                if task.begun:
                    raise task.death(_cause(error)) from None
        raise _no_start(self.folder)

    def close(self) -> None:
        """End the process."""
        if self.pool is not None:
            self.pool.shutdown(kill_workers=True)
            self.pool = None
            end_groups(self.folder)


def _run_in_parallel(chunks: Iterator[Chunk], jobs: int, alone: SingleWorker) -> Finished:
    """Run chunks by joblib; when a worker dies, run alone what had begun.

    joblib then ends all workers and raises an error. Chunks that had begun are suspects, one of
    which is the culprit; the others are sent again together with what is left.
    """
    starts = 0
    while True:
        sent: dict[Path, tuple[Task, Chunk]] = {}
        errors: list[Exception] = []
        tasks = _tasks(chunks, alone, sent, errors)
        with closing(_fan_out(tasks, jobs, alone.folder)) as results:
            try:
                for log, records in results:
                    starts = 0
                    yield sent.pop(log)[1], records
            except BrokenProcessPool:
                pass
            else:
                if errors:
                    raise errors[0]
                return
        waiting = [chunk for task, chunk in sent.values() if not task.begun]
        chunks = chain(waiting, chunks)
        suspects = [(chunk, task.death("")) for task, chunk in sent.values() if task.begun]
        starts = 0 if suspects else starts + 1
        if starts == STARTS:
            raise _no_start(alone.folder)
        for chunk, death in suspects:
            known = death if death.limit else None
            yield chunk, isolate(chunk, alone.run, alone.limits.patience, known)
        alone.close()


def _tasks(
    chunks: Iterable[Chunk],
    worker: SingleWorker,
    sent: dict[Path, tuple[Task, Chunk]],
    errors: list[Exception],
) -> Iterator[Any]:
    """Yield chunks as tasks for joblib.

    joblib draws tasks in a thread of its own, in which an exception would be lost.

    Arguments:
        chunks: The chunks to run.
        worker: Numbers the tasks.
        sent: Receives each task that is drawn.
        errors: Receives the exception that ended the chunks, if one did.
    """
    try:
        for chunk in chunks:
            task = worker.task(chunk)
            sent[task.log] = task, chunk
            yield delayed(_run)(task, os.getpid())
    except Exception as error:
        errors.append(error)


def _run(task: Task, parent: int) -> tuple[Path, list[Record]]:
    """Run a task in a worker process, and say which it was."""
    if os.getpid() == parent:
        raise BenchError(
            "this joblib backend runs trials in the calling process, which a trial can end: "
            "choose one with worker processes, as 'loky', or jobs=0"
        )
    return task.log, run_guarded(task)


def _fan_out(
    tasks: Iterator[Any], jobs: int, folder: Path
) -> Generator[tuple[Path, list[Record]]]:
    """Run tasks by joblib, and yield what they return in the order in which they finish."""
    loky = type(get_active_backend()[0]).__name__ == "LokyBackend"
    start = {"initializer": start_worker, "initargs": (os.getpid(), folder)}
    config = parallel_config("loky", inner_max_num_threads=1, **start) if loky else nullcontext()
    with config, _interrupts_blocked():
        try:
            parallel = Parallel(jobs, return_as="generator_unordered", batch_size=1)
        except ValueError as error:
            raise BenchError(f"{error}; choose another joblib backend, as 'loky'") from error
        results = parallel(tasks)
    try:
        # `yield from` would close the results before warnings are off.
        for result in results:  # noqa: UP028
            yield result
    finally:
        with warnings.catch_warnings():
            # joblib warns of tasks that are cancelled, which is what a user asks for.
            warnings.simplefilter("ignore")
            results.close()
        if loky:
            get_reusable_executor(reuse=True).shutdown(kill_workers=True)
            end_groups(folder)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start workers that never receive Ctrl-C: they inherit the signals that are blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause(error: BrokenProcessPool) -> str:
    """Return how a worker ended, from loky's list of exit codes."""
    codes = re.findall(r"\w+\((-?\d+)\)", str(error).partition("exit codes")[2])
    if not codes:
        return "its end is unknown"
    code = int(codes[0])
    if code >= 0:
        return f"it ended with exit code {code}"
    hint = ", perhaps by the kernel for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{hint}"


def _no_start(folder: Path) -> BenchError:
    """Return the error for workers that die before they run a task."""
    text = read_log(folder / "workers.log")[-LOG:]
    return BenchError(f"worker processes do not start; they printed:\n{text}")


# ---- Dask ---------------------------------------------------------------------------------


def run_on_cluster(task: Task) -> list[Record]:
    """Run a chunk on a worker of a cluster.

    Dask runs a task again whose worker died. A log of the first run tells how it died.

    Raises:
        WorkerDied: If an earlier worker of this machine died while it ran the task.
    """
    task = replace(task, log=Path(tempfile.gettempdir()) / task.log)
    if task.begun:
        death = task.death("the worker of the cluster ended")
        task.log.unlink()
        raise death
    return run_guarded(task)


def _remove(folder: Path) -> None:
    """Remove the logs of a run from a machine of a cluster."""
    shutil.rmtree(Path(tempfile.gettempdir()) / folder, ignore_errors=True)


def run_on_dask(
    chunks: Iterable[Chunk], scheduler: str, limits: Limits | None = None, patience: float = 30
) -> Finished:
    """Run chunks on a Dask cluster, and yield each with its records as it is finished.

    A worker of the cluster runs one chunk at a time, whatever its number of threads. It ends if
    a trial exceeds a limit, and its nanny starts it again.

    Arguments:
        chunks: The chunks to run.
        scheduler: The address of the cluster's scheduler.
        limits: What trials may use.
        patience: Seconds to wait for the scheduler.
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
    worker = SingleWorker(limits or Limits(), Path(f"collective-bench-{uuid.uuid4().hex}"))

    def submit(chunk: Chunk) -> Any:
        return client.submit(run_on_cluster, worker.task(chunk), pure=False)

    def result(future: Any) -> list[Record]:
        try:
            return list(future.result())
        except KilledWorker as error:
            raise WorkerDied(f"WorkerDied: {str(error).splitlines()[0]}") from None

    source = iter(chunks)
    with closing(client):
        width = max(len(client.nthreads()), 1)
        waiting = {submit(chunk): chunk for chunk in islice(source, AHEAD * width)}
        futures = as_completed(waiting, loop=client.loop)
        for done in futures:
            chunk = waiting.pop(done)
            try:
                records = result(done)
            except WorkerDied as death:
                known = death if death.limit else None
                patience_ = worker.limits.patience
                records = isolate(chunk, lambda c: result(submit(c)), patience_, known)
            yield chunk, records
            done.release()
            for chunk in islice(source, max(AHEAD * width - len(waiting), 0)):
                future = submit(chunk)
                waiting[future] = chunk
                futures.add(future)
        client.run(_remove, worker.folder)
