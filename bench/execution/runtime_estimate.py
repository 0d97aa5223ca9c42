"""How long what is left will take, from what was measured."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.records.columns import read

Pair = tuple[str, str]


def rates(path: Path) -> dict[Pair, float]:
    """(learner, dataset) -> seconds that one of its good trials took, in the mean."""
    rows = read(path).select(["learner", "dataset", "status", "seconds"]).to_pandas()
    good = rows[(rows["status"] == "ok") & rows["seconds"].notna()]
    means = good.groupby(["learner", "dataset"], observed=True)["seconds"].mean()
    return {(str(l), str(d)): float(s) for (l, d), s in means.items()}


@dataclass(frozen=True)
class Forecast:
    """The time that trials will take.

    Arguments:
        seconds: Of one core.
        unknown: Trials of learners that were never measured; they are not counted.
    """

    seconds: float
    unknown: int


def forecast(pairs: Counter[Pair], measured: Mapping[Pair, float]) -> Forecast:
    """What trials will take: as measured on the dataset, or else on the others.

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
        elif found := elsewhere.get(pair[0]):
            total += count * sum(found) / len(found)
        else:
            unknown += count
    return Forecast(total, unknown)


def spoken(seconds: float) -> str:
    """A duration, as one says it.

    Example:
        >>> spoken(42), spoken(600), spoken(36000)
        ('42 seconds', '10 minutes', '10 hours')
    """
    for unit, length in (("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} seconds"
