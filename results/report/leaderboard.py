"""The leaderboard: learners by how far they follow a collective, on one table."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from results.display_names import labels, within
from results.plots.axes import DAGGER
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.frames import PANEL, WAYS
from results.stats.ranks import field, mean_ranks

#: The columns on a learner's rank; the others are panels.
RANKED = ["learner", "rank", "low", "high", "datasets", "seeds", "learns"]


def leaderboard(
    records: pd.DataFrame, level: float = 0.5, outside: Collection[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Return learners by their mean ranks over datasets, by area above the control.

    Arguments:
        records: One row a trial.
        level: The level of success of the critical masses.
        outside: Pairs of a dataset and a learner that is not made for its data.

    Returns:
        A row for each learner that :func:`results.stats.ranks.field` compares: the columns of
        :func:`results.stats.ranks.mean_ranks`, and for each panel, by its short name, the
        critical mass with its interval as text, with a dagger where the learner does no better
        than a constant answer. Below eight datasets there is no rank, and learners are in the
        order of their names.
    """
    compared = field(records, level, outside)
    masses = critical_mass(success_curves(records), level, records)
    masses["text"] += np.where(masses["learns"], "", f" {DAGGER}")
    texts = masses.set_index([*PANEL, "learner"])["text"]
    table = mean_ranks(compared)
    if not len(table):
        table = pd.DataFrame({"learner": compared.learners}).assign(
            rank=np.nan,
            low=np.nan,
            high=np.nan,
            datasets=len(compared.datasets),
            seeds=min(map(len, compared.datasets.values()), default=0),
            learns=[learner not in compared.idle for learner in compared.learners],
        )
    table = table[RANKED]
    for panel, name in _names(compared.panels).items():
        table[name] = [texts.get((*panel, learner), "") for learner in table["learner"]]
    return table


def _names(panels: list[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """Return short names of panels, of the fields in which they differ."""
    frame = pd.DataFrame(panels, columns=PANEL)
    datasets, strategies = labels(frame["dataset"]), within(frame, "dataset", "strategy")
    shown = [name for name in WAYS if frame[name].nunique() > 1]
    alone = len(set(strategies.values())) == 1
    names = {}
    for panel in panels:
        fields = dict(zip(PANEL, panel, strict=True))
        words = [datasets[fields["dataset"]]]
        words += [] if alone else [strategies[fields["dataset"], fields["strategy"]]]
        names[panel] = ", ".join(words + [fields[name] for name in shown])
    return names


def read(table: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """Format a leaderboard: a rank and its interval in one column, if there are some.

    Arguments:
        table: The table that :func:`leaderboard` returns.
        level: The level of success of its critical masses.
    """
    names = [name for name in table.columns if name not in RANKED]
    titles = {name: f"critical mass at {level:g}, {name}" for name in names[:1]}
    view = table[["learner", *names]].rename(columns=titles)
    if table["rank"].notna().any():
        ends = zip(table["rank"], table["low"], table["high"], strict=True)
        view.insert(1, "mean rank", [f"{r:.1f} [{low:.1f}, {high:.1f}]" for r, low, high in ends])
    return view
