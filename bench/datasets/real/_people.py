"""Shared parts of tables about people."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.datasets.base import Count, Dataset, Share, Split
from bench.datasets.io.schema import Schema
from bench.datasets.io.tables import Table, encode_split
from collectives.signals.base import Signal


@dataclass(frozen=True)
class PeopleTable(Dataset):
    r"""A table about people, read by :meth:`rows`.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Numbers are standardised by the mean and standard deviation of the training rows alone;
    categories are one-hot. Where there are no official parts, the seed shuffles the rows: the
    first three quarters are for training and validation, the others for testing.

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        mark: The signal: "name=value" for a category, several joined by " & ", or "name+2" for
            two standard deviations on top of a number.
        groups: The categories whose combinations are groups; "label" is allowed among them.
        overlap: The share of rows that carry the signal by nature, beside those that carry it
            anyway.
    """

    family: ClassVar[str] = "people"

    n: Count = 5000
    n_test: Count = 2000
    mark: str = ""
    groups: tuple[str, ...] = ()
    overlap: Share = 0.0

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """The features, and the values of each category."""

    @abstractmethod
    def rows(self) -> Table:
        """Return all rows."""

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows and standardise them."""
        return encode_split(
            self.rows(), self.schema, self.n, self.n_test, self.signal, self.overlap, rng
        )

    @property
    def signal(self) -> Signal:
        """The signal that ``mark`` names."""
        return self.schema.mark(self.mark)
