"""The sweep: run what the store lacks, and commit it."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

from bench.backends import Chunk, run_chunks
from bench.store import Store, key_of
from bench.trial import Record, Trial
from bench.versions import code_version


@dataclass
class Progress:
    """How far a sweep is, in trials."""

    total: int
    done: int = 0
    failed: int = 0


def missing(
    trials: Iterable[Trial],
    records: Iterable[Record],
    retry_failed: bool = False,
    again: Iterable[Trial] = (),
) -> list[Trial]:
    """The trials that have no record yet, and those to be run again.

    A failed trial has a record, unless failed ones are to be retried.
    """
    have = {key_of(r) for r in records if r["status"] == "ok" or not retry_failed}
    have -= {t.key for t in again}
    return [t for t in trials if t.key not in have]


def stale(trials: Iterable[Trial], records: Iterable[Record]) -> list[Trial]:
    """The trials whose record was made by other code than today's."""
    codes = {key_of(r): r["code"] for r in records}
    return [t for t in trials if codes.get(t.key, code_version(t)) != code_version(t)]


def chunks_of(trials: Sequence[Trial]) -> list[Chunk]:
    """Chunks of trials of one dataset and learners alike, of even lengths, first seeds first."""
    groups: dict[tuple[str, Hashable], list[Trial]] = defaultdict(list)
    for trial in trials:
        groups[trial.key.dataset, trial.learner.alike()].append(trial)
    chunks = []
    for group in groups.values():
        pieces = -(-len(group) // group[0].learner.chunk)
        bounds = [round(i * len(group) / pieces) for i in range(pieces + 1)]
        chunks += [group[a:b] for a, b in pairwise(bounds)]
    return sorted(chunks, key=lambda chunk: chunk[0].seed)


def sweep(
    trials: Sequence[Trial],
    store: Store,
    jobs: int = 1,
    watch: Callable[[Progress], None] = lambda progress: None,
) -> Progress:
    """Run trials and commit their records, a chunk at a time.

    Arguments:
        trials: What to run.
        store: Where records go; open for writing.
        jobs: The number of processes; 1 stays in this one.
        watch: Told after each commit.
    """
    progress = Progress(len(trials))
    with closing(run_chunks(chunks_of(trials), jobs)) as finished:
        for chunk, made in finished:
            records = [r | {"code": code_version(t)} for t, r in zip(chunk, made, strict=True)]
            store.commit(records)
            progress.done += len(records)
            progress.failed += sum(r["status"] != "ok" for r in records)
            watch(progress)
    return progress
