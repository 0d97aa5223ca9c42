"""The sweep: run the trials that the store lacks, and commit their records."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial

from bench.core.identity_cache import IdentityCache
from bench.execution.backends import Finished, run_chunks
from bench.execution.guard import Chunk, Limits
from bench.execution.retry import CircuitBreaker
from bench.experiment.trial import Key, Trial, spec
from bench.records.code_version import code_version
from bench.records.lines import Have, key_of
from bench.records.store import Store

#: Common properties of the trials of a chunk: the dataset, and the number of a set of learners
#: that can be trained together.
Kind = tuple[str, int]
_numbers: dict[Hashable, int] = {}
_number = IdentityCache(lambda learner: _numbers.setdefault(learner.stacking_key(), len(_numbers)))


@dataclass
class Progress:
    """The progress of a sweep, in trials."""

    total: int
    done: int = 0
    failed: int = 0
    #: (dataset, learner) -> the error for which its remaining trials were left out.
    stopped: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: int = 0


@dataclass(frozen=True)
class Todo:
    """The trials of a grid that remain to be run.

    Arguments:
        have: The outcomes in the store.
        retry_failed: Whether failed trials are run again.
        rerun_stale: Whether trials are run again if their code has changed since.
    """

    have: Mapping[Key, Have]
    retry_failed: bool = False
    rerun_stale: bool = False

    def __contains__(self, trial: Trial) -> bool:
        outcome = self.have.get(trial.key) if self.have else None
        if outcome is None or (self.retry_failed and not outcome.ok):
            return True
        return self.rerun_stale and outcome.code != code_version(trial)


@dataclass
class Plan:
    """The work of a sweep over a grid, counted without keeping a trial."""

    #: learner -> the number of its trials, in all ("trials"), "done", "failed", "stale", "left".
    learners: dict[str, Counter[str]] = field(default_factory=dict)
    #: The number of trials to run, by kind.
    kinds: Counter[Kind] = field(default_factory=Counter)
    #: The number of trials to run, by learner and dataset.
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)
    chunks: int = 0
    #: The most trials of a chunk, if the user set it.
    longest: int | None = None

    def __getitem__(self, what: str) -> int:
        return sum(counts[what] for counts in self.learners.values())


def plan(trials: Iterable[Trial], todo: Todo, longest: int | None = None) -> Plan:
    """Count the trials that a sweep has to run.

    This reads the code of each trial: so a file that is edited while the sweep runs does not
    change the code version of its records.

    Arguments:
        trials: The trials of the grid.
        todo: Selects those that remain to be run.
        longest: The most trials of a chunk; the learners' own choice if None.
    """
    made, lengths = Plan(longest=longest), {}
    for trial in trials:
        key, code = trial.key, code_version(trial)
        counts = made.learners.setdefault(key.learner, Counter())
        counts["trials"] += 1
        outcome = todo.have.get(key)
        if outcome is not None:
            counts["done"] += 1
            counts["failed"] += not outcome.ok
            counts["stale"] += outcome.code != code
        if trial in todo:
            counts["left"] += 1
            kind = key.dataset, _number(trial.learner)
            made.kinds[kind] += 1
            made.pairs[key.learner, key.dataset] += 1
            lengths[kind] = longest or trial.learner.chunk
    made.chunks = sum(-(-n // lengths[kind]) for kind, n in made.kinds.items())
    return made


def chunks_of(trials: Iterable[Trial], planned: Plan | None = None) -> Iterator[Chunk]:
    """Yield chunks of trials that share a dataset and can be trained together.

    Arguments:
        trials: The trials to run, whose order the chunks keep.
        planned: The plan, with which all chunks of a kind have even lengths. Without it all but
            the last are as long as possible.
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
        # A chunk ends after each `pieces`-th part of the total.
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

    A learner that fails on a dataset with the same error again and again is stopped there: its
    remaining trials are left out and have no records.

    Arguments:
        trials: The trials to run, drawn as they are needed.
        store: The store of the records, open for writing.
        jobs: The number of worker processes. 0 runs trials in this process.
        watch: A function that is called with the progress after each commit.
        planned: The plan, where one was made.
        limits: The resources that a trial may use.
        run: Another way to run chunks than ``jobs`` worker processes of this machine.

    Returns:
        The progress at the end.
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
                breaker.add(record)
            store.commit([r | {"code": codes[key_of(r)]} for r in made])
            progress.left_out += len(chunk) - len(made)
            progress.done += len(made)
            progress.failed += sum(r["status"] != "ok" for r in made)
            watch(progress)
    progress.total = max(progress.total, progress.done + progress.left_out)
    return progress
