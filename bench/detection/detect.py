"""Detection in a trial: the firm trains, and each score is compared with membership."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.engine.representations import fit_with_features
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.detection.base import Evidence, Score
from bench.detection.measures import area, roc, top_share
from bench.experiment.evaluation import evaluate
from bench.experiment.run import train_firm
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Key, Record, Trial

#: The measures of a score that are numbers, and all of them.
NUMBERS = ("auc", "top_share")
MEASURES = (*NUMBERS, "roc")


def detect(trial: Trial, scores: Sequence[Score]) -> list[Record]:
    """Run a trial, and measure how well the firm's scores find its members.

    The trial is the same as in a grid, and its firm trains once.

    Arguments:
        trial: The trial.
        scores: The scores.

    Returns:
        A record for each score: the fields of the trial's key, ``score``, ``status``, ``error``,
        ``n``, ``members``, and ``auc``, ``top_share`` and ``roc`` as in
        :mod:`bench.detection.measures`. A score that fails has a record with its error; without
        members, or without others, measures are missing.

    Raises:
        BenchError: If the trial fails.
    """
    key = trial.key._asdict()
    bound, setup, evidence = _train(trial)
    counts = {"n": len(setup.sample), "members": len(setup.members)}
    return [
        {**key, "score": repr(score), **counts, **outcome}
        for score, outcome in zip(scores, _outcomes(bound, setup, evidence, scores), strict=True)
    ]


@dataclass(frozen=True)
class DetectionTrial:
    """A trial of a grid whose record also has the measures of suspicion scores.

    Arguments:
        trial: The trial.
        scores: The scores, each with the name that its measures have in the record.
    """

    trial: Trial
    scores: tuple[tuple[str, Score], ...]

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        return self.trial.key

    def measure(self) -> Record:
        """Train the firm once, and return the fields of the trial's record with the measures.

        ``measures`` has ``auc_NAME`` and ``top_share_NAME`` for each score, None where they are
        missing.
        """
        bound, setup, evidence = _train(self.trial)
        record = evaluate(bound, setup, evidence.fitted)
        outcomes = _outcomes(bound, setup, evidence, [score for _, score in self.scores])
        for (name, _), outcome in zip(self.scores, outcomes, strict=True):
            record["measures"] |= {f"{kind}_{name}": outcome[kind] for kind in NUMBERS}
        return {"n": len(setup.sample), "members": len(setup.members)} | record


class _Observed(Learner):
    """A learner that keeps the features of its latest training.

    Arguments:
        learner: The learner.
    """

    def __init__(self, learner: Learner) -> None:
        self.learner = learner
        self.features: Callable[[], Array] = lambda: np.empty(0)

    def __repr__(self) -> str:
        return repr(self.learner)

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train the learner on a sample."""
        fitted, self.features = fit_with_features(self.learner, sample, rng)
        return fitted


def _train(trial: Trial) -> tuple[Trial, TrainingSetup, Evidence]:
    """Train the firm of a trial once, and return its trial, its setup and the evidence."""
    observed = _Observed(trial.learner)
    bound, setup, fitted = train_firm(replace(trial, learner=observed))
    bound = replace(bound, learner=trial.learner)

    def represent() -> Array:
        if setup.sample.rows.words is not None:
            raise BenchError(
                f"{type(trial.dataset).__name__} has texts, whose token numbers are no features: "
                f"use the score Loss, which reads the classifier alone"
            )
        return observed.features()

    return bound, setup, Evidence(setup.sample, fitted, represent)


def _outcomes(
    trial: Trial, setup: TrainingSetup, evidence: Evidence, scores: Sequence[Score]
) -> list[Record]:
    """Return status, error and measures of each score in a trial whose firm is trained."""
    member = np.zeros(len(setup.sample), dtype=bool)
    member[setup.members] = True
    outcomes = []
    for score in scores:
        outcome: Record = {"status": "ok", "error": None, **dict.fromkeys(MEASURES)}
        try:
            outcome |= _measured(score.suspicion(evidence, stream(trial.seed, "detect")), member)
        except (ArithmeticError, ValueError, BenchError) as error:
            outcome |= {"status": "failed", "error": str(error)}
        outcomes.append(outcome)
    return outcomes


def _measured(suspicion: Array, member: Array) -> Record:
    """Return the measures of a score, checked."""
    if suspicion.shape != member.shape or not np.isfinite(suspicion).all():
        raise ValueError(f"the score is not {len(member)} finite numbers")
    if member.all() or not member.any():
        return {}
    return {
        "auc": area(suspicion, member),
        "top_share": top_share(suspicion, member),
        "roc": roc(suspicion, member).round(6).tolist(),
    }
