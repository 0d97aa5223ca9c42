"""The gate of claims about learners: those that a firm would deploy."""

import pandas as pd

from results.stats.gate import MARGIN
from results.studies.evidence import accuracy_less_erm
from results.studies.measures import Measure, matches


class LeftOut(Exception):
    """The reason for which a claim is not judged on a data set."""


def gated(of: Measure, data: str, learner: str) -> Measure:
    """Return a measure that leaves a data set out where the learner is less accurate than ERM.

    A learner that loses more than ``MARGIN`` of ERM's accuracy without a collective is one that
    no firm would deploy, and its success curve says nothing about what collectives meet.

    Arguments:
        of: The measure.
        data: The spec of the data set.
        learner: The spec of the learner.
    """

    def measured(records: pd.DataFrame) -> pd.Series:
        here = [text for text in records["dataset"].unique() if matches(text, data)]
        for text in records["learner"].unique():
            less = accuracy_less_erm(records, here, text) if matches(text, learner) else 0.0
            # Accuracies are shares of test points, whose differences may be off by rounding.
            if less < -MARGIN - 1e-12:
                raise LeftOut(f"accuracy {less:+.3f} against ERM without a collective")
        return of(records)

    return Measure(measured)
