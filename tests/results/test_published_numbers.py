"""The numbers with intervals in README and docs are those of published records."""

import itertools
import re
from functools import cache
from pathlib import Path

import pytest

import run_bench
from bench.cli.publish import of_strategy, unsuited
from bench.records import published
from results.display_names import parse
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.effects import PEOPLE, effects
from results.stats.frames import without_averages
from results.stats.frontier import frontier, over_datasets
from results.stats.gate import erm_of
from results.stats.intervals import signed
from results.stats.values import with_value

ROOT = Path(run_bench.__file__).parent
#: A mean with the ends of its interval, such as "+.16 [.03, .29]".
NUMBER = re.compile(r"([+-]?\d*\.?\d+)(?: people)? \[([^\]\d]*[\d.]+), ([^\]\d]*[\d.]+)\]")
#: Page -> the grids from whose records its numbers are; the part of it that says numbers.
PAGES = {
    "README.md": (("learners", "benchmark"), ("## What was found", "## Documentation")),
    "docs/results/benchmark.md": (("benchmark",), ("# The benchmark", "## Sittings")),
    "docs/results/learners.md": (("learners",), ("# Learners", "## Causes")),
}


def triple(*texts):
    """Return a mean and two ends at two digits, whatever way they are written in."""
    ends = [(text[:1] if text[:1] in "<>" else "", text.lstrip("<> ")) for text in texts]
    return tuple((mark, round(float(number), 2) + 0.0) for mark, number in ends)


def numbers_of(page):
    """Return the numbers that a page says, as they are written."""
    first, last = PAGES[page][1]
    text = (ROOT / page).read_text(encoding="utf-8").replace("\N{MINUS SIGN}", "-")
    part = re.sub(r"\s+", " ", text[text.index(first) : text.index(last)])
    return NUMBER.findall(part)


@cache
def classes(grid):
    """Return the classes of strategies in the published records of a grid, FeatureLabel first."""
    found = {parse(text)[0] for text in published.read(grid)[0]["strategy"].unique()}
    return sorted(found, key=lambda name: (name != "FeatureLabel", name))


@cache
def records_of(grid, strategy):
    """Return the published records of a strategy, with the value that commands report."""
    return with_value(of_strategy(published.read(grid)[0], strategy))


def rounded(numbers):
    """Return the rows of a table of means and ends as they are written."""
    return {triple(*(f"{n:.2f}" for n in row)) for row in numbers.to_numpy()}


@cache
def pooled(grid, strategy):
    """Return the numbers that the command effects prints."""
    records = records_of(grid, strategy)
    table = effects(records, outside=unsuited(records)).dropna(subset="effect")
    numbers = table[["effect", "low", "high"]]
    return rounded(numbers.mask(table["place"] == PEOPLE, 10.0**numbers))


@cache
def distances(grid, strategy):
    """Return the numbers that the command frontier prints, if tuning trials are published."""
    tuning = published.read_tuning(grid)
    # Learners are tuned where the collective follows the first of the strategies.
    if tuning is None or strategy != classes(grid)[0]:
        return set()
    table = over_datasets(frontier(with_value(tuning[0])))
    return rounded(table[["above", "low", "high"]])


@cache
def masses(grid, strategy):
    """Return the critical masses that the command leaderboard prints."""
    return masses_in(records_of(grid, strategy))


@cache
def masses_of_few(grid, strategy):
    """Return those of the learners that pages say most of, which take less time."""
    records = records_of(grid, strategy)
    learners = records["learner"].unique()
    few = [text for text in learners if parse(text)[0] == "QDA"]
    return masses_in(records[records["learner"].isin([*few, erm_of(learners)])])


def masses_in(records):
    """Return the critical masses of records."""
    texts = critical_mass(success_curves(without_averages(records)), 0.5, records)["text"]
    return {triple(*m) for text in texts for m in NUMBER.findall(text)}


@cache
def differences(grid, strategy):
    """Return the difference of each learner from ERM at each size, as compare prints it.

    Intervals take time, so that differences with means that no page has are left out.
    """
    means = {triple(mean)[0] for page in PAGES for mean, *_ in numbers_of(page)}
    erm, found = cache(lambda learners: erm_of(list(learners))), set()
    for _, task in records_of(grid, strategy).groupby(["dataset", "strategy", "size"]):
        wide = task.pivot(index="seed", columns="learner", values="success")
        less = wide.sub(wide[erm(tuple(wide.columns))], axis=0)
        for learner, mean in less.mean().items():
            if triple(f"{mean:.2f}")[0] in means:
                mean, low, high, _ = signed(less[learner].dropna().to_numpy())
                found.add(triple(f"{mean:.2f}", f"{low:.2f}", f"{high:.2f}"))
    return found


#: Commands and their numbers: those that take least time for the numbers of the pages come first.
COMMANDS = (pooled, distances, masses_of_few, masses, differences)


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_those_that_commands_print(page):
    unknown = numbers_of(page)
    assert len(unknown) > 5
    for command, grid in itertools.product(COMMANDS, PAGES[page][0]):
        for strategy in classes(grid):
            # A command takes seconds, and runs only for numbers that no other one prints.
            if unknown:
                printed = command(grid, strategy)
                unknown = [number for number in unknown if triple(*number) not in printed]
    assert not [f"{a} [{b}, {c}]" for a, b, c in unknown]
