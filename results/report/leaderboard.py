"""The leaderboard: learners by how far they follow a collective, on one table."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from results.display_names import labels, within
from results.report.masses import mass_title
from results.stats.critical_mass import critical_mass
from results.stats.crossing import Above
from results.stats.curves import success_curves
from results.stats.frames import PANEL, WAYS, without_averages
from results.stats.gate import UNSUITED, apart
from results.stats.rank_tests import VERDICTS, against_erm
from results.stats.ranks import Field, accuracy_differences, field, mean_ranks, ranks

#: The columns on a learner's rank.
RANKED = ["learner", "rank", "low", "high", "datasets", "seeds", "learns", "accuracy_difference"]
#: The columns before those of kinds and panels.
FIXED = [*RANKED, *VERDICTS, "reason"]
#: How the columns of kinds of data begin.
KIND = "rank on "
#: The most panels whose critical masses are shown for reading.
_SHOWN = 4


def leaderboard(
    records: pd.DataFrame,
    level: float = 0.5,
    outside: Collection[tuple[str, str]] = (),
    above: Above = "control",
    kinds: Mapping[str, str] | None = None,
    compared: Field | None = None,
) -> pd.DataFrame:
    """Return learners by their mean ranks over datasets, by area above the control.

    Arguments:
        records: One row a trial.
        level: The level of success of the critical masses.
        outside: Pairs of a dataset and a learner that is not made for its data.
        above: Whether the level is a share of what lies above the control, or above zero.
        kinds: The kind of each dataset's data.
        compared: Result of :func:`results.stats.ranks.field` for these records, this level and
            these pairs; it is computed if None.

    Returns:
        A row for each learner that :func:`results.stats.ranks.field` compares: the columns of
        :func:`results.stats.ranks.mean_ranks`; on how many datasets it is a "win", a "tie", a
        "loss" against ERM, or "cannot tell"; its mean rank on each kind of data, among the
        learners that can be compared on all of that kind; and for each panel, by its short name,
        the critical mass as text. Below eight datasets there are no ranks, and learners are in
        the order of their names. Then a row for each learner that fails the gate on some dataset,
        which has a ``reason`` in place of a rank.
    """
    compared = compared or field(records, level, outside)
    shown = records[pd.MultiIndex.from_frame(records[PANEL]).isin(compared.panels)]
    curves = success_curves(without_averages(shown))
    masses = critical_mass(curves, level, shown, above)
    texts = masses.set_index([*PANEL, "learner"])["text"]
    table = _ranked(compared).merge(_counts(compared), how="left", on="learner")
    table = pd.concat([table.assign(reason=""), _apart(compared)], ignore_index=True)
    table = table.reindex(columns=FIXED)
    if table["rank"].notna().any():
        for kind, own in _by_kind(records, level, outside, kinds or {}).items():
            table[f"{KIND}{kind}"] = table["learner"].map(own)
    for panel, name in _names(compared.panels).items():
        table[name] = [texts.get((*panel, learner), "") for learner in table["learner"]]
    return table


def _ranked(compared: Field) -> pd.DataFrame:
    """Return mean ranks, or the same columns without ranks below eight datasets."""
    table = mean_ranks(compared)
    if len(table):
        return table
    return pd.DataFrame({"learner": compared.learners}).assign(
        rank=np.nan,
        low=np.nan,
        high=np.nan,
        datasets=len(compared.datasets),
        seeds=min(map(len, compared.datasets.values()), default=0),
        learns=[learner not in compared.idle for learner in compared.learners],
        accuracy_difference=accuracy_differences(compared).to_numpy(),
    )


def _counts(compared: Field) -> pd.DataFrame:
    """Return on how many datasets each learner has each verdict against ERM."""
    table = against_erm(compared)
    counts = pd.crosstab(table["learner"], table["verdict"]).reindex(
        columns=list(VERDICTS), fill_value=0
    )
    return counts.rename_axis(None, axis=1).reset_index()


def _apart(compared: Field) -> pd.DataFrame:
    """Return a row for each learner that fails the gate by its accuracy, with the reason."""
    gated = compared.gated
    if not len(gated):
        return pd.DataFrame(columns=FIXED)
    table = apart(gated[gated["reason"] != UNSUITED])
    names = labels(gated["dataset"])
    reasons = [
        f"not ranked: {row['reason']} on {names[row['dataset']]}"
        + (f", and below on {row['failed'] - 1} more" if row["failed"] > 1 else "")
        for row in table.to_dict("records")
    ]
    met = gated.groupby("learner").agg(datasets=("dataset", "size"), seeds=("seeds", "min"))
    table = table[["learner", "accuracy_difference"]].join(met, on="learner")
    return table.assign(reason=reasons, learns=True)


def _by_kind(
    records: pd.DataFrame,
    level: float,
    outside: Collection[tuple[str, str]],
    kinds: Mapping[str, str],
) -> dict[str, pd.Series]:
    """Return the mean ranks of learners on each kind of data; nothing for a single kind."""
    kind = records["dataset"].map(dict(kinds))
    if kind.nunique() < 2:
        return {}
    made = {}
    for name, rows in records.groupby(kind):
        compared = field(rows, level, outside)
        if compared.datasets:
            made[str(name)] = pd.Series(ranks(compared.means).mean(0), compared.learners)
    return made


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


def read(table: pd.DataFrame, level: float = 0.5, above: Above = "control") -> pd.DataFrame:
    """Format a leaderboard for reading.

    A rank and its interval are one column, if there are some, and so are verdicts. Critical masses
    of more than four panels are left out.

    Arguments:
        table: The table that :func:`leaderboard` returns.
        level: The level of success of its critical masses.
        above: What the level is above.
    """
    kinds = [name for name in table.columns if str(name).startswith(KIND)]
    panels = [name for name in table.columns if name not in (*FIXED, *kinds)]
    panels = panels if len(panels) <= _SHOWN else []
    titles = {name: f"{mass_title(level, above)}, {name}" for name in panels[:1]}
    view = table[["learner"]].copy()
    ranked = table["rank"].notna()
    if ranked.any():
        ends = zip(table["rank"], table["low"], table["high"], strict=True)
        view["mean rank"] = [f"{r:.1f} [{a:.1f}, {b:.1f}]" if r == r else "" for r, a, b in ends]
    decided = table[list(VERDICTS[:3])].notna().all(axis=1)
    if decided.any():
        counts = table[list(VERDICTS)].fillna(0).astype(int).astype(str)
        view["win/tie/loss/?"] = counts.agg("/".join, axis=1).where(decided, "")
    for name in kinds:
        view[name] = ["" if rank != rank else f"{rank:.1f}" for rank in table[name]]
    if table["accuracy_difference"].notna().any():
        gaps = table["accuracy_difference"]
        view["accuracy, less ERM"] = ["" if g != g else f"{g + 0.0:+.3f}" for g in gaps]
    view = view.join(table[panels].rename(columns=titles))
    return view.assign(**{"": table["reason"]}) if (table["reason"] != "").any() else view
