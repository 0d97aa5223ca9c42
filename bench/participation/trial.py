r"""What members pay in a trial: the change of their row, and their accuracy at their own person.

A member i has a row :math:`(x_i, y_i)`, and submits :math:`(x_i', y_i')` in its place. The firm's
classifier is :math:`f_\alpha`, and that of the same seed without a collective is :math:`f_0`. With
means over the members, the d coordinates of a point and the rows :math:`x_k` of the training set
before the collective acts,

.. math::
    \text{changed share} = \frac1d \sum_j \mathbb 1[x_{ij}' \ne x_{ij}], \qquad
    \text{distance} = \frac{\lVert x_i' - x_i \rVert}
        {\sqrt{\tfrac1n \sum_k \lVert x_k - \bar x \rVert^2}}, \qquad
    \text{changed label} = \mathbb 1[y_i' \ne y_i],

.. math::
    \text{own accuracy} = \mathbb 1[f_\alpha(x_i) = y_i], \qquad
    \text{own accuracy before} = \mathbb 1[f_0(x_i) = y_i].

The last two are about the same people, unmodified, whom the firm meets after the training: with
a collective the firm has learnt from what they submitted, without one from what they are. These
definitions are this project's.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from algorithms.base import Array, Classifier
from bench.experiment.evaluation import evaluate
from bench.experiment.outputs import checked
from bench.experiment.run import train_firm
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Key, Record, Trial

#: The names of what members pay.
NAMES = ("changed_share", "distance", "changed_label", "own_accuracy", "own_accuracy_before")


@dataclass(frozen=True)
class ParticipationTrial:
    """A trial of a grid whose record also has what its members pay.

    Arguments:
        trial: The trial.
    """

    trial: Trial

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        return self.trial.key

    def measure(self) -> Record:
        """Train the firm with and without the collective, and return the fields of the record.

        ``measures`` has ``changed_share``, ``distance``, ``changed_label``, ``own_accuracy`` and
        ``own_accuracy_before``, means over members; None without members, and the distance of
        texts, whose coordinates are no quantities.
        """
        bound, setup, fitted = train_firm(self.trial)
        record = evaluate(bound, setup, fitted)
        record["measures"] |= dict.fromkeys(NAMES)
        if len(setup.members):
            firm, before = checked(fitted, setup.sample.classes), _control(self.trial)
            record["measures"] |= paid(setup, firm, before)
        return {"n": len(setup.sample), "members": len(setup.members)} | record


def _control(trial: Trial) -> Classifier:
    """Return the classifier of a firm without the collective, with which a trial is compared."""
    return _trained(replace(trial, size=0.0))


@lru_cache(maxsize=1)
def _trained(trial: Trial) -> Classifier:
    """Return the classifier of a trial. Trials of several sizes, one after another, share it."""
    _, setup, fitted = train_firm(trial)
    return checked(fitted, setup.sample.classes)


def paid(setup: TrainingSetup, firm: Classifier, before: Classifier) -> dict[str, float | None]:
    """Return what members pay, means over them: :data:`NAMES`.

    Arguments:
        setup: The data of the training, with members.
        firm: The firm's classifier.
        before: The classifier of the same firm without the collective.
    """
    split, sample = setup.context.split, setup.sample.take(setup.members)
    own = split.part(split.train[setup.members])
    change = _flat(sample.x) - _flat(own.x)
    values = (
        (change != 0).mean(),
        None if split.words is not None else _distance(change, split.x[split.train]),
        (sample.y != own.y).mean(),
        (firm(own.x) == own.y).mean(),
        (before(own.x) == own.y).mean(),
    )
    return {n: None if v is None else float(v) for n, v in zip(NAMES, values, strict=True)}


def _distance(change: Array, people: Array) -> float | None:
    """Return the mean length of changes (m, d), by the spread of all points (n, ...)."""
    flat = _flat(people)
    spread = np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).mean())
    return float(np.linalg.norm(change, axis=1).mean() / spread) if spread else None


def _flat(x: Array) -> Array:
    """Return points (m, ...) as vectors, float64, (m, d)."""
    return x.reshape(len(x), -1).astype(np.float64)
