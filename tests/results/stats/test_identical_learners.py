"""Two copies of one learner: how often a comparison tells them apart."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.stats.paired import compare
from tests.helpers.curves import records_of

SIZES = np.concatenate([[0.0], np.logspace(-3, 0, 9)])
SHAPES = ["sigmoid", "staircase", "hump", "plateau"]


def copies(kind: str, rng: np.random.Generator, seeds: int) -> pd.DataFrame:
    """Two learners of one law: a seed shifts both alike, and each of them a little more."""
    shared = rng.normal(0, 0.2, (seeds, 1))
    curves = {}
    for learner in ("A()", "B()"):
        x = np.log10(SIZES[1:]) + 1.5 + shared + rng.normal(0, 0.15, (seeds, 1))
        rising = 1 / (1 + np.exp(-4 * x))
        shape = {
            "sigmoid": rising,
            "staircase": np.floor(4 * rising) / 4,
            "hump": np.exp(-(x**2)),
            "plateau": (x > 0).astype(float),
        }[kind]
        drawn = np.clip(shape + rng.normal(0, 0.02, x.shape), 0, 1)
        curves[learner] = np.c_[np.zeros(seeds), drawn]
    return records_of(curves, SIZES)


def two_tasks(kind: str, rng: np.random.Generator, seeds: int) -> pd.DataFrame:
    """The same two on two datasets."""
    there = copies(kind, rng, seeds).assign(dataset="E()")
    return pd.concat([copies(kind, rng, seeds), there])


def told_apart(
    kind: str, seeds: int, times: int, drawn: Callable[..., pd.DataFrame] = copies
) -> dict[str, int]:
    """Of so many comparisons of two copies, those with a win or a loss, by measure."""
    rng = np.random.default_rng([seeds, SHAPES.index(kind)])
    found = dict.fromkeys(("success", "area", "critical", "any"), 0)
    for _ in range(times):
        table = compare(drawn(kind, rng, seeds), "A()")
        wrong = set(table.loc[table["verdict"].isin(["win", "loss"]), "measure"])
        for measure in wrong | ({"any"} if wrong else set()):
            found[measure] += 1
    return found


def check(kind: str, seeds: int, times: int, drawn: Callable[..., pd.DataFrame] = copies) -> None:
    """Of all that is read together, at most one in twenty says that there is a difference."""
    found = told_apart(kind, seeds, times, drawn)
    assert found["any"] <= stats.binom.ppf(0.999, times, 0.05), found


@pytest.mark.slow
def test_copies_are_seldom_told_apart() -> None:
    check("staircase", 8, 60)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 6, 8, 10, 12])
@pytest.mark.parametrize("kind", SHAPES)
def test_copies_differ_in_at_most_one_of_twenty_comparisons(kind: str, seeds: int) -> None:
    check(kind, seeds, 400)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES)
def test_copies_are_told_apart_no_more_often_on_two_datasets(kind: str) -> None:
    check(kind, 8, 150, two_tasks)
