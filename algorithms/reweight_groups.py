"""Groups drawn as often as each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from algorithms.base import TrainingSet
from algorithms.engine.hooks import Hooks
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.group_dro import balanced


@dataclass(frozen=True)
class ReweightGroups(GradientLearner):
    r"""Reweighting of groups (RWG): batches draw each group as often as the others.

    .. math:: P(\text{sample } i \text{ is drawn}) \propto n / n_{g(i)}

    with :math:`n_g` the size of group g. An epoch is n draws with replacement. Where data have no
    groups, the label is the group.

    The rarer a member's group, the louder the member: a collective that relabels its people
    into one group loses in weight what that group gains in size.

    References:
        | Simple Data Balancing Achieves Competitive Worst-Group-Accuracy (Idrissi et al., 2022)
        | https://arxiv.org/abs/2110.14503

    Its arguments are those of :class:`GradientLearner`.
    """

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        chances = np.stack([balanced(s.group) for s in samples])
        return self.descend(samples, rngs, hyperparams, Hooks(chances=chances))
