"""Trials from their split to their record: staged, trained together, and judged."""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from algorithms.base import Fitted, TrainingSet
from bench.core.environment import environment
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.experiment.evaluation import checked, evaluate
from bench.experiment.setup import SeedContext, TrainingSetup, set_up
from bench.experiment.trial import Record, Trial
from collectives.types import Predict


@dataclass
class _TrialRun:
    """A trial on its way: what was staged last, and what the firm made of that."""

    trial: Trial
    scene: TrainingSetup | None = None
    fitted: Fitted | None = None
    error: Exception | None = None
    seen: tuple[Predict, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether there is another round; who has no members, has seen all after the first."""
        alone = self.scene is not None and not len(self.scene.members)
        rounds = 1 if alone else self.trial.strategy.rounds
        return self.error is None and len(self.seen) < rounds

    def prepare(self, worlds: dict[int, SeedContext]) -> bool:
        """Let the collective act, by what it has seen; say whether that went well."""
        seed = self.trial.seed
        try:
            if seed not in worlds:
                worlds[seed] = SeedContext(self.trial.dataset.split(stream(seed, "data")))
            self.trial = worlds[seed].played(self.trial)
            self.scene = set_up(self.trial, worlds[seed], self.seen)
        except (Exception, SystemExit) as error:
            self.error = _survived(error)
        return self.error is None

    def hear(self, outcome: Any) -> None:
        """Keep what the firm has deployed."""
        if isinstance(outcome, Fitted):
            self.fitted, self.seen = outcome, (*self.seen, checked(outcome))
        else:
            self.error = _no_classifier(outcome)

    def record(self) -> Record:
        """What is said of the last round."""
        told: Record = {}
        if self.scene is not None:
            told |= {"members": len(self.scene.members), "n": len(self.scene.sample)}
        try:
            if self.error is not None or self.scene is None or self.fitted is None:
                raise self.error or AssertionError("nothing was staged")
            return told | evaluate(self.trial, self.scene, self.fitted)
        except (Exception, SystemExit) as error:
            last = traceback.format_exception(error)[-2:]
            return told | {"status": "failed", "error": "".join(last).strip()}


def firm(trial: Trial) -> tuple[Trial, TrainingSetup, Fitted]:
    """What the firm of a trial trains on at last, and what it makes of it: as :func:`run_trials`.

    Returns:
        The trial with what its strategy has learnt, the scene and the classifier.

    Raises:
        BenchError: If the trial fails.
    """
    play, worlds = _TrialRun(trial), dict[int, SeedContext]()
    while play.goes_on and play.prepare(worlds) and play.scene is not None:
        (outcome,) = _fit([trial], [play.scene.sample])
        play.hear(outcome)
    if play.error is not None or play.scene is None or play.fitted is None:
        raise BenchError(f"{trial.learner!r} at size {trial.size:g} failed: {play.error}")
    return play.trial, play.scene, play.fitted


def run_trials(trials: Sequence[Trial]) -> list[Record]:
    """Run trials of one dataset and of learners alike; each leaves one record in any case.

    Splits are drawn once a seed, and all trainings of a round are handed to the learner at once.
    """
    started = time.perf_counter()
    worlds: dict[int, SeedContext] = {}
    plays = [_TrialRun(trial) for trial in trials]
    while acting := [play for play in plays if play.goes_on]:
        ready = [play for play in acting if play.prepare(worlds)]
        samples = [play.scene.sample for play in ready if play.scene is not None]
        for play, outcome in zip(ready, _fit([p.trial for p in ready], samples), strict=True):
            play.hear(outcome)
    records = [
        {**trial.key._asdict(), "status": "ok", "error": None} | play.record()
        for trial, play in zip(trials, plays, strict=True)
    ]
    seconds = (time.perf_counter() - started) / len(trials)
    return [r | {"seconds": seconds, "environment": environment()} for r in records]


def _survived(error: Exception | SystemExit) -> Exception:
    """An error that costs its trial alone; so does leaving the program."""
    return error if isinstance(error, Exception) else RuntimeError(f"SystemExit: {error}")


def _no_classifier(outcome: Any) -> Exception:
    if isinstance(outcome, Exception):
        return outcome
    return TypeError(f"the learner returned {type(outcome).__name__} in place of Fitted")


def _fit(trials: Sequence[Trial], samples: Sequence[TrainingSet]) -> list[Any]:
    """What the learners make of their samples: all at once, or one by one if that fails."""
    if not samples:
        return []
    learners, rngs = [t.learner for t in trials], [stream(t.seed, "fit") for t in trials]
    try:
        outcomes = list(learners[0].fit_stacked(learners, samples, rngs))
        if len(outcomes) != len(samples):
            raise ValueError(f"fit_many returned {len(outcomes)} for {len(samples)} samples")
    except (Exception, SystemExit) as error:
        if len(samples) == 1:
            return [_survived(error)]
        return [_fit([t], [s])[0] for t, s in zip(trials, samples, strict=True)]
    return outcomes
