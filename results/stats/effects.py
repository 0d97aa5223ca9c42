"""Effects of learners on collectives: gains in success against ERM, over datasets."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.critical_mass import critical_by_seed
from results.stats.frames import checked
from results.stats.gate import UNSUITED, erm_of, gate
from results.stats.intervals import Array, student
from results.stats.places import PLACES, erm_panels, gaps
from results.stats.ranks import FEWEST
from results.stats.sign_flip import joint
from results.stats.verdicts import verdict

#: The place at which gains are in decades of critical mass.
PEOPLE = "people"
COLUMNS = [
    "strategy",
    "learner",
    "place",
    "effect",
    "low",
    "high",
    "p",
    "verdict",
    "above",
    "below",
    "datasets",
    "failed",
    "accuracy_difference",
]
_ROW = ["strategy", "learner", "place"]
_LATE = ("p", "verdict")
_GAINS = ["strategy", "dataset", "learner", "place", "size", "gain", "seeds"]


def gains(records: pd.DataFrame, level: float = 0.5) -> pd.DataFrame:
    """Return each learner's gain over ERM on each dataset: in success, and in critical mass.

    Gains in success are at places of ERM's curve. Small, middle and large sizes are those next to
    a quarter of ERM's critical mass on the dataset, to it, and to four times of it. A dataset on
    which ERM does not reach the level, or on which no size is near a place, has no row for it.

    The place "people" has the difference of the logarithms of critical masses, to the base of ten.
    Masses outside the sizes count as the smallest or the largest, and seeds at which both are
    outside at the same end do not count. All differences are paired over seeds.

    Arguments:
        records: One row a trial.
        level: The level of the critical mass, above the control.

    Returns:
        A row for each strategy's class, dataset, learner but ERM and place: its ``size``, the
        mean ``gain``, and the number of ``seeds``. Panels of one dataset and strategy, such as
        clean and contaminated validation data, are averaged.
    """
    rows: list[dict[str, Any]] = []
    for panel in erm_panels(checked(records), erm_of, level):
        here, base = panel.trials, panel.erm
        strategy = parse(panel.names["strategy"])[0]
        at = {
            place: (size, gaps(here, "success", size, base))
            for place, size in panel.places.items()
        }
        at[PEOPLE] = (np.nan, _ratios(here, base, level))
        for place, (size, differences) in at.items():
            for learner, own in differences.drop(columns=base).items():
                known = own.dropna()
                row = {"strategy": strategy, "dataset": panel.names["dataset"], "learner": learner}
                row |= {"place": place, "size": size, "gain": known.mean(), "seeds": len(known)}
                rows += [row] if len(known) else []
    made = pd.DataFrame(rows, columns=_GAINS)
    keys = ["strategy", "dataset", "learner", "place"]
    averages: dict[str, Any] = {"size": "mean", "gain": "mean", "seeds": "min"}
    return made.groupby(keys, as_index=False).agg(averages)[_GAINS]


def _ratios(here: pd.DataFrame, base: str, level: float) -> pd.DataFrame:
    """Return the logarithm of each critical mass over ERM's, a row a seed.

    Arguments:
        here: The trials of a panel.
        base: ERM's default setting.
        level: The level of the critical mass.
    """
    sizes = here.loc[here["size"] > 0, "size"]
    wide = critical_by_seed(here, level).pivot(index="seed", columns="learner", values="estimate")
    if not len(sizes):
        return wide * np.nan
    smallest, largest = float(sizes.min()), float(sizes.max())
    ends = wide.ge(largest).astype(int) - wide.le(smallest).astype(int)
    decades = wide.clip(smallest, largest).map(np.log10)
    same = ends.eq(ends[base], axis=0) & ends.ne(0)
    return decades.sub(decades[base], axis=0).mask(same)


def effects(
    records: pd.DataFrame, level: float = 0.5, outside: Collection[tuple[str, str]] = ()
) -> pd.DataFrame:
    r"""Return what each learner does to collectives: its mean gain in success over datasets.

    .. math:: \frac1N \sum_{j=1}^N \frac1S \sum_s S_{js}(\alpha_j) - S^\mathrm{ERM}_{js}(\alpha_j)

    with success of seed s on dataset j, at the size :math:`\alpha_j` of a place on ERM's curve of
    that dataset. At the place "people" it is the mean difference of the logarithms of critical
    masses: +.3 stands for twice as many people. Datasets are the sample: the interval says where
    the mean over other datasets of these kinds is expected. A learner counts on the datasets on
    which its accuracy without a collective passes :func:`results.stats.gate.gate`.

    Arguments:
        records: One row a trial.
        level: The level of ERM's critical mass, above the control.
        outside: Pairs of a dataset and a learner that is not made for its data.

    Returns:
        A row for each strategy's class, learner and place: ``effect``, the mean of
        :func:`gains`, with its 95 % interval ``low`` and ``high`` (Student's t over datasets);
        ``p`` of :func:`results.stats.sign_flip.joint`, by sign flips over datasets, corrected for
        all learners and places of the strategy that have eight datasets or more, and NaN for the
        others; the ``verdict``, with a margin of .05 of success and .1 decades; ``above`` and
        ``below``, on how many datasets the gain is positive and negative; ``datasets``;
        ``failed``, the number of datasets on which the learner fails the gate; and
        ``accuracy_difference``, its accuracy less ERM's, a mean over the datasets.
    """
    gated = gate(records, outside)
    keys = ["dataset", "learner"]
    found = gains(records, level).merge(gated[[*keys, "ranked", "reason", "accuracy_difference"]])
    found = found[found["reason"] != UNSUITED]
    rows: list[dict[str, Any]] = []
    for group, here in found.groupby(_ROW):
        kept = here[here["ranked"]]
        values: Array = kept["gain"].to_numpy(float)
        mean, low, high, _ = student(values) if len(values) else (np.nan,) * 4
        rows.append(
            dict(zip(_ROW, group, strict=True))
            | {"effect": mean, "low": low, "high": high}
            | {"above": int((values > 0).sum()), "below": int((values < 0).sum())}
            | {"datasets": len(kept), "failed": len(here) - len(kept)}
            | {"accuracy_difference": kept["accuracy_difference"].mean()}
        )
    table = pd.DataFrame(rows, columns=[name for name in COLUMNS if name not in _LATE])
    table = table.merge(_tested(found[found["ranked"]]), how="left", on=_ROW)
    measures = ["critical" if place == PEOPLE else "success" for place in table["place"]]
    numbers = (table[name] for name in ("effect", "low", "high", "p"))
    table["verdict"] = [verdict(*row) for row in zip(measures, *numbers, strict=True)]
    return _ordered(table[COLUMNS])


def _tested(found: pd.DataFrame) -> pd.DataFrame:
    """Return the p of each row with enough datasets, corrected within its strategy."""
    tables = []
    for _, own in found.groupby("strategy"):
        p = joint_p(own.pivot(index="dataset", columns=_ROW, values="gain"))
        tables.append(p.index.to_frame(index=False).assign(p=p.to_numpy()))
    return pd.concat(tables) if tables else pd.DataFrame(columns=[*_ROW, "p"])


def joint_p(wide: pd.DataFrame) -> "pd.Series[float]":
    """Return p by sign flips over datasets, corrected for all columns with enough of them.

    Arguments:
        wide: Differences, a row a dataset and a column a comparison; NaN where there is none.

    Returns:
        The p of :func:`results.stats.sign_flip.joint` of each column with eight datasets or more.
    """
    wide = wide.loc[:, wide.count() >= FEWEST]
    p = joint(wide.to_numpy(float)) if wide.size else np.empty(0)
    return pd.Series(p, index=wide.columns, dtype=float)


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows by strategy, then learners by the people that they need, then places."""
    mass = table["effect"].where(table["place"] == PEOPLE)
    mass = mass.groupby([table["strategy"], table["learner"]]).transform("mean")
    order = {place: i for i, place in enumerate([*PLACES, PEOPLE])}
    keyed = table.assign(_mass=mass, _place=table["place"].map(order))
    keyed = keyed.sort_values(["strategy", "_mass", "learner", "_place"], kind="stable")
    return keyed.drop(columns=["_mass", "_place"]).reset_index(drop=True)
