"""The effect of other collectives on the success of one collective."""

import ast
from typing import NamedTuple

import pandas as pd

from results.stats.frames import WAYS, checked
from results.stats.intervals import signed

_KEYS = ["dataset", "strategy", *WAYS, "learner", "size"]
_COLUMNS = [*_KEYS, "alone", "together", "difference", "low", "high", "seeds"]


class _Evaluated(NamedTuple):
    """The collective whose success a ``Several`` measures, its share, and whether it is alone."""

    strategy: str
    share: float
    alone: bool


def _evaluated(text: str) -> _Evaluated | None:
    """Return the evaluated collective of a strategy's text, or None if it is no ``Several``."""
    try:
        call = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "Several":
        return None
    fields = {k.arg: k.value for k in call.keywords}
    judged = ast.literal_eval(fields["judged"])
    if judged is None or not isinstance(fields["strategies"], ast.Tuple):
        return None
    share = ast.literal_eval(fields["shares"])[judged]
    alone = ast.literal_eval(fields["alone"])
    strategy = ast.unparse(fields["strategies"].elts[judged])
    return _Evaluated(strategy, float(share), bool(alone))


def constructiveness(records: pd.DataFrame) -> pd.DataFrame:
    r"""Measure the effect of other collectives on a collective's success.

    .. math:: C(\alpha) = S(\alpha s_j \mid \text{all act}) - S(\alpha s_j \mid \text{others idle})

    Differences are paired over seeds. A pair of collectives is left out where the records lack
    the evaluated collective alone, with the same share of the members.

    References:
        | Algorithmic Collective Action with Two Collectives (Karan et al., 2025)
        | https://arxiv.org/abs/2505.00195

    Arguments:
        records: One row a trial.

    Returns:
        A row for each dataset, pair, way, learner and size: ``alone`` and ``together``, means;
        ``difference`` with ``low`` and ``high``, its 95 % interval; ``seeds``.
    """
    table = checked(records)
    parsed = {text: _evaluated(text) for text in table["strategy"].unique()}
    known = {text: evaluated for text, evaluated in parsed.items() if evaluated is not None}
    table = table[table["strategy"].isin(list(known))]
    evaluated = [known[text] for text in table["strategy"]]
    table = table.assign(own=[f"{e.share} {e.strategy}" for e in evaluated])
    alone = pd.Series([e.alone for e in evaluated], table.index, dtype=bool)
    keys = ["dataset", *WAYS, "learner", "size", "seed", "own"]
    # A collective evaluated alone gives the same trial, whatever others its strategy names.
    single = table.loc[alone, [*keys, "success"]].drop_duplicates(keys)
    both = table[~alone].merge(single, on=keys, suffixes=("", "_alone"))
    rows = []
    for key, pair in both.dropna(subset=["success", "success_alone"]).groupby(_KEYS):
        gap = pair["success"] - pair["success_alone"]
        mean, low, high, _ = signed(gap.to_numpy(float))
        means = [pair["success_alone"].mean(), pair["success"].mean()]
        rows.append([*key, *means, mean, low, high, len(gap)])
    return pd.DataFrame(rows, columns=_COLUMNS)
