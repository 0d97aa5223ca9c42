"""Runs of trials: set up, train, evaluate, record.

A trial goes one way: the dataset is split, the collective acts on its members' rows
(:mod:`bench.experiment.setup`), the firm trains, and the classifier is evaluated on untouched test
data (:mod:`bench.experiment.evaluation`). Adaptive strategies act again, knowing the classifiers
of earlier rounds. No component can change what others depend on: the arrays that they see are
read-only or their own, and settings of the process are restored after each of their turns.
"""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from algorithms.base import Fitted, TrainingSet
from algorithms.runtime.settings import restored_settings
from bench.core.environment import environment
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.experiment.evaluation import evaluate
from bench.experiment.outputs import checked
from bench.experiment.setup import SeedContext, TrainingSetup, set_up
from bench.experiment.trial import Record, Trial
from collectives.types import Predict


@dataclass
class _TrialRun:
    """The state of a trial: the latest round's setup and classifier, or the error it met."""

    trial: Trial
    setup: TrainingSetup | None = None
    fitted: Fitted | None = None
    error: Exception | None = None
    deployed: tuple[Predict, ...] = ()

    @property
    def unfinished(self) -> bool:
        """Whether another training round follows. Without members one round suffices."""
        control = self.setup is not None and not len(self.setup.members)
        rounds = 1 if control else self.trial.strategy.rounds
        return self.error is None and len(self.deployed) < rounds

    @restored_settings()
    def act(self, contexts: dict[int, SeedContext]) -> bool:
        """Set the next round up, and return whether that succeeded.

        Arguments:
            contexts: The split of each seed; one is added if that of this trial is missing.
        """
        seed = self.trial.seed
        try:
            if seed not in contexts:
                contexts[seed] = SeedContext(self.trial.dataset.split(stream(seed, "data")))
            self.trial = contexts[seed].bind(self.trial)
            self.setup = set_up(self.trial, contexts[seed], self.deployed)
        except (Exception, SystemExit) as error:
            self.error = _as_exception(error)
        return self.error is None

    def deploy(self, outcome: Any) -> None:
        """Keep the classifier of a round, or the error in its place."""
        if isinstance(outcome, Fitted) and self.setup is not None:
            classifier = checked(outcome, self.setup.sample.classes)
            self.fitted, self.deployed = outcome, (*self.deployed, classifier)
        elif isinstance(outcome, Exception):
            self.error = outcome
        else:
            name = type(outcome).__name__
            self.error = TypeError(f"the learner returned {name} in place of Fitted")

    @restored_settings()
    def record(self) -> Record:
        """Evaluate the last round, and return the fields of the record that follow from it."""
        sizes: Record = {}
        if self.setup is not None:
            sizes |= {"members": len(self.setup.members), "n": len(self.setup.sample)}
        try:
            if self.error is not None or self.setup is None or self.fitted is None:
                raise self.error or AssertionError("the trial has no round")
            return sizes | evaluate(self.trial, self.setup, self.fitted)
        except (Exception, SystemExit) as error:
            last = traceback.format_exception(error)[-2:]
            return sizes | {"status": "failed", "error": "".join(last).strip()}


def run_trials(trials: Sequence[Trial]) -> list[Record]:
    """Run trials of one dataset and of learners alike, and return one record for each.

    Splits are drawn once a seed, and all trainings of a round are given to the learner at once.
    A trial that fails has a record with its error.
    """
    started = time.perf_counter()
    runs = [_TrialRun(trial) for trial in trials]
    _train(runs)
    records = [
        {**trial.key._asdict(), "status": "ok", "error": None} | run.record()
        for trial, run in zip(trials, runs, strict=True)
    ]
    seconds = (time.perf_counter() - started) / len(trials)
    return [r | {"seconds": seconds, "environment": environment()} for r in records]


def train_firm(trial: Trial) -> tuple[Trial, TrainingSetup, Fitted]:
    """Train the firm of one trial, as :func:`run_trials` does, and return its classifier.

    Returns:
        The trial with its strategy bound to the data, the setup of the last round and the
        classifier.

    Raises:
        BenchError: If the trial fails.
    """
    run = _TrialRun(trial)
    _train([run])
    if run.error is not None or run.setup is None or run.fitted is None:
        raise BenchError(f"{trial.learner!r} at size {trial.size:g} failed: {run.error}")
    return run.trial, run.setup, run.fitted


def _train(runs: Sequence[_TrialRun]) -> None:
    """Let collectives act and firms train until each run is finished."""
    contexts: dict[int, SeedContext] = {}
    while unfinished := [run for run in runs if run.unfinished]:
        ready = [run for run in unfinished if run.act(contexts)]
        samples = [run.setup.sample for run in ready if run.setup is not None]
        for run, outcome in zip(ready, _fit([r.trial for r in ready], samples), strict=True):
            run.deploy(outcome)


def _fit(trials: Sequence[Trial], samples: Sequence[TrainingSet]) -> list[Any]:
    """Train the learners on copies of their samples: all at once, or one by one if that fails.

    Returns:
        For each trial what its learner returned, or the exception that it raised.
    """
    if not samples:
        return []
    learners, rngs = [t.learner for t in trials], [stream(t.seed, "fit") for t in trials]
    try:
        with restored_settings():
            copies = [sample.copy() for sample in samples]
            outcomes = list(learners[0].fit_stacked(learners, copies, rngs))
        if len(outcomes) != len(samples):
            raise ValueError(f"fit_many returned {len(outcomes)} for {len(samples)} samples")
    except (Exception, SystemExit) as error:
        if len(samples) == 1:
            return [_as_exception(error)]
        return [_fit([t], [s])[0] for t, s in zip(trials, samples, strict=True)]
    return outcomes


def _as_exception(error: Exception | SystemExit) -> Exception:
    """Return an error that ends its trial alone, also where a component left the program."""
    return error if isinstance(error, Exception) else RuntimeError(f"SystemExit: {error}")
