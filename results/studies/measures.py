"""Measures that claims are about: from records to one number a seed."""

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from results.display_names import parse
from results.stats.critical_mass import critical_by_seed
from results.stats.curves import area_by_seed
from results.stats.frames import CELL, WAYS

Sizes = float | tuple[float, float]
_READ: ContextVar[list[pd.DataFrame] | None] = ContextVar("read", default=None)


@contextmanager
def records_read() -> Iterator[list[pd.DataFrame]]:
    """Collect the records that measures pick inside this context, a frame for each pick."""
    read: list[pd.DataFrame] = []
    token = _READ.set(read)
    try:
        yield read
    finally:
        _READ.reset(token)


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
        """Return the number at each seed; NaN where records don't give it."""
        return self.of(records)

    def __sub__(self, other: "Measure") -> "Measure":
        return Measure(lambda records: self(records) - other(records))

    def __neg__(self) -> "Measure":
        return Measure(lambda records: -self(records))


@cache
def matches(text: str, spec: str) -> bool:
    """Return whether a text is of the class of a spec, and has the fields that the spec names.

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
    """Return whether an expression has the class and the fields of another."""
    match node, wanted:
        case ast.Call(func=function), ast.Name():
            return ast.dump(function) == ast.dump(wanted)
        case ast.Call(func=function), ast.Call(func=name):
            fields = {k.arg: k.value for k in node.keywords}
            required = {k.arg: k.value for k in wanted.keywords}
            matches = ast.dump(function) == ast.dump(name) and required.keys() <= fields.keys()
            return matches and all(_has(fields[k], v) for k, v in required.items())
        case ast.Tuple(elts=elements), ast.Tuple(elts=parts):
            return len(elements) == len(parts) and all(map(_has, elements, parts))
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
    """Return the records of some cells.

    Arguments:
        records: One row a trial.
        size: A size, or the smallest and the largest.
        value: The column that takes the place of ``success``; NaN where a trial failed.
        epoch: After which epoch, counted from 1, for learners that recorded them.
        wanted: Specs of datasets, learners and strategies, with the fields that matter; a
            validation, a groups, a recruitment.

    Raises:
        BenchError: If there are none.
    """
    keep = np.full(len(records), True)
    for column, spec in wanted.items():
        # Texts are compared once each, and not in each row.
        codes, texts = pd.factorize(records[column])
        hits = [t == spec if column in WAYS else matches(t, spec) for t in texts]
        keep &= np.array([*hits, False])[codes]
    if size is not None:
        low, high = size if isinstance(size, tuple) else (size, size)
        keep &= records["size"].between(low, high).to_numpy()
    matching = records[keep]
    if not len(matching):
        there = {name: sorted(map(str, records[name].unique())) for name in wanted}
        at = "" if size is None else f" at size {size}"
        raise BenchError(f"no record is of {_written(wanted)}{at}; there are {there or 'none'}")
    if (read := _READ.get()) is not None:
        read.append(matching)
    if epoch is not None:
        after = [
            e["success"][epoch - 1] if isinstance(e, dict) else np.nan for e in matching["epochs"]
        ]
        return matching.assign(success=np.array(after, float))
    return matching.assign(success=matching[value].astype(float))


def _written(wanted: dict[str, Any]) -> str:
    """Return wanted columns and specs as text."""
    return ", ".join(f"{name} {spec!r}" for name, spec in wanted.items()) or "anything"


def cell(records: pd.DataFrame, over: Sequence[str] = (), **wanted: Any) -> pd.DataFrame:
    """Return the records of one cell, a curve a seed, for a spec that leaves fields open.

    Arguments:
        records: One row a trial.
        over: The columns of a cell that a measure pools: "learner", "strategy", ...
        wanted: As for :func:`pick`.

    Raises:
        BenchError: If there is no record, or if a column that is not pooled has several values.
    """
    matching = pick(records, **wanted)
    several = {
        name: sorted(map(str, matching[name].unique())) for name in CELL if name not in over
    }
    several = {name: texts for name, texts in several.items() if len(texts) > 1}
    if several:
        cells = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in several.items())
        raise BenchError(
            f"{_written(wanted)} is more than one cell. Name more of its fields, or say that the "
            f"measure is over={tuple(several)}. It is {cells}"
        )
    return matching


def success(size: Sizes, **wanted: Any) -> Measure:
    """Return mean success over some sizes; NaN for a seed that lacks one of them."""
    return Measure(lambda records: _whole(cell(records, size=size, **wanted), "success"))


def effective(size: Sizes, **wanted: Any) -> Measure:
    r"""Return mean :math:`\log_{10} \alpha_\mathrm{eff} / \alpha` over some sizes."""

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, size=size, **wanted)
        with np.errstate(divide="ignore"):
            ratio = np.log10(trials["effective_size"].astype(float) / trials["size"])
        return _whole(trials.assign(ratio=ratio), "ratio")

    return Measure(of)


def mass(level: float, **wanted: Any) -> Measure:
    r"""Return the critical mass at a level of success, in :math:`\log_{10}\alpha`.

    One that lies beyond all sizes counts as the largest of them, one below as the smallest:
    differences come out smaller for it, never larger.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, **wanted)
        sizes = trials.loc[trials["size"] > 0, "size"]
        masses = critical_by_seed(trials, level, "zero")
        logs = np.log10(masses["estimate"].clip(sizes.min(), sizes.max()))
        return _whole(masses.assign(logs=logs), "logs")

    return Measure(of)


def area(**wanted: Any) -> Measure:
    """Return the area under the success curve."""
    return Measure(lambda records: _whole(area_by_seed(cell(records, **wanted)), "area"))


def bound_of(records: pd.DataFrame, bound: str) -> pd.Series:
    """Return a bound on the success of each trial; NaN where there is none."""
    name = f"bound_{bound}"
    if name not in records:
        return pd.Series(np.nan, records.index)
    return records[name].astype(float)


def slack(bound: str, least: bool = False, above: float = 0.0, **wanted: Any) -> Measure:
    """Return success less a bound on it, where the bound is above a number.

    Arguments:
        bound: The name of the bound.
        least: Whether to take the least over sizes, in place of the mean.
        above: The number.
        wanted: As for :func:`pick`.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, **wanted)
        trials = trials.assign(promised=bound_of(trials, bound))
        # A failed trial has no success, and stays to make its seed one that is not whole.
        trials = trials[trials["promised"].gt(above) | trials["success"].isna()]
        left = trials.assign(slack=trials["success"] - trials["promised"])
        by = left.groupby("seed")["slack"]
        return by.agg(lambda v: np.nan if v.isna().any() else v.min() if least else v.mean())

    return Measure(of)


def each_whole(trials: pd.DataFrame, of: Callable[[pd.DataFrame], float]) -> pd.Series:
    """Return a number of each seed's trials; NaN where one of them failed."""
    return pd.Series(
        {
            seed: np.nan if rows["success"].isna().any() else of(rows)
            for seed, rows in trials.groupby("seed")
        },
        dtype=float,
    )


def climbs_in_steps(bound: str = "exact", **wanted: Any) -> Measure:
    r"""Return the share of the climb at the steps of the law, less that of a straight line.

    The bound of a known law is a staircase. With r the rises of success between neighbouring
    sizes, and J the pairs of sizes between which the bound rises,

    .. math::  \frac{\sum_{j \in J} r_j^+}{\sum_j r_j^+} -
               \frac{\sum_{j \in J} \Delta_j}{\sum_j \Delta_j}

    where :math:`\Delta` are the distances of sizes in :math:`\log_{10}\alpha`, over the sizes
    from the start of the climb to its end. It is 0 for a line over log size, and 1 less a small
    number for the law's staircase, wherever its steps are; a smooth curve is near 0.

    Arguments:
        bound: The name of the bound.
        wanted: As for :func:`pick`.
    """

    def of(rows: pd.DataFrame) -> float:
        rows = rows[rows["size"] > 0].sort_values("size")
        rises = np.clip(np.diff(rows["success"].to_numpy(float)), 0, None)
        steps = np.diff(bound_of(rows, bound).to_numpy(float)) > 1e-9
        climbing = np.flatnonzero(rises > 0)
        if not len(climbing) or not steps.any():
            return float("nan")
        widths = np.diff(np.log10(rows["size"].to_numpy(float)))
        during = np.zeros(len(rises), dtype=bool)
        during[climbing[0] : climbing[-1] + 1] = True
        widths = np.where(during, widths, 0.0)
        return float(rises[steps].sum() / rises.sum() - widths[steps].sum() / widths.sum())

    return Measure(lambda records: each_whole(cell(records, **wanted), of))


def by_epoch(records: pd.DataFrame, epochs: Sequence[int]) -> pd.DataFrame:
    """Return the records of traced learners, with a learner for each of some epochs.

    Arguments:
        records: One row a trial.
        epochs: The epochs, counted from 1.
    """
    kept = records[[isinstance(e, dict) for e in records["epochs"]]]
    pieces = [
        pick(kept, epoch=epoch).assign(
            learner=[f"{parse(text)[0]}(epoch={epoch})" for text in kept["learner"]]
        )
        for epoch in epochs
    ]
    return pd.concat(pieces, ignore_index=True)


def _whole(trials: pd.DataFrame, value: str) -> pd.Series:
    """Return the mean at each seed; NaN where a number or a trial of the seed is missing."""
    numbers, groups = trials[value].to_numpy(float), trials.groupby("seed").indices
    most = max(map(len, groups.values()), default=0)
    # A frame for each seed would take most of the time.
    means = {s: numbers[at].mean() if len(at) == most else np.nan for s, at in groups.items()}
    index = pd.Index(means.keys(), name="seed", dtype=trials["seed"].dtype)
    return pd.Series(means.values(), index=index, name=value, dtype=float)
