"""Tests on ranks of learners across datasets."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from results.stats.gate import erm_of
from results.stats.intervals import Array, signed
from results.stats.ranks import FEWEST, Field
from results.stats.sign_flip import holm, joint
from results.stats.verdicts import verdict

#: The verdicts on a learner against ERM, in the order of columns.
VERDICTS = ("win", "tie", "loss", "cannot tell")


def friedman(compared: Field) -> float:
    """Return the p of Friedman's test that all learners rank alike; NaN below eight datasets."""
    means = compared.means
    if len(means) < FEWEST or means.shape[1] < 3:
        return float("nan")
    if (np.ptp(means, axis=1) == 0).all():
        return 1.0
    return float(stats.friedmanchisquare(*means.T).pvalue)


def pairwise(compared: Field) -> pd.DataFrame:
    """Test every two learners by Wilcoxon's signed ranks over datasets, corrected by Holm.

    Unlike in a test on mean ranks, the result for two learners does not depend on the others, up
    to the correction. It follows :func:`friedman`: where that is above .05, no pair differs.

    Arguments:
        compared: Areas of learners on datasets.

    Returns:
        A row for each pair: ``one``, ``other``; ``difference``, the mean of areas; ``above``,
        ``below``, ``ties``, datasets; ``p``, ``p_holm`` (NaN below eight datasets); ``apart``.
    """
    means, omnibus = compared.means, friedman(compared)
    rows = []
    for i, j in combinations(range(len(compared.learners)), 2):
        d = means[:, i] - means[:, j]
        row = {
            "one": compared.learners[i],
            "other": compared.learners[j],
            "difference": d.mean(),
            "above": int((d > 0).sum()),
            "below": int((d < 0).sum()),
            "ties": int((d == 0).sum()),
        }
        rows.append(row | {"p": _wilcoxon(d) if len(d) >= FEWEST else np.nan})
    names = ["one", "other", "difference", "above", "below", "ties", "p"]
    table = pd.DataFrame(rows, columns=names).assign(p_holm=np.nan, apart=False)
    if len(table) and len(means) >= FEWEST:
        table["p_holm"] = holm(table["p"].to_numpy(float))
        # Two learners alone need no omnibus test.
        table["apart"] = (table["p_holm"] <= 0.05) & ((omnibus <= 0.05) | (len(table) == 1))
    return table


def _wilcoxon(differences: Array) -> float:
    """Return the two-sided p of Wilcoxon's signed ranks (N,); pairs that agree are left out."""
    d = differences[differences != 0]
    if not len(d):
        return 1.0
    return float(stats.wilcoxon(d).pvalue)


def critical_difference(learners: int, datasets: int, level: float = 0.05) -> float:
    r"""Return Nemenyi's critical difference: mean ranks that differ by more are apart.

    .. math::  q_{1-\text{level}, L, \infty} \sqrt{\frac{L (L + 1)}{12 N}}

    for L learners on N datasets, with the quantile q of the studentised range.

    References:
        | Statistical Comparisons of Classifiers over Multiple Data Sets (Demšar, 2006)
        | https://www.jmlr.org/papers/v7/demsar06a.html

    Arguments:
        learners: The number of learners.
        datasets: The number of datasets.
        level: The level of the test of all pairs.

    Returns:
        The difference; NaN below eight datasets or two learners.

    Example:
        >>> round(critical_difference(4, 14), 2)
        1.25
    """
    if datasets < FEWEST or learners < 2:
        return float("nan")
    quantile = stats.studentized_range.ppf(1 - level, learners, np.inf)
    return float(quantile * np.sqrt(learners * (learners + 1) / (12 * datasets)))


def alike(ranks: Sequence[float], difference: float) -> list[tuple[int, int]]:
    """Return the first and last place of each longest run of ranks that do not differ.

    Arguments:
        ranks: Ascending mean ranks.
        difference: The critical difference; ranks that differ by it are apart.

    Example:
        >>> alike([1.0, 1.5, 2.1, 4.0], 1.0)
        [(0, 1), (1, 2)]
    """
    runs: list[tuple[int, int]] = []
    for first, rank in enumerate(ranks):
        near = [i for i in range(first + 1, len(ranks)) if ranks[i] - rank < difference]
        last = near[-1] if near else first
        if last > first and (not runs or last > runs[-1][1]):
            runs.append((first, last))
    return runs


def against_erm(compared: Field) -> pd.DataFrame:
    """Return the verdict on each learner's area above the control, against ERM's on each dataset.

    Differences are paired over seeds. Their p are those of sign flips, corrected for all datasets
    of a learner, and not for the number of learners.

    Arguments:
        compared: Areas of learners on datasets.

    Returns:
        A row for each learner but ERM and each dataset: ``difference`` in area from ERM, ``low``
        and ``high``, its 95 % interval, ``p_joint``, ``seeds`` and ``verdict``. There is no row
        without ERM.
    """
    names = ["learner", "dataset", "difference", "low", "high", "p_joint", "seeds", "verdict"]
    erm = erm_of(compared.learners)
    if erm is None:
        return pd.DataFrame(columns=names)
    base, rows = compared.learners.index(erm), []
    most = max(map(len, compared.datasets.values()), default=0)
    for i, learner in enumerate(compared.learners):
        if i == base:
            continue
        gaps = np.full((most, len(compared.datasets)), np.nan)
        for j, areas in enumerate(compared.datasets.values()):
            gaps[: len(areas), j] = areas[:, i] - areas[:, base]
        for j, (dataset, p) in enumerate(zip(compared.datasets, joint(gaps), strict=True)):
            own = gaps[np.isfinite(gaps[:, j]), j]
            mean, low, high, _ = signed(own)
            word = verdict("area", mean, low, high, p)
            rows.append((learner, dataset, mean, low, high, p, len(own), word))
    return pd.DataFrame(rows, columns=names)
