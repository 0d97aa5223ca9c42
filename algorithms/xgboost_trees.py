"""Gradient-boosted trees of the library XGBoost."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Interval, Le

from algorithms._boosting import BoostingLearner


@dataclass(frozen=True)
class XGBoost(BoostingLearner):
    r"""Extreme gradient boosting (XGBoost), an optional library.

    Round t adds the trees that minimise the second-order expansion of the loss,

    .. math:: \sum_i \Big( g_i f_t(x_i) + \tfrac12 h_i f_t(x_i)^2 \Big) + \gamma T
        + \tfrac\lambda2 \lVert w \rVert_2^2

    with g and h the derivatives of sample i's loss, T leaves and their values w. The library is an
    extra of this project: ``pip install 'collective-bench[boosting]'``.

    A leaf's value is :math:`-\sum g_i / (\sum h_i + \lambda)`. Members that alone share a signal
    get leaves of their own if these leaves are heavier than ``min_child_weight``, and the penalty
    :math:`\lambda` shrinks the values of leaves with few members.

    References:
        | XGBoost: A Scalable Tree Boosting System (Chen and Guestrin, 2016)
        | https://arxiv.org/abs/1603.02754

    Arguments:
        rounds: The number of boosting rounds.
        learning_rate: The factor of each tree.
        depth: The largest depth of a tree.
        min_child_weight: The smallest sum of second derivatives in a leaf.
        l2: The penalty :math:`\lambda` of the leaves' values.
        min_split_gain: The penalty :math:`\gamma` of a leaf.
        subsample: The share of samples that a round draws.
        bins: The number of bins of each feature's histogram.

    Example:
        >>> XGBoost(rounds=100, depth=6).estimator().get_params()["n_estimators"]
        100
    """

    space: ClassVar = {
        "rounds": [20, 50, 150],
        "learning_rate": [0.05, 0.1, 0.3],
        "depth": [2, 4, 6],
    }

    library: ClassVar[str] = "xgboost"

    rounds: Annotated[int, Ge(1)] = 50
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.3
    depth: Annotated[int, Interval(ge=1, le=16)] = 4
    min_child_weight: Annotated[float, Ge(0)] = 1.0
    l2: Annotated[float, Ge(0)] = 1.0
    min_split_gain: Annotated[float, Ge(0)] = 0.0
    subsample: Annotated[float, Gt(0), Le(1)] = 1.0
    bins: Annotated[int, Interval(ge=2, le=256)] = 64

    def estimator(self) -> Any:
        """Return the unfitted classifier."""
        from xgboost import XGBClassifier

        return XGBClassifier(
            n_estimators=self.rounds,
            learning_rate=self.learning_rate,
            max_depth=self.depth,
            min_child_weight=self.min_child_weight,
            reg_lambda=self.l2,
            gamma=self.min_split_gain,
            subsample=self.subsample,
            max_bin=self.bins,
            tree_method="hist",
            n_jobs=1,
        )
