"""The coverage of intervals for a mean of shares, over laws between seeds.

``python -m tests.results.stats.test_interval_coverage`` prints the table of the documentation.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.stats.intervals import Array, bounded

SEEDS = (3, 5, 10)


class Law(NamedTuple):
    """A law of success between seeds.

    Arguments:
        draw: The map from a generator and a shape to values.
        mean: The mean.
        least: The least coverage with 3, 5 and 10 seeds.
    """

    draw: Callable[[np.random.Generator, tuple[int, int]], Array]
    mean: float
    least: tuple[float, float, float]


def two_points(low: float, high: float, p: float, least: tuple[float, float, float]) -> Law:
    """Return the law that is ``high`` with probability p, else ``low``."""
    return Law(
        lambda rng, shape: np.where(rng.random(shape) < p, high, low),
        low + p * (high - low),
        least,
    )


def normal(mean: float, spread: float, least: tuple[float, float, float]) -> Law:
    """Return a normal law, cut to the shares; its mean is that of a large sample."""

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.clip(rng.normal(mean, spread, shape), 0, 1)

    return Law(draw, float(draw(np.random.default_rng(0), (1000, 1000)).mean()), least)


STEPS = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
LAWS = {
    "all seeds alike": normal(0.3, 0.0, (1.0, 1.0, 1.0)),
    "nearly alike, normal .999 +- .001": normal(0.999, 0.001, (0.99, 0.99, 0.99)),
    "normal .5 +- .02": normal(0.5, 0.02, (0.99, 0.99, 0.99)),
    "normal .5 +- .1": normal(0.5, 0.1, (0.98, 0.96, 0.95)),
    "normal .9 +- .1, cut at 1": normal(0.9, 0.1, (0.96, 0.94, 0.94)),
    "a staircase of five steps": Law(
        lambda rng, shape: rng.choice(STEPS, shape), 0.5, (0.86, 0.91, 0.93)
    ),
    "two steps, .5 or .75 (10 %)": two_points(0.5, 0.75, 0.1, (0.99, 0.99, 0.63)),
    "0 or 1 (50 %)": two_points(0, 1, 0.5, (0.73, 0.93, 0.87)),
    "0 or 1 (20 %)": two_points(0, 1, 0.2, (0.46, 0.65, 0.88)),
    "0 or 1 (5 %)": two_points(0, 1, 0.05, (0.99, 0.22, 0.38)),
    "0 or 1 (2 %)": two_points(0, 1, 0.02, (0.99, 0.99, 0.17)),
}


def coverage(law: Law, seeds: int, times: int) -> float:
    """Return the share of intervals, each over so many seeds, that hold the mean of a law."""
    drawn = law.draw(np.random.default_rng(seeds), (times, seeds))
    ends = np.array([bounded(values)[1:3] for values in drawn])
    return float(((ends[:, 0] <= law.mean + 1e-9) & (law.mean <= ends[:, 1] + 1e-9)).mean())


def table(times: int = 10_000) -> pd.DataFrame:
    """Return the coverage of each law, a column a number of seeds."""
    rows = {name: [coverage(law, n, times) for n in SEEDS] for name, law in LAWS.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[f"{n} seeds" for n in SEEDS])


@pytest.mark.parametrize(
    "times", [150, pytest.param(5000, marks=pytest.mark.slow)], ids=["few", "many"]
)
@pytest.mark.parametrize("name", LAWS)
def test_intervals_cover_as_often_as_is_documented(name: str, times: int) -> None:
    law = LAWS[name]
    for seeds, least in zip(SEEDS, law.least, strict=True):
        held = round(coverage(law, seeds, times) * times)
        assert held >= stats.binom(times, least).ppf(1e-3), (name, seeds)


def test_the_ends_move_no_faster_than_a_seed() -> None:
    """Of random and of agreeing seeds, one moves by epsilon: so do the ends, times a constant."""
    rng = np.random.default_rng(0)
    for seeds in (2, 3, 5, 10):
        for spread in (0.0, 1e-13, 1e-9, 1e-4, 0.1):
            values = np.clip(rng.random() + spread * rng.normal(size=seeds), 0, 1)
            for epsilon in (1e-12, 1e-9, 1e-6, 1e-3):
                moved = values.copy()
                moved[0] += epsilon if values[0] < 0.5 else -epsilon
                one, two = bounded(values)[:3], bounded(moved)[:3]
                assert two == pytest.approx(one, rel=0, abs=20 * epsilon)


if __name__ == "__main__":
    print(table().round(3).to_string())
