r"""
A re-weighting learner
======================

This tutorial writes a learner that re-weights its losses, and shows how a collective meets it.

The engine of this project trains many replicas of a network at once. A learner that differs from
empirical risk minimisation (ERM) by the weights of its losses extends ``GradientLearner`` and
returns **hooks**. The example gives a sample the weight of the focal loss: samples that the
network already fits, with a high probability p of their label, count less.

.. math:: w_i \propto (1 - p_i)^\gamma, \qquad \sum_{i \in \text{batch}} w_i = 1
"""

import tempfile
from dataclasses import dataclass

import numpy as np
from torch import Tensor

import collective_bench as cb
from algorithms.engine import GradientLearner, Hooks, Replicas, Samples


@dataclass(frozen=True)
class Focal(GradientLearner):
    """Cross-entropy with the weights of the focal loss.

    References:
        | Focal Loss for Dense Object Detection (Lin et al., 2017)
        | https://arxiv.org/abs/1708.02002

    Arguments (and those of GradientLearner):
        gamma: The exponent; 0 is ERM.
        normalised: Whether the weights of a batch sum to one.
    """

    gamma: float = 2.0
    normalised: bool = True

    def hooks(self, samples: Samples) -> Hooks:
        """Return the hook that weights the losses of a batch."""

        def weigh(losses: Tensor, index: Tensor, replicas: Replicas) -> Tensor:
            weights = (1 - (-losses).exp()) ** self.gamma
            # The second argument of ``clamp`` keeps a batch without errors from a division by 0.
            return (
                weights / weights.sum(1, keepdim=True).clamp(min=1e-9)
                if self.normalised
                else weights
            )

        return Hooks(loss_weights=weigh)


# %%
# Shapes
# ------
#
# The function gets the losses of one batch for all R replicas, of shape (R, b), the positions of
# the samples in the training set, (R, b), and the replicas, whose ``labels`` and ``group`` are the
# labels and groups of all samples. It returns weights of the same shape, (R, b). The objective of
# a batch is :math:`\sum_i w_i \ell_i`.
#
# Why weights sum to one
# ----------------------
#
# ERM has the weights :math:`1 / b`, which sum to one, so that its objective is a mean. The
# learning rate is set for that scale. Weights that sum to c multiply every gradient by c, which is
# the same as c times the learning rate. In a batch of 64, weights near one sum to up to 64: the
# first steps are too long. Later, when most samples are fitted, the same weights sum to almost
# nothing, and the steps are too short.
#
# Below, the first ``Focal`` has weights that sum to one. Those of the second one do not, and it is
# less accurate.

sizes, seeds = [0, 0.002, 0.005, 0.01, 0.02, 0.05], 3
run = cb.run(
    learners=["ERM", Focal(), Focal(normalised=False)],
    datasets="Digits",
    sizes=sizes,
    seeds=seeds,
    jobs=0,
    out=tempfile.mkdtemp(),
    progress=False,
)
control = run.curves().query("size == 0")
control[["learner", "accuracy", "accuracy_low", "accuracy_high"]].assign(
    learner=lambda table: table["learner"].str.extract(r"(ERM|normalised=\w+)")
)

# %%
# Success and effective size
# --------------------------
#
# Compare learners only where both are usable classifiers: the accuracy without a collective comes
# first, success second. The figure shows the success of the collective.

figure = run.plot()

# %%
# The engine keeps the average weight of each sample. The **effective size** is the members' share
# of all weight. Above the diagonal a learner amplifies the collective, below it the learner
# discounts it.

figure = run.plot("effective_size")

# %%
# A test for a learner
# --------------------
#
# A learner needs a test against a reference that does not share its code. Here two limits are
# known: with an exponent of 0 all weights are :math:`1 / b`, and Focal is ERM.

sample = cb.TrainingSet(
    np.random.default_rng(0).normal(size=(128, 5)).astype(np.float32),
    np.arange(128) % 2,
)
points = np.random.default_rng(1).normal(size=(50, 5)).astype(np.float32)
focal, erm = (
    learner.fit(sample, np.random.default_rng(2)).predict_proba(points)
    for learner in (Focal(gamma=0.0), cb.ERM())
)
float(np.abs(focal - erm).max())
