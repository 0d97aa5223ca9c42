"""Who follows a collective, on one table."""

import numpy as np
import pandas as pd

from results.display_names import labels, within
from results.plots.axes import DAGGER
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.frames import PANEL, WAYS
from results.stats.ranks import field, mean_ranks

#: What a leaderboard says of a learner's rank; its other columns are panels.
RANKED = ["learner", "rank", "low", "high", "datasets", "seeds", "learns"]


def leaderboard(records: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """Learners by their mean ranks over datasets, the one that is followed most on top.

    Arguments:
        records: One row a trial.
        level: The level of success of the critical masses.

    Returns:
        A row for each learner that :func:`results.stats.ranks.field` compares: what
        :func:`results.stats.ranks.mean_ranks` says, and for each panel, by its short name, the
        critical mass with its interval, to read; with a dagger where the learner does no better
        than a constant answer.
    """
    compared = field(records)
    masses = critical_mass(success_curves(records), level, records)
    masses["text"] += np.where(masses["learns"], "", f" {DAGGER}")
    texts = masses.set_index([*PANEL, "learner"])["text"]
    table = mean_ranks(compared)[RANKED]
    for panel, name in _names(compared.panels).items():
        table[name] = [texts.get((*panel, learner), "") for learner in table["learner"]]
    return table


def _names(panels: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Short names of panels: only what tells them apart."""
    frame = pd.DataFrame(panels, columns=PANEL)
    datasets, strategies = labels(frame["dataset"]), within(frame, "dataset", "strategy")
    shown = [name for name in WAYS if frame[name].nunique() > 1]
    alone = len(set(strategies.values())) == 1
    found = {}
    for panel in panels:
        said = dict(zip(PANEL, panel, strict=True))
        words = [datasets[said["dataset"]]]
        words += [] if alone else [strategies[said["dataset"], said["strategy"]]]
        found[panel] = ", ".join(words + [said[name] for name in shown])
    return found


def read(table: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """A leaderboard to read: a rank and its interval in one column."""
    ranks = [
        f"{r:.1f} [{low:.1f}, {high:.1f}]"
        for r, low, high in zip(table["rank"], table["low"], table["high"], strict=True)
    ]
    names = [name for name in table.columns if name not in RANKED]
    titled = {name: f"critical mass at {level:g}, {name}" for name in names[:1]}
    own = table[["learner", *names]].rename(columns=titled)
    own.insert(1, "mean rank", ranks)
    return own
