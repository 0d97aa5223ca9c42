"""Fairness by relabelling: a minority narrows the gap between the rates of two groups.

References:
    | Fairness for the People, by the People: Minority Collective Action (Ben-Dov et al., 2025)
    | https://arxiv.org/abs/2508.15374
"""

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench.datasets.base import has_files
from bench.spec.grid import Part
from bench.spec.parsing import parse
from results.display_names import display
from results.display_names import parse as parsed
from results.plots.axes import entitle, legend, small_multiples
from results.plots.learner_styles import COLOURS, MARKERS
from results.plots.style import styled
from results.studies.base import Claim, Study
from results.studies.claims import OverData
from results.studies.measures import Measure, pick, success

#: Tables about people, with the signal that moves a person into the majority.
TABLES = (
    "Adult(mark='sex=Male')",
    "Compas(mark='race=Caucasian')",
    "LawSchool(mark='race=White', outcome='grade')",
)
PEOPLE = tuple(text.split("(")[0] for text in TABLES)
#: Without a table: points whose signal bit raises the chance of the good label, which is 0.
GENERATED, GOOD = "Coins(overlap=0.7, gap=0.8)", 0
LEARNERS = ("LogisticRegression", "ERM")
GUIDED = ("label", "probability", "distance")
RANKINGS = ("random", *GUIDED)
#: A uniform sample of all people is one of the minority: sizes are shares of the minority, too.
SIZES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
SOME, BEST, BEYOND, MOST = (0.1, 0.5), (0.2, 0.3), (0.75, 1.0), 0.3
HALF, ALL = 0.5, 1.0
GAP, ERROR = "measure_odds_gap", "measure_error"
SMALL = 0.02


def parts(quick: bool) -> tuple[Part, ...]:
    """Rankings by which half of the candidates relabel, and relabelling of all candidates."""
    there = tuple(text for text in TABLES if has_files(parse(text, "datasets")))
    label = "" if there else f", label={GOOD}"
    ways = (*((ranking, HALF) for ranking in RANKINGS), ("random", ALL))
    strategies = tuple(
        f"MinorityRelabel(ranking={ranking!r}, budget={budget}{label})" for ranking, budget in ways
    )
    return (Part(there or (GENERATED,), LEARNERS, strategies, SIZES, 3 if quick else 10),)


def _relabelling(ranking: str, budget: float) -> str:
    return f"MinorityRelabel(ranking={ranking!r}, budget={budget})"


def _at(
    data: str,
    size: float | tuple[float, float],
    value: str,
    learner: str,
    ranking: str = "random",
    budget: float = ALL,
) -> Measure:
    """Return a mean over sizes; by default, of a collective whose candidates all relabel."""
    strategy = _relabelling(ranking, budget)
    return success(size, dataset=data, learner=learner, strategy=strategy, value=value)


def _over(of: Callable[[Callable[..., Measure]], Measure]) -> OverData:
    """Return a measure on each data set, made of means at it."""
    return OverData(lambda data: of(partial(_at, data)), (*PEOPLE, GENERATED.split("(")[0]))


def _gain(learner: str, ranking: str, at: Callable[..., Measure]) -> Measure:
    """Return what a ranking takes off the gap, beyond what random labels do."""
    return at(SOME, GAP, learner, "random", HALF) - at(SOME, GAP, learner, ranking, HALF)


def _claims(learner: str) -> tuple[Claim, ...]:
    return (
        Claim(
            f"A part of the minority reduces unfairness by relabelling ({learner}).",
            f"equalised-odds gap: without a collective, less at {MOST:.0%} of the people",
            _over(lambda at: at(0.0, GAP, learner) - at(MOST, GAP, learner)),
            paper_data=PEOPLE,
        ),
        Claim(
            f"The error grows little, by less than {SMALL:g} ({learner}).",
            f"error rate: at {MOST:.0%} of the people, less without a collective; the limit "
            f"of {SMALL:g} is this study's",
            _over(lambda at: at(MOST, ERROR, learner) - at(0.0, ERROR, learner)),
            region=(-inf, SMALL),
            paper_data=PEOPLE,
        ),
        Claim(
            f"A collective of most of the minority overshoots: the gap grows again ({learner}).",
            "equalised-odds gap: at 75 to 100 % of the people, less at 20 to 30 %",
            _over(lambda at: at(BEYOND, GAP, learner) - at(BEST, GAP, learner)),
        ),
        *(
            Claim(
                f"Of equally many labels, those ranked by {ranking} reduce the gap more than "
                f"random ones ({learner}).",
                "equalised-odds gap at 10 to 50 %, half of the candidates relabel: random less "
                f"by {ranking}",
                _over(partial(_gain, learner, ranking)),
                paper_data=PEOPLE,
            )
            for ranking in GUIDED
        ),
    )


def _frontier(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of fairness gap against error, and the table that it draws."""
    chosen = pick(records, strategy="MinorityRelabel")
    by = chosen.assign(way=chosen["strategy"].map(_way)).groupby(
        ["dataset", "learner", "way", "size"]
    )
    means = by.agg(error=(ERROR, "mean"), odds_gap=(GAP, "mean"), seeds=(GAP, "count"))
    means = means.reset_index()
    return _plot(means), means


def _way(strategy: str) -> str:
    """Return in words which candidates relabel: the good label differs between data sets."""
    fields = parsed(strategy)[1]
    if float(fields["budget"]) == ALL:
        return "all"
    return f"half, by {fields['ranking'].strip(chr(39))}".replace("by random", "at random")


@styled
def _plot(table: pd.DataFrame) -> Figure:
    """Draw the equalised-odds gap against the error, a curve a strategy over sizes."""
    tasks = list(table.groupby(["dataset", "learner"]))
    figure, grid = small_multiples(len(tasks), len(LEARNERS))
    data, short = display(table["dataset"]), display(table["learner"])
    ways = sorted(table["way"].unique())
    for axes, ((where, learner), task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(where)], short[str(learner)]])
        for i, way in enumerate(ways):
            curve = task[task["way"] == way].sort_values("size")
            look: dict[str, Any] = {"color": COLOURS[i], "marker": MARKERS[i], "markersize": 3}
            axes.plot(curve["error"], curve["odds_gap"], **look)
        axes.set_xlabel("error rate")
        axes.set_ylabel("equalised-odds gap")
    legend(figure, list(grid[0].lines), ways)
    return figure


STUDY = Study(
    paper="Fairness for the People, by the People: Minority Collective Action "
    "(Ben-Dov et al., 2025)",
    link="https://arxiv.org/abs/2508.15374",
    parts=parts,
    claims=tuple(claim for learner in LEARNERS for claim in _claims(learner)),
    figures={"fairness": _frontier},
    tables=TABLES,
)
