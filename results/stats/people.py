"""The number of people that a collective takes, against the number of all people."""

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.critical_mass import critical_by_seed
from results.stats.crossing import Above
from results.stats.frames import PANEL, checked, number
from results.stats.intervals import decades

#: Cells that differ in the number of people alone; ``data`` is the dataset without it.
TASK = ["data", *PANEL[1:], "learner"]


def counts_by_seed(
    records: pd.DataFrame, level: float = 0.5, above: Above = "control"
) -> pd.DataFrame:
    r"""Return the critical mass of each seed's curve as a number of people.

    Arguments:
        records: One row a trial, with ``n``, the number of all people.
        level: The level of success.
        above: Whether the level is a share of what lies above the control, or above zero.

    Returns:
        A row for each task, n and seed: ``log_count``, :math:`\log_{10}(\alpha^* n)`, in which
        critical masses outside the sizes count as the smallest or the largest of them; NaN where
        the seed lacks a size. ``data`` is the dataset's class with the fields in which tasks
        differ beside n.
    """
    table = checked(records)
    table["n"] = number(table, "n")
    n = table.groupby("dataset")["n"].median()
    sizes = table[table["size"] > 0].groupby(PANEL)["size"].agg(["min", "max"])
    masses = critical_by_seed(table, level, above).join(sizes, on=PANEL)
    counts = masses["estimate"].clip(masses["min"], masses["max"]) * masses["dataset"].map(n)
    data = {text: without_n(text) for text in masses["dataset"].unique()}
    masses = masses.assign(
        data=masses["dataset"].map(data),
        n=masses["dataset"].map(n),
        log_count=np.log10(counts.where(masses["estimate"].notna())),
    )
    return masses[[*TASK, "n", "seed", "log_count"]]


def without_n(dataset: str) -> str:
    """Return a dataset's spec without the number of training rows and of test rows.

    Example:
        >>> without_n("Coins(n=500, n_test=2000, noise=0.1)")
        'Coins(noise=0.1)'
    """
    name, fields = parse(dataset)
    kept = [f"{key}={value}" for key, value in fields.items() if key not in ("n", "n_test")]
    return f"{name}({', '.join(kept)})"


def slopes(counts: pd.DataFrame) -> pd.DataFrame:
    r"""Return the slope of each seed's logarithmic critical count on that of n, by least squares.

    .. math::  \log_{10}(\alpha^* n) = a + b \log_{10} n

    A slope of 0 is a collective that takes a number of people, however many others there are. A
    slope of 1 is one that takes a share of all people.

    Arguments:
        counts: Result of :func:`counts_by_seed`.

    Returns:
        A row for each task and seed with a count at each n: ``slope``.
    """
    rows = []
    for key, task in counts.groupby(TASK):
        wide = task.pivot(index="seed", columns="n", values="log_count").dropna()
        x = np.log10(wide.columns.to_numpy(float))
        if len(x) < 2:
            continue
        x -= x.mean()
        values = wide.to_numpy(float) @ x / (x @ x)
        rows += [(*key, seed, slope) for seed, slope in zip(wide.index, values, strict=True)]
    return pd.DataFrame(rows, columns=[*TASK, "seed", "slope"])


def critical_people(counts: pd.DataFrame) -> pd.DataFrame:
    """Return mean critical counts over seeds.

    Arguments:
        counts: Result of :func:`counts_by_seed`.

    Returns:
        A row for each task and n: ``people``, the geometric mean, with its 95 % interval ``low``
        and ``high``; ``seeds``.
    """
    rows = []
    for key, here in counts.groupby([*TASK, "n"]):
        values = here["log_count"].dropna().to_numpy(float)
        mean, low, high, _ = decades(values)
        rows.append((*key, 10.0**mean, 10.0**low, 10.0**high, len(values)))
    return pd.DataFrame(rows, columns=[*TASK, "n", "people", "low", "high", "seeds"])
