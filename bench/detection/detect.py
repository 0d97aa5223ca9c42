"""Detection in a trial: the firm trains, and each score is compared with membership."""

from collections.abc import Sequence

import numpy as np

from algorithms.base import Array
from algorithms.engine.representations import representation
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.detection.base import Evidence, Score
from bench.detection.measures import area, roc, top_share
from bench.experiment.run import train_firm
from bench.experiment.trial import Record, Trial

#: The measures of a record.
MEASURES = ("auc", "top_share", "roc")


def detect(trial: Trial, scores: Sequence[Score]) -> list[Record]:
    """Run a trial, and measure how well the firm's scores find its members.

    The trial is the same as in a grid. A learner that trains a network is trained a second time by
    the same random numbers, if a score needs the features of that network.

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
    bound, setup, fitted = train_firm(trial)
    sample = setup.sample
    member = np.zeros(len(sample), dtype=bool)
    member[setup.members] = True

    def represent() -> Array:
        if sample.rows.words is not None:
            raise BenchError(
                f"{type(trial.dataset).__name__} has texts, whose token numbers are no features: "
                f"use the score Loss, which reads the classifier alone"
            )
        return representation(bound.learner, sample, stream(trial.seed, "fit"))

    evidence = Evidence(sample, fitted, represent)
    records = []
    for score in scores:
        counts = {"n": len(sample), "members": len(setup.members)}
        record = {**key, "score": repr(score), **counts, **dict.fromkeys(MEASURES)}
        try:
            measured = _measured(score.suspicion(evidence, stream(trial.seed, "detect")), member)
            records.append(record | {"status": "ok", "error": None} | measured)
        except (ArithmeticError, ValueError, BenchError) as error:
            records.append(record | {"status": "failed", "error": str(error)})
    return records


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
