"""A training with an audit: how well its losses tell training points from others."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from sklearn.metrics import roc_auc_score

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.erm import ERM

#: The least probability that counts: a loss is finite.
LEAST = 1e-12


def attack_area(inside: Array, outside: Array) -> float:
    r"""Return the area under the ROC curve of the loss attack.

    .. math:: P[\ell < \ell'] + \tfrac12 P[\ell = \ell']

    for the losses of a random training point and a random other point: one half where losses
    tell nothing.

    Arguments:
        inside: The losses of training points, (n,).
        outside: The losses of other points, (m,).

    Example:
        >>> attack_area(np.array([0.1, 0.2]), np.array([0.15, 0.3]))
        0.75
    """
    member = np.repeat([1, 0], [len(inside), len(outside)])
    return float(roc_auc_score(member, -np.concatenate([inside, outside])))


def losses(fitted: Fitted, sample: TrainingSet) -> Array:
    """Return the cross-entropy loss of a classifier at each point of a sample, (n,).

    Raises:
        ValueError: If the classifier has no probabilities.
    """
    if fitted.predict_proba is None:
        raise ValueError("the attack needs a classifier with probabilities")
    p = fitted.predict_proba(sample.x)[np.arange(len(sample)), sample.y]
    return -np.log(np.maximum(p, LEAST))


@dataclass(frozen=True)
class MembershipAudit(Learner):
    r"""Membership inference by the loss: a point is taken for a training point if it is small.

    .. math:: \hat m(x, y) = \mathbf{1}\{ -\log p(y \mid x) < \tau \}

    The base learner trains, and its classifier is returned unchanged. The report has, as
    ``attack_area``, the area under the ROC curve of the attack over all thresholds
    :math:`\tau`, for the training rows against the validation rows: one half means that losses
    do not tell training rows from others. A base that stops its training by the validation rows
    fits them a little, too, and has a smaller area than one that trains to the end.

    The rows of a collective's members count as the training rows that the firm got. A collective
    meets the base: the audit changes no prediction.

    References:
        | Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting
          (Yeom et al., 2018)
        | https://arxiv.org/abs/1709.01604

    Arguments:
        base: The learner.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(80, 20)), rng.integers(2, size=80)
        >>> others = TrainingSet(x[40:], y[40:])
        >>> base = ERM(epochs=50, learning_rate=0.2, selection="last")
        >>> fitted = MembershipAudit(base).fit(TrainingSet(x[:40], y[:40], validation=others), rng)
        >>> fitted.report["attack_area"] > 0.9
        True
    """

    experimental: ClassVar[str | None] = (
        "its classifier is that of its base: it adds a number to the report, and is no learner "
        "beside the others"
    )

    base: Learner = ERM()  # noqa: RUF009 (frozen)

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train the base on all samples, and audit each classifier."""
        fitted = self.base.fit_many(samples, rngs)
        return [_audited(one, sample) for one, sample in zip(fitted, samples, strict=True)]


def _audited(fitted: Fitted | Exception, sample: TrainingSet) -> Fitted | Exception:
    """Return a classifier with the area in its report; as it is, without validation rows."""
    if isinstance(fitted, Exception) or sample.validation is None:
        return fitted
    try:
        area = attack_area(losses(fitted, sample), losses(fitted, sample.validation))
    except ValueError as error:
        return error
    return replace(fitted, report={**fitted.report, "attack_area": area})
