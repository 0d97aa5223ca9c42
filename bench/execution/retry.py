"""What is made of failures: records of the dead, and an end to what fails again and again."""

from collections import Counter

from bench.core.environment import environment
from bench.execution.worker_process import Chunk, WorkerDied, WorkerProcess
from bench.experiment.trial import Record, Trial


class CircuitBreaker:
    """Counts failures in a row: a learner that always fails the same way is stopped."""

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self.rows: Counter[tuple[str, str, str]] = Counter()
        #: (dataset, learner) -> the error that it fails with.
        self.stopped: dict[tuple[str, str], str] = {}

    def hear(self, record: Record) -> None:
        """Take note of what became of a trial."""
        who = record["dataset"], record["learner"]
        reason = reason_of(record)
        for row in [row for row in self.rows if row[:2] == who and row[2] != reason]:
            del self.rows[row]
        if reason is not None:
            self.rows[(*who, reason)] += 1
            if self.patience and self.rows[(*who, reason)] >= self.patience:
                self.stopped.setdefault(who, reason)

    def stops(self, trial: Trial) -> bool:
        """Whether a trial is not worth starting."""
        return bool(self.stopped) and (trial.key.dataset, trial.key.learner) in self.stopped


def reason_of(record: Record) -> str | None:
    """Why a trial failed, in a line; None if it did not."""
    if record["status"] == "ok":
        return None
    lines = str(record["error"]).splitlines()
    return lines[-1][:200] if lines else "it failed"


def failed_record(trial: Trial, casualty: WorkerDied) -> Record:
    """The record of a trial whose worker did not come back."""
    record: Record = {**trial.key._asdict(), "status": "failed", "error": casualty.reason}
    return record | {"log": casualty.log, "seconds": None, "environment": environment()}


def _logged(records: list[Record], ward: WorkerProcess) -> list[Record]:
    """Records with what was printed while they were made, where something went wrong."""
    bad = [r for r in records if r["status"] != "ok"]
    for record in bad if ward.log else ():
        record["log"] = ward.log
    return records


def run_isolated(ward: WorkerProcess, chunk: Chunk) -> list[Record]:
    """Run a chunk; if its worker is lost, run its trials alone, to find who did it.

    A trial that takes its worker down alone has a failed record. Trials of a learner that does so
    again and again are left out.
    """
    try:
        return _logged(ward.run(chunk), ward)
    except WorkerDied as casualty:
        if casualty.limit and len(chunk) == 1:
            return [failed_record(chunk[0], casualty)]
    breaker, records = CircuitBreaker(ward.limits.patience), []
    for trial in chunk:
        if not breaker.stops(trial):
            records.append(_alone(ward, trial))
            breaker.hear(records[-1])
    return records


def _alone(ward: WorkerProcess, trial: Trial) -> Record:
    """Run a trial alone; again if its worker dies, for it may have been killed by a stranger."""
    for last in (False, True):
        try:
            return _logged(ward.run([trial]), ward)[0]
        except WorkerDied as casualty:
            if last or casualty.limit:
                return failed_record(trial, casualty)
    raise AssertionError("unreachable")
