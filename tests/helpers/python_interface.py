"""Points in memory, axes of small runs and a learner that fails."""

from dataclasses import dataclass

import numpy as np

import collective_bench as cb

AXES = {"strategies": "FeatureLabel", "sizes": [0.05, 0.3], "seeds": 2, "progress": False}
X = np.random.default_rng(0).normal(size=(120, 3))
Y = (X[:, 0] > 0).astype(int)


@dataclass(frozen=True)
class Failing(cb.Learner):
    """A learner that fails."""

    def fit(self, sample, rng):
        """Fail."""
        raise ZeroDivisionError("on purpose")


def lasting(frame):
    """Return records without measurements of time."""
    return frame.drop(columns=["seconds", "memory"], errors="ignore")
