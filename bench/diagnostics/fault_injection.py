"""Real faults, and what they cost: ``python -m bench.diagnostics.fault_injection``.

Processes are killed, disks are filled, bytes are flipped, learners crash; in the end the records
must be those of an undisturbed run, each once. It prints what was injected, lost and doubled.
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
from bench.execution.sweep import Todo, sweep
from bench.execution.worker_process import Limits
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
    """It does what its field says where the collective is large."""
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
        kept = []
        while True:
            kept.append(np.ones(2_000_000))
    def shout(self):
        for _ in range(1000):
            os.write(1, b"x" * 1_000_000)
'''
AXES = {"datasets": "Coins(n=100, n_test=100)", "strategies": "FeatureLabel"}
SIZES = (0.0, 0.05, 0.1, 0.2)


@dataclass
class Outcome:
    """What a kind of fault cost."""

    name: str
    faults: int
    records: int
    lost: int
    twice: int
    note: str = ""

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost, doubled or otherwise wrong."""
        return not (self.lost or self.twice or self.note)


def grid(seeds: int, learners: tuple[str, ...], sizes: tuple[float, ...] = SIZES) -> list[Trial]:
    """The trials of a small grid."""
    part = Part((AXES["datasets"],), learners, (AXES["strategies"],), sizes, seeds)
    return list(Grid("faults", (part,)).trials())


def undisturbed(trials: list[Trial], folder: Path) -> list[Record]:
    """The records of a run to which nothing happens."""
    with Store(folder) as store:
        sweep(trials, store)
    return list(store.records())


def compared(name: str, faults: int, folder: Path, whole: list[Record], note: str = "") -> Outcome:
    """The records of a folder against those of an undisturbed run."""
    want = {key_of(r): lasting(r) for r in whole}
    lines = Counter(key_of(r) for _, r in Store(folder).lines() if r["status"] == "ok")
    got = {key_of(r): lasting(r) for r in Store(folder).records()}
    lost = sum(got.get(key) != record for key, record in want.items())
    twice = sum(lines.values()) - len(lines) + len(set(got) - set(want))
    return Outcome(name, faults, len(got), lost, twice, note)


class Bench:
    """A place to run the command line in, with a plugin that misbehaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "brittle.py").write_text(PLUGIN)
        REGISTRY.load(folder / "brittle.py")
        self.rng = stream(0, "faults")

    def start(self, out: str, seeds: int, jobs: int, pause: float) -> subprocess.Popen[bytes]:
        """Start a run, in a session of its own."""
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
        """Kill the parent at random moments; the same command goes on."""
        trials = grid(40 * kills, ("Brittle",))
        whole, done, orphans = undisturbed(trials, self.folder / "whole"), 0, 0
        path = self.folder / "killed" / "records.jsonl"
        while done < kills:
            run = self.start("killed", 40 * kills, 1, 0.01)
            # Half of them while records are written, the others at any moment from the start on.
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
        """Kill workers while they are at it."""
        seeds = 40 * kills
        trials, done = grid(seeds, ("Brittle",)), 0
        run, path = self.start("workers", seeds, 2, 0.02), self.folder / "workers/records.jsonl"
        size = 0
        while run.poll() is None and done < kills:
            time.sleep(self.rng.uniform(0.05, 0.3))
            children = psutil.Process(run.pid).children() if _size(path) > size else []
            if children:
                size = _size(path)
                children[self.rng.integers(len(children))].kill()
                done += 1
        note = "" if run.wait() == 0 else f"exit code {run.returncode}"
        whole = undisturbed(trials, self.folder / "workers-whole")
        return compared("worker killed", done, self.folder / "workers", whole, note)

    def damage(self, times: int) -> Iterator[Outcome]:
        """Cut the file off, and flip bits in it, and run again."""
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
        """Fill the disk: a small one of its own where one may be mounted, or else a quota."""
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
            said = ""
            try:
                with Store(disk / "run") as store:
                    sweep(trials, store)
            except BenchError as error:
                said = str(error)
            kept = Store(disk / "run").path.read_bytes()
        (self.folder / "room").mkdir()
        (self.folder / "room" / "records.jsonl").write_bytes(kept)
        with Store(self.folder / "room") as store:
            torn, todo = store.damaged, Todo(store.have())
            sweep([t for t in trials if t in todo], store)
        note = "" if "no room" in said and not torn else f"said {said!r}, torn {torn}"
        name = "disk full" if mounted else "quota reached"
        return compared(name, 1, self.folder / "room", whole, note)

    def deadly(self, how: str, limits: Limits) -> Outcome:
        """A learner that takes its worker down where the collective is large."""
        sizes = (*SIZES, 0.95)
        trials = grid(2, (f"Brittle(how={how!r})", "KNN"), sizes)
        innocent = [t for t in trials if t.size < 0.9 or "KNN" in t.key.learner or how == "shout"]
        whole = undisturbed([t for t in innocent if how != "shout"], self.folder / f"{how}-whole")
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
        """A cluster of two worker processes, one of which is killed in the middle."""
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


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ended(session: int) -> bool:
    """Whether all processes of a session end within ten seconds."""
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
    kills: Annotated[int, typer.Option(min=2, help="How often the parent is killed.")] = 30,
) -> None:
    """Inject faults, and print what they cost."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        limits = Limits(time=2, memory=2000)
        ways = ("crash", "leave", "hang", "eat", "shout")
        runs: list[Callable[[], list[Outcome]]] = [
            lambda: [bench.kill_parents(kills)],
            lambda: [bench.kill_workers(max(kills // 3, 1))],
            lambda: list(bench.damage(kills)),
            lambda: [bench.full_disk()],
            lambda: [bench.deadly(how, limits) for how in ways],
            lambda: [bench.dask()],
        ]
        outcomes = [outcome for run in runs for outcome in run()]
    table = Table("fault", "injected", "records", "lost", "duplicates", "note", box=None)
    for o in outcomes:
        table.add_row(o.name, *map(str, (o.faults, o.records, o.lost, o.twice)), o.note)
    console = Console(highlight=False, width=99)
    console.print(table)
    console.print(
        f"faults injected: {sum(o.faults for o in outcomes)}, "
        f"records lost: {sum(o.lost for o in outcomes)}, "
        f"duplicates: {sum(o.twice for o in outcomes)}"
    )
    if not all(o.harmless for o in outcomes):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
