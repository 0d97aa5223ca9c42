"""Fast trials, and learners that fail or never end.

Worker processes import this module to load the learners, so that it imports no large library.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np

from algorithms.base import Fitted, Learner
from algorithms.empirical_bayes import EmpiricalBayes
from bench.datasets.synthetic.coins import Coins
from bench.experiment.trial import Trial
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature

COINS = Coins(n=200, n_test=100, overlap=0.1)
PLANT = FeatureLabel(SetFeature(), 1)


def trial(learner=None, size=0.1, seed=0, strategy=PLANT, data=COINS, validation="clean"):
    return Trial(data, learner or EmpiricalBayes(), strategy, size, seed, validation)


def lasting(records):
    """Records without what differs from run to run."""
    key = ("dataset", "learner", "strategy", "size", "seed", "validation", "groups")
    kept = [{k: v for k, v in r.items() if k not in ("seconds", "memory")} for r in records]
    return sorted(kept, key=lambda r: [r[k] for k in key])


@dataclass(frozen=True)
class Sleeper(Learner):
    """A learner that writes the number of its process to a file, and sleeps."""

    path: str = ""

    def fit(self, sample, rng):
        """Sleep for an hour."""
        with open(self.path, "w") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(3600)


@dataclass(frozen=True)
class Faulty(Learner):
    """A learner that fails in one of many ways where there is a collective."""

    how: str = "raises"

    def fit(self, sample, rng):
        """Fail."""
        good = Fitted(lambda x: np.zeros(len(x), dtype=int))
        if (sample.y == 1).sum() < 100 and self.how != "has no report":
            return good
        n = len(sample)
        if self.how == "raises":
            raise ZeroDivisionError("on purpose")
        if self.how == "exits":
            raise SystemExit(3)
        return {
            "is nothing": None,
            "is an array": np.zeros(3),
            "is a class": Fitted,
            "is of the wrong length": Fitted(lambda x: np.zeros(3)),
            "is one number": Fitted(lambda x: 0),
            "raises later": Fitted(lambda x: [][1]),
            "exits later": Fitted(lambda x: sys.exit(3)),
            "weighs too few": Fitted(good.predict, weights=np.ones(n - 1)),
            "weighs too many": Fitted(good.predict, weights=np.ones(n + 1)),
            "weighs nothing": Fitted(good.predict, weights=np.zeros(n)),
            "weighs NaN": Fitted(good.predict, weights=np.full(n, np.nan)),
            "weighs below zero": Fitted(good.predict, weights=np.r_[-1.0, np.ones(n - 1)]),
            "reports words": Fitted(good.predict, report={"loss": "high"}),
        }[self.how]


@dataclass(frozen=True)
class Deadly(Learner):
    """A learner that ends its process where the collective is large."""

    def fit(self, sample, rng):
        """Exit."""
        if (sample.y == 1).sum() > 150:
            os.write(1, b"last words")
            os._exit(3)
        return Fitted(lambda x: np.zeros(len(x), dtype=int))


@dataclass(frozen=True)
class Leaving(Learner):
    """A learner that starts a process and ends its own."""

    path: str = ""

    def fit(self, sample, rng):
        """Start a process and exit."""
        child = subprocess.Popen(["sleep", "3600"])
        with open(self.path, "w") as file:
            file.write(str(child.pid))
        os._exit(3)


@dataclass(frozen=True)
class Greedy(Learner):
    """A learner that exceeds a limit where the collective is large."""

    resource: str = "time"
    chunk = 8

    def fit(self, sample, rng):
        """Exceed the limit if nearly all labels are 1."""
        if (sample.y == 1).sum() > 180:
            if self.resource == "time":
                time.sleep(60)  # without the limit the fit succeeds
            kept = []
            while self.resource == "memory":
                kept.append(np.ones(1_000_000))
            if self.resource == "lock":
                ctypes.PyDLL(None).sleep(60)  # in native code, with the interpreter's lock
            if self.resource == "everything":
                os.kill(os.getpid(), signal.SIGKILL)
        return Fitted(lambda x: np.zeros(len(x), dtype=int))
