"""Run published trials again, and compare them with their records."""

from typing import Any, NamedTuple

from bench.execution.backends import run_chunks
from bench.experiment.trial import Key, Record, Trial
from bench.records.published import CLOSE, OUTCOME, SAMPLE
from bench.spec.parsing import parse


class Again(NamedTuple):
    """A published trial that was run again."""

    published: Record
    here: Record

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """What differs: as published, and here."""
        names = (*SAMPLE, *OUTCOME, "status")
        return {
            name: (self.published[name], self.here.get(name))
            for name in names
            if self.published[name] != self.here.get(name)
        }

    @property
    def reproduced(self) -> bool:
        """Whether the trial came out as published, as far as it could.

        The sample is drawn by integer arithmetic and must be the same, whoever draws it. What is
        trained on it may differ in the last digits of its sums on another processor, or by
        another library, and thereby the label of a few test points: success and accuracy may
        differ by a hundredth, which is half of the margin within which areas tie.
        """
        wrong = set(self.differences) - set(OUTCOME)
        return not wrong and all(
            abs(self.published[name] - self.here[name]) <= CLOSE for name in OUTCOME
        )


def rerun(rows: list[Record]) -> list[Again]:
    """Run published trials again in this process, one thread, as they were."""
    again = []
    for row in rows:
        key = Key(*(row[name] for name in Key._fields))
        trial = Trial(
            parse(key.dataset, "datasets"),
            parse(key.learner, "learners"),
            parse(key.strategy, "strategies"),
            float(key.size),
            int(key.seed),
            key.validation,  # type: ignore[arg-type]
            key.groups,  # type: ignore[arg-type]
            key.recruitment,  # type: ignore[arg-type]
        )
        ((_, records),) = run_chunks(iter([[trial]]))
        again.append(Again(row, records[0]))
    return again
