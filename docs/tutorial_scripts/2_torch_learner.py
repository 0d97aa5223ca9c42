"""
A torch learner of your own
===========================

This tutorial wraps a training loop of PyTorch as a learner, and compares it with ERM.

A learner is a frozen dataclass with one method, ``fit``. Its fields are hyper-parameters, each
with a default. Their ``repr`` identifies a trial, so that fields hold numbers, strings, None,
tuples or other components.
"""

import tempfile
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

import collective_bench as cb


@dataclass(frozen=True)
class TorchNet(cb.Learner):
    """Network with one hidden layer and dropout, trained by Adam.

    References:
        | Dropout: A Simple Way to Prevent Neural Networks from Overfitting
          (Srivastava et al., 2014)
        | https://jmlr.org/papers/v15/srivastava14a.html

    Arguments:
        width: The number of hidden units.
        dropout: The share of hidden units that is set to zero in a step.
        epochs: Passes over the training data.
    """

    width: int = 64
    dropout: float = 0.2
    epochs: int = 5

    def fit(self, sample: cb.TrainingSet, rng: np.random.Generator) -> cb.Fitted:
        """Train on a sample."""
        # The generator of torch is shared by the whole process. A fork restores it afterwards, and
        # a seed from ``rng`` makes the training a function of ``rng`` alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            model = self._train(torch.from_numpy(sample.flat), torch.from_numpy(sample.y))

        def predict(x: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                points = torch.from_numpy(x.reshape(len(x), -1))
                return model(points).argmax(1).numpy()

        return cb.Fitted(predict)

    def _train(self, x: torch.Tensor, y: torch.Tensor) -> nn.Module:
        model = nn.Sequential(
            nn.Linear(x.shape[1], self.width),
            nn.ReLU(),
            nn.Dropout(self.dropout),
            nn.Linear(self.width, int(y.max()) + 1),
        )
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(self.epochs):
            for batch in torch.randperm(len(x)).split(64):
                optimiser.zero_grad()
                nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
                optimiser.step()
        # Dropout is a part of the training only.
        return model.eval()


# %%
# Randomness
# ----------
#
# All randomness of a learner comes from the argument ``rng``. Trials then do not depend on each
# other, on their order or on the number of processes. The recipe for PyTorch has two lines:
#
# .. code-block:: python
#
#    with torch.random.fork_rng(devices=[]):
#        torch.manual_seed(int(rng.integers(2**63)))
#        ...
#
# Without the fork, a training changes the generator of the process, and thereby the numbers of
# whatever draws from it next. Without the seed, two trainings with equal arguments differ. On a
# GPU, ``devices=[0]`` saves and restores the generator of the first device, too.
#
# Two trainings with equal generators give equal predictions:

sample = cb.TrainingSet(
    np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32),
    np.arange(100) % 2,
)
first, second = (TorchNet().fit(sample, np.random.default_rng(1)) for _ in range(2))
bool((first.predict(sample.x) == second.predict(sample.x)).all())

# %%
# Run it
# ------
#
# Objects, classes and names of learners can be mixed.

run = cb.run(
    learners=[TorchNet(), "ERM"],
    datasets="Digits",
    sizes=[0, 0.005, 0.01, 0.05],
    seeds=3,
    jobs=0,
    out=tempfile.mkdtemp(),
    progress=False,
)
figure = run.plot()

# %%
# The contract
# ------------
#
# The contract checks what every learner promises: equal results for equal generators, an unchanged
# sample, labels from 0 to K - 1, and more. ``python run_bench.py check my_learner.py`` runs the
# same checks on a file. Each row below is one promise.

import pandas as pd

from bench.contract import verdicts

pd.DataFrame(
    {"check": v.check, "verdict": "failed" if v.reason else "ok", "promise": v.says}
    for v in verdicts(TorchNet())
).style.hide(axis="index")

# %%
# A learner in a file of its own, ``my_learner.py``, is used from the command line:
#
# .. code-block:: bash
#
#    python run_bench.py check my_learner.py
#    python run_bench.py run quick --plugin my_learner.py --learners ERM,TorchNet --out runs/mine
#
# :doc:`/how_to/plugins` describes plugins in detail.
