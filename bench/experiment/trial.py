"""A trial: one point of the grid, and its identity."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from algorithms.base import Learner
from bench.core.identity_cache import IdentityCache
from bench.datasets.base import Dataset
from bench.experiment.recruitment import Recruitment
from collectives.base import Strategy

Validation = Literal["clean", "contaminated"]
Groups = Literal["given", "own", "unknown"]
Record = dict[str, Any]
#: The spec of a component: its repr.
spec = IdentityCache(repr)


class Key(NamedTuple):
    """The identity of a trial, in text: it contains no path, job or host."""

    dataset: str
    learner: str
    strategy: str
    size: float
    seed: int
    validation: str
    groups: str
    recruitment: str


@dataclass(frozen=True)
class Trial:
    r"""One learner against one collective: a point of the grid.

    Arguments:
        dataset: The source of the training, validation and test data.
        learner: The learning algorithm of the firm.
        strategy: The strategy of the collective.
        size: The share alpha of members among the rows of the training set.
        seed: The seed of all random streams.
        validation: Whether the firm's validation data are "clean" or "contaminated" by members.
        groups: The groups that the firm knows. "given": those of the data, or the labels where
            the data have none. "own": the same, but members form a group. "unknown": none.
        recruitment: How members are chosen: see :func:`bench.experiment.recruitment.enlist`.
    """

    dataset: Dataset
    learner: Learner
    strategy: Strategy
    size: float
    seed: int
    validation: Validation = "clean"
    groups: Groups = "given"
    recruitment: Recruitment = "uniform"

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        return Key(
            spec(self.dataset),
            spec(self.learner),
            spec(self.strategy),
            self.size,
            self.seed,
            self.validation,
            self.groups,
            self.recruitment,
        )
