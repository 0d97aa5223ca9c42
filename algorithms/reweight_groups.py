"""Reweighting of groups by balanced sampling."""

from dataclasses import dataclass
from typing import ClassVar

from algorithms.engine import GradientLearner, Hooks, Samples
from algorithms.engine.environments import even_sampling


@dataclass(frozen=True)
class ReweightGroups(GradientLearner):
    r"""Reweighting of groups (RWG): batches draw all groups equally often.

    .. math:: P(\text{sample } i \text{ is drawn}) \propto n / n_{g(i)}

    with :math:`n_g` the size of group g. An epoch is n draws with replacement. If data have no
    groups, the label is the group.

    A member has the more weight the rarer the member's group: a collective that relabels its
    members into one group loses in weight what that group gains in size.

    References:
        | Simple Data Balancing Achieves Competitive Worst-Group-Accuracy (Idrissi et al., 2022)
        | https://arxiv.org/abs/2110.14503

    Its arguments are those of :class:`GradientLearner`.

    Example:
        >>> import numpy as np
        >>> from algorithms.base import TrainingSet
        >>> sample = TrainingSet(np.zeros((4, 1)), np.array([0, 0, 0, 1]))
        >>> (weights,) = ReweightGroups().hooks([sample]).sampling_weights
        >>> weights / weights.sum()
        array([0.16666667, 0.16666667, 0.16666667, 0.5       ])
    """

    needs_groups: ClassVar[bool] = True

    def hooks(self, samples: Samples) -> Hooks:
        """Return hooks that balance the batches."""
        return Hooks(sampling_weights=even_sampling(samples))
