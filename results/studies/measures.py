"""What claims are about: from records to one number a seed."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from results.display_names import parse
from results.stats.critical_mass import critical_by_seed, isotonic
from results.stats.curves import area_by_seed
from results.stats.frames import CELL, WAYS

Sizes = float | tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """A number a seed, as a function of records. Measures can be subtracted from each other.

    Example:
        >>> one = Measure(lambda records: pd.Series({0: 1.0, 1: 2.0}))
        >>> (one - Measure(lambda records: pd.Series({1: 0.5})))(pd.DataFrame()).to_dict()
        {0: nan, 1: 1.5}
    """

    of: Callable[[pd.DataFrame], pd.Series]

    def __call__(self, records: pd.DataFrame) -> pd.Series:
        """The number at each seed; NaN where it cannot be told."""
        return self.of(records)

    def __sub__(self, other: "Measure") -> "Measure":
        return Measure(lambda records: self(records) - other(records))

    def __neg__(self) -> "Measure":
        return Measure(lambda records: -self(records))


def matches(text: str, spec: str) -> bool:
    """Whether a text is of the class of a spec, and has the fields that the spec names.

    Example:
        >>> [matches("CVaRDRO(epochs=20, level=0.1)", s) for s in ("CVaRDRO(level=.1)", "ERM")]
        [True, False]
        >>> matches("Several(strategies=(Idle(), ERM(learning_rate=1.0)), shares=(0.5, 0.5))", "Several(strategies=(Idle, ERM))")
        True
    """  # noqa: E501 (a doctest)
    try:
        return _has(ast.parse(text, mode="eval").body, ast.parse(spec, mode="eval").body)
    except SyntaxError:
        return False


def _has(node: ast.expr, wanted: ast.expr) -> bool:
    """Whether what a text says has all that is wanted of it."""
    match node, wanted:
        case ast.Call(func=own), ast.Name():
            return ast.dump(own) == ast.dump(wanted)
        case ast.Call(func=own), ast.Call(func=name):
            given = {k.arg: k.value for k in node.keywords}
            asked = {k.arg: k.value for k in wanted.keywords}
            alike = ast.dump(own) == ast.dump(name) and asked.keys() <= given.keys()
            return alike and all(_has(given[k], v) for k, v in asked.items())
        case ast.Tuple(elts=own), ast.Tuple(elts=parts):
            return len(own) == len(parts) and all(map(_has, own, parts))
    try:
        return bool(ast.literal_eval(node) == ast.literal_eval(wanted))
    except ValueError:
        return ast.dump(node) == ast.dump(wanted)


def pick(
    records: pd.DataFrame,
    *,
    size: Sizes | None = None,
    value: str = "success",
    epoch: int | None = None,
    **wanted: str,
) -> pd.DataFrame:
    """The records of some cells.

    Arguments:
        records: One row a trial.
        size: A size, or the smallest and the largest.
        value: What takes the place of ``success``; sizes and seeds where it failed are NaN.
        epoch: After which epoch, counted from 1, for learners that recorded them.
        wanted: Specs of datasets, learners and strategies, with the fields that matter; a
            validation, a groups, a recruitment.

    Raises:
        BenchError: If there are none.
    """
    keep = pd.Series(True, index=records.index)
    for column, spec in wanted.items():
        exact = column in WAYS
        hits = {t: t == spec if exact else matches(t, spec) for t in records[column].unique()}
        keep &= records[column].map(hits).astype(bool)
    if size is not None:
        low, high = size if isinstance(size, tuple) else (size, size)
        keep &= records["size"].between(low, high)
    found = records[keep]
    if not len(found):
        there = {name: sorted(map(str, records[name].unique())) for name in wanted}
        at = "" if size is None else f" at size {size}"
        raise BenchError(f"no record is of {_said(wanted)}{at}; there are {there or 'none'}")
    if epoch is not None:
        after = [
            e["success"][epoch - 1] if isinstance(e, dict) else np.nan for e in found["epochs"]
        ]
        return found.assign(success=np.array(after, float))
    return found.assign(success=found[value].astype(float))


def _said(wanted: dict[str, Any]) -> str:
    return ", ".join(f"{name} {spec!r}" for name, spec in wanted.items()) or "anything"


def cell(records: pd.DataFrame, over: Sequence[str] = (), **wanted: Any) -> pd.DataFrame:
    """The records of one cell, a curve a seed: what a claim means by a spec that leaves much open.

    Arguments:
        records: One row a trial.
        over: What a measure is over: "learner", "strategy", ... may be several.
        wanted: As for :func:`pick`.

    Raises:
        BenchError: If there is none, or if anything else than that is several: their records
            would be pooled, and nobody would know.
    """
    found = pick(records, **wanted)
    several = {name: sorted(map(str, found[name].unique())) for name in CELL if name not in over}
    several = {name: texts for name, texts in several.items() if len(texts) > 1}
    if several:
        told = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in several.items())
        raise BenchError(
            f"{_said(wanted)} is more than one cell. Name more of its fields, or say that the "
            f"measure is over={tuple(several)}. It is {told}"
        )
    return found


def success(size: Sizes, **wanted: Any) -> Measure:
    """Mean success over some sizes; NaN for a seed that lacks one of them."""
    return Measure(lambda records: _whole(cell(records, size=size, **wanted), "success"))


def effective(size: Sizes, **wanted: Any) -> Measure:
    r"""Mean :math:`\log_{10} \alpha_\mathrm{eff} / \alpha` over some sizes."""

    def of(records: pd.DataFrame) -> pd.Series:
        found = cell(records, size=size, **wanted)
        with np.errstate(divide="ignore"):
            louder = np.log10(found["effective_size"].astype(float) / found["size"])
        return _whole(found.assign(louder=louder), "louder")

    return Measure(of)


def mass(level: float, **wanted: Any) -> Measure:
    r"""Critical mass at a level of success, in :math:`\log_{10}\alpha`.

    One that lies beyond all sizes counts as the largest of them, one below as the smallest:
    differences come out smaller for it, never larger.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        found = cell(records, **wanted)
        sizes = found.loc[found["size"] > 0, "size"]
        own = critical_by_seed(found, level)
        logs = np.log10(own["estimate"].clip(sizes.min(), sizes.max()))
        return _whole(own.assign(logs=logs), "logs")

    return Measure(of)


def area(**wanted: Any) -> Measure:
    """Area under the success curve."""
    return Measure(lambda records: _whole(area_by_seed(cell(records, **wanted)), "area"))


def told(records: pd.DataFrame, bound: str) -> pd.Series:
    """What a bound promised to each trial; NaN where it promised nothing."""
    name = f"bound_{bound}"
    if name not in records:
        return pd.Series(np.nan, records.index)
    return records[name].astype(float)


def slack(bound: str, least: bool = False, above: float = 0.0, **wanted: Any) -> Measure:
    """Success less what was promised: the mean, or the least, where the promise is above."""

    def of(records: pd.DataFrame) -> pd.Series:
        found = cell(records, **wanted)
        found = found.assign(promised=told(found, bound))
        # A failed trial has no success, and stays to make its seed one that is not whole.
        found = found[found["promised"].gt(above) | found["success"].isna()]
        left = found.assign(slack=found["success"] - found["promised"])
        by = left.groupby("seed")["slack"]
        return by.agg(lambda v: np.nan if v.isna().any() else v.min() if least else v.mean())

    return Measure(of)


def explained(by: str, **wanted: Any) -> Measure:
    r"""How much of success is told by a number, in whatever way it rises with it.

    .. math:: R^2 = 1 - \frac{\sum_i (S_i - m(z_i))^2}{\sum_i (S_i - \bar S)^2}

    over learners and sizes, with the best non-decreasing function m of the number z.
    """

    def share(rows: pd.DataFrame) -> float:
        # Of equal numbers the mean success counts, so that their order does not.
        rows = rows.groupby(by)["success"].agg(["mean", "size", "var"]).sort_index()
        values, weights = rows["mean"].to_numpy(), rows["size"].to_numpy(float)
        inside = float((rows["var"].fillna(0.0) * (weights - 1)).sum())
        centre = float(values @ weights / weights.sum())
        around = float(weights @ (values - isotonic(values, weights)) ** 2)
        total = float(weights @ (values - centre) ** 2) + inside
        return 1 - (around + inside) / total if total > 0 else float("nan")

    def of(records: pd.DataFrame) -> pd.Series:
        found = cell(records, over=["learner"], **wanted)
        # A failed trial has no weights, and stays to make its seed one that is not whole.
        found = found[found["effective_size"].notna() | found["success"].isna()]
        found = found[found["size"] > 0]
        return _each_whole(found, share)

    return Measure(of)


def _each_whole(found: pd.DataFrame, share: Callable[[pd.DataFrame], float]) -> pd.Series:
    """A number of each seed's trials; NaN where one of them failed."""
    return pd.Series(
        {
            seed: np.nan if rows["success"].isna().any() else share(rows)
            for seed, rows in found.groupby("seed")
        },
        dtype=float,
    )


def steepest(steps: int, **wanted: Any) -> Measure:
    """The share of the climb that the steepest steps between neighbouring sizes make up."""

    def share(rows: pd.DataFrame) -> float:
        rises = np.diff(rows.groupby("size")["success"].mean().sort_index().to_numpy())
        climb = np.clip(rises, 0, None).sum()
        return float(np.sort(rises)[-steps:].sum() / climb) if climb > 0 else float("nan")

    def of(records: pd.DataFrame) -> pd.Series:
        return _each_whole(cell(records, **wanted), share)

    return Measure(of)


def by_epoch(records: pd.DataFrame, epochs: Sequence[int]) -> pd.DataFrame:
    """The records of learners that recorded their epochs, a learner for each of some epochs."""
    kept = records[[isinstance(e, dict) for e in records["epochs"]]]
    pieces = [
        pick(kept, epoch=epoch).assign(
            learner=[f"{parse(text)[0]}(epoch={epoch})" for text in kept["learner"]]
        )
        for epoch in epochs
    ]
    return pd.concat(pieces, ignore_index=True)


def _whole(found: pd.DataFrame, value: str) -> pd.Series:
    """The mean at each seed; NaN where one of the seed's numbers, or a trial, is missing."""
    by = found.groupby("seed")[value]
    means, counts = by.agg(lambda v: v.mean(skipna=False)), by.size()
    return means.where(counts == counts.max()).astype(float)
