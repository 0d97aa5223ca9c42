"""What collectives are worth to each other."""

import ast
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import abbreviate, labels
from results.plots.axes import entitle, legend, small_multiples, symlog_sizes
from results.plots.learner_styles import looks
from results.plots.style import fitting, styled
from results.stats.frames import WAYS, checked
from results.stats.intervals import signed

_KEYS = ["dataset", "strategy", *WAYS, "learner", "size"]


class _Judged(NamedTuple):
    """The collective whose success a text of ``Several`` measures, and whether it is alone."""

    strategy: str
    share: float
    alone: bool


def _judged(text: str) -> _Judged | None:
    """What a strategy's text says, if it is one of several collectives one of which is judged."""
    call = ast.parse(text, mode="eval").body
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "Several":
        return None
    given = {k.arg: k.value for k in call.keywords}
    judged = ast.literal_eval(given["judged"])
    if judged is None or not isinstance(given["strategies"], ast.Tuple):
        return None
    share = ast.literal_eval(given["shares"])[judged]
    alone = ast.literal_eval(given["alone"])
    return _Judged(ast.unparse(given["strategies"].elts[judged]), float(share), bool(alone))


def constructiveness(records: pd.DataFrame) -> pd.DataFrame:
    r"""What the others are worth to a collective: its success together less its success alone.

    .. math:: C(\alpha) = S(\alpha s_j \mid \text{all act}) - S(\alpha s_j \mid \text{others idle})

    Paired over seeds; a pair is left out where nobody ran the judged collective alone, with the
    same share of the members.

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
    told = {
        text: found for text in table["strategy"].unique() if (found := _judged(text)) is not None
    }
    table = table[table["strategy"].isin(list(told))]
    judged = [told[text] for text in table["strategy"]]
    table = table.assign(own=[f"{j.share} {j.strategy}" for j in judged])
    alone = pd.Series([j.alone for j in judged], table.index, dtype=bool)
    keys = ["dataset", *WAYS, "learner", "size", "seed", "own"]
    # Who was run alone beside several others was run the same each time.
    single = table.loc[alone, [*keys, "success"]].drop_duplicates(keys)
    both = table[~alone].merge(single, on=keys, suffixes=("", "_alone"))
    rows = []
    for key, pair in both.dropna(subset=["success", "success_alone"]).groupby(_KEYS):
        gap = pair["success"] - pair["success_alone"]
        mean, low, high, _ = signed(gap.to_numpy(float))
        values = [pair["success_alone"].mean(), pair["success"].mean(), mean, low, high, len(gap)]
        rows.append([*key, *values])
    names = [*_KEYS, "alone", "together", "difference", "low", "high", "seeds"]
    return pd.DataFrame(rows, columns=names)


@styled
def plot_pairs(table: pd.DataFrame) -> Figure:
    """What the others are worth to a collective: a panel a pair, a curve a learner.

    Arguments:
        table: What :func:`constructiveness` returns.

    Returns:
        The figure: success together less success alone, with 95 % intervals over paired seeds;
        below zero the others harm it.
    """
    tasks = list(table.groupby(["dataset", "strategy", *WAYS]))
    columns = min(fitting(2), max(len(tasks), 1))
    figure, grid = small_multiples(len(tasks), columns)
    short, styles = labels(table["learner"]), looks(table["learner"])
    names = abbreviate({str(text): str(text) for text in table["strategy"].unique()})
    data = labels(table["dataset"])
    shown: dict[str, Any] = {}
    for axes, (key, task) in zip(grid, tasks, strict=True):
        entitle(axes, [data[str(key[0])], names[str(key[1])]])
        axes.axhline(0, color="0.5", linewidth=0.8)
        for learner, own in task.groupby("learner"):
            own, look = own.sort_values("size"), styles[str(learner)].line()
            axes.fill_between(
                own["size"], own["low"], own["high"], color=look["color"], alpha=0.13, linewidth=0
            )
            (line,) = axes.plot(own["size"], own["difference"], **look | {"markersize": 3.5})
            shown[short[str(learner)]] = line
        axes.set_ylim(-1.04, 1.04)
        positive = task.loc[task["size"] > 0, "size"]
        symlog_sizes(axes, float(positive.min()), float(positive.max()))
    for axes in grid[-columns:]:
        axes.set_xlabel("size of all together")
    for axes in grid[::columns]:
        axes.set_ylabel("together less alone")
    legend(figure, list(shown.values()), list(shown))
    return figure
