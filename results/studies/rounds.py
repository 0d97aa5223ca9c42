"""Models that are updated: members who act, stop, leave, join and return, and drift.

The paper is about the training of such models, and has no collectives in it.

References:
    | On Warm-Starting Neural Network Training (Ash and Adams, 2020)
    | https://arxiv.org/abs/1910.08475
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.rounds.drift import Drift, Stationary
from bench.rounds.field_drift import FieldDrift
from bench.rounds.label_shift import LabelShift
from bench.rounds.trial import Campaign, RoundsTrial
from bench.spec.parsing import parse
from results.plots.rounds import plot_rounds
from results.stats.rounds import by_round, round_curves, rounds_to_half
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, cell

DATA = "Gaussians(n=500, n_test=1000)"
#: Large batches and steps: a trial trains in each of its rounds.
LEARNER = "ERM(batch_size=250, learning_rate=0.05)"
ROUND, ALL, WARM = "RoundAlone", "AllRounds", "WarmStart"
RULES = (ROUND, ALL, WARM)
#: The size of the full collective.
SIZE = 0.05
ROUNDS, FIRST, LAST, BACK = 12, 3, 6, 9
VALUE = "success_others"
CLOSE, SAME_ACCURACY = 0.05, 0.02


def _campaign(before: tuple[float, ...], after: float, leavers: str = "stay") -> Campaign:
    """Return a campaign with shares in the rounds of its beginning, and one share after them."""
    shares = (0.0,) * (FIRST - 1) + before
    return Campaign(shares=shares + (after,) * (ROUNDS - len(shares)), leavers=leavers)  # type: ignore[arg-type]


_FULL = (1.0,) * (LAST - FIRST + 1)
STOP, STAY = _campaign(_FULL, 0.0), _campaign(_FULL, 1.0)
HALF, HALF_LEFT = _campaign(_FULL, 0.5), _campaign(_FULL, 0.5, "leave")
RETURN = _campaign((*_FULL, *(0.0,) * (BACK - LAST - 1)), 1.0)
JOIN = _campaign((0.25, 0.5, 0.75), 1.0)
NOISE = FieldDrift("noise", 0.3)
RARE, EVEN = LabelShift(until=0.1), LabelShift(until=0.5)
#: Title of each panel -> campaign, drift, and the update rules that meet it.
CASES: dict[str, tuple[Campaign, Drift, tuple[str, ...]]] = {
    "all stop": (STOP, Stationary(), RULES),
    "half stop": (HALF, Stationary(), (ALL, WARM)),
    "half leave": (HALF_LEFT, Stationary(), (ALL, WARM)),
    "all return": (RETURN, Stationary(), (ALL, WARM)),
    "members join": (JOIN, Stationary(), (WARM,)),
    "no drift": (STAY, Stationary(), (WARM,)),
    "label noise grows": (STAY, NOISE, (WARM,)),
    "the target gets rare": (STAY, RARE, (WARM,)),
    "the target stays": (STAY, EVEN, (WARM,)),
}


def measurements(quick: bool) -> Sequence[RoundsTrial]:
    """Return all campaigns and drifts, each beside rounds without a collective."""
    return [trial for seed in range(5 if quick else 20) for trial in _trials(seed)]


def _trials(seed: int) -> Iterator[RoundsTrial]:
    data = parse(DATA, "datasets")
    for title, (campaign, drift, rules) in CASES.items():
        for name in rules:
            rule = parse(f"{name}(learner={LEARNER})", "updates")
            for size in (0.0, SIZE) if _control(title) == title else (SIZE,):
                yield RoundsTrial(data, rule, campaign, size, seed, drift)


def _control(title: str) -> str:
    """Return the case whose rounds without a collective are those of a case.

    Without members one campaign is like another: the drift alone matters.
    """
    _, drift, rules = CASES[title]
    return next(
        name
        for name, (_, other, known) in CASES.items()
        if other == drift and set(rules) <= set(known)
    )


def _above(rule: str, title: str, value: str = VALUE) -> Measure:
    """Return a measure in all rounds, less that without a collective: a row a seed."""

    def of(records: pd.DataFrame) -> pd.DataFrame:
        def table(case: str, size: float) -> pd.DataFrame:
            campaign, drift, _ = CASES[case]
            strategy = f"Rounds(campaign={campaign!r}, drift={drift!r})"
            trials = cell(records, size=size, learner=rule, strategy=strategy)
            return by_round(trials, value).set_axis(trials["seed"], axis=0)

        return table(title, SIZE) - table(_control(title), 0.0)

    return Measure(of)  # type: ignore[arg-type]


def _in_round(rule: str, number: int, title: str = "all stop") -> Measure:
    """Return success in a round, less that in the same round without a collective."""
    whole = _above(rule, title)
    return Measure(lambda records: whole(records)[number])


def _half(rule: str) -> Measure:
    """Return the logarithm of the number of rounds until success falls to half."""
    whole = _above(rule, "all stop")
    return Measure(
        lambda records: np.log10(
            whole(records).apply(lambda row: rounds_to_half(row.to_numpy(float), LAST), axis=1)
        )
    )


def _kept(rule: str) -> Measure:
    """Return what half of the members keep, less half of what all of them had reached."""
    kept, reached = _in_round(rule, ROUNDS, "half stop"), _in_round(rule, LAST)
    return Measure(lambda records: kept(records) - 0.5 * reached(records))


def _accuracy(rule: str) -> Measure:
    whole = _above(rule, "all stop", "accuracy")

    def of(records: pd.DataFrame) -> pd.Series:
        table: Any = whole(records)
        return pd.Series(table.mean(axis=1, skipna=False))

    return Measure(of)


_LESS = f"success of {SIZE:.0%} of the people, above that without a collective: "


def _updates() -> Iterator[Claim]:
    """Yield the claims about a collective that acts in some rounds, and stops."""
    yield Claim(
        "A firm that trains on the round alone forgets a collective as soon as it stops.",
        f"{_LESS}in the first round after it",
        _in_round(ROUND, LAST + 1),
        region=(-CLOSE, CLOSE),
        sanity=True,
    )
    for rule in (WARM, ALL):
        yield Claim(
            f"Success builds up over the rounds in which members act ({rule}).",
            f"{_LESS}in the last round of the campaign, less in the first one",
            _in_round(rule, LAST) - _in_round(rule, FIRST),
        )
        yield Claim(
            f"A collective that begins late succeeds less in its first round than against a firm "
            f"that trains on the round alone ({rule}).",
            f"{_LESS}in the first round of the campaign, RoundAlone less {rule}",
            _in_round(ROUND, FIRST) - _in_round(rule, FIRST),
        )
        yield Claim(
            f"A firm keeps some success after the collective has stopped ({rule}).",
            f"{_LESS}in the first round after it",
            _in_round(rule, LAST + 1),
        )
        yield Claim(
            f"It takes more rounds until success falls to half than with a firm that trains on "
            f"the round alone ({rule}).",
            f"log10 of the number of rounds after the campaign until {_LESS}is half of that in "
            f"its last round: {rule} less RoundAlone",
            _half(rule) - _half(ROUND),
            scale="decades",
        )
    yield Claim(
        "It takes more rounds until success falls to half with a firm that trains on all people "
        "so far than with one that warm-starts.",
        "log10 of that number of rounds: AllRounds less WarmStart",
        _half(ALL) - _half(WARM),
        scale="decades",
    )
    for rule in RULES:
        yield Claim(
            f"The collective leaves the firm's accuracy as it is ({rule}).",
            f"mean accuracy over rounds, {SIZE:.0%} of the people less none; the limit of "
            f"{SAME_ACCURACY:g} is this study's",
            _accuracy(rule),
            region=(-SAME_ACCURACY, inf),
        )


def _membership() -> Iterator[Claim]:
    """Yield the claims about members who leave, join and return."""
    for rule in (WARM, ALL):
        yield Claim(
            f"Half of the members, who go on, keep more than half of the success ({rule}).",
            f"{_LESS}in the last round, less half of that in the last round of all members",
            _kept(rule),
        )
        yield Claim(
            f"To the collective it is the same whether the other half stays in the population or "
            f"leaves it ({rule}).",
            f"{_LESS}in the last round: leave less stay; the limit of {CLOSE:g} is this study's",
            _in_round(rule, ROUNDS, "half leave") - _in_round(rule, ROUNDS, "half stop"),
            region=(-CLOSE, CLOSE),
        )
        yield Claim(
            f"A collective that returns after {BACK - LAST - 1} rounds succeeds at once more than "
            f"when it began ({rule}).",
            f"{_LESS}in the first round after the return, less in the first of the campaign",
            _in_round(rule, BACK, "all return") - _in_round(rule, FIRST),
        )
    yield Claim(
        f"A collective whose members join over {LAST - FIRST + 1} rounds is, once it is complete, "
        f"where it would be with all of them from the first (WarmStart).",
        f"{_LESS}in round {LAST}: joining less complete from the first",
        _in_round(WARM, LAST, "members join") - _in_round(WARM, LAST),
        region=(-CLOSE, inf),
    )


def _drifts() -> Iterator[Claim]:
    """Yield the claims about a population whose law changes from round to round."""
    yield Claim(
        "Where more labels are wrong from round to round, a collective of one size gains.",
        f"{_LESS}in the last round: noise that grows to {NOISE.until:.0%}, less no drift",
        _in_round(WARM, ROUNDS, "label noise grows") - _in_round(WARM, ROUNDS, "no drift"),
    )
    yield Claim(
        "Where the target label gets rare from round to round, a collective of one size loses.",
        f"{_LESS}in the last round: a share of the label that stays at {EVEN.until:.0%}, less one "
        f"that falls to {RARE.until:.0%}",
        _in_round(WARM, ROUNDS, "the target stays")
        - _in_round(WARM, ROUNDS, "the target gets rare"),
    )


def _figure(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of success against the round, and the table that it draws."""
    titles = {
        f"Rounds(campaign={campaign!r}, drift={drift!r})": title
        for title, (campaign, drift, _) in CASES.items()
    }
    curves = round_curves(records[records["size"] > 0], VALUE)
    curves = curves.assign(title=curves["strategy"].map(titles))
    order = curves["title"].map({title: i for i, title in enumerate(CASES)})
    curves = curves.loc[order.sort_values(kind="stable").index].reset_index(drop=True)
    return plot_rounds(curves), curves


CLAIMS = (*_updates(), *_membership(), *_drifts())

STUDY = Study(
    paper="On Warm-Starting Neural Network Training (Ash and Adams, 2020)",
    link="https://arxiv.org/abs/1910.08475",
    parts=no_parts,
    claims=CLAIMS,
    figures={"rounds": _figure},
    measurements=measurements,
)
