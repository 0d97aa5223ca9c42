"""A last layer that is trained again, on balanced validation data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from algorithms.base import TrainingSet
from algorithms.engine.inference import features
from algorithms.engine.learner import GradientLearner, Hyperparams, Outcome
from algorithms.engine.loop import Trained
from algorithms.subsample_groups import levelled


@dataclass(frozen=True)
class DFR(GradientLearner):
    r"""Deep feature reweighting (DFR).

    .. math:: \min_{w, b} \sum_{i \in V} \log\big(1 + e^{-s_i (w^\top \phi(x_i) + b)}\big)
        + \frac1C \lVert (w, b) \rVert_1

    A network is trained as by :class:`ERM`. Its features :math:`\phi`, brought to mean zero and
    variance one on the training data, are then frozen, and the last layer is a sparse logistic
    regression on validation data V in which all groups are cut to the size of the smallest; for
    more than two labels, one against the rest. Its coefficients are averaged over several draws
    of V. Where data have no groups, the label is the group.

    A collective in the training data alone shapes the features, but has no vote in what they
    are used for; in the validation data it has.

    References:
        | Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations (Kirichenko et al., 2023)
        | https://arxiv.org/abs/2204.02937

    Arguments (and those of :class:`GradientLearner`):
        C: The inverse strength of the penalty.
        draws: How many last layers, on balanced draws of the validation data, are averaged.
    """  # noqa: E501 (a title)

    C: Annotated[float, Gt(0)] = 1.0
    draws: Annotated[int, Ge(1)] = 5

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""
        if any(s.validation is None for s in samples):
            raise ValueError("DFR trains its last layer on validation data; there are none")
        outcomes = self.descend(samples, rngs, hyperparams)
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                try:
                    outcomes[r] = self.retrained(outcome, samples[r], rngs[r], hyperparams["C"][r])
                except Exception as error:
                    outcomes[r] = error
        return outcomes

    def retrained(
        self, trained: Trained, sample: TrainingSet, rng: np.random.Generator, C: float
    ) -> Trained:
        """A trained replica with another last layer."""
        held = sample.validation
        assert held is not None
        scaler = StandardScaler().fit(features(self.network, trained.parameters, sample.x))
        phi = scaler.transform(features(self.network, trained.parameters, held.x))
        w, b = np.zeros((sample.classes, phi.shape[1])), np.zeros(sample.classes)
        drawn = np.zeros(sample.classes)
        for _ in range(self.draws):
            chosen = levelled(held.group, rng)
            x, y = phi[chosen], held.y[chosen]
            labels = np.unique(y)
            drawn[labels] += 1
            # Of two labels, the first one's logit stays at zero, and that of a label on its own.
            for k in labels if len(labels) > 2 else labels[1:]:
                seed = int(rng.integers(2**31))
                model = LogisticRegression(
                    l1_ratio=1.0, C=C, solver="liblinear", max_iter=1000, random_state=seed
                ).fit(x, y == k)
                w[k] += model.coef_[0]
                b[k] += model.intercept_[0]
        # A label that was never drawn is never predicted.
        w, b = (total.T / np.maximum(drawn, 1) for total in (w, b))
        w = w.T / scaler.scale_
        b = np.where(drawn > 0, b - w @ scaler.mean_, -np.inf)
        last = [torch.from_numpy(p).to(trained.parameters[0])[None] for p in (w, b[:, None])]
        return replace(trained, parameters=[*trained.parameters[:-2], *last])
