"""Claims, and the rule by which a claim holds, fails, or stays undecided."""

import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import Literal

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from results.display_names import parse
from results.stats.intervals import (
    MOST,
    PRIOR_DECADES,
    ROUNDING,
    Array,
    Interval,
    Kind,
    bounded,
    decades,
    half_width,
    share_prior,
    signed,
    squared_error,
    t_quantile,
)
from results.stats.meta_analysis import combine
from results.stats.verdicts import POWER
from results.studies.gate import LeftOut
from results.studies.measures import Measure, matches

#: The level of the tests of claims.
LEVEL = 0.05
Word = Literal["holds", "fails", "undecided", "left out"]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, by records.

    Arguments:
        verdict: The verdict in a word.
        effect: The mean effect, over seeds, or over data sets.
        low: The lower end of its 95 % interval.
        high: The upper end.
        interval: How the interval was made, see :class:`results.stats.intervals.Interval`.
        seeds: The number of seeds, on the data set that has fewest.
        needed: How many seeds would decide it with power .8, if these are typical ones; inf, if
            no number up to ten thousand would; NaN where it is decided, or is about data sets.
        data_sets: The number of data sets.
        reason: Why a claim is left out.
    """

    verdict: Word
    effect: float
    low: float
    high: float
    interval: Kind
    seeds: int
    needed: float
    data_sets: int = 1
    reason: str = ""


@dataclass(frozen=True)
class OverData:
    """A measure on each of several data sets, for a claim that speaks of all of them.

    Arguments:
        of: The map from the spec of a data set to the measure on it.
        data: The specs. Those without records, whose files are missing, don't count.
        optional: Whether the claim is left out where none has records.
    """

    of: Callable[[str], Measure]
    data: tuple[str, ...]
    optional: bool = False

    def on(self, records: pd.DataFrame) -> dict[str, Measure]:
        """Return the measure on each data set of the records, by its class, or by its spec.

        Raises:
            BenchError: If the records have none of the data sets.
            LeftOut: If they have none, and the data sets are optional.
        """
        there = records["dataset"].unique() if len(records) else ()
        known = [spec for spec in self.data if any(matches(text, spec) for text in there)]
        if not known and self.optional:
            raise LeftOut(
                f"no records of {' or '.join(self.data)}: files are missing, or the quick version "
                "leaves it out"
            )
        if not known:
            raise BenchError(f"no record is of {', '.join(self.data)}; there are {[*there]}")
        classes = [parse(spec)[0] for spec in known]
        return {
            name if classes.count(name) == 1 else spec: self.of(spec)
            for name, spec in zip(classes, known, strict=True)
        }


def where_there(measure: Measure, data: str) -> OverData:
    """Return a measure on one data set, for a claim that is left out where it has no records."""
    return OverData(lambda _: measure, (data,), optional=True)


@dataclass(frozen=True)
class Claim:
    r"""A sentence, and the effect that would make it true.

    An effect is one number a seed. With the 95 % interval I of its mean over seeds and the
    claimed region R, the claim

    .. math::
        \text{holds if } I \subset R, \qquad \text{fails if } I \cap R = \emptyset,
        \qquad \text{is undecided otherwise.}

    The intervals are those of :mod:`results.stats.intervals`, which change continuously where
    seeds agree. Where several data sets carry the claim, the interval is that of the mean over
    data sets (:mod:`results.stats.meta_analysis`), by the same rule; data sets with a single seed,
    and those that are left out, don't count. Intervals are not widened for the number of claims of
    a study.

    Arguments:
        says: The sentence.
        effect: The meaning of the effect, in words.
        measure: The map from records to the effect at each seed; on each of several data sets, if
            the claim is about all of them.
        region: The open range that the sentence claims for the effect.
        scale: Whether the effect is a share, from 0 to 1, a difference of shares, from -1 to 1,
            or a number of decades.
        cause: The likely cause, should the claim fail.
        sanity: Whether the claim is true by construction, whatever the data. It then checks the
            program, and is no finding.
        p: A test from records to p. With a p above .05 the claim is undecided, wherever the
            interval lies. Seeds alone do not decide a claim about learners: theirs are few.
        paper_data: The classes of data on which, or on the kind of which, the paper itself makes
            the claim. On these data the claim is a replication, on others an analogy.
    """

    says: str
    effect: str
    measure: Measure | OverData
    region: tuple[float, float] = (0.0, inf)
    scale: Literal["share", "difference", "decades"] = "difference"
    cause: str = ""
    sanity: bool = False
    p: Callable[[pd.DataFrame], float] | None = None
    paper_data: tuple[str, ...] = ()

    def lines(self, records: pd.DataFrame) -> list["Claim"]:
        """Return the claim for each data set alone; none if it is about a single one."""
        if isinstance(self.measure, Measure):
            return []
        try:
            named = self.measure.on(records)
        except LeftOut:
            return []
        alone = [replace(self, says=f"on {name}", measure=of) for name, of in named.items()]
        return alone if len(alone) > 1 else []

    def judge(self, records: pd.DataFrame) -> Verdict:
        """Return the verdict on records; seeds with a missing or failed trial don't count.

        Arguments:
            records: One row a trial.

        Raises:
            BenchError: If the claim is about no records, or about more than one cell.
        """
        try:
            return self._verdict(records)
        except LeftOut as left_out:
            nan = float("nan")
            return Verdict("left out", nan, nan, nan, "none", 0, nan, reason=str(left_out))
        except BenchError as error:
            raise BenchError(f"the claim {self.says!r} cannot be judged: {error}") from error

    def _verdict(self, records: pd.DataFrame) -> Verdict:
        if isinstance(self.measure, OverData):
            return self._over_data(self.measure.on(records), records)
        values = self._values(self.measure, records)
        mean, low, high, kind = self._interval(values)
        word = ruling((low, high), self.region)
        if word == "holds" and self.p is not None and not self.p(records) <= LEVEL:
            # More seeds of the same learners would not decide it.
            return Verdict("undecided", mean, low, high, kind, len(values), inf)
        needed = self._needed(values) if word == "undecided" else float("nan")
        return Verdict(word, mean, low, high, kind, len(values), needed)

    def _over_data(self, named: dict[str, Measure], records: pd.DataFrame) -> Verdict:
        """Return the verdict over data sets; that of the data set where there is only one."""
        columns, reasons = [], []
        for measure in named.values():
            try:
                columns.append(self._values(measure, records))
            except LeftOut as left_out:
                reasons.append(str(left_out))
        if not columns:
            raise LeftOut("; ".join(dict.fromkeys(reasons)))
        if len(named) == 1:
            return replace(self, measure=next(iter(named.values())))._verdict(records)
        counted = [values for values in columns if len(values) > 1]
        effects = np.array([values.mean() for values in counted])
        errors = np.array([self._squared_error(values) for values in counted])
        mean, low, high, kind = combine(effects, errors)
        word = ruling((low, high), self.region)
        seeds = min(map(len, counted), default=0)
        return Verdict(word, mean, low, high, kind, seeds, float("nan"), len(counted))

    @staticmethod
    def _values(measure: Measure, records: pd.DataFrame) -> Array:
        return measure(records).dropna().to_numpy(float)

    def _interval(self, values: Array) -> Interval:
        kinds = {"share": bounded, "difference": signed, "decades": decades}
        return kinds[self.scale](values)

    def _prior(self, size: float, seeds: int) -> float:
        """Return the prior variance between seeds, by the mean absolute effect."""
        return PRIOR_DECADES**2 if self.scale == "decades" else float(share_prior(size, seeds))

    def _squared_error(self, values: Array) -> float:
        """Return the squared standard error of the mean that the interval over seeds has."""
        prior = self._prior(float(np.abs(values).mean()), len(values))
        return float(squared_error(values.var(ddof=1), prior, len(values)))

    def _needed(self, values: Array) -> float:
        """Return how many seeds would decide, if the others were like these.

        The interval of so many seeds, shifted by the power's quantile of the mean, has to lie on
        one side.
        """
        if len(values) < 2:
            return float("nan")
        mean, variance = float(values.mean()), float(values.var(ddof=1))
        variance = 0.0 if variance <= ROUNDING**2 else variance
        size = float(np.abs(values).mean())

        def decided(n: int) -> bool:
            half = float(half_width(variance, self._prior(size, n), n))
            half += float(t_quantile(POWER, n - 1)) * (variance / n) ** 0.5
            return ruling((mean - half, mean + half), self.region) != "undecided"

        counts = range(2, MOST + 1)
        place = bisect.bisect_left(counts, True, key=decided)
        return float(counts[place]) if place < len(counts) else inf


def ruling(interval: tuple[float, float], region: tuple[float, float]) -> Word:
    """Return the verdict on an interval by a claimed region.

    Arguments:
        interval: Its ends, NaN if there is none.
        region: The ends of the open range that is claimed.

    Example:
        >>> [ruling(i, (0.0, inf)) for i in ((0.1, 0.3), (-0.3, -0.1), (-0.1, 0.1))]
        ['holds', 'fails', 'undecided']
    """
    (low, high), (bottom, top) = interval, region
    if bottom < low and high < top:
        return "holds"
    return "fails" if high <= bottom or top <= low else "undecided"


def format_range(region: tuple[float, float]) -> str:
    """Return a range in words.

    Example:
        >>> format_range((0.0, inf)), format_range((-0.02, inf)), format_range((-0.1, 0.1))
        ('above 0', 'above -0.02', 'between -0.1 and 0.1')
    """
    bottom, top = region
    if top == inf:
        return f"above {bottom:g}"
    return f"below {top:g}" if bottom == -inf else f"between {bottom:g} and {top:g}"
