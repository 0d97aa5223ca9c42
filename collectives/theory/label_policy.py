"""Label policies: members that act by their own label and independent randomness alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from collectives.types import Array


@dataclass(frozen=True, eq=False)
class LabelPolicy:
    r"""Probabilities of what a member with a label does, independently of all other members.

    Rows are members' own labels, columns are the labels that they hand in. Probability that is
    missing from a row's sum is *unspecified*: the member's point and label are unknown.

    Arguments:
        signalled: The probability of handing in g(x) under a label, (K, K).
        unmoved: The probability of handing in the member's own point under a label, (K, K).
        off_signal: The probability of handing in a point outside the signal set g(X) under a
            label, (K, K). This takes a member that has such a point, see
            :meth:`collectives.theory.counts.SignalCounts.has_off_signal_member`.

    Example:
        >>> policy = LabelPolicy.of(2, signalled=np.array([[0.0, 0.5], [0.0, 0.5]]))
        >>> policy.unspecified
        0.5
    """

    signalled: Array
    unmoved: Array
    off_signal: Array

    @classmethod
    def of(cls, classes: int, **some: Array) -> "LabelPolicy":
        """Return a policy from some of its matrices; the others are zero."""
        none = np.zeros((classes, classes))
        return cls(**{"signalled": none, "unmoved": none, "off_signal": none, **some})

    @property
    def labels(self) -> Array:
        """The probability of handing in a label at any point, (K, K)."""
        return self.signalled + self.unmoved + self.off_signal

    @property
    def unspecified(self) -> float:
        """The largest unspecified probability of any label."""
        return max(0.0, round(float(1 - self.labels.sum(axis=1).min()), 12))

    @property
    def deterministic(self) -> bool:
        """Whether each label's action is certain and specified."""
        actions = np.concatenate([self.signalled, self.unmoved, self.off_signal])
        return bool(np.isin(actions, (0, 1)).all()) and not self.unspecified

    @property
    def local(self) -> bool:
        """Whether members hand in no points but their own and their signalled ones."""
        return not self.unspecified and not self.off_signal.any()

    def plants(self, label: int) -> bool:
        """Return whether every member hands in g(x) under one label."""
        return bool((self.signalled[:, label] == 1).all())

    def handed_in(self, base: Array, arriving: Array) -> Array:
        """Return the mass that members hand in at signal points, by label, (..., K).

        Arguments:
            base: The mass of members whose own point it is, by label, (..., K).
            arriving: The mass of members whose signalled point it is, by label, (..., K).
        """
        return np.asarray(arriving @ self.signalled + base @ self.unmoved)


def one_label(label: int, classes: int) -> Array:
    """Return the (K, K) matrix of members of one label that keep it; all others are zero."""
    matrix = np.zeros((classes, classes))
    matrix[label, label] = 1
    return matrix


def idle_policy(classes: int) -> LabelPolicy:
    """Return the policy of members that hand in their rows unchanged."""
    return LabelPolicy.of(classes, unmoved=np.eye(classes))


def mix_policies(parts: Sequence[tuple[float, LabelPolicy]]) -> LabelPolicy:
    """Return the policy of members that draw one of several policies.

    Arguments:
        parts: The probability of each policy, and the policy.
    """
    scaled = [(s * p.signalled, s * p.unmoved, s * p.off_signal) for s, p in parts]
    signalled, unmoved, off_signal = (
        sum(matrices, np.zeros_like(matrices[0])) for matrices in zip(*scaled, strict=True)
    )
    return LabelPolicy(signalled, unmoved, off_signal)
