"""The program as tests call it: a tiny grid, and what it said."""

AXES = {
    "datasets": "Coins(n=200, n_test=200)",
    "learners": "KNN, EmpiricalBayes",
    "strategies": "FeatureLabel",
    "sizes": "0.02,0.1",
    "seeds": "3",
    "jobs": "0",
}


def tiny(**other):
    """The command that runs a tiny grid."""
    return ["run", "quick", *[w for k, v in (AXES | other).items() for w in (f"--{k}", v)]]


class Answer:
    """What the program said: its exit code, stdout and stderr."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.line = " ".join(err.split())

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


GOOD = '''
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Centroids(Learner):
    """The label of the nearest mean.

    References:
        | Centroids of Things (Somebody, 1957)
        | https://example.org/centroids

    Arguments:
        shrink: By how much means are drawn towards zero.
    """
    shrink: float = 0.5

    def fit(self, sample, rng):
        keep = [np.flatnonzero(sample.y == k) for k in range(sample.classes)]
        means = np.stack([sample.flat[rows].mean(0) if len(rows) else sample.flat[0] * np.inf
                          for rows in keep])
        means = means * (1 - self.shrink) + means.mean(0) * self.shrink

        def predict(x):
            flat = x.reshape(len(x), 1, -1)
            return ((flat - means) ** 2).sum(-1).argmin(1)

        return Fitted(predict)
'''
BAD = '''
from dataclasses import dataclass
from algorithms.base import Learner

@dataclass(frozen=True)
class Bad(Learner):
    """Bad."""
    def fit(self, sample, rng):
        BODY
'''
