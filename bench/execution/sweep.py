"""The sweep: run what the store lacks, and commit it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from bench.core.identity_cache import IdentityCache
from bench.execution.backends import Finished, run_chunks
from bench.execution.retry import CircuitBreaker
from bench.execution.worker_process import Chunk, Limits
from bench.experiment.trial import Key, Trial, spec
from bench.records.code_version import code_version
from bench.records.lines import Have, key_of
from bench.records.store import Store

#: How a chunk's trials are alike: their dataset, and the number of what can be trained together.
Kind = tuple[str, int]
_numbers: dict[Hashable, int] = {}
_number = IdentityCache(lambda learner: _numbers.setdefault(learner.stacking_key(), len(_numbers)))


@dataclass
class Progress:
    """How far a sweep is, in trials."""

    total: int
    done: int = 0
    failed: int = 0
    #: (dataset, learner) -> the error for which its other trials were left out.
    stopped: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: int = 0


@dataclass(frozen=True)
class Todo:
    """Which trials of a grid are to be run, by what the store has.

    Arguments:
        have: What became of the trials that the store knows.
        retry_failed: Whether failed trials are run again.
        rerun_stale: Whether trials are run again whose code has changed since.
    """

    have: Mapping[Key, Have]
    retry_failed: bool = False
    rerun_stale: bool = False

    def __contains__(self, trial: Trial) -> bool:
        found = self.have.get(trial.key) if self.have else None
        if found is None or (self.retry_failed and not found.ok):
            return True
        return self.rerun_stale and found.code != code_version(trial)


@dataclass
class Plan:
    """What a sweep over a grid will do, counted without keeping a trial."""

    #: learner -> how many of its trials there are, done, failed, stale and to be run.
    learners: dict[str, Counter[str]] = field(default_factory=dict)
    #: How many of each kind are to be run.
    kinds: Counter[Kind] = field(default_factory=Counter)
    #: The same by learner and dataset.
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    chunks: int = 0
    #: The longest chunk, where it was said.
    longest: int | None = None

    def __getitem__(self, what: str) -> int:
        return sum(counts[what] for counts in self.learners.values())


def plan(trials: Iterable[Trial], todo: Todo, longest: int | None = None) -> Plan:
    """Count what there is to do, in chunks of what learners like best or as long as is said.

    The code of each trial is read on the way: a file that is edited while a sweep runs does not
    change what was run.
    """
    made, lengths = Plan(longest=longest), {}
    for trial in trials:
        key, code = trial.key, code_version(trial)
        counts = made.learners.setdefault(key.learner, Counter())
        counts["trials"] += 1
        found = todo.have.get(key)
        if found is not None:
            counts["done"] += 1
            counts["failed"] += not found.ok
            counts["stale"] += found.code != code
        if trial in todo:
            counts["left"] += 1
            kind = key.dataset, _number(trial.learner)
            made.kinds[kind] += 1
            made.pairs[key.learner, key.dataset] += 1
            lengths[kind] = longest or trial.learner.chunk
    made.chunks = sum(-(-n // lengths[kind]) for kind, n in made.kinds.items())
    return made


def chunks_of(trials: Iterable[Trial], planned: Plan | None = None) -> Iterator[Chunk]:
    """Chunks of trials of one dataset and learners alike, in the order of the trials.

    Arguments:
        trials: What to run.
        planned: How many there are of each kind, for chunks of even lengths. If it is not known,
            chunks are filled up.
    """
    filling: dict[Kind, Chunk] = defaultdict(list)
    made: Counter[Kind] = Counter()
    for trial in trials:
        kind = spec(trial.dataset), _number(trial.learner)
        chunk = filling[kind]
        chunk.append(trial)
        made[kind] += 1
        longest = (planned and planned.longest) or trial.learner.chunk
        total = planned.kinds[kind] if planned else 0
        pieces = -(-total // longest)
        # One of `pieces` chunks ends where another `pieces`-th of the way is done.
        even = total and made[kind] * pieces // total > (made[kind] - 1) * pieces // total
        if len(chunk) >= longest or even:
            yield filling.pop(kind)
    yield from filling.values()


def sweep(
    trials: Iterable[Trial],
    store: Store,
    jobs: int = 0,
    watch: Callable[[Progress], None] = lambda progress: None,
    *,
    planned: Plan | None = None,
    limits: Limits | None = None,
    run: Callable[[Iterator[Chunk]], Finished] | None = None,
) -> Progress:
    """Run trials and commit their records, a chunk at a time.

    A learner that fails again and again with the same error on a dataset is stopped there: what
    of it was not begun is left out, and has no records.

    Arguments:
        trials: What to run, drawn as it is needed.
        store: Where records go; open for writing.
        jobs: The number of worker processes; 0 stays in this one.
        watch: Told after each commit.
        planned: The plan, where one was made.
        limits: What trials may take.
        run: Runs chunks in another way than ``jobs`` processes here.
    """
    limits = limits or Limits()
    breaker = CircuitBreaker(limits.patience)
    progress = Progress(planned["left"] if planned else 0, stopped=breaker.stopped)

    def worthwhile() -> Iterator[Chunk]:
        for chunk in chunks_of(trials, planned):
            kept = [trial for trial in chunk if not breaker.stops(trial)]
            for trial in kept:
                code_version(trial)
            progress.left_out += len(chunk) - len(kept)
            if kept:
                yield kept

    run = run or partial(run_chunks, jobs=jobs, limits=limits)
    with closing(run(worthwhile())) as finished:
        for chunk, made in finished:
            codes = {trial.key: code_version(trial) for trial in chunk}
            for record in made:
                breaker.hear(record)
            store.commit([r | {"code": codes[key_of(r)]} for r in made])
            progress.left_out += len(chunk) - len(made)
            progress.done += len(made)
            progress.failed += sum(r["status"] != "ok" for r in made)
            watch(progress)
    progress.total = max(progress.total, progress.done + progress.left_out)
    return progress
