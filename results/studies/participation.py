"""When taking part pays: what members of a collective pay and gain, by its size.

The definitions of prices and gains are this project's: see :mod:`results.stats.participation`.
"""

from collections.abc import Iterator
from functools import partial
from math import inf, log10

import pandas as pd
from matplotlib.figure import Figure

from bench.participation.trial import ParticipationTrial
from bench.spec.grid import Grid, Part
from results.display_names import parse as parsed
from results.plots.participation import plot_gains
from results.stats.participation import BEFORE, OWN, Terms, mean_gains, pays_from
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, cell, success

DATA = {"Coins(n=1000, n_test=1000)": "coins", "Digits": "8 x 8 digits"}
LEARNERS = ("KNN", "RandomForest(trees=50)")
WITH_LABEL, WITHOUT = "FeatureLabel", "FeatureOnly"
SIZES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
SIZE = 0.05
#: Success on people whose label is another one.
VALUE = "success_others"
#: The price of taking part, in units of the value of full success.
PRICE = 0.1
#: The share of success that others get, too, in the claim about it.
SHARED = 0.5
SMALL, CLOSE, LARGE = 0.05, 0.02, 0.1


def parts(quick: bool) -> tuple[Part, ...]:
    """Planting with and without a change of label, on generated people and on images."""
    return (Part(tuple(DATA), LEARNERS, (WITH_LABEL, WITHOUT), SIZES, 10 if quick else 20),)


def measurements(quick: bool) -> tuple[ParticipationTrial, ...]:
    """The trials of the grid, with what members pay."""
    grid = Grid("participation", parts(quick)).written_out()
    return tuple(ParticipationTrial(trial) for trial in grid.trials())


def _lost(learner: str, strategy: str, data: str) -> Measure:
    """Return the accuracy that members lose at their own person."""
    where = {"dataset": data, "learner": learner, "strategy": strategy}
    return success(SIZE, value=BEFORE, **where) - success(SIZE, value=OWN, **where)


def _from(learner: str, terms: Terms, data: str, strategy: str = WITH_LABEL) -> Measure:
    """Return the smallest size at which taking part pays, in decades.

    One that lies beyond all sizes counts as the largest of them, one below as the smallest.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, dataset=data, learner=learner, strategy=strategy, value=VALUE)
        table = pays_from(trials, terms).set_index("seed")["estimate"]
        return table.clip(SIZES[1], SIZES[-1]).map(log10)

    return Measure(of)


_AT = f"at {SIZE:.0%} of the people"


def _costs(learner: str, data: str, name: str) -> Iterator[Claim]:
    """Yield the claims about what members lose at their own person."""
    yield Claim(
        f"A member that plants a signal under another label loses less than {SMALL:g} of its own "
        f"accuracy ({name}).",
        f"accuracy of members at their own person {_AT}: without the collective, less with it",
        _lost(learner, WITH_LABEL, data),
        region=(-inf, SMALL),
        cause="The learner remembers its training points: a member, whose row is another one, is "
        "new to it.",
    )
    yield Claim(
        f"A member that keeps its label loses no more than one that changes it, by {CLOSE:g} "
        f"({name}).",
        f"the same loss {_AT}: with a change of label, less without",
        _lost(learner, WITH_LABEL, data) - _lost(learner, WITHOUT, data),
        region=(-CLOSE, inf),
    )


def _sizes(learner: str, data: str, name: str) -> Iterator[Claim]:
    """Yield the claims about the smallest size at which taking part pays."""
    size = _from(learner, Terms(PRICE), data)
    yield Claim(
        f"At a price of {PRICE:g} taking part pays from a size below {LARGE:.0%} on ({name}).",
        f"log10 of {LARGE:g} by the smallest size at which taking part pays",
        Measure(partial(_below, size)),
        scale="decades",
    )
    yield Claim(
        f"Where others get half of the success, too, taking part pays from less than twice the "
        f"size on ({name}).",
        f"log10 of the smallest size at which taking part pays at a price of {PRICE:g}: shared by "
        f"{SHARED:g}, less not shared",
        _from(learner, Terms(PRICE, shared=SHARED), data) - size,
        region=(-inf, log10(2)),
        scale="decades",
    )
    yield Claim(
        f"Without a change of label it pays from a larger size on ({name}).",
        f"log10 of the smallest size at which taking part pays at a price of {PRICE:g}: "
        f"FeatureOnly, less FeatureLabel",
        _from(learner, Terms(PRICE), data, WITHOUT) - size,
        scale="decades",
    )


def _below(size: Measure, records: pd.DataFrame) -> pd.Series:
    """Return by how many decades a size is below the large one."""
    return log10(LARGE) - size(records)


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of net gains against size, and the table that it draws."""
    trials = records.assign(success=records[VALUE].astype(float))
    table = mean_gains(trials, Terms())
    return plot_gains(table, (PRICE,)), table


STUDY = Study(
    paper="When taking part in a collective pays",
    link="https://arxiv.org/abs/2302.04262",
    parts=no_parts,
    claims=tuple(
        claim
        for data, name in DATA.items()
        for learner in LEARNERS
        for claims in (_costs, _sizes)
        for claim in claims(learner, data, f"{parsed(learner)[0]}, {name}")
    ),
    figures={"gains": _drawn},
    measurements=measurements,
)
