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
        elsewhere: The number of trials whose learner was measured on other datasets alone, whose
            points may take many times as long or as short.
    """

    seconds: float
    unknown: int
    elsewhere: int


def forecast(pairs: Counter[Pair], measured: Mapping[Pair, float]) -> Forecast:
    """Estimate the time of trials from the nearest trials that were measured.

    These are, if possible, of the learner on the dataset, or of other settings of its class there,
    or of the learner on other datasets, or of its class on these.

    Arguments:
        pairs: The number of trials of each learner on each dataset.
        measured: Seconds per trial: see :func:`rates`.

    Example:
        >>> pairs = Counter({("A()", "x"): 10, ("A()", "y"): 1, ("B()", "x"): 3, ("A(2)", "x"): 1})
        >>> forecast(pairs, {("A()", "x"): 2.0})
        Forecast(seconds=24.0, unknown=3, elsewhere=1)
    """
    times: dict[Pair, list[float]] = defaultdict(list)
    for pair, seconds in measured.items():
        for key in _keys(*pair):
            times[key].append(seconds)
    total, unknown, elsewhere = 0.0, 0, 0
    for pair, count in pairs.items():
        nearest = next((key for key in _keys(*pair) if key in times), None)
        if nearest is None:
            unknown += count
            continue
        total += count * sum(times[nearest]) / len(times[nearest])
        elsewhere += count * (nearest[1] != pair[1])
    return Forecast(total, unknown, elsewhere)


def _keys(learner: str, dataset: str) -> tuple[Pair, ...]:
    """Return the groups of measured trials that resemble one, the nearest first."""
    family = learner.partition("(")[0]
    return (learner, dataset), (family, dataset), (learner, ""), (family, "")


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
