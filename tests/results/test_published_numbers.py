"""The numbers with intervals in README and docs are those of published records."""

import re
from functools import cache
from pathlib import Path

import pytest

import run_bench
from bench.cli.publish import unsuited
from bench.records import published
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.effects import PEOPLE, effects
from results.stats.frontier import frontier, over_datasets
from results.stats.gate import erm_of
from results.stats.intervals import signed
from results.stats.values import with_value

ROOT = Path(run_bench.__file__).parent
#: A mean with the ends of its interval, such as "+.16 [.03, .29]".
NUMBER = re.compile(r"([+-]?\d*\.?\d+)(?: people)? \[([^\]\d]*[\d.]+), ([^\]\d]*[\d.]+)\]")
#: Page -> the grids from whose records its numbers are; the part of it that says numbers.
PAGES = {
    "README.md": (("benchmark", "learners"), ("## What was found", "## Documentation")),
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


def differences(records, means):
    """Yield the difference of each learner from ERM at each size, paired over seeds.

    Intervals take time, so that differences with other means are left out.
    """
    erm = cache(lambda learners: erm_of(list(learners)))
    for _, task in records.groupby(["dataset", "strategy", "size"]):
        wide = task.pivot(index="seed", columns="learner", values="success")
        less = wide.sub(wide[erm(tuple(wide.columns))], axis=0)
        for learner in less:
            values = less[learner].dropna().to_numpy()
            if triple(f"{values.mean():.2f}")[0] in means:
                mean, low, high, _ = signed(values)
                yield triple(f"{mean:.2f}", f"{low:.2f}", f"{high:.2f}")


@pytest.fixture(scope="module")
def said():
    """Return, by grid, the numbers that leaderboard, compare, effects and frontier print."""
    found, means = {}, {triple(m)[0] for page in PAGES for m, *_ in numbers_of(page)}
    for grid in {name for grids, _ in PAGES.values() for name in grids}:
        records = with_value(published.read(grid)[0])
        masses = critical_mass(success_curves(records), 0.5, records)["text"]
        texts = {triple(*m) for text in masses for m in NUMBER.findall(text)}
        table = effects(records, outside=unsuited(records)).dropna(subset="effect")
        people = table["place"] == PEOPLE
        numbers = table[["effect", "low", "high"]]
        numbers = numbers.mask(people, 10.0**numbers)
        pooled = {triple(*(f"{n:.2f}" for n in row)) for row in numbers.to_numpy()}
        found[grid] = texts | pooled | set(differences(records, means))
        if (tuning := published.read_tuning(grid)) is not None:
            distances = over_datasets(frontier(with_value(tuning[0])))
            numbers = distances[["above", "low", "high"]].to_numpy()
            found[grid] |= {triple(*(f"{n:.2f}" for n in row)) for row in numbers}
    return found


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_those_that_commands_print(page, said):
    numbers = numbers_of(page)
    assert len(numbers) > 5
    known = set.union(*(said[grid] for grid in PAGES[page][0]))
    wrong = [f"{a} [{b}, {c}]" for a, b, c in numbers if triple(a, b, c) not in known]
    assert not wrong
