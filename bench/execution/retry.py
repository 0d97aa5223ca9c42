"""Failures: records of trials whose worker died, and a circuit breaker for failing learners."""

from collections import Counter
from collections.abc import Callable

from bench.execution.guard import Chunk, WorkerDied, failed_record
from bench.experiment.trial import Record, Trial


class CircuitBreaker:
    """A count of failures in a row, which stops learners that always fail the same way.

    Arguments:
        patience: The number of equal failures in a row that stops a learner on a dataset.
            0: never.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.failures: Counter[tuple[str, str, str]] = Counter()
        #: (dataset, learner) -> the error that it fails with.
        self.stopped: dict[tuple[str, str], str] = {}

    def add(self, record: Record) -> None:
        """Count the outcome of a trial."""
        pair = record["dataset"], record["learner"]
        reason = reason_of(record)
        for other in [other for other in self.failures if other[:2] == pair]:
            if other[2] != reason:
                del self.failures[other]
        if reason is not None:
            self.failures[(*pair, reason)] += 1
            if self.patience and self.failures[(*pair, reason)] >= self.patience:
                self.stopped.setdefault(pair, reason)

    def stops(self, trial: Trial) -> bool:
        """Return whether the learner of a trial is stopped on its dataset."""
        return bool(self.stopped) and (trial.key.dataset, trial.key.learner) in self.stopped


def reason_of(record: Record) -> str | None:
    """Return why a trial failed, in a line; None for a good record."""
    if record["status"] == "ok":
        return None
    lines = str(record["error"]).splitlines()
    return lines[-1][:200] if lines else "it failed"


def _record(trial: Trial, death: WorkerDied) -> Record:
    """Return the record of a trial whose worker died."""
    return failed_record(trial.key, death.reason) | {"log": death.log}


def isolate(
    chunk: Chunk,
    attempt: Callable[[Chunk], list[Record]],
    patience: int,
    death: WorkerDied | None = None,
) -> list[Record]:
    """Run a chunk alone; if its worker dies, run its trials one at a time to find the culprit.

    A trial whose worker dies has a failed record. The remaining trials of a learner that fails
    the same way again and again are left out and have no records.

    Arguments:
        chunk: The trials.
        attempt: Runs trials in a worker; raises :class:`WorkerDied` if the worker dies.
        patience: As in :class:`CircuitBreaker`.
        death: The death of the worker that ran the chunk before, where it is known.
    """
    if death is None and len(chunk) > 1:
        try:
            return attempt(chunk)
        except WorkerDied as error:
            death = error
    if death is not None and death.limit and len(chunk) == 1:
        return [_record(chunk[0], death)]
    breaker, records = CircuitBreaker(patience), []
    for trial in chunk:
        if not breaker.stops(trial):
            records.append(_run_alone(trial, attempt))
            breaker.add(records[-1])
    return records


def _run_alone(trial: Trial, attempt: Callable[[Chunk], list[Record]]) -> Record:
    """Run a trial alone; twice if its worker dies, since another process may have killed it."""
    for last in (False, True):
        try:
            return attempt([trial])[0]
        except WorkerDied as death:
            if last or death.limit:
                return _record(trial, death)
    raise AssertionError("unreachable")
