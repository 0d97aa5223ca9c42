"""The control of other strategies: members that do nothing."""

import pandas as pd

from results.display_names import parse
from results.spelling import CONTROL
from results.stats.frames import WAYS


def is_control(frame: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows of a table are of the control."""
    control = {text for text in frame["strategy"].unique() if parse(str(text))[0] == CONTROL}
    return frame["strategy"].isin(control)


def without_control(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the control, where there are other strategies on its dataset.

    Example:
        >>> frame = pd.DataFrame({"dataset": [*"DDE"], "strategy": ["Idle()", "S()", "Idle()"]})
        >>> without_control(frame)["strategy"].tolist()
        ['S()', 'Idle()']
    """
    control = is_control(frame)
    acted = set(frame.loc[~control, "dataset"])
    return frame[~(control & frame["dataset"].isin(acted))]


def reference(curves: pd.DataFrame, task: pd.DataFrame) -> pd.DataFrame:
    """Return the control of a panel: ``low``, ``mean`` and ``high`` over learners at each size.

    Arguments:
        curves: Result of :func:`results.stats.curves.success_curves`.
        task: The curves of the panel.

    Returns:
        A table with the sizes as index, without rows where the panel has no control. Its
        learners are those of the panel.
    """
    own = curves[is_control(curves) & curves["learner"].isin(task["learner"])]
    for name in ("dataset", *WAYS):
        own = own[own[name] == task[name].iloc[0]]
    means = own.groupby("size")["mean"]
    return pd.DataFrame({"low": means.min(), "mean": means.mean(), "high": means.max()}).dropna()
