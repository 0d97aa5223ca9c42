"""Two trainings, the second one with more weight on the mistakes of the first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from algorithms.base import Array, TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples, Trained
from algorithms.engine.inference import probabilities


@dataclass(frozen=True)
class JTT(GradientLearner):
    r"""Just train twice (JTT).

    A first model is trained for a few epochs; its mistakes on the training data are the error set
    E. A second model is trained from scratch on data with :math:`\lambda` copies of E:

    .. math:: \min_\theta \lambda \sum_{i \in E} \ell_i(\theta) + \sum_{i \notin E} \ell_i(\theta)

    The copies are virtual: a batch draws a sample of E with :math:`\lambda` times the probability
    of another, so an epoch is not longer. (Published code differs in the meaning of
    :math:`\lambda`; here it is the number of copies.)

    Where a share e of the labels is wrong, :math:`\lambda > (1 - e) / e` makes the wrong labels the
    majority, and the second model learns these.

    A small collective is among the mistakes of the first model and is amplified; a large one is
    fitted by that model already, and loses weight to the other mistakes.

    References:
        | Just Train Twice: Improving Group Robustness without Training Group Information (Liu et al., 2021)
        | https://arxiv.org/abs/2107.09044

    Arguments (and those of :class:`GradientLearner`):
        epochs: Passes over the training data of the second model.
        first: Passes over the training data of the first model.
        upweight: The number of copies :math:`\lambda` of a mistake; one is :class:`ERM`, except
            that samples are drawn with replacement.

    Example:
        The sample at -1.8 has an unusual label, which the first model gets wrong:

        >>> x = np.array([[-2.0], [-1.9], [-1.8], [1.9], [2.0], [2.1]])
        >>> sample = TrainingSet(x, np.array([0, 0, 1, 1, 1, 1]))
        >>> JTT(upweight=20.0).fit(sample, np.random.default_rng(0)).weights
        array([ 1.,  1., 20.,  1.,  1.,  1.])
    """  # noqa: E501 (a title)

    space: ClassVar = GradientLearner.space | {
        "first": [1, 2, 5, 10],
        "upweight": [1.5, 2.0, 5.0, 20.0],
    }

    first: Annotated[int, Ge(1)] = 5
    upweight: Annotated[float, Ge(1)] = 1.5

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks: the first model minimises the empirical risk."""
        return Hooks()

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train twice, the second time with other sampling weights."""
        first = self.descend(
            samples, rngs, hyperparams, epochs=self.first, selection=None, trace=False
        )
        errors = {
            r: self.mistakes(samples[r], outcome)
            for r, outcome in enumerate(first)
            if not isinstance(outcome, Exception)
        }
        if not errors:
            return first
        weights = {
            r: np.where(wrong, hyperparams["upweight"][r], 1.0) for r, wrong in errors.items()
        }
        hooks = Hooks(sampling_weights=np.stack(list(weights.values())))
        results = self.retrain(first, samples, rngs, hyperparams, hooks)
        for r, wrong in errors.items():
            result = results[r]
            if not isinstance(result, Exception):
                results[r] = replace(result, weights=weights[r], flagged=wrong)
        return results

    def mistakes(self, sample: TrainingSet, first: Trained) -> Array:
        """Return which samples the first model gets wrong, a mask (n,)."""
        return probabilities(self.network, first.parameters, sample.x).argmax(1) != sample.y
