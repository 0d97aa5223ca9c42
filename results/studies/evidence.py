"""What a claim rests on: the data and the learners whose records its measure read."""

from collections.abc import Callable, Collection
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.core.identity_cache import IdentityCache
from bench.spec.parsing import parse_any
from bench.spec.registry import REGISTRY
from results.display_names import parse

#: The learner beside whose accuracy that of the others is given.
REFERENCE = "ERM"


def evidence(
    read: pd.DataFrame, records: pd.DataFrame, paper_data: tuple[str, ...]
) -> dict[str, str]:
    """Return on which data and with which learners a claim was judged.

    Several data sets, and several learners, are separated by semicolons, in the same order in
    all columns.

    Arguments:
        read: The records that the claim's measure read.
        records: All records of the study, of which those at size 0 give accuracies.
        paper_data: The classes of data on which the paper makes the claim.

    Returns:
        ``data``, the class of each data set; ``n``, its numbers of training rows; ``kind``, its
        family; ``learner``, the class of each learner; ``settings``, its fields that are not the
        default ones; ``accuracy_less_erm``, its accuracy at size 0 less that of ERM; and
        ``evidence``, "replication" where all data are of ``paper_data``, and "analogy" otherwise.
    """
    if not len(read):
        return dict.fromkeys(
            ("data", "n", "kind", "learner", "settings", "accuracy_less_erm"), ""
        ) | {"evidence": "analogy"}
    names = read["dataset"].map(lambda text: parse(text)[0])
    data = sorted(names.unique())
    learners = sorted(read["learner"].unique())
    sizes = read["n"].groupby(names) if "n" in read else None
    return {
        "data": "; ".join(data),
        "n": "; ".join("" if sizes is None else _range(sizes.get_group(name)) for name in data),
        "kind": "; ".join(_family(name) for name in data),
        "learner": "; ".join(parse(text)[0] for text in learners),
        "settings": "; ".join(map(settings, learners)),
        "accuracy_less_erm": "; ".join(
            _accuracy_less_erm(records, sorted(read["dataset"].unique()), text)
            for text in learners
        ),
        "evidence": "replication" if set(data) <= set(paper_data) else "analogy",
    }


def settings(text: str) -> str:
    """Return the fields of a learner that differ from its defaults.

    Example:
        >>> settings("KNN(n_neighbors=3)"), settings("KNN()")
        ('n_neighbors=3', 'default')
    """
    try:
        learner = parse_any(text)
    except BenchError:
        # The records are of a version of the program in which the learner had other fields.
        return ", ".join(f"{key}={value}" for key, value in parse(text)[1].items()) or "default"
    usual = type(learner)()
    changed: dict[str, Any] = {
        field.name: getattr(learner, field.name)
        for field in fields(learner)
        if getattr(learner, field.name) != getattr(usual, field.name)
    }
    return ", ".join(f"{key}={value!r}" for key, value in changed.items()) or "default"


def _range(n: pd.Series) -> str:
    """Return the smallest and the largest number of rows as text."""
    known = n.dropna()
    if not len(known):
        return ""
    low, high = int(known.min()), int(known.max())
    return str(low) if low == high else f"{low} to {high}"


def _family(name: str) -> str:
    """Return the family of a class of data sets; no text if the class is unknown."""
    return str(getattr(REGISTRY.names.get(name), "family", ""))


def accuracy_less_erm(records: pd.DataFrame, data: Collection[str], learner: str) -> float:
    """Return the mean difference of accuracies at size 0 over data sets and seeds.

    Where records have several settings of ERM, the one that has most fields in common with the
    learner counts, so that both have the same network. Of several such, the most accurate counts.

    Arguments:
        records: One row a trial.
        data: Data sets, as the records have them.
        learner: The learner, as the records have it.

    Returns:
        The difference; NaN where the records lack the accuracies of either.
    """
    return _differences(records)(frozenset(data), learner)


def _differences_of(records: pd.DataFrame) -> Callable[[frozenset[str], str], float]:
    """Return the map from data sets and a learner to its :func:`accuracy_less_erm`."""
    whole = _accuracies(records) if "accuracy" in records else pd.DataFrame()

    @cache
    def on(data: frozenset[str]) -> pd.DataFrame:
        return whole[whole.index.isin(data, level="dataset")].dropna(axis=1, how="all")

    @cache
    def less(data: frozenset[str], learner: str) -> float:
        if whole.empty or learner not in on(data).columns:
            return float("nan")
        table, own = on(data), parse(learner)[1].items()
        references = [text for text in table.columns if parse(text)[0] == REFERENCE]
        if not references:
            return float("nan")
        nearest = max(references, key=lambda e: (len(own & parse(e)[1].items()), table[e].mean()))
        return float((table[learner] - table[nearest]).mean())

    return less


def _accuracies(records: pd.DataFrame) -> pd.DataFrame:
    """Return accuracies at size 0: a row a data set and seed, a column a learner."""
    clean = records[records["size"] == 0]
    return clean.assign(accuracy=clean["accuracy"].astype(float)).pivot_table(
        index=["dataset", "seed"], columns="learner", values="accuracy"
    )


#: The same for all claims about some records.
_differences = IdentityCache(_differences_of, most=2)


def _accuracy_less_erm(records: pd.DataFrame, data: Collection[str], learner: str) -> str:
    """Return the difference of accuracies as text."""
    less = accuracy_less_erm(records, data, learner)
    if np.isnan(less):
        here = records.loc[records["dataset"].isin(data), "learner"].unique()
        none = "accuracy" in records and all(parse(text)[0] != REFERENCE for text in here)
        return f"no {REFERENCE}" if none else ""
    # Zero is added so that a small negative number is not written as -0.000.
    return f"{round(less, 3) + 0.0:+.3f}"
