"""Collective action at test time: a firm that never retrains, queried through a proxy.

The study follows the idea of Bhange et al. (2026), https://arxiv.org/abs/2605.27689, and is no
replication: see :mod:`bench.test_time.act`.
"""

from collections.abc import Callable
from math import inf

import pandas as pd
from matplotlib.figure import Figure

from bench.spec.grid import Grid, Part
from bench.test_time.act import ActionTrial
from results.plots.queries import plot_queries
from results.stats.queries import mean_success
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, success

DATA = ("Digits", "Gaussians(dimension=10)")
LEARNERS = ("LogisticRegression", "ERM", "CVaRDRO", "RandomForest", "BoostedTrees", "KNN")
#: The learners whose decisions are no smooth function of points.
ROUGH = ("RandomForest", "BoostedTrees", "KNN")
#: Numbers of queries. Of Digits members own 225 test points.
BUDGETS = (10, 20, 50, 100, 200)
#: The norm of perturbations, as a multiple of the distance of points from their mean.
RADIUS = 0.5
NAMES = (
    "none",
    "random",
    *(f"{name}_{budget}" for name in ("universal", "agreement") for budget in BUDGETS),
)
#: The columns of records that the claims read.
COLUMNS = tuple(f"measure_{name}" for name in NAMES)
#: By how much a learner may be worse and still counts as no safer.
MARGIN = 0.05


def parts(quick: bool) -> tuple[Part, ...]:
    """Firms that are trained on clean data."""
    return (Part(DATA, LEARNERS, ("Idle",), (0.0,), 3 if quick else 10),)


def measurements(quick: bool) -> tuple[ActionTrial, ...]:
    """The trials of the grid, each with all budgets and ways."""
    grid = Grid("action-at-test-time", parts(quick)).written_out()
    return tuple(ActionTrial(trial, BUDGETS, RADIUS) for trial in grid.trials())


def _mean(of: Callable[[str], Measure]) -> Measure:
    """Return the mean of a measure over all data sets, at each seed.

    The interval of a claim is over seeds, for these data sets: it says nothing of others.
    """

    def mean(records: pd.DataFrame) -> pd.Series:
        columns = [of(text)(records) for text in DATA]
        return pd.concat(columns, axis=1).mean(axis=1, skipna=False)

    return Measure(mean)


def _success(learner: str, name: str) -> Measure:
    return _mean(lambda data: success(0.0, dataset=data, learner=learner, value=f"measure_{name}"))


def _gain(learner: str) -> Measure:
    """Return what the largest budget adds to the success of points as they are."""
    return _success(learner, f"universal_{BUDGETS[-1]}") - _success(learner, "none")


def _claims(learner: str) -> tuple[Claim, ...]:
    return (
        Claim(
            f"Success grows with the number of queries ({learner}).",
            f"success: at {BUDGETS[-1]} queries, less at {BUDGETS[0]}",
            _success(learner, f"universal_{BUDGETS[-1]}")
            - _success(learner, f"universal_{BUDGETS[0]}"),
        ),
        Claim(
            f"The perturbation does more than a random one of its norm ({learner}).",
            f"success: at {BUDGETS[-1]} queries, less by a random direction",
            _success(learner, f"universal_{BUDGETS[-1]}") - _success(learner, "random"),
        ),
    )


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of success against queries, and the table that it draws."""
    table = mean_success(records, BUDGETS)
    return plot_queries(table), table


STUDY = Study(
    paper="Collective action at test time, after an idea of Bhange et al. (2026)",
    link="https://arxiv.org/abs/2605.27689",
    parts=no_parts,
    claims=(
        *(claim for learner in LEARNERS for claim in _claims(learner)),
        *(
            Claim(
                f"A linear proxy's perturbation moves {learner} less than a linear firm.",
                f"gain of success at {BUDGETS[-1]} queries over points as they are: "
                f"LogisticRegression, less {learner}",
                _gain("LogisticRegression") - _gain(learner),
            )
            for learner in ROUGH
        ),
        Claim(
            f"A firm that minimises its worst losses is no safer than ERM, by {MARGIN:g}.",
            f"gain of success at {BUDGETS[-1]} queries over points as they are: CVaRDRO, less ERM",
            _gain("CVaRDRO") - _gain("ERM"),
            region=(-MARGIN, inf),
        ),
    ),
    figures={"queries": _drawn},
    measurements=measurements,
)
