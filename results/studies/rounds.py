"""Models that are updated: a collective that acts in some rounds, and stops.

The paper is about the training of such models, and has no collectives in it.

References:
    | On Warm-Starting Neural Network Training (Ash and Adams, 2020)
    | https://arxiv.org/abs/1910.08475
"""

from collections.abc import Sequence
from itertools import product
from math import inf

import pandas as pd
from matplotlib.figure import Figure

from bench.rounds.trial import Campaign, RoundsTrial
from bench.spec.parsing import parse
from results.plots.rounds import plot_rounds
from results.stats.rounds import round_curves
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, success

DATA = "Gaussians(n=500, n_test=1000)"
ROUND, ALL, WARM = "RoundAlone", "AllRounds", "WarmStart"
SIZES = (0.0, 0.02, 0.1)
ROUNDS, FIRST, LAST = 12, 3, 6
#: The size of the collective that claims are about.
SIZE = 0.02
CLOSE = 0.05
CAMPAIGN = Campaign(first=FIRST, last=LAST)


def measurements(quick: bool) -> Sequence[RoundsTrial]:
    """Return three update rules against a collective that acts in four rounds of twelve."""
    rules = [parse(name, "updates") for name in (ROUND, ALL, WARM)]
    data = parse(DATA, "datasets")
    return [
        RoundsTrial(data, rule, CAMPAIGN, size, seed, ROUNDS)
        for rule, size, seed in product(rules, SIZES, range(3 if quick else 20))
    ]


def _in_round(rule: str, number: int, size: float = SIZE) -> Measure:
    """Return success in a round, less that in the same round without a collective."""
    value = f"measure_success_round_{number}"
    acting = success(size, learner=rule, value=value)
    return acting - success(0.0, learner=rule, value=value)


def _accuracy(rule: str) -> Measure:
    acting = success(SIZE, learner=rule, value="accuracy")
    return acting - success(0.0, learner=rule, value="accuracy")


_LESS = f"success of {SIZE:.0%} of the people, above that without a collective: "

CLAIMS = (
    Claim(
        "A firm that trains on the round alone forgets a collective as soon as it stops.",
        f"{_LESS}in the first round after it",
        _in_round(ROUND, LAST + 1),
        region=(-CLOSE, CLOSE),
        sanity=True,
    ),
    *(
        Claim(
            f"Success builds up over the rounds in which members act ({rule}).",
            f"{_LESS}in the last round of the campaign, less in the first one",
            _in_round(rule, LAST) - _in_round(rule, FIRST),
        )
        for rule in (WARM, ALL)
    ),
    *(
        Claim(
            f"A collective that begins late succeeds less in its first round than against a firm "
            f"that trains on the round alone ({rule}).",
            f"{_LESS}in the first round of the campaign, RoundAlone less {rule}",
            _in_round(ROUND, FIRST) - _in_round(rule, FIRST),
        )
        for rule in (WARM, ALL)
    ),
    *(
        Claim(
            f"A firm keeps some success after the collective has stopped ({rule}).",
            f"{_LESS}in the first round after it",
            _in_round(rule, LAST + 1),
        )
        for rule in (WARM, ALL)
    ),
    *(
        Claim(
            f"What is kept fades over further rounds ({rule}).",
            f"{_LESS}in the first round after it, less in the last of all rounds",
            _in_round(rule, LAST + 1) - _in_round(rule, ROUNDS),
        )
        for rule in (WARM, ALL)
    ),
    Claim(
        "A firm that trains on all people so far forgets more slowly than one that warm-starts.",
        f"{_LESS}three rounds after it, AllRounds less WarmStart",
        _in_round(ALL, LAST + 3) - _in_round(WARM, LAST + 3),
    ),
    *(
        Claim(
            f"The collective leaves the firm's accuracy as it is ({rule}).",
            f"mean accuracy over rounds, {SIZE:.0%} of the people less none; the limit of "
            f"{CLOSE / 2.5:g} is this study's",
            _accuracy(rule),
            region=(-CLOSE / 2.5, inf),
        )
        for rule in (ROUND, ALL, WARM)
    ),
)


def _figure(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of success against the round, and the table that it draws."""
    curves = round_curves(records)
    return plot_rounds(curves, FIRST, LAST), curves


STUDY = Study(
    paper="On Warm-Starting Neural Network Training (Ash and Adams, 2020)",
    link="https://arxiv.org/abs/1910.08475",
    parts=no_parts,
    claims=CLAIMS,
    figures={"rounds": _figure},
    measurements=measurements,
)
