"""Subsampling of groups to the size of the smallest."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from algorithms.base import Array, Fitted, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Samples


def balanced_subset(group: Array, rng: np.random.Generator) -> Array:
    """Draw a subset in which all groups have the size of the smallest; return its positions.

    Example:
        >>> balanced_subset(np.array([0, 1, 0, 3, 1]), np.random.default_rng(0))
        array([2, 3, 4])
    """
    order, names = rng.permutation(len(group)), np.unique(group)
    smallest = np.bincount(group)[names].min()
    return np.sort(np.concatenate([order[group[order] == g][:smallest] for g in names]))


@dataclass(frozen=True)
class SubsampleGroups(GradientLearner):
    r"""Subsampling of groups (SUBG) to the size of the smallest.

    .. math:: \min_\theta \sum_g \sum_{i \in S_g} \ell(f_\theta(x_i), y_i), \qquad
        S_g \subseteq \{i : g(i) = g\}, \quad |S_g| = \min_h n_h

    The subsets are drawn once, before training. If data have no groups, the label is the group.
    (An epoch passes over the subsets, so it has fewer steps.)

    Most of a collective in a large group is removed, with most of that group; a collective that
    makes a group small determines how many samples of all others remain.

    References:
        | Simple Data Balancing Achieves Competitive Worst-Group-Accuracy (Idrissi et al., 2022)
        | https://arxiv.org/abs/2110.14503

    Its arguments are those of :class:`GradientLearner`.

    Example:
        >>> sample = TrainingSet(np.zeros((5, 1)), np.array([0, 0, 0, 1, 1]))
        >>> SubsampleGroups(epochs=1).fit(sample, np.random.default_rng(0)).weights
        array([1., 0., 1., 1., 1.], dtype=float32)
    """

    needs_groups: ClassVar[bool] = True

    experimental: ClassVar[str | None] = (
        "less accurate than ERM on Compas, whose smallest group is tiny"
    )

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on a subset of each of many samples, stacked."""
        kept = [balanced_subset(s.group, rng) for s, rng in zip(samples, rngs, strict=True)]
        parts = [s.take(k) for s, k in zip(samples, kept, strict=True)]
        weights = [np.bincount(k, minlength=len(s)) for k, s in zip(kept, samples, strict=True)]
        return [
            f if isinstance(f, Exception) else replace(f, weights=w.astype(np.float32))
            for f, w in zip(super().fit_many(parts, rngs), weights, strict=True)
        ]
