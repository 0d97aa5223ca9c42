"""The leaderboard: mean ranks and critical masses of all learners."""

import numpy as np
import pandas as pd

from results.display_names import labels, within
from results.plots.axes import DAGGER
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.frames import PANEL, WAYS
from results.stats.ranks import field, mean_ranks

#: The columns of a leaderboard that are about ranks; the others are panels.
RANKED = ["learner", "rank", "low", "high", "datasets", "seeds", "learns"]


def leaderboard(records: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """Return learners by their mean ranks over datasets, the largest areas first.

    Arguments:
        records: One row a trial.
        level: The level of success of the critical masses.

    Returns:
        A row for each learner that :func:`results.stats.ranks.field` compares: the columns of
        :func:`results.stats.ranks.mean_ranks` and, for each panel by its short name, the critical
        mass with its interval as text. A dagger marks a learner that is no better than a constant
        answer.
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
    """Return short names of panels: the fields in which they differ."""
    frame = pd.DataFrame(panels, columns=PANEL)
    datasets, strategies = labels(frame["dataset"]), within(frame, "dataset", "strategy")
    shown = [name for name in WAYS if frame[name].nunique() > 1]
    alone = len(set(strategies.values())) == 1
    found = {}
    for panel in panels:
        fields = dict(zip(PANEL, panel, strict=True))
        words = [datasets[fields["dataset"]]]
        words += [] if alone else [strategies[fields["dataset"], fields["strategy"]]]
        found[panel] = ", ".join(words + [fields[name] for name in shown])
    return found


def read(table: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """Return a leaderboard to read, with a rank and its interval in one column."""
    ranks = [
        f"{r:.1f} [{low:.1f}, {high:.1f}]"
        for r, low, high in zip(table["rank"], table["low"], table["high"], strict=True)
    ]
    names = [name for name in table.columns if name not in RANKED]
    titled = {name: f"critical mass at {level:g}, {name}" for name in names[:1]}
    own = table[["learner", *names]].rename(columns=titled)
    own.insert(1, "mean rank", ranks)
    return own
