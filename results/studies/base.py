"""Studies, their claims, and the rule by which a claim holds, fails, or stays undecided."""

import bisect
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import results.studies
from bench.core.errors import BenchError, unknown
from bench.datasets.base import has_files
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
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
    t_quantile,
)
from results.stats.verdicts import POWER
from results.studies.evidence import evidence
from results.studies.measures import Measure, records_read

#: The level of the tests of claims.
LEVEL = 0.05
Word = Literal["holds", "fails", "undecided"]
#: From records to a figure, and the table that it draws.
Drawing = Callable[[pd.DataFrame], tuple[Figure, pd.DataFrame]]


@dataclass(frozen=True)
class Verdict:
    """The verdict on a claim, by records.

    Arguments:
        verdict: The verdict in a word.
        effect: The mean effect over seeds.
        low: The lower end of its 95 % interval.
        high: The upper end.
        interval: How the interval was made, see :class:`results.stats.intervals.Interval`.
        seeds: The number of seeds.
        needed: How many seeds would decide it with power .8, if these are typical ones; inf, if
            no number up to ten thousand would; NaN where it is decided.
    """

    verdict: Word
    effect: float
    low: float
    high: float
    interval: Kind
    seeds: int
    needed: float


@dataclass(frozen=True)
class Claim:
    r"""A sentence, and the effect that would make it true.

    An effect is one number a seed. With the 95 % interval I of its mean over seeds and the
    claimed region R, the claim

    .. math::
        \text{holds if } I \subset R, \qquad \text{fails if } I \cap R = \emptyset,
        \qquad \text{is undecided otherwise.}

    The intervals are those of :mod:`results.stats.intervals`, which change continuously where
    seeds agree. They are not widened for the number of claims of a study.

    Arguments:
        says: The sentence.
        effect: The meaning of the effect, in words.
        measure: The map from records to the effect at each seed.
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
    measure: Measure
    region: tuple[float, float] = (0.0, inf)
    scale: Literal["share", "difference", "decades"] = "difference"
    cause: str = ""
    sanity: bool = False
    p: Callable[[pd.DataFrame], float] | None = None
    paper_data: tuple[str, ...] = ()

    def judge(self, records: pd.DataFrame) -> Verdict:
        """Return the verdict on records; seeds with a missing or failed trial don't count.

        Arguments:
            records: One row a trial.

        Raises:
            BenchError: If the claim is about no records, or about more than one cell.
        """
        try:
            values = self.measure(records).dropna().to_numpy(float)
        except BenchError as error:
            raise BenchError(f"the claim {self.says!r} cannot be judged: {error}") from error
        mean, low, high, kind = self._interval(values)
        word = ruling((low, high), self.region)
        if word == "holds" and self.p is not None and not self.p(records) <= LEVEL:
            # More seeds of the same learners would not decide it.
            return Verdict("undecided", mean, low, high, kind, len(values), inf)
        needed = self._needed(values) if word == "undecided" else float("nan")
        return Verdict(word, mean, low, high, kind, len(values), needed)

    def _interval(self, values: Array) -> Interval:
        kinds = {"share": bounded, "difference": signed, "decades": decades}
        return kinds[self.scale](values)

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
            prior = PRIOR_DECADES**2 if self.scale == "decades" else share_prior(size, n)
            half = float(half_width(variance, prior, n))
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


@dataclass(frozen=True)
class Study:
    """A paper: its grid, its figures and its claims.

    Arguments:
        paper: Title, authors and year.
        link: The address of the paper.
        parts: The parts of its grid, by whether they are those of the quick version.
        claims: Its claims.
        figures: Its figures by name.
        tables: Specs of the data sets that the study uses where their files are there.
    """

    paper: str
    link: str
    parts: Callable[[bool], tuple[Part, ...]]
    claims: tuple[Claim, ...]
    figures: Mapping[str, Drawing]
    tables: tuple[str, ...] = ()

    def left_out(self) -> list[str]:
        """Return the specs of the data sets whose files are missing."""
        return [text for text in self.tables if not has_files(parse(text, "datasets"))]

    def grid(self, name: str, quick: bool = False) -> Grid:
        """Return its grid, with all specs written out.

        Arguments:
            name: The name of the grid.
            quick: Whether it is that of the quick version.
        """
        return Grid(name, self.parts(quick)).written_out()

    def verdicts(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each claim.

        Arguments:
            records: One row a trial.

        Returns:
            ``claim``, marked where it is a sanity check; the fields of a :class:`Verdict`;
            ``measured``, the meaning of the effect; ``above`` and ``below``, between which it is
            claimed to be; ``scale``; ``cause``, the likely cause where the claim fails; and the
            columns of :func:`results.studies.evidence.evidence`, on which data and with which
            learners the claim was judged.
        """
        rows = []
        for claim in self.claims:
            with records_read() as read:
                verdict = claim.judge(records)
            seen = pd.concat(read) if read else records.iloc[:0]
            rows.append(
                {
                    "claim": f"Sanity check: {claim.says}" if claim.sanity else claim.says,
                    **vars(verdict),
                    "measured": claim.effect,
                    "above": claim.region[0],
                    "below": claim.region[1],
                    "scale": claim.scale,
                    "cause": claim.cause if verdict.verdict == "fails" else "",
                    **evidence(seen, records, claim.paper_data),
                }
            )
        return pd.DataFrame(rows)


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


def studies() -> dict[str, Study]:
    """Return all studies by name: those of this package's modules."""
    named = {}
    for module in pkgutil.iter_modules(results.studies.__path__):
        study = getattr(
            importlib.import_module(f"{results.studies.__name__}.{module.name}"), "STUDY", None
        )
        if study is not None:
            named[module.name.replace("_", "-")] = study
    return named


def load(name: str) -> Study:
    """Return the study of a name.

    Raises:
        BenchError: If there is none.
    """
    named = studies()
    if name not in named:
        raise unknown("study", name, named)
    return named[name]
