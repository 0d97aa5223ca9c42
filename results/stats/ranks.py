"""Ranks of learners across datasets."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from dataclasses import field as default

import numpy as np
import pandas as pd
from scipy import stats

from results.display_names import parse
from results.stats.curves import area_by_seed, lift
from results.stats.frames import CELL, CONTROL, PANEL, checked
from results.stats.gate import UNSUITED, gate
from results.stats.intervals import Array

#: With fewer datasets there is neither a mean rank nor a test.
FEWEST = 8
_DRAWS = 2000


@dataclass(frozen=True, eq=False)
class Field:
    """Areas above the control of the same learners on several datasets.

    Arguments:
        learners: Their names, L of them.
        datasets: Dataset -> areas (S, L), a row a seed, means over the dataset's strategies.
        panels: The dataset, strategy, validation and groups that these are of.
        left_out: Learners that are not in all of these panels.
        idle: Learners that in some of them do no better, without a collective, than a constant
            answer: see :func:`results.stats.curves.learns`.
        gated: Result of :func:`results.stats.gate.gate` for the records.
    """

    learners: list[str]
    datasets: dict[str, Array]
    panels: list[tuple[str, ...]]
    left_out: list[str]
    idle: frozenset[str] = frozenset()
    gated: pd.DataFrame = default(default_factory=pd.DataFrame)

    @property
    def means(self) -> Array:
        """Return the means over seeds, (N, L)."""
        return np.array([areas.mean(0) for areas in self.datasets.values()])


def field(
    records: pd.DataFrame, level: float = 0.5, outside: Collection[tuple[str, str]] = ()
) -> Field:
    """Return the areas of the learners that were run on the same datasets.

    A learner is left out altogether if its accuracy fails :func:`results.stats.gate.gate` on one
    of the datasets. It is left out of a panel (dataset, strategy, validation, groups, recruitment)
    whose data it is not made for, and of one in which it is at the level without a collective.
    Panels of members who do nothing are left out.

    Where learners are not the same in all panels, the chosen panels are those that have, with the
    learners common to them, the most curves. The search adds to each panel in turn the others,
    those first that have most of its learners. Datasets without a seed at which all of these
    have a whole curve are left out.

    Arguments:
        records: One row a trial.
        level: The level of success.
        outside: Pairs of a dataset and a learner that is not made for its data.
    """
    gated = gate(records, outside)
    unsuited = gated["reason"] == UNSUITED
    failed = set(gated.loc[~gated["ranked"] & ~unsuited, "learner"])
    areas = area_above_control(records, level)
    control = [text for text in areas["strategy"].unique() if parse(text)[0] == CONTROL]
    areas = areas[~areas["learner"].isin(failed) & ~areas["strategy"].isin(control)]
    pairs = pd.MultiIndex.from_frame(areas[["dataset", "learner"]])
    areas = areas[~pairs.isin(list(outside))]
    panels: dict[tuple[str, ...], set[str]] = {
        tuple(map(str, key)): set(rows["learner"]) for key, rows in areas.groupby(PANEL)
    }
    chosen, inside = _common(panels)
    learners, datasets = sorted(inside), {}
    inside_panels = areas[areas["learner"].isin(inside)].groupby(PANEL)
    for dataset in sorted({key[0] for key in chosen}):
        wide = [
            inside_panels.get_group(key)
            .pivot(index="seed", columns="learner", values="area")
            .dropna()
            for key in chosen
            if key[0] == dataset
        ]
        seeds = sorted(set.intersection(*[set(one.index) for one in wide]))
        if seeds:
            stack = [one.loc[seeds, learners].to_numpy(float) for one in wide]
            datasets[dataset] = np.mean(stack, axis=0)
    shown = sorted(key for key in chosen if key[0] in datasets)
    left_out = sorted(set(records["learner"]) - inside)
    idle = _idle(records, shown, inside)
    return Field(learners, datasets, shown, left_out, idle, gated)


def area_above_control(records: pd.DataFrame, level: float) -> pd.DataFrame:
    r"""Return the area between each seed's curve and its success without a collective.

    .. math::  \frac{1}{\log_{10}(\alpha_m / \alpha_1)}
               \int_{\alpha_1}^{\alpha_m} S(\alpha) - S(0)\, d\log_{10}\alpha

    A label that many points have by nature gives success without a collective, of which this
    area is free.

    Arguments:
        records: One row a trial.
        level: The level of success. Cells whose mean is at it without a collective are left out:
            there is nothing left for a collective to do.

    Returns:
        A row for each cell and seed with a whole curve and a control: ``area``.
    """
    table = checked(records)
    control = table[(table["size"] == 0) & table["ok"]].set_index([*CELL, "seed"])["success"]
    areas = area_by_seed(table).join(control.rename("control"), on=[*CELL, "seed"])
    areas = areas.assign(area=areas["area"] - areas["control"]).dropna(subset=["area"])
    return areas[~(areas.groupby(CELL)["control"].transform("mean") >= level)]


def _common(
    panels: dict[tuple[str, ...], set[str]],
) -> tuple[list[tuple[str, ...]], set[str]]:
    """Return the panels with the most curves of common learners, and these learners."""
    best: tuple[int, list[tuple[str, ...]], set[str]] = (0, [], set())
    for first in sorted(panels, key=lambda key: (-len(panels[key]), key)):
        common = panels[first]
        order = sorted(panels, key=lambda key: (-len(panels[key] & common), key))
        for i, key in enumerate(order, 1):
            common = common & panels[key]
            if i * len(common) > best[0] and len(common) > 1:
                best = i * len(common), order[:i], common
    return best[1], best[2]


def _idle(
    records: pd.DataFrame, panels: Collection[tuple[str, ...]], learners: set[str]
) -> frozenset[str]:
    """Return the learners that in one of the panels do no better than a constant answer."""
    alone = records[(records["size"] == 0) & records["learner"].isin(learners)]
    able = alone.assign(lift=lift(alone)).groupby(CELL)["lift"].mean()
    inside = set(panels)
    # A learner whose accuracy was not recorded counts as one that learns.
    return frozenset(cell[-1] for cell in able.index[able <= 0] if cell[:-1] in inside)


def ranks(means: Array) -> Array:
    """Return ranks along the last axis, 1 for the largest area; equal ones share theirs."""
    return np.asarray(stats.rankdata(-means, axis=-1))


def resampled(areas: Iterable[Array], draws: int = _DRAWS) -> Array:
    """Return mean areas of datasets drawn anew, and of seeds drawn anew within each.

    Seeds are drawn for all learners at once, so that they stay paired. The draws do not depend on
    the learners.

    Arguments:
        areas: The areas on each of N datasets, (S, L), a row a seed.
        draws: The number of draws.

    Returns:
        Mean areas, (draws, N, L).
    """
    blocks, rng = list(areas), np.random.default_rng(0)
    which = rng.integers(len(blocks), size=(draws, len(blocks)))
    made = np.empty((draws, len(blocks), blocks[0].shape[1]))
    for j, block in enumerate(blocks):
        drawn, place = np.nonzero(which == j)
        seeds = rng.integers(len(block), size=(len(drawn), len(block)))
        made[drawn, place] = block[seeds].mean(1)
    return made


def mean_ranks(compared: Field) -> pd.DataFrame:
    """Return mean ranks over datasets by area above the control, 1 for the largest.

    Arguments:
        compared: Areas of learners on datasets.

    Returns:
        A row for each learner, the first rank on top: ``rank``; ``low`` and ``high``, the middle
        95 % over draws of :func:`resampled`; ``datasets``; ``seeds``, the fewest on one;
        ``learns``, False for those that on a dataset do no better than a constant answer;
        ``accuracy_difference`` from ERM without a collective, its mean over datasets. No row
        below eight datasets: with fewer, one dataset more may turn the order around.
    """
    names = ["learner", "rank", "low", "high", "datasets", "seeds", "learns"]
    names += ["accuracy_difference"]
    if len(compared.datasets) < FEWEST:
        return pd.DataFrame(columns=names)
    rank = ranks(compared.means).mean(0)
    drawn = ranks(resampled(compared.datasets.values())).mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    seeds = min(len(areas) for areas in compared.datasets.values())
    table = pd.DataFrame(
        {"learner": compared.learners, "rank": rank, "low": low, "high": high}
    ).assign(datasets=len(compared.datasets), seeds=seeds)
    table["learns"] = ~table["learner"].isin(compared.idle)
    table["accuracy_difference"] = accuracy_differences(compared).to_numpy()
    return table.sort_values(["rank", "learner"], ignore_index=True)


def accuracy_differences(compared: Field) -> pd.Series:
    """Return each learner's accuracy less ERM's without a collective, a mean over datasets.

    Arguments:
        compared: Areas of learners on datasets.

    Returns:
        The differences by learner; NaN without ERM.
    """
    gated = compared.gated
    if not len(gated):
        return pd.Series(np.nan, compared.learners)
    here = gated[gated["dataset"].isin(list(compared.datasets))]
    return here.groupby("learner")["accuracy_difference"].mean().reindex(compared.learners)
