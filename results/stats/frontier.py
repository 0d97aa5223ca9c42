"""Gains in success against losses of accuracy, over the settings of learners."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from results.display_names import parse
from results.stats.frames import KEY, PANEL, checked, number
from results.stats.gate import erm_of
from results.stats.intervals import Array, signed
from results.stats.places import erm_panels, gaps

_NAMES = [*PANEL, "learner", "setting", "place", "size"]
_NUMBERS = ["lift", "low", "high", "loss", "loss_low", "loss_high"]
_ABOVE = ["frontier", "above", "above_low", "above_high"]
COLUMNS = [*_NAMES, *_NUMBERS, *_ABOVE, "strengthens", "seeds"]


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

    The choice of the largest favours ERM. Small, middle and large sizes are those next to a
    quarter of ERM's critical mass, to it and to four times of it. Where records have one positive
    size, that is the only place.

    Arguments:
        records: One row a trial. ``setting`` is the spec that was run, ``learner`` its learner.
            Without that column all specs of one class are settings of one learner.
        level: The level of the critical mass, above the control.

    Returns:
        A row for each panel, learner, setting and place: its ``size``; ``lift`` and ``loss`` with
        their 95 % intervals; ``frontier``, ERM's at that loss; ``above``, the lift less that of
        ERM's setting there, paired over seeds, with its interval; ``strengthens``, whether all
        of that interval is above 0, which is not asked of ERM; ``seeds``. Places without a size
        nearby are left out, and so are panels without ERM or with a single setting.
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
    return named if named in tried else erm_of(tried)


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
    erm = [name for name in settings if parse(owners[name])[0] == "ERM"]
    # Settings without a good trial at the size are not on the frontier.
    mean_lift = lifts[erm].mean().dropna()
    mean_loss = losses[erm].mean()[mean_lift.index]
    rows = []
    for setting in settings:
        loss, lift = losses[setting].dropna(), lifts[setting].dropna()
        if not len(loss) or not len(lift):
            continue
        allowed = mean_loss[mean_loss <= loss.mean() + 1e-12].index
        best = str(mean_lift[allowed].idxmax() if len(allowed) else mean_loss.idxmin())
        above = (lifts[setting] - lifts[best]).dropna()
        numbers = (*_ends(lift), *_ends(loss), float(mean_lift[best]), *_ends(above))
        row = dict(zip([*_NUMBERS, *_ABOVE], numbers, strict=True))
        strengthens = setting not in erm and row["above_low"] > 0
        rows.append(
            {"learner": owners[setting], "setting": setting, **row}
            | {"strengthens": bool(strengthens), "seeds": len(above)}
        )
    return rows


def _ends(values: pd.Series) -> tuple[float, float, float]:
    """Return a mean of differences with its 95 % interval."""
    numbers: Array = values.to_numpy(float)
    mean, low, high, _ = signed(numbers)
    return mean, low, high
