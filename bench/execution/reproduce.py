"""Reruns of published trials, to compare them with their records."""

from typing import Any, NamedTuple

from bench.execution.backends import run_chunks
from bench.experiment.trial import Key, Record, Trial
from bench.records.published import CLOSE, OUTCOME, SAMPLE
from bench.spec.parsing import parse


class Again(NamedTuple):
    """A published trial and its rerun.

    Arguments:
        published: The published record.
        here: The record of the rerun.
    """

    published: Record
    here: Record

    @property
    def differences(self) -> dict[str, tuple[Any, Any]]:
        """The values that differ: field -> (published, here)."""
        names = (*SAMPLE, *OUTCOME, "status")
        return {
            name: (self.published[name], self.here.get(name))
            for name in names
            if self.published[name] != self.here.get(name)
        }

    @property
    def reproduced(self) -> bool:
        """Whether the rerun agrees with the published record.

        Samples are drawn by integer arithmetic and must be equal. The last digits of sums in
        training depend on the processor and on library versions, and so do the labels of a few
        test points. So success and accuracy may differ by a hundredth, which is half of the
        margin within which areas tie.
        """
        wrong = set(self.differences) - set(OUTCOME)
        return not wrong and all(
            abs(self.published[name] - self.here[name]) <= CLOSE for name in OUTCOME
        )


def rerun(rows: list[Record]) -> list[Again]:
    """Run published trials again in this process, on one thread."""
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
