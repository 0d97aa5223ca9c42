"""How much of the variance of success a number explains, and whether that is more than chance."""

from collections.abc import Callable
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from results.display_names import parse
from results.stats.crossing import isotonic
from results.stats.intervals import Array
from results.studies.measures import Measure, cell, each_whole

#: The number of permutations that are drawn where learners have more.
PERMUTATIONS = 999


def explained(by: str, **wanted: Any) -> Measure:
    r"""Return the share of the variance of success that a function of a number explains.

    .. math:: R^2 = 1 - \frac{\sum_i (S_i - m(z_i))^2}{\sum_i (S_i - \bar S)^2}

    over learners and sizes, with the best non-decreasing function m of the number z.

    Arguments:
        by: The column of the number.
        wanted: As for :func:`pick`.
    """
    return Measure(lambda records: each_whole(_weighed(records, wanted), _fit_of(by)))


def explained_beyond_chance(by: str, **wanted: Any) -> Measure:
    r"""Return what :func:`explained` gives for a number, less its mean over permutations.

    A number of each learner's own explains more than size does, even if it is noise, since sizes
    are tied across learners. The null of :func:`permutation_p` has the same ties.

    Arguments:
        by: The column of the number.
        wanted: As for :func:`pick`.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        table = _permuted(records, by, wanted)
        return table.iloc[:, 0] - table.mean(axis=1)

    return Measure(of)


def permutation_p(by: str, **wanted: Any) -> Callable[[pd.DataFrame], float]:
    r"""Return the test whether a number explains success better than chance, from records to p.

    Learners exchange their numbers. A learner gets those of another one at all sizes and seeds, so
    that within each size the numbers are permuted among learners, and how the numbers of one
    learner hang together stays as it is:

    .. math::
        p = \frac{\#\{\pi : T_\pi \ge T_\mathrm{id}\}}{\#\pi},
        \qquad T_\pi = \frac1S \sum_s R^2_s(z_{\pi(\text{learner}),\, \text{size},\, s})

    over all permutations, or ``PERMUTATIONS`` drawn ones and the identity where there are more.
    The p is exact where learners are exchangeable, that is, where a learner's number says nothing
    of its success.

    Arguments:
        by: The column of the number. For the effective size, a learner that gives all samples
            one weight has its size.
        wanted: As for :func:`pick`.
    """

    def of(records: pd.DataFrame) -> float:
        means = _permuted(records, by, wanted).dropna().mean(axis=0).to_numpy(float)
        if not len(means) or np.isnan(means).any():
            return float("nan")
        return float(np.mean(means >= means[0] - 1e-12))

    return of


def _permuted(records: pd.DataFrame, by: str, wanted: dict[str, Any]) -> pd.DataFrame:
    """Return :math:`R^2`, a row a seed and a column a permutation, of which the first is none."""
    trials = _weighed(records, wanted)
    learners = np.array(sorted(trials["learner"].unique()))
    numbers = trials.pivot(index=["seed", "size"], columns="learner", values=by)[learners]
    success = trials.pivot(index=["seed", "size"], columns="learner", values="success")[learners]
    orders = permutations_of(len(learners))
    rows = {}
    for seed in numbers.index.get_level_values("seed").unique():
        z, y = numbers.loc[seed].to_numpy(float), success.loc[seed].to_numpy(float)
        whole = np.isfinite(z).all() and np.isfinite(y).all()
        fits = [_fit(z[:, order].ravel(), y.ravel()) for order in orders] if whole else np.nan
        rows[seed] = np.broadcast_to(np.asarray(fits, float), len(orders))
    return pd.DataFrame.from_dict(rows, orient="index")


def permutations_of(count: int) -> list[tuple[int, ...]]:
    """Return permutations of so many learners, the identity first: all, or drawn ones."""
    if factorial(count) <= PERMUTATIONS + 1:
        return list(permutations(range(count)))
    rng = np.random.default_rng(count)
    drawn = (tuple(map(int, rng.permutation(count))) for _ in range(PERMUTATIONS))
    return [tuple(range(count)), *drawn]


def _weighed(records: pd.DataFrame, wanted: dict[str, Any]) -> pd.DataFrame:
    """Return the trials with members of learners that report weights, and of ERM.

    ERM weighs all samples alike, and so do its variants: the effective size is the size.
    """
    trials = cell(records, over=["learner"], **wanted)
    erm = trials["learner"].map(lambda text: parse(text)[0] == "ERM")
    sizes = trials["effective_size"].astype(float)
    trials = trials.assign(effective_size=sizes.where(sizes.notna() | ~erm, trials["size"]))
    # A failed trial has no weights, and stays to make its seed one that is not whole.
    trials = trials[trials["effective_size"].notna() | trials["success"].isna()]
    return trials[trials["size"] > 0]


def _fit_of(by: str) -> Callable[[pd.DataFrame], float]:
    """Return the map from trials to the :math:`R^2` of the best non-decreasing function."""
    return lambda rows: _fit(rows[by].to_numpy(float), rows["success"].to_numpy(float))


def _fit(numbers: Array, success: Array) -> float:
    """Return the :math:`R^2` of the best non-decreasing function of numbers (m,)."""
    # Of equal numbers the mean success counts, so that their order does not.
    inverse = np.unique(numbers, return_inverse=True)[1]
    weights = np.bincount(inverse).astype(float)
    means = np.bincount(inverse, success) / weights
    inside = float(((success - means[inverse]) ** 2).sum())
    centre = float(means @ weights / weights.sum())
    around = float(weights @ (means - isotonic(means, weights)) ** 2)
    total = float(weights @ (means - centre) ** 2) + inside
    return 1 - (around + inside) / total if total > 0 else float("nan")
