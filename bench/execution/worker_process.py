"""Worker processes that are watched: who dies, hangs or takes too much memory costs one trial."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import IO

import cloudpickle
import psutil

from bench.core.errors import BenchError
from bench.experiment.trial import Record, Trial

Chunk = list[Trial]
LIBRARIES = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR")
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in LIBRARIES} | {"VECLIB_MAXIMUM_THREADS": "1"}
#: How often limits are looked at, in seconds, and how much of what a worker prints is kept.
PAUSE, KEPT = 0.05, 20_000
#: How much of it goes into a record, in characters.
LOG = 2000
#: How long a new worker may take to import everything, in seconds.
START, SLOW = 300.0, "TimeLimit: its modules take too long to import"
#: How often it is started before that is given up.
STARTS = 3


@dataclass(frozen=True)
class Limits:
    """What a trial may take.

    Arguments:
        time: Seconds a trial; a chunk of n trials may take n times as long. No limit, if None.
        memory: Megabytes of the process in which a trial runs. No limit, if None.
        patience: After so many failures in a row with the same error, a learner is left out on
            that dataset. Never, if 0.
    """

    time: float | None = None
    memory: float | None = None
    patience: int = 3


class WorkerDied(Exception):
    """A worker that is no more, and why."""

    def __init__(self, reason: str, log: str, limit: bool) -> None:
        super().__init__(reason)
        self.reason, self.log, self.limit = reason, log, limit


class Closed(Exception):
    """The worker was ended on purpose."""


class WorkerProcess:
    """One worker process, started when it is needed and again when it was lost.

    Arguments:
        limits: What trials may take.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.process: subprocess.Popen[bytes] | None = None
        self.closed = False
        self._log = b""
        self._starting = threading.Lock()

    def run(self, chunk: Sequence[Trial]) -> list[Record]:
        """Run a chunk; raise a casualty if the worker does not come back from it."""
        payload = cloudpickle.dumps(list(chunk))
        process, pipe, printed = self._started()
        self._log = b""
        try:
            pipe.send_bytes(payload)
        except OSError:
            raise self._lost() from None
        limit = self.limits.time and self.limits.time * len(chunk)
        late = f"TimeLimit: more than {self.limits.time} seconds a trial"
        self._answer(process, pipe, printed, START, SLOW)
        return list(cloudpickle.loads(self._answer(process, pipe, printed, limit, late)))

    @property
    def log(self) -> str:
        """The end of what the worker printed of late."""
        text = self._log.decode(errors="replace")
        # After a crash Python lists every module that it had loaded.
        return re.sub(r"\nExtension modules: .*\n", "", text)[-LOG:]

    def close(self) -> None:
        """End the process, whatever it does; whoever waits for it is told."""
        with self._starting:
            self.closed = True
        if self.process is not None:
            _kill(self.process)

    def reap(self) -> None:
        """Clear away a process that is no longer needed, when nobody waits for it."""
        process, self.process = self.process, None
        if process is None:
            return
        _kill(process)
        process.wait()
        self._drain(process)
        self.pipe.close()

    def _started(self) -> tuple[subprocess.Popen[bytes], Connection, IO[bytes]]:
        tries = 0
        while self.process is None:
            with self._starting:
                if self.closed:
                    raise Closed
                process = self._start()
            try:
                self._answer(process, self.pipe, self.printed, START, SLOW)
            except WorkerDied as casualty:
                # Somebody may have killed it before it was there.
                tries += 1
                if casualty.limit or tries == STARTS:
                    text = f"a worker process does not start: {casualty.reason}\n{casualty.log}"
                    raise BenchError(text) from None
        return self.process, self.pipe, self.printed

    def _start(self) -> subprocess.Popen[bytes]:
        self.pipe, theirs = Pipe()
        path = os.pathsep.join(filter(None, sys.path))
        # In a process group of its own it never hears of Ctrl-C: the parent alone answers that.
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "bench.execution.worker",
                str(theirs.fileno()),
                str(os.getpid()),
            ],
            env=os.environ | ONE_THREAD | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            process_group=0,
        )
        theirs.close()
        assert process.stdout is not None
        self.process, self.printed = process, process.stdout
        return process

    def _answer(
        self,
        process: subprocess.Popen[bytes],
        pipe: Connection,
        printed: IO[bytes],
        limit: float | None,
        late: str,
    ) -> bytes:
        """Wait for what the worker sends, and hold it to its limits meanwhile."""
        started = looked = time.monotonic()
        listening: list[Connection | IO[bytes]] = [pipe, printed]
        while True:
            ready = wait(listening, PAUSE)  # type: ignore[arg-type]
            if printed in ready:
                text = os.read(printed.fileno(), 1 << 16)
                self._log = (self._log + text)[-KEPT:]
                if not text:
                    listening.remove(printed)
            if pipe in ready:
                try:
                    return pipe.recv_bytes()
                except (EOFError, OSError):
                    raise self._lost() from None
            now = time.monotonic()
            if now - looked < PAUSE:
                continue
            looked = now
            if limit and now - started > limit:
                raise self._lost(late)
            if self.limits.memory and _megabytes(process.pid) > self.limits.memory:
                raise self._lost(f"MemoryLimit: more than {self.limits.memory:g} MB")

    def _lost(self, limit: str | None = None) -> Exception:
        """End what is left of the worker, and say what became of it."""
        if self.closed:
            self.reap()
            return Closed()
        process = self.process
        assert process is not None
        code = None
        if limit is None:
            try:
                code = process.wait(5)
            except subprocess.TimeoutExpired:
                limit = "WorkerDied: it closed its pipe"
        self.reap()
        reason = limit or f"WorkerDied: {_cause(code or 0)}"
        return WorkerDied(reason, self.log, limit is not None)

    def _drain(self, process: subprocess.Popen[bytes]) -> None:
        """Read its last words, unless a stranger keeps the pipe open."""
        assert process.stdout is not None
        with process.stdout as out:
            os.set_blocking(out.fileno(), False)
            while True:
                try:
                    text = os.read(out.fileno(), 1 << 16)
                except BlockingIOError:
                    return
                if not text:
                    return
                self._log = (self._log + text)[-KEPT:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _cause(code: int) -> str:
    if code >= 0:
        return f"it ended with exit code {code}"
    name = signal.Signals(-code).name
    hint = ", perhaps by the kernel for want of memory" if -code == signal.SIGKILL else ""
    return f"killed by {name}{hint}"


def _megabytes(pid: int) -> float:
    try:
        return float(psutil.Process(pid).memory_info().rss / 2**20)
    except psutil.Error:
        return 0.0
