"""Retraining of the last layer on balanced validation data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from algorithms.base import TrainingSet
from algorithms.engine import GradientLearner, Hooks, Hyperparams, Outcome, Samples, Trained
from algorithms.engine.inference import features
from algorithms.subsample_groups import balanced_subset


@dataclass(frozen=True)
class DFR(GradientLearner):
    r"""Deep feature reweighting (DFR).

    .. math:: \min_{w, b} \sum_{i \in V} \log\big(1 + e^{-s_i (w^\top \phi(x_i) + b)}\big)
        + \frac1C \lVert (w, b) \rVert_1

    A network is trained as by :class:`ERM`. Its features :math:`\phi`, standardised on the
    training data, are then frozen, and the last layer is a sparse logistic regression on a
    subset V of the validation data in which all groups have the size of the smallest; for more
    than two labels, one against the rest. Its coefficients are averaged over several draws of V.
    If data have no groups, the label is the group.

    A collective in the training data alone influences the features, but not the last layer; a
    collective that is in the validation data, too, influences both.

    References:
        | Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations (Kirichenko et al., 2023)
        | https://arxiv.org/abs/2204.02937

    Arguments (and those of :class:`GradientLearner`):
        C: The inverse strength of the penalty.
        draws: The number of draws of V.

    Example:
        >>> x, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> sample = TrainingSet(x, y, validation=TrainingSet(x, 1 - y))
        >>> DFR(C=100.0).fit(sample, np.random.default_rng(0)).predict(x)
        array([1, 1, 0, 0])
    """  # noqa: E501 (a title)

    needs_groups: ClassVar[bool] = True

    experimental: ClassVar[str | None] = (
        "less accurate than ERM on Compas, whose smallest group in the validation data is tiny"
    )

    C: Annotated[float, Gt(0)] = 1.0
    draws: Annotated[int, Ge(1)] = 5

    def hooks(self, samples: Samples) -> Hooks:
        """Return no hooks."""
        return Hooks()

    def replicas(
        self,
        samples: Samples,
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train, and retrain the last layer.

        Raises:
            ValueError: If a sample has no validation data.
        """
        if any(s.validation is None for s in samples):
            raise ValueError(
                "DFR trains its last layer on validation data, but the sample has none: "
                "use a dataset with a validation part"
            )
        outcomes = self.descend(samples, rngs, hyperparams)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                C = hyperparams["C"][r]
                try:
                    outcomes[r] = self.retrain_last_layer(outcome, samples[r], rngs[r], C)
                except Exception as error:
                    outcomes[r] = error
        return outcomes

    def retrain_last_layer(
        self, trained: Trained, sample: TrainingSet, rng: np.random.Generator, C: float
    ) -> Trained:
        """Return a trained replica with a new last layer.

        Arguments:
            trained: The replica.
            sample: Its training set, with validation data.
            rng: The generator of the draws of V.
            C: The inverse strength of the penalty.
        """
        validation = sample.validation
        assert validation is not None
        scaler = StandardScaler().fit(features(self.network, trained.parameters, sample.x))
        phi = scaler.transform(features(self.network, trained.parameters, validation.x))
        w, b = np.zeros((sample.classes, phi.shape[1])), np.zeros(sample.classes)
        drawn = np.zeros(sample.classes)
        for _ in range(self.draws):
            subset = balanced_subset(validation.group, rng)
            x, y = phi[subset], validation.y[subset]
            labels = np.unique(y)
            drawn[labels] += 1
            # The first logit stays at zero if there are at most two labels.
            for k in labels if len(labels) > 2 else labels[1:]:
                seed = int(rng.integers(2**31))
                model = LogisticRegression(
                    l1_ratio=1.0, C=C, solver="liblinear", max_iter=1000, random_state=seed
                ).fit(x, y == k)
                w[k] += model.coef_[0]
                b[k] += model.intercept_[0]
        # A label that is in no draw is never predicted.
        w, b = (total.T / np.maximum(drawn, 1) for total in (w, b))
        w = w.T / scaler.scale_
        b = np.where(drawn > 0, b - w @ scaler.mean_, -np.inf)
        last = [torch.from_numpy(p).to(trained.parameters[0])[None] for p in (w, b[:, None])]
        return replace(trained, parameters=[*trained.parameters[:-2], *last])
