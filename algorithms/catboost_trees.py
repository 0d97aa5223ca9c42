"""Gradient-boosted trees of the library CatBoost."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Gt, Interval, Le

from algorithms._boosting import BoostingLearner


@dataclass(frozen=True)
class CatBoost(BoostingLearner):
    r"""CatBoost with ordered boosting, an optional library.

    All splits of one level of a tree are equal. In ordered boosting the gradient of sample i is
    taken at a model that was trained on the samples before i in a random order only,

    .. math:: g_i = \nabla \ell\big(F_{\{j : \sigma(j) < \sigma(i)\}}(x_i), y_i\big)

    which avoids the bias of gradients at samples that the model was trained on. All columns are
    taken as numbers. The library is an extra of this project:
    ``pip install 'collective-bench[boosting]'``.

    A member's own label has no part in the gradient that its leaf gets from it: a signal has
    to be shared by several members before a tree follows it.

    References:
        | CatBoost: Unbiased Boosting with Categorical Features (Prokhorenkova et al., 2018)
        | https://arxiv.org/abs/1706.09516

    Arguments:
        rounds: The number of boosting rounds.
        learning_rate: The factor of each tree.
        depth: The depth of all trees.
        l2: The penalty of the leaves' values.
        boosting: Ordered boosting, or the usual one, which is several times faster.
        growth: The ratio of the lengths of neighbouring prefixes of the order that have a model
            of their own. The library's default of 2 takes more than twice the time.
        bins: The number of thresholds of each feature.

    Example:
        >>> CatBoost().library
        'catboost'
    """

    space: ClassVar = {
        "rounds": [20, 50, 150],
        "learning_rate": [0.05, 0.1, 0.3],
        "depth": [2, 4, 6],
    }

    library: ClassVar[str] = "catboost"

    rounds: Annotated[int, Ge(1)] = 50
    learning_rate: Annotated[float, Gt(0), Le(1)] = 0.3
    depth: Annotated[int, Interval(ge=1, le=16)] = 4
    l2: Annotated[float, Ge(0)] = 3.0
    boosting: Literal["Ordered", "Plain"] = "Ordered"
    growth: Annotated[float, Gt(1)] = 8.0
    bins: Annotated[int, Interval(ge=1, le=65535)] = 64

    def estimator(self) -> Any:
        """Return the unfitted classifier."""
        from catboost import CatBoostClassifier

        return CatBoostClassifier(
            iterations=self.rounds,
            learning_rate=self.learning_rate,
            depth=self.depth,
            l2_leaf_reg=self.l2,
            boosting_type=self.boosting,
            fold_len_multiplier=self.growth,
            border_count=self.bins,
            random_state=0,
            thread_count=1,
            allow_writing_files=False,
            verbose=False,
        )
