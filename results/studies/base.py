"""What a study is, and the rule by which a claim holds, fails, or stays undecided."""

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
from bench.spec.grid import Grid, Part
from results.stats.intervals import Array, Interval, agree, bounded, signed, student
from results.stats.verdicts import MOST, reach
from results.studies.measures import Measure

Word = Literal["holds", "fails", "undecided"]
#: From records to a figure, and the table that it draws.
Drawing = Callable[[pd.DataFrame], tuple[Figure, pd.DataFrame]]


@dataclass(frozen=True)
class Verdict:
    """What records say of a claim.

    Arguments:
        verdict: In a word.
        effect: A mean over seeds.
        low: The lower end of its 95 % interval.
        high: The upper end.
        seeds: How many.
        needed: How many would decide it in four of five cases, if these are typical ones; inf,
            if no number up to ten thousand would; NaN where it is decided.
    """

    verdict: Word
    effect: float
    low: float
    high: float
    seeds: int
    needed: float


@dataclass(frozen=True)
class Claim:
    r"""A sentence, and what would make it true.

    An effect is one number a seed. With the 95 % interval I of its mean over seeds and the
    claimed region R, the claim

    .. math::
        \text{holds if } I \subset R, \qquad \text{fails if } I \cap R = \emptyset,
        \qquad \text{is undecided otherwise.}

    Each claim stands alone: intervals are not widened for the number of claims of a study.

    Arguments:
        says: The sentence.
        effect: What the number is, in words.
        measure: From records to the effect at each seed.
        region: The open range that the sentence claims for the effect.
        scale: Whether the effect is a share, from 0 to 1, a difference of shares, from -1 to 1,
            or any number.
        cause: What we think is the cause, should it fail.
    """

    says: str
    effect: str
    measure: Measure
    region: tuple[float, float] = (0.0, inf)
    scale: Literal["share", "difference", "number"] = "difference"
    cause: str = ""

    def judge(self, records: pd.DataFrame) -> Verdict:
        """The verdict on records; seeds at which a trial is missing or failed don't count.

        Raises:
            BenchError: If the claim is about no records, or about other ones than it seems to be.
        """
        try:
            values = self.measure(records).dropna().to_numpy(float)
        except BenchError as error:
            raise BenchError(f"the claim {self.says!r} cannot be judged: {error}") from error
        mean, low, high, _ = self._interval(values)
        word = ruling((low, high), self.region)
        needed = self._needed(values) if word == "undecided" else float("nan")
        return Verdict(word, mean, low, high, len(values), needed)

    def _interval(self, values: Array) -> Interval:
        kinds = {"share": bounded, "difference": signed, "number": _unbounded}
        return kinds[self.scale](values)

    def _needed(self, values: Array) -> float:
        """How many seeds would decide; where all agree, if all others agreed with them too."""
        if len(values) < 2:
            return float("nan")
        mean, spread = float(values.mean()), float(values.std(ddof=1))
        alike = agree(values)

        def decided(n: int) -> bool:
            if alike:
                _, low, high, _ = self._interval(np.full(n, values[0]))
            else:
                half = float(reach(spread, np.array(n)))
                low, high = mean - half, mean + half
            return ruling((low, high), self.region) != "undecided"

        counts = range(2, MOST + 1)
        place = bisect.bisect_left(counts, True, key=decided)
        return float(counts[place]) if place < len(counts) else inf


def ruling(interval: tuple[float, float], region: tuple[float, float]) -> Word:
    """The verdict on an interval (NaN at both ends, if there is none) by a claimed region.

    Example:
        >>> [ruling(i, (0.0, inf)) for i in ((0.1, 0.3), (-0.3, -0.1), (-0.1, 0.1))]
        ['holds', 'fails', 'undecided']
    """
    (low, high), (bottom, top) = interval, region
    if bottom < low and high < top:
        return "holds"
    return "fails" if high <= bottom or top <= low else "undecided"


def _unbounded(values: Array) -> Interval:
    """The interval of any numbers; without any spread there is no scale to go by."""
    alike = len(values) > 0 and agree(values)
    return student(values[:1] if alike else values)


@dataclass(frozen=True)
class Study:
    """A paper: what is run, what is drawn, what is claimed.

    Arguments:
        paper: Title, authors and year.
        link: Where it is.
        parts: The parts of its grid, of the quick version if asked.
        claims: Its claims.
        figures: Its figures by name.
    """

    paper: str
    link: str
    parts: Callable[[bool], tuple[Part, ...]]
    claims: tuple[Claim, ...]
    figures: Mapping[str, Drawing]

    def grid(self, name: str, quick: bool = False) -> Grid:
        """Its grid, with all specs written out."""
        return Grid(name, self.parts(quick)).written_out()

    def verdicts(self, records: pd.DataFrame) -> pd.DataFrame:
        """A row for each claim.

        Arguments:
            records: One row a trial.

        Returns:
            ``claim``, and all that a :class:`Verdict` says; ``measured``, what the effect is;
            ``above`` and ``below``, between which it is claimed to be; ``scale``; and ``cause``,
            what we think is the cause, where the claim fails.
        """
        rows = []
        for claim in self.claims:
            found = claim.judge(records)
            rows.append(
                {
                    "claim": claim.says,
                    **vars(found),
                    "measured": claim.effect,
                    **dict(zip(("above", "below"), claim.region, strict=True)),
                    "scale": claim.scale,
                    "cause": claim.cause if found.verdict == "fails" else "",
                }
            )
        return pd.DataFrame(rows)


def spoken(region: tuple[float, float]) -> str:
    """A range, as one says it.

    Example:
        >>> spoken((0.0, inf)), spoken((-0.02, inf)), spoken((-0.1, 0.1))
        ('above 0', 'above -0.02', 'between -0.1 and 0.1')
    """
    bottom, top = region
    if top == inf:
        return f"above {bottom:g}"
    return f"below {top:g}" if bottom == -inf else f"between {bottom:g} and {top:g}"


def studies() -> dict[str, Study]:
    """All studies by name: the modules of this package that have one."""
    found = {}
    for module in pkgutil.iter_modules(results.studies.__path__):
        study = getattr(
            importlib.import_module(f"{results.studies.__name__}.{module.name}"), "STUDY", None
        )
        if study is not None:
            found[module.name.replace("_", "-")] = study
    return found


def load(name: str) -> Study:
    """The study of a name."""
    found = studies()
    if name not in found:
        raise unknown("study", name, found)
    return found[name]
