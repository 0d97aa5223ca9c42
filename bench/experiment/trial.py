"""A trial: the sentence of the benchmark."""

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
#: The spec of a component.
spec = IdentityCache(repr)


class Key(NamedTuple):
    """What a trial is, in words: no path, no job, no host."""

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
    r"""One learner meets one collective: a point of the grid.

    Arguments:
        dataset: Where people come from.
        learner: What the firm does.
        strategy: What members do.
        size: The share alpha of members among the people of the training set.
        seed: The seed of all streams.
        validation: Whether members are in the firm's validation data too.
        groups: Which groups the firm knows: those of the data (labels, if they have none), with
            members spread over them as their rows say; the same, but members are one of their
            own; or none.
        recruitment: Who the members are: anybody, or people of a class, of a group, or near to
            each other.
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
        """The identity of the trial's record."""
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
