"""Votes of models that never see the same person."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

import numpy as np
from annotated_types import Ge

from algorithms._estimators import constant
from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.erm import ERM


def partition(x: Array, y: Array, parts: int) -> list[Array]:
    """Positions of the people in each part, by a hash of nothing but their points (n, ...).

    Within a part they are ordered by it too, so that a part depends on who is in it alone.
    """
    digests = [blake2b(row.tobytes(), digest_size=8).digest() for row in x]
    numbers = np.frombuffer(b"".join(digests), dtype="<u8")
    order = np.lexsort((y, numbers))
    own = numbers[order] % parts
    return [order[own == part] for part in range(parts)]


def ballot(voters: Sequence[Fitted], x: Array, classes: int) -> Array:
    """How many voters are for each label of each point, (m, K)."""
    return np.sum([np.eye(classes, dtype=int)[v.predict(x)] for v in voters], axis=0)


def certificates(votes: Array) -> Array:
    """How many votes may turn, whichever they are, without changing the winner of votes (m, K).

    A vote turns at worst from the winner to the next one; of equals, the smaller label wins.

    Example:
        >>> certificates(np.array([[5, 0, 0], [3, 2, 0], [2, 3, 0]]))
        array([2, 0, 0])
    """
    first = votes.argmax(1)
    others = votes + (np.arange(votes.shape[1]) < first[:, None])
    np.put_along_axis(others, first[:, None], -1, axis=1)
    return (votes.max(1) - others.max(1)) // 2


def elected(voters: Sequence[Fitted], sample: TrainingSet) -> Fitted:
    """The classifier that the voters' majority makes."""

    def predict_proba(x: Array) -> Array:
        return ballot(voters, x, sample.classes) / len(voters)

    def predict(x: Array) -> Array:
        return ballot(voters, x, sample.classes).argmax(1)

    report = {"voters": float(len(voters))}
    if sample.validation is not None:
        safe = certificates(ballot(voters, sample.validation.x, sample.classes))
        report |= {"certificate": float(safe.mean()), "certified": float((safe >= 2).mean())}
    return Fitted(predict, predict_proba, report=report)


@dataclass(frozen=True)
class PartitionEnsemble(Learner):
    r"""Deep partition aggregation (DPA): an ensemble with a certificate.

    People are dealt into k parts by a hash of their points, a model is trained on each part, and
    the majority decides, for the smaller label if there are two:

    .. math:: f(x) = \arg\max_y n_y(x), \qquad
        c(x) = \Big\lfloor \frac{n_f - \max_{y \ne f} (n_y + [y < f])}{2} \Big\rfloor

    with :math:`n_y` the number of votes for y. A row that comes or goes touches one part, so
    f(x) stays as it is whichever :math:`c(x)` rows come or go; a member who changes a point in
    place is a row that goes and one that comes. Parts without people, and those in which
    training fails, do not vote; where all have one label, that is the vote. The report has the
    mean of c on the validation data, the share of them that no one member can change, and how
    many parts vote.

    Each model meets the collective at its full share, but the votes are won part by part: below
    half of the parts nothing is gained.

    References:
        | Deep Partition Aggregation: Provable Defenses against General Poisoning Attacks (Levine and Feizi, 2021)
        | https://arxiv.org/abs/2006.14768

    Arguments:
        base: The learner of each part; parts are small, so are its batches.
        parts: The number of parts k.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = PartitionEnsemble(parts=5).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """  # noqa: E501 (a title)

    base: Learner = ERM(batch_size=16)  # noqa: RUF009 (frozen)
    parts: Annotated[int, Ge(1)] = 10

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on all parts of all samples at once."""
        jobs: list[tuple[int, TrainingSet, np.random.Generator]] = []
        results: list[Fitted | Exception] = []
        voters: list[list[Fitted | Exception]] = [[] for _ in samples]
        for i, (sample, rng) in enumerate(zip(samples, rngs, strict=True)):
            x, y = sample.x, sample.y
            # One generator a part, empty or not: none depends on who is elsewhere.
            own = rng.spawn(self.parts)
            for people, generator in zip(partition(x, y, self.parts), own, strict=True):
                labels = np.unique(y[people])
                if len(labels) == 1:
                    voters[i].append(constant(labels[0], sample.classes))
                elif len(labels):
                    jobs.append((i, sample.take(people), generator))
        fitted = self.base.fit_many([j[1] for j in jobs], [j[2] for j in jobs]) if jobs else []
        for (i, _, _), voter in zip(jobs, fitted, strict=True):
            voters[i].append(voter)
        for sample, parts in zip(samples, voters, strict=True):
            able = [v for v in parts if isinstance(v, Fitted)]
            results.append(elected(able, sample) if able else parts[0])
        return results
