"""Votes of models on disjoint parts of the sample."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from algorithms._estimators import constant
from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.erm import ERM


def partition(x: Array, y: Array, parts: int) -> list[Array]:
    """Return the positions of the rows in each part, by a hash of point, label and occurrence.

    The occurrence is the number of earlier rows with the same point and label. It spreads equal
    rows over the parts, and a row that is added or removed still changes one part alone: the
    rows that are equal to it are indistinguishable. Rows of a part are ordered by the hash, too,
    so that a part depends on its rows only.

    Arguments:
        x: Points, (n, ...).
        y: Labels, (n,).
        parts: The number of parts.

    Example:
        >>> x, y = np.zeros((6, 1), dtype=np.float32), np.array([0, 0, 0, 0, 1, 1])
        >>> [len(part) for part in partition(x, y, 2)]
        [5, 1]
    """
    digests = []
    occurrences: Counter[bytes] = Counter()
    for row, label in zip(x, y, strict=True):
        content = row.tobytes() + int(label).to_bytes(8, "little")
        occurrence = occurrences[content].to_bytes(8, "little")
        digests.append(blake2b(content + occurrence, digest_size=8).digest())
        occurrences[content] += 1
    numbers = np.frombuffer(b"".join(digests), dtype="<u8")
    order = np.argsort(numbers, kind="stable")
    part_of_row = numbers[order] % parts
    return [order[part_of_row == part] for part in range(parts)]


def repeated(rows: Array) -> Array:
    """Return the rows of a part, with its first rows again up to the next common size.

    Common sizes have five binary digits and then zeros, so that less than a sixteenth of the
    rows is repeated. Models on parts of equal size train together in one stack.

    Arguments:
        rows: Positions of rows, (n,).

    Example:
        >>> [len(repeated(np.arange(n))) for n in (7, 32, 33, 67, 283)]
        [7, 32, 34, 68, 288]
    """
    unit = 1 << max(len(rows).bit_length() - 5, 0)
    return np.concatenate([rows, rows[: -len(rows) % unit]])


def count_votes(voters: Sequence[Fitted], x: Array, classes: int) -> Array:
    """Return the number of votes for each label of each point, (m, K).

    Arguments:
        voters: The classifiers that vote.
        x: Points, (m, ...).
        classes: The number of labels K.
    """
    return np.sum([np.eye(classes, dtype=int)[v.predict(x)] for v in voters], axis=0)


def certificates(votes: Array) -> Array:
    """Return how many arbitrary votes can change without changing the winner of votes (m, K).

    In the worst case a vote changes from the winner to the second. Ties go to the smaller label.

    Example:
        >>> certificates(np.array([[5, 0, 0], [3, 2, 0], [2, 3, 0]]))
        array([2, 0, 0])
    """
    first = votes.argmax(1)
    others = votes + (np.arange(votes.shape[1]) < first[:, None])
    np.put_along_axis(others, first[:, None], -1, axis=1)
    return (votes.max(1) - others.max(1)) // 2


def majority(voters: Sequence[Fitted], sample: TrainingSet) -> Fitted:
    """Return the classifier that predicts the majority of the voters' labels."""

    def predict_proba(x: Array) -> Array:
        return count_votes(voters, x, sample.classes) / len(voters)

    def predict(x: Array) -> Array:
        return count_votes(voters, x, sample.classes).argmax(1)

    report = {"voters": float(len(voters))}
    if sample.validation is not None:
        safe = certificates(count_votes(voters, sample.validation.x, sample.classes))
        report |= {"certificate": float(safe.mean()), "certified": float((safe >= 2).mean())}
    return Fitted(predict, predict_proba, report=report)


@dataclass(frozen=True)
class PartitionEnsemble(Learner):
    r"""Deep partition aggregation (DPA): an ensemble with a certificate.

    A hash of the rows splits the sample into k parts, a model is trained on each part, and the
    majority of the models is predicted, the smaller label of two with equally many votes:

    .. math:: f(x) = \arg\max_y n_y(x), \qquad
        c(x) = \Big\lfloor \frac{n_f - \max_{y \ne f} (n_y + [y < f])}{2} \Big\rfloor

    with :math:`n_y` the number of votes for y. Adding or removing a row changes one part, so that
    f(x) is the same after any :math:`c(x)` such changes. A member that changes a row in place
    removes a row and adds another. Empty parts, and parts in which training fails, do not vote. A
    part with one label votes for it. A part repeats a few of its own rows, less than a sixteenth,
    so that parts of similar size have one size and train in one stack. The report has the mean of
    c on the validation data (``certificate``), the share of validation points that no single
    member can change (``certified``), and the number of parts that vote (``voters``).

    The collective has the same share in each part as in the sample, on average. It gains nothing
    until it wins half of the parts.

    References:
        | Deep Partition Aggregation: Provable Defenses against General Poisoning Attacks (Levine and Feizi, 2021)
        | https://arxiv.org/abs/2006.14768

    Arguments:
        base: The learner of each part; its batches are small, since parts are small.
        parts: The number of parts k.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(200, 2)).astype(np.float32)
        >>> fitted = PartitionEnsemble(parts=5).fit(TrainingSet(x, x[:, 0] > 0), rng)
        >>> bool((fitted.predict(x) == (x[:, 0] > 0)).mean() > 0.9)
        True
    """  # noqa: E501 (a title)

    space: ClassVar = {"parts": [5, 10, 20]}

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
            # Empty parts have a generator, too, so that a part does not depend on the others.
            generators = rng.spawn(self.parts)
            for rows, generator in zip(partition(x, y, self.parts), generators, strict=True):
                labels = np.unique(y[rows])
                if len(labels) == 1:
                    voters[i].append(constant(labels[0], sample.classes))
                elif len(labels):
                    jobs.append((i, sample.take(repeated(rows)), generator))
        fitted = self.base.fit_many([j[1] for j in jobs], [j[2] for j in jobs]) if jobs else []
        for (i, _, _), voter in zip(jobs, fitted, strict=True):
            voters[i].append(voter)
        for sample, parts in zip(samples, voters, strict=True):
            trained = [v for v in parts if isinstance(v, Fitted)]
            results.append(majority(trained, sample) if trained else parts[0])
        return results
