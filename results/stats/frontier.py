"""Gains in success against losses of accuracy, over the settings of learners."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.frames import KEY, PANEL, checked, number
from results.stats.gate import erm_of
from results.stats.intervals import Array, signed

#: Where on ERM's curve success is compared: multiples of ERM's critical mass.
PLACES = {"small": 0.25, "middle": 1.0, "large": 4.0}
#: Sizes that differ from a place by more than this factor do not stand for it.
NEAR = 2.0
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
    table["setting"] = table["learner"]
    table["accuracy"] = number(table, "accuracy").where(table["ok"])
    rows: list[dict[str, Any]] = []
    panels = {tuple(map(str, panel)): here for panel, here in table.groupby(PANEL)}
    bases = {panel: _default(here["setting"], owners) for panel, here in panels.items()}
    erm = [here[here["setting"] == bases[panel]] for panel, here in panels.items()]
    mass = masses(pd.concat(erm), level) if erm else {}
    for panel, here in panels.items():
        base = bases[panel]
        if base is None or here["setting"].nunique() < 2:
            continue
        names = dict(zip(PANEL, panel, strict=True))
        losses = -gaps(here, "accuracy", 0.0, base)
        for place, size in places(here["size"].to_numpy(float), mass[panel]).items():
            found = _rows(gaps(here, "success", size, base), losses, owners)
            rows += [{**names, "place": place, "size": size, **row} for row in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def _default(settings: pd.Series, owners: Mapping[str, str]) -> str | None:
    """Return the setting among several that is ERM's default; None without ERM."""
    tried = list(settings.unique())
    named = erm_of([owners[setting] for setting in tried])
    return named if named in tried else erm_of(tried)


def masses(table: pd.DataFrame, level: float) -> dict[tuple[str, ...], float]:
    """Return the critical mass of ERM in each panel.

    Arguments:
        table: The trials of ERM's default setting in each panel.
        level: The level of the critical mass.
    """
    if not len(table):
        return {}
    found = critical_mass(success_curves(table), level)
    return dict(
        zip(found[PANEL].itertuples(index=False, name=None), found["estimate"], strict=True)
    )


def places(sizes: Array, mass: float) -> dict[str, float]:
    """Return the sizes that stand for the places on ERM's curve, each once.

    Arguments:
        sizes: The sizes of a panel.
        mass: ERM's critical mass.

    Example:
        >>> places(np.array([0, 0.001, 0.01, 0.05]), 0.01)
        {'middle': 0.01, 'large': 0.05}
    """
    sizes = np.unique(sizes[sizes > 0])
    if len(sizes) == 1:
        return {"only": float(sizes[0])}
    found: dict[str, float] = {}
    if not (len(sizes) and 0 < mass < np.inf):
        return found
    for place, factor in PLACES.items():
        ratios = np.abs(np.log(sizes / (factor * mass)))
        size = float(sizes[ratios.argmin()])
        if ratios.min() <= np.log(NEAR) and size not in found.values():
            found[place] = size
    return found


def gaps(here: pd.DataFrame, value: str, size: float, base: str) -> pd.DataFrame:
    """Return each setting's number less that of ERM's default, a row a seed."""
    at = here[here["size"] == size]
    wide = at.pivot_table(index="seed", columns="setting", values=value, dropna=False)
    wide = wide.reindex(columns=sorted(here["setting"].unique()))
    return wide.sub(wide[base], axis=0)


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
