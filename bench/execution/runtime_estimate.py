"""Estimates of the time that a run takes, from the times of earlier trials."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.records.columns import read

Pair = tuple[str, str]


def rates(path: Path) -> dict[Pair, float]:
    """Return the mean seconds of a good trial: (learner, dataset) -> seconds.

    Arguments:
        path: The file of records.
    """
    rows = read(path).select(["learner", "dataset", "status", "seconds"]).to_pandas()
    good = rows[(rows["status"] == "ok") & rows["seconds"].notna()]
    means = good.groupby(["learner", "dataset"], observed=True)["seconds"].mean()
    return {(str(l), str(d)): float(s) for (l, d), s in means.items()}


@dataclass(frozen=True)
class Forecast:
    """The estimated time of some trials.

    Arguments:
        seconds: Seconds of one core.
        unknown: The number of trials whose learner was never measured; the seconds lack them.
    """

    seconds: float
    unknown: int


def forecast(pairs: Counter[Pair], measured: Mapping[Pair, float]) -> Forecast:
    """Estimate the time of trials, as measured on their dataset or else on the other datasets.

    Arguments:
        pairs: The number of trials of each learner on each dataset.
        measured: Seconds per trial: see :func:`rates`.

    Example:
        >>> forecast(Counter({("A", "x"): 10, ("A", "y"): 1, ("B", "x"): 3}), {("A", "x"): 2.0})
        Forecast(seconds=22.0, unknown=3)
    """
    elsewhere = defaultdict(list)
    for (learner, _), seconds in measured.items():
        elsewhere[learner].append(seconds)
    total, unknown = 0.0, 0
    for pair, count in pairs.items():
        if pair in measured:
            total += count * measured[pair]
        elif times := elsewhere.get(pair[0]):
            total += count * sum(times) / len(times)
        else:
            unknown += count
    return Forecast(total, unknown)


def format_duration(seconds: float) -> str:
    """Return a duration in words.

    Example:
        >>> format_duration(42), format_duration(600), format_duration(36000)
        ('42 seconds', '10 minutes', '10 hours')
    """
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} seconds"
