"""The contract of drifts: the law of the population in each round."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from bench.datasets.base import Dataset


class Drift(ABC):
    """A change of the population's law between rounds. Abstract.

    A subclass is a frozen dataclass with one method, :meth:`at`.
    """

    @abstractmethod
    def at(self, dataset: Dataset, progress: float) -> Dataset:
        """Return the source of the people of a round.

        Arguments:
            dataset: The source of the people of the first round.
            progress: The position of the round: 0 for the first round, 1 for the last one, and
                evenly spaced between them.

        Raises:
            BenchError: If the dataset does not allow the drift.
        """


@dataclass(frozen=True)
class Stationary(Drift):
    """No drift: the law is the same in all rounds.

    Example:
        >>> from bench.datasets.synthetic.coins import Coins
        >>> Stationary().at(Coins(noise=0.2), 0.5) == Coins(noise=0.2)
        True
    """

    def at(self, dataset: Dataset, progress: float) -> Dataset:
        """Return the dataset as it is."""
        return dataset
