"""Gains in success against losses of accuracy, over the settings of learners."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.effects import joint_p
from results.stats.frames import KEY, PANEL, checked, number
from results.stats.gate import MARGIN, erm_of
from results.stats.intervals import Array, signed, student
from results.stats.places import erm_panels, gaps
from results.stats.verdicts import verdict

_NAMES = [*PANEL, "learner", "setting", "place", "size"]
_NUMBERS = ["lift", "low", "high", "loss", "loss_low", "loss_high"]
_ABOVE = ["frontier", "above", "above_low", "above_high"]
COLUMNS = [*_NAMES, *_NUMBERS, *_ABOVE, "strengthens", "seeds"]

OVER_DATASETS = [
    *("strategy", "place", "learner", "above", "low", "high", "p", "verdict"),
    *("datasets", "settings", "strengthens"),
]


def frontier(records: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    r"""Return by how much each setting of each learner is above the frontier of ERM's settings.

    Training longer, or with another optimiser, changes success too, at some loss of accuracy. A
    learner strengthens collectives if it gives more than ERM does at that loss. With ERM's default
    setting e, a setting z has

    .. math::  \text{lift}(z) = \frac1S \sum_s S_s(z) - S_s(e), \qquad
        \text{loss}(z) = \frac1S \sum_s a_s(e) - a_s(z)

    for success at one size and accuracy a at size 0. ERM's frontier at a loss is the largest lift
    of its settings that lose no more accuracy, or the lift of the setting that loses least:

    .. math::  F(l) = \max\{\text{lift}(z) : z \in \text{ERM}, \text{loss}(z) \le l\}

    The largest of several means is too large by chance. So each seed's lift is compared with that
    of ERM's best setting by all other seeds. Small, middle and large sizes are those next to a
    quarter of ERM's critical mass, to it and to four times of it. Where records have one positive
    size, that is the only place.

    Arguments:
        records: One row a trial. ``setting`` is the spec that was run, ``learner`` its learner.
            Without that column all specs of one class are settings of one learner.
        level: The level of the critical mass, above the control.

    Returns:
        A row for each panel, learner, setting and place: its ``size``; ``lift`` and ``loss`` with
        their 95 % intervals; ``frontier``, ERM's at that loss; ``above``, the lift less that of
        ERM's best setting by other seeds, with its interval over seeds; ``strengthens``, whether
        all of that interval is above 0, which is not asked of ERM; ``seeds``. Places without a
        size nearby are left out, and so are panels without ERM or with a single setting.
    """
    settings, learners = records.get("setting", records["learner"]), records["learner"]
    if "setting" not in records.columns:
        learners = pd.Series([parse(text)[0] for text in learners], records.index, dtype=object)
    # A trial is one of a setting, which several learners may have.
    owners = dict(sorted(zip(settings, learners, strict=True), reverse=True))
    table = checked(records.assign(learner=settings).drop_duplicates(KEY))
    table["accuracy"] = number(table, "accuracy").where(table["ok"])
    rows: list[dict[str, Any]] = []
    for panel in erm_panels(table, lambda tried: _default(tried, owners), level):
        here, base = panel.trials, panel.erm
        losses = -gaps(here, "accuracy", 0.0, base)
        for place, size in panel.places.items():
            found = _rows(gaps(here, "success", size, base), losses, owners)
            rows += [{**panel.names, "place": place, "size": size, **row} for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def _default(tried: Sequence[str], owners: Mapping[str, str]) -> str | None:
    """Return the setting among several that is ERM's default; None without ERM."""
    named = erm_of([owners[setting] for setting in tried])
    if named in tried:
        return named
    own = [setting for setting in tried if owners[setting] == named]
    if named is None or not own:
        return erm_of(tried)
    wanted = parse(named)[1].items()

    def agreement(setting: str) -> int:
        # A wrapper, such as one that makes features of texts, has the learner as its base.
        fields = parse(setting)[1]
        base = parse(fields["base"])[1] if "base" in fields else fields
        return len(wanted & base.items())

    return max(own, key=agreement)


def _rows(
    lifts: pd.DataFrame, losses: pd.DataFrame, owners: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of one place.

    Arguments:
        lifts: Success less that of ERM's default, a row a seed and a column a setting.
        losses: The accuracy that is lost, likewise.
        owners: The learner of each setting.
    """
    settings = [str(name) for name in lifts.columns]
    kinds = {owner: parse(owner)[0] for owner in set(owners.values())}
    erm = np.array([kinds[owners[name]] == "ERM" for name in settings])
    lift, loss = lifts.to_numpy(float), losses[settings].to_numpy(float)
    # Settings without a good trial at the size are not on the frontier.
    seen = np.isfinite(lift).any(axis=0) & np.isfinite(loss).any(axis=0)
    mean_lift, mean_loss = (
        np.where(seen, np.nanmean(np.where(seen, x, 0.0), axis=0), np.nan) for x in (lift, loss)
    )
    others = _means_over_other_seeds(lift)
    rows = []
    for z in np.flatnonzero(seen):
        allowed = erm & seen & (mean_loss <= mean_loss[z] + 1e-12)
        if not allowed.any():
            allowed = erm & (mean_loss == mean_loss[erm & seen].min())
        best = np.where(allowed, mean_lift, -np.inf).argmax()
        # Without other seeds, a seed chooses for itself.
        chosen = np.where(allowed & np.isfinite(others), others, -np.inf).argmax(axis=1)
        above = _known(lift[:, z] - lift[np.arange(len(lift)), chosen])
        numbers = (*_ends(lift[:, z]), *_ends(loss[:, z]), float(mean_lift[best]), *_ends(above))
        row = dict(zip([*_NUMBERS, *_ABOVE], numbers, strict=True))
        strengthens = not erm[z] and row["above_low"] > 0
        rows.append(
            {"learner": owners[settings[z]], "setting": settings[z], **row}
            | {"strengthens": bool(strengthens), "seeds": len(above)}
        )
    return rows


def _means_over_other_seeds(values: Array) -> Array:
    """Return at each seed the mean of each setting over all other seeds; of one seed, its value.

    Arguments:
        values: Numbers, or NaN, (seeds, settings).
    """
    if len(values) == 1:
        return values
    known = np.isfinite(values)
    filled = np.where(known, values, 0.0)
    counts = known.sum(axis=0) - known
    sums = filled.sum(axis=0) - filled
    return np.divide(sums, counts, out=np.full(values.shape, np.nan), where=counts > 0)


def _known(values: Array) -> Array:
    """Return the numbers that are not NaN."""
    return values[np.isfinite(values)]


def _ends(values: Array) -> tuple[float, float, float]:
    """Return a mean of differences with its 95 % interval."""
    mean, low, high, _ = signed(_known(values))
    return mean, low, high


def over_datasets(table: pd.DataFrame) -> pd.DataFrame:
    r"""Return how far each learner is above the frontier of ERM's settings, over datasets.

    .. math:: \frac1N \sum_{j=1}^N \frac1{|Z_j|} \sum_{z \in Z_j} \text{above}_j(z)

    with :math:`Z_j` the learner's settings that lose at most .03 of accuracy on dataset j. They
    are chosen by accuracy alone, so that their success is not selected.

    Arguments:
        table: Result of :func:`frontier`.

    Returns:
        A row for each strategy's class, learner but ERM and place, by ``above``: its mean over
        datasets with the 95 % interval ``low`` and ``high`` (Student's t); ``p`` by sign flips
        over datasets, corrected for all learners of the strategy and place that have eight
        datasets or more, NaN for the others; the ``verdict``, with a margin of .05; the number of
        ``datasets``; and of the ``settings`` on them, each counted on each dataset, for how many
        ``strengthens`` holds.
    """
    kept = table[table["loss"] <= MARGIN]
    texts = {*kept["learner"], *kept["strategy"]}
    kinds = {text: parse(text)[0] for text in texts}
    kept = kept[kept["learner"].map(kinds) != "ERM"]
    kept = kept.assign(strategy=kept["strategy"].map(kinds))
    group = ["strategy", "place"]
    rows: list[dict[str, Any]] = []
    for names, here in kept.groupby(group):
        wide = here.groupby(["dataset", "learner"])["above"].mean().unstack()
        p = joint_p(wide)
        for learner, own in here.groupby("learner"):
            values: Array = wide[learner].dropna().to_numpy(float)
            ends = student(values)[:3]
            found = float(p.get(learner, np.nan))
            rows.append(
                dict(zip(group, names, strict=True))
                | {"learner": learner}
                | dict(zip(["above", "low", "high"], ends, strict=True))
                | {"p": found, "verdict": verdict("success", *ends, found)}
                | {"datasets": len(values), "settings": len(own)}
                | {"strengthens": int(own["strengthens"].sum())}
            )
    made = pd.DataFrame(rows, columns=OVER_DATASETS)
    return made.sort_values([*group, "above"], ascending=[True, True, False], ignore_index=True)
