"""The guarded task: a chunk of trials that runs in a worker process and is held to limits there.

A worker that exceeds a limit ends itself. The chunk's log outlives the worker: it shows that the
chunk had begun, what the trials printed and which limit ended them.
"""

import contextlib
import ctypes
import faulthandler
import os
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psutil
from threadpoolctl import threadpool_limits

from bench.core.environment import environment
from bench.core.errors import BenchError
from bench.core.worker_processes import Serialized
from bench.experiment.run import run_trials
from bench.experiment.trial import Key, Record, Trial

Chunk = list[Trial]
#: Seconds between two looks at a worker's memory, its log and its parent.
PAUSE = 0.05
#: Bytes of output after which a log is cut, and the bytes of it that are kept.
LONG, KEPT = 1_000_000, 20_000
#: Characters of a log in a record.
LOG = 2000
#: Seconds that a worker may take to import what a chunk is made of.
IMPORTS = 300.0
#: The first line that faulthandler writes when its time is over.
TIMEOUT = re.compile(r"^Timeout \([\d:.]+\)!$", re.MULTILINE)
MEMORY = re.compile(r"^MemoryLimit: .*$", re.MULTILINE)
#: The variables that set the threads of arithmetic, for libraries that are not loaded yet.
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES} | {"VECLIB_MAXIMUM_THREADS": "1"}
_guarding = threading.Lock()


@dataclass(frozen=True)
class Limits:
    """The resources that a trial may use.

    Arguments:
        time: Seconds per trial; a chunk of n trials may take n times as long. None: no limit.
        memory: Megabytes of the process in which a trial runs. None: no limit.
        patience: The number of equal failures in a row after which a learner is stopped on a
            dataset. 0: never.
    """

    time: float | None = None
    memory: float | None = None
    patience: int = 3


class WorkerDied(Exception):
    """The death of a worker process during a chunk.

    Arguments:
        reason: The cause, in a line.
        log: The end of what the chunk printed.
        limit: Whether a limit was exceeded.
    """

    def __init__(self, reason: str, log: str = "", limit: bool = False) -> None:
        super().__init__(reason, log, limit)
        self.reason, self.log, self.limit = reason, log, limit


@dataclass(frozen=True)
class Task:
    """A chunk on its way to a worker.

    Each dataset, learner and strategy is serialized apart: one that cannot be sent or loaded
    costs its own trials.

    Arguments:
        components: The components of the chunk by number, or why one cannot be sent.
        trials: For each trial its key and the numbers of its dataset, learner and strategy.
        limits: The resources that the trials may use.
        log: The file for the output of the worker; it exists while the chunk runs.
    """

    components: dict[int, Serialized | BenchError]
    trials: list[tuple[Key, tuple[int, ...]]]
    limits: Limits
    log: Path

    @classmethod
    def of(cls, chunk: Chunk, limits: Limits, log: Path) -> "Task":
        """Return the task that runs a chunk."""
        parts = [(trial.dataset, trial.learner, trial.strategy) for trial in chunk]
        distinct = {id(part): part for triple in parts for part in triple}
        return cls(
            {number: _serialized(part) for number, part in distinct.items()},
            [(t.key, tuple(map(id, triple))) for t, triple in zip(chunk, parts, strict=True)],
            limits,
            log,
        )

    def load(self) -> tuple[Chunk, list[Record]]:
        """Return the trials that a worker can run, and the failed records of the others."""
        loaded = {number: _loaded(part) for number, part in self.components.items()}
        chunk, failed = [], []
        for key, numbers in self.trials:
            parts = [loaded[number] for number in numbers]
            error = next((part for part in parts if isinstance(part, BenchError)), None)
            if error is None:
                chunk.append(Trial(*parts, *key[len(parts) :]))
            else:
                failed.append(failed_record(key, f"{error}"))
        return chunk, failed

    @property
    def begun(self) -> bool:
        """Whether the chunk began to run and did not end."""
        return self.log.exists()

    def death(self, cause: str) -> WorkerDied:
        """Return the death of the worker that ran this chunk, from what its log says.

        Arguments:
            cause: The cause where no limit was exceeded.
        """
        text = read_log(self.log)
        if exceeded := MEMORY.findall(text):
            return WorkerDied(exceeded[-1], _tail(text), limit=True)
        if TIMEOUT.search(text):
            limit = self.limits.time
            late = f"more than {limit} seconds a trial" if limit else "its imports take too long"
            return WorkerDied(f"TimeLimit: {late}", _tail(text), limit=True)
        return WorkerDied(f"WorkerDied: {cause}", _tail(text))


def _serialized(component: Any) -> Serialized | BenchError:
    """Return a component for another process, or why it cannot be sent."""
    try:
        return Serialized.of(component)
    except BenchError as error:
        return error


def _loaded(component: Serialized | BenchError) -> Any:
    """Return a component from another process, or why there is none."""
    try:
        return component.load() if isinstance(component, Serialized) else component
    except BenchError as error:
        return error


def failed_record(key: Key, reason: str) -> Record:
    """Return the record of a trial that did not run to its end."""
    record: Record = {**key._asdict(), "status": "failed", "error": reason}
    return record | {"seconds": None, "environment": environment()}


def run_guarded(task: Task) -> list[Record]:
    """Run a chunk in a worker process, which ends if a limit is exceeded.

    Time is counted from when all imports are done. A process runs one task at a time.
    """
    with _guarding, _captured(task.log) as log, _watched(log, task.limits.memory):
        try:
            faulthandler.dump_traceback_later(IMPORTS, exit=True, file=log)
            chunk, records = task.load()
            _one_thread_for_good()
            faulthandler.cancel_dump_traceback_later()
            if task.limits.time and chunk:
                seconds = task.limits.time * len(chunk)
                faulthandler.dump_traceback_later(seconds, exit=True, file=log)
            records += run_trials(chunk) if chunk else []
        except BaseException:
            # What a trial cannot survive ends the worker; an exception would end the sweep.
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        finally:
            faulthandler.cancel_dump_traceback_later()
        sys.stdout.flush()
        sys.stderr.flush()
        failed = [record for record in records if record["status"] != "ok"]
        if failed and (text := _tail(read_log(task.log))):
            for record in failed:
                record["log"] = text
    return records


def start_worker(parent: int, folder: Path) -> None:
    """Prepare a worker process of this machine: it ends with its parent and ignores Ctrl-C.

    Arguments:
        parent: The process that starts the worker.
        folder: The folder of the workers' logs.
    """
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    # The parent alone answers an interrupt, and it ends the group of a worker that died.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.setpgrp()
    (folder / f"{os.getpid()}.group").touch()

    def end_with_parent() -> None:
        while os.getppid() == parent:
            time.sleep(10 * PAUSE)
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
    log = os.open(folder / "workers.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    _one_thread_for_good()


def end_groups(folder: Path) -> None:
    """End all processes that workers started and left behind.

    Arguments:
        folder: The folder of the workers' logs.
    """
    for path in folder.glob("*.group"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(path.stem), signal.SIGKILL)
        path.unlink()


@cache
def _one_thread_for_good() -> None:
    """Use one thread of arithmetic in this process from now on."""
    os.environ.update(ONE_THREAD)  # libraries that are imported later read the variables
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    threadpool_limits(1)


@contextmanager
def _captured(path: Path) -> Iterator[int]:
    """Send all output to a log, which is removed unless the process dies."""
    path.parent.mkdir(exist_ok=True)
    with ExitStack() as stack:
        for stream in (1, 2):
            before = os.dup(stream)
            stack.callback(os.close, before)
            stack.callback(os.dup2, before, stream)
        log = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND, 0o600)
        stack.callback(path.unlink)
        stack.callback(os.close, log)
        os.dup2(log, 1)
        os.dup2(log, 2)
        yield log


@contextmanager
def _watched(log: int, memory: float | None) -> Iterator[None]:
    """Watch the memory of this process and the length of its log."""
    done, process = threading.Event(), psutil.Process()

    def watch() -> None:
        while not done.wait(PAUSE):
            if memory and process.memory_info().rss > memory * 2**20:
                os.write(log, f"\nMemoryLimit: more than {memory:g} MB\n".encode())
                os._exit(1)
            if (length := os.fstat(log).st_size) > LONG:
                kept = os.pread(log, KEPT, length - KEPT)
                os.truncate(log, 0)
                os.write(log, kept)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def read_log(path: Path) -> str:
    """Return the text of a log; nothing where there is none."""
    try:
        return path.read_bytes().decode(errors="replace")
    except FileNotFoundError:
        return ""


def _tail(text: str) -> str:
    """Return the end of a log, for a record."""
    # After a crash Python lists every module that it had loaded.
    return re.sub(r"\nExtension modules: .*\n", "", text)[-LOG:]
