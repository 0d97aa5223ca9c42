"""Places on ERM's curve: where learners are compared on tasks of different scales."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.frames import PANEL
from results.stats.intervals import Array

#: Where on ERM's curve success is compared: multiples of ERM's critical mass.
PLACES = {"small": 0.25, "middle": 1.0, "large": 4.0}
#: Sizes that differ from a place by more than this factor do not stand for it.
NEAR = 2.0


class ErmPanel(NamedTuple):
    """A panel in which ERM and other learners were run.

    Arguments:
        names: The values of the panel's columns.
        trials: Its trials.
        erm: ERM's default setting.
        places: The size of each place.
    """

    names: dict[str, str]
    trials: pd.DataFrame
    erm: str
    places: dict[str, float]


def erm_panels(
    table: pd.DataFrame, default: Callable[[Sequence[str]], str | None], level: float
) -> Iterator[ErmPanel]:
    """Yield the panels of ERM and other learners, with the places on ERM's curve.

    Arguments:
        table: Checked records.
        default: The function that returns which of several learners is ERM's default setting, or
            None if none is.
        level: The level of the critical mass, above the control.
    """
    panels = {tuple(map(str, panel)): here for panel, here in table.groupby(PANEL)}
    bases = {panel: default(list(here["learner"].unique())) for panel, here in panels.items()}
    erm = [here[here["learner"] == bases[panel]] for panel, here in panels.items()]
    masses: dict[tuple[str, ...], float] = {}
    if any(map(len, erm)):
        found = critical_mass(success_curves(pd.concat(erm)), level)
        keys = found[PANEL].itertuples(index=False, name=None)
        masses = dict(zip(keys, found["estimate"], strict=True))
    for panel, here in panels.items():
        base = bases[panel]
        if base is not None and here["learner"].nunique() > 1:
            at = places(here["size"].to_numpy(float), masses[panel])
            yield ErmPanel(dict(zip(PANEL, panel, strict=True)), here, base, at)


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
    """Return each learner's number less that of ERM's default setting, a row a seed.

    Arguments:
        here: The trials of a panel.
        value: The column of the number.
        size: The size.
        base: ERM's default setting.
    """
    at = here[here["size"] == size]
    wide = at.pivot(index="seed", columns="learner", values=value).astype(float)
    wide = wide.reindex(columns=sorted(here["learner"].unique()))
    return wide.sub(wide[base], axis=0)
