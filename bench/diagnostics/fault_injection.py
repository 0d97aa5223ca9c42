"""Injection of real faults: ``python -m bench.diagnostics.fault_injection``.

It kills processes, fills disks, flips bits and runs learners that crash. In the end the records
must be those of an undisturbed run, each once. It prints the numbers of faults and of records
that were lost or doubled.
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import psutil
import typer
from rich.console import Console
from rich.table import Table

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.execution.backends import run_on_dask
from bench.execution.guard import Limits
from bench.execution.sweep import Todo, sweep
from bench.experiment.trial import Record, Trial
from bench.records.lines import key_of
from bench.records.merge import lasting
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.registry import REGISTRY

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = '''
import ctypes, os, time
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Brittle(Learner):
    """A learner that fails, in the way of its field, where the collective is large."""
    how: str = "sleep"

    def fit(self, sample, rng):
        time.sleep(float(os.environ.get("BRITTLE_PAUSE", 0)))
        if (sample.y == 1).mean() > 0.8:
            getattr(self, self.how)()
        label = int(rng.integers(2))
        return Fitted(lambda x: np.full(len(x), label))

    def sleep(self): pass
    def crash(self): ctypes.string_at(0)
    def leave(self): os._exit(0)
    def hang(self): time.sleep(3600)
    def eat(self):
        arrays = []
        while True:
            arrays.append(np.ones(2_000_000))
    def shout(self):
        for _ in range(1000):
            os.write(1, b"x" * 1_000_000)
'''
AXES = {"datasets": "Coins(n=100, n_test=100)", "strategies": "FeatureLabel"}
SIZES = (0.0, 0.05, 0.1, 0.2)


@dataclass
class Outcome:
    """The outcome of a kind of fault.

    Arguments:
        name: The kind of fault.
        faults: The number of faults that were injected.
        records: The number of records in the end.
        lost: The number of records of the undisturbed run that are missing or differ.
        doubled: The number of good records beyond the first of a trial.
        note: Another defect, in words.
    """

    name: str
    faults: int
    records: int
    lost: int
    doubled: int
    note: str = ""

    @property
    def harmless(self) -> bool:
        """Whether no record was lost or doubled, and nothing else was wrong."""
        return not (self.lost or self.doubled or self.note)


def grid(seeds: int, learners: tuple[str, ...], sizes: tuple[float, ...] = SIZES) -> list[Trial]:
    """Return the trials of a small grid.

    Arguments:
        seeds: The number of seeds.
        learners: The specs of the learners.
        sizes: The sizes of the collective.
    """
    part = Part((AXES["datasets"],), learners, (AXES["strategies"],), sizes, seeds)
    return list(Grid("faults", (part,)).trials())


def undisturbed(trials: list[Trial], folder: Path) -> list[Record]:
    """Run trials without a fault, and return their records."""
    with Store(folder) as store:
        sweep(trials, store)
    return list(store.records())


def compared(
    name: str, faults: int, folder: Path, expected: list[Record], note: str = ""
) -> Outcome:
    """Compare the records of a folder with those of an undisturbed run.

    Arguments:
        name: The kind of fault.
        faults: The number of faults that were injected.
        folder: The folder of the disturbed run.
        expected: The records of the undisturbed run.
        note: Another defect, in words.
    """
    before = {key_of(r): lasting(r) for r in expected}
    lines = Counter(key_of(r) for _, r in Store(folder).lines() if r["status"] == "ok")
    after = {key_of(r): lasting(r) for r in Store(folder).records()}
    lost = sum(after.get(key) != record for key, record in before.items())
    doubled = sum(lines.values()) - len(lines) + len(set(after) - set(before))
    return Outcome(name, faults, len(after), lost, doubled, note)


class FaultyRuns:
    """Runs in a folder of their own, with a plugin learner that misbehaves.

    Arguments:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "brittle.py").write_text(PLUGIN, encoding="utf-8")
        REGISTRY.load(folder / "brittle.py")
        self.rng = stream(0, "faults")

    def start(self, out: str, seeds: int, jobs: int, pause: float) -> subprocess.Popen[bytes]:
        """Start a run of the command line in a session of its own.

        Arguments:
            out: The folder of its records.
            seeds: The number of seeds.
            jobs: The number of worker processes.
            pause: Seconds that each training sleeps.
        """
        words = [f"--{k}={v}" for k, v in AXES.items()]
        words += ["--learners=Brittle", f"--sizes={','.join(map(str, SIZES))}"]
        words += [f"--seeds={seeds}", f"--jobs={jobs}", "--plugin=brittle.py", f"--out={out}"]
        return subprocess.Popen(
            [sys.executable, str(ROOT / "run_bench.py"), "run", "quick", *words],
            cwd=self.folder,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"BRITTLE_PAUSE": str(pause)},
        )

    def kill_parents(self, kills: int) -> Outcome:
        """Kill the parent at random moments, and continue with the same command."""
        trials = grid(40 * kills, ("Brittle",))
        whole, done, orphans = undisturbed(trials, self.folder / "whole"), 0, 0
        path = self.folder / "killed" / "records.jsonl"
        while done < kills:
            run = self.start("killed", 40 * kills, 1, 0.01)
            # Half of the kills come while records are written, the others at any moment.
            before, deadline = _size(path), time.monotonic() + 60
            while done % 2 and _size(path) == before and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(self.rng.uniform(0, 0.6 if done % 2 else 6))
            if run.poll() is not None:
                break
            os.kill(run.pid, signal.SIGKILL)
            run.wait()
            done += 1
            orphans += not _ended(run.pid)
        run = self.start("killed", 40 * kills, 2, 0.0)
        note = "" if run.wait() == 0 and not orphans else f"{orphans} orphans, {run.returncode}"
        return compared("parent killed", done, self.folder / "killed", whole, note)

    def kill_workers(self, kills: int) -> Outcome:
        """Kill worker processes while trials run."""
        seeds = 40 * kills
        trials, done = grid(seeds, ("Brittle",)), 0
        run, path = self.start("workers", seeds, 2, 0.02), self.folder / "workers/records.jsonl"
        size = 0
        while run.poll() is None and done < kills:
            time.sleep(self.rng.uniform(0.05, 0.3))
            workers = _workers(run.pid) if _size(path) > size else []
            if workers:
                size = _size(path)
                workers[self.rng.integers(len(workers))].kill()
                done += 1
        note = "" if run.wait() == 0 else f"exit code {run.returncode}"
        whole = undisturbed(trials, self.folder / "workers-whole")
        return compared("worker killed", done, self.folder / "workers", whole, note)

    def damage(self, times: int) -> Iterator[Outcome]:
        """Truncate the file of records, or flip a bit in it, and run again."""
        trials = grid(5, ("KNN", "Brittle"))
        whole = undisturbed(trials, self.folder / "damaged-whole")
        for name, harm in (("file truncated", self._truncate), ("bit flipped", self._flip)):
            folder = self.folder / name.replace(" ", "-")
            undisturbed(trials, folder)
            for _ in range(times):
                path = folder / "records.jsonl"
                path.write_bytes(harm(path.read_bytes()))
                with Store(folder) as store:
                    todo = Todo(store.have())
                    sweep([t for t in trials if t in todo], store)
            yield compared(name, times, folder, whole)

    def _truncate(self, data: bytes) -> bytes:
        return data[: int(self.rng.integers(len(data)))]

    def _flip(self, data: bytes) -> bytes:
        at = int(self.rng.integers(len(data)))
        return data[:at] + bytes([data[at] ^ 1 << int(self.rng.integers(8))]) + data[at + 1 :]

    def full_disk(self) -> Outcome:
        """Fill the disk: a small one where the user may mount it, or else up to a quota."""
        trials = grid(100, ("Brittle",))
        whole = undisturbed(trials, self.folder / "disk-whole")
        disk = self.folder / "disk"
        disk.mkdir()
        with ExitStack() as stack:
            words = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(disk)]
            mounted = subprocess.run(words, capture_output=True, check=False).returncode == 0
            if mounted:
                stack.callback(subprocess.run, ["umount", str(disk)], check=False)
            else:
                stack.enter_context(_quota(64 * 1024))
            message = ""
            try:
                with Store(disk / "run") as store:
                    sweep(trials, store)
            except BenchError as error:
                message = str(error)
            data = Store(disk / "run").path.read_bytes()
        (self.folder / "room").mkdir()
        (self.folder / "room" / "records.jsonl").write_bytes(data)
        with Store(self.folder / "room") as store:
            torn, todo = store.damaged, Todo(store.have())
            sweep([t for t in trials if t in todo], store)
        note = "" if "no room" in message and not torn else f"error {message!r}, torn {torn}"
        name = "disk full" if mounted else "quota reached"
        return compared(name, 1, self.folder / "room", whole, note)

    def deadly(self, how: str, limits: Limits) -> Outcome:
        """Run a learner that ends its worker process where the collective is large."""
        sizes = (*SIZES, 0.95)
        trials = grid(2, (f"Brittle(how={how!r})", "KNN"), sizes)
        harmless = [t for t in trials if t.size < 0.9 or "KNN" in t.key.learner]
        whole = undisturbed(harmless if how != "shout" else [], self.folder / f"{how}-whole")
        with Store(self.folder / how) as store:
            sweep(trials, store, 2, limits=limits)
        records = list(store.records())
        failed = [r for r in records if r["status"] != "ok"]
        expected = 0 if how == "shout" else 2
        note = "" if len(failed) == expected else f"{len(failed)} failed, not {expected}"
        good = [r for r in records if r["status"] == "ok"]
        lost = sum(lasting(r) not in [lasting(g) for g in good] for r in whole)
        return Outcome(f"learner: {how}", 2, len(records), lost, 0, note)

    def dask(self) -> Outcome:
        """Kill one of the two worker processes of a Dask cluster."""
        from distributed import LocalCluster

        trials = grid(60, ("Brittle",))
        whole = undisturbed(trials, self.folder / "dask-whole")
        os.environ["BRITTLE_PAUSE"] = "0.02"
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
            del os.environ["BRITTLE_PAUSE"]
            victims = [worker.pid for worker in cluster.workers.values()]

            def watch(progress: object) -> None:
                if victims:
                    os.kill(victims.pop(), signal.SIGKILL)
                    victims.clear()

            with Store(self.folder / "dask") as store:
                address = cluster.scheduler_address
                sweep(trials, store, watch=watch, run=lambda c: run_on_dask(c, address))
        return compared("Dask worker killed", 1, self.folder / "dask", whole)


@contextmanager
def _quota(most: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _workers(parent: int) -> list[psutil.Process]:
    """Return the worker processes of a run; its other child tracks their resources."""
    try:
        children = psutil.Process(parent).children()
        return [p for p in children if "resource_tracker" not in " ".join(p.cmdline())]
    except psutil.Error:
        return []


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ended(session: int) -> bool:
    """Return whether all processes of a session end within ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(_in(process.pid, session) for process in psutil.process_iter()):
            return True
        time.sleep(0.05)
    return False


def _in(pid: int, session: int) -> bool:
    try:
        return os.getsid(pid) == session and psutil.Process(pid).status() != "zombie"
    except (ProcessLookupError, psutil.Error):
        return False


def main(
    kills: Annotated[
        int, typer.Option(min=2, help="The number of times that the parent is killed.")
    ] = 30,
) -> None:
    """Inject faults, and print a table of their outcomes."""
    with tempfile.TemporaryDirectory() as folder:
        faulty = FaultyRuns(Path(folder))
        limits = Limits(time=2, memory=2000)
        ways = ("crash", "leave", "hang", "eat", "shout")
        runs: list[Callable[[], list[Outcome]]] = [
            lambda: [faulty.kill_parents(kills)],
            lambda: [faulty.kill_workers(max(kills // 3, 1))],
            lambda: list(faulty.damage(kills)),
            lambda: [faulty.full_disk()],
            lambda: [faulty.deadly(how, limits) for how in ways],
            lambda: [faulty.dask()],
        ]
        outcomes = [outcome for run in runs for outcome in run()]
    table = Table("fault", "injected", "records", "lost", "duplicates", "note", box=None)
    for o in outcomes:
        table.add_row(o.name, *map(str, (o.faults, o.records, o.lost, o.doubled)), o.note)
    console = Console(highlight=False, width=99)
    console.print(table)
    console.print(
        f"faults injected: {sum(o.faults for o in outcomes)}, "
        f"records lost: {sum(o.lost for o in outcomes)}, "
        f"duplicates: {sum(o.doubled for o in outcomes)}"
    )
    if not all(o.harmless for o in outcomes):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
