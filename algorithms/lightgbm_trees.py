"""Gradient-boosted trees of the library LightGBM."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Gt, Interval, Le

from algorithms._boosting import BoostingLearner


@dataclass(frozen=True)
class LightGBM(BoostingLearner):
    r"""Light gradient-boosting machine (LightGBM), an optional library.

    Trees grow by the leaf whose split has the largest gain,

    .. math:: \frac{G_l^2}{H_l + \lambda} + \frac{G_r^2}{H_r + \lambda}
        - \frac{(G_l + G_r)^2}{H_l + H_r + \lambda}

    with G and H the sums of the loss's first and second derivatives left and right of the split,
    until a tree has its number of leaves. The library is an extra of this project:
    ``pip install 'collective-bench[boosting]'``.

    Because trees grow where the gain is largest, a signal that members' labels agree on gets
    splits early and deep; ``leaf`` is the number of members below which no leaf is theirs alone.

    References:
        | LightGBM: A Highly Efficient Gradient Boosting Decision Tree (Ke et al., 2017)
        | https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-decision-tree

    Arguments:
        rounds: The number of boosting rounds.
        learning_rate: The factor of each tree.
        leaves: The largest number of leaves of a tree.
        leaf: The smallest number of samples in a leaf.
        l2: The penalty :math:`\lambda` of the leaves' values.
        subsample: The share of samples that each round draws.
        bins: The number of bins of each feature's histogram.

    Example:
        >>> LightGBM(rounds=100, leaves=31).estimator().get_params()["num_leaves"]
        31
    """

    space: ClassVar = {
        "rounds": [20, 50, 150],
        "learning_rate": [0.05, 0.1, 0.3],
        "leaves": [4, 15, 31],
    }

    library: ClassVar[str] = "lightgbm"

    rounds: Annotated[int, Ge(1)] = 50
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.1
    leaves: Annotated[int, Ge(2)] = 15
    leaf: Annotated[int, Ge(1)] = 5
    l2: Annotated[float, Ge(0)] = 0.0
    subsample: Annotated[float, Gt(0), Le(1)] = 1.0
    bins: Annotated[int, Interval(ge=2, le=255)] = 63

    def estimator(self) -> Any:
        """Return the unfitted classifier."""
        from lightgbm import LGBMClassifier

        return LGBMClassifier(
            n_estimators=self.rounds,
            learning_rate=self.learning_rate,
            num_leaves=self.leaves,
            min_child_samples=self.leaf,
            reg_lambda=self.l2,
            subsample=self.subsample,
            subsample_freq=1,
            max_bin=self.bins,
            deterministic=True,
            force_row_wise=True,
            n_jobs=1,
            verbosity=-1,
        )
