"""Groups cut to the size of the smallest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from algorithms.base import Array, Fitted, TrainingSet
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome


def levelled(group: Array, rng: np.random.Generator) -> Array:
    """Positions of as many of each group as the smallest has, drawn at random, in order.

    Example:
        >>> levelled(np.array([0, 1, 0, 3, 1]), np.random.default_rng(0))
        array([2, 3, 4])
    """
    order, names = rng.permutation(len(group)), np.unique(group)
    smallest = np.bincount(group)[names].min()
    return np.sort(np.concatenate([order[group[order] == g][:smallest] for g in names]))


@dataclass(frozen=True)
class SubsampleGroups(GradientLearner):
    r"""Subsampling of groups (SUBG): each group is cut to the size of the smallest.

    .. math:: \min_\theta \sum_g \sum_{i \in S_g} \ell(f_\theta(x_i), y_i), \qquad
        S_g \subseteq \{i : g(i) = g\}, \quad |S_g| = \min_h n_h

    The subsets are drawn once, before training. Where data have no groups, the label is the
    group. (An epoch passes over what is left, so there are fewer steps in it.)

    Most of a collective in a large group is thrown away, with most of that group; one that
    makes a group small decides how much everybody else may say.

    References:
        | Simple Data Balancing Achieves Competitive Worst-Group-Accuracy (Idrissi et al., 2022)
        | https://arxiv.org/abs/2110.14503

    Its arguments are those of :class:`GradientLearner`.
    """

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on what is left of many samples, stacked."""
        kept = [levelled(s.group, rng) for s, rng in zip(samples, rngs, strict=True)]
        parts = [s.take(k) for s, k in zip(samples, kept, strict=True)]
        weights = [np.bincount(k, minlength=len(s)) for k, s in zip(kept, samples, strict=True)]
        return [
            f if isinstance(f, Exception) else replace(f, weights=w.astype(np.float32))
            for f, w in zip(super().fit_many(parts, rngs), weights, strict=True)
        ]

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        return self.descend(samples, rngs, hyperparams)
