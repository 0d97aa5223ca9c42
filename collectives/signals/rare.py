"""Rare signals: combinations of values that a density model of people finds unlikely."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from annotated_types import Ge

from collectives.signals.base import Signal
from collectives.signals.set_features import SetFeatures
from collectives.types import Array, MemberData


@runtime_checkable
class DensityEstimator(Protocol):
    """A density model, as those of :mod:`algorithms.density`."""

    def fit(self, x: Array, rng: np.random.Generator) -> Any:
        """Return a density of points (n, d), with a method ``log_prob`` of points (m, d)."""


@dataclass(frozen=True)
class Rare(Signal):
    r"""Rarest of several random signals, by a density that members learn.

    .. math:: g = \operatorname*{argmin}_{g_1, \dots, g_k}
        \frac{1}{m} \sum_{i=1}^m \log \hat p \big( g_j(x_i) \big)

    A candidate :math:`g_j` is a :class:`~collectives.signals.set_features.SetFeatures`: random
    columns, each with the value that it has in the row of a random person. So each value occurs by
    nature, and a candidate is rare where its combination of values is. The fewer people carry
    the signal by nature, the fewer points speak against the members.

    As :class:`~collectives.signals.learned.Learned`, it is learned once, from the same people for
    collectives of all sizes; at small sizes members need the rows of others.

    Arguments:
        model: The density model. None takes the first candidate, as a baseline: it is the same
            signal for all models.
        columns: The number of columns that a candidate sets, or all columns that vary, if there
            are fewer.
        candidates: The number k of candidates.
        rows: The number m of people from whose rows the density is learned.
        seed: The seed of candidates and of the model. Other people draw other candidates.

    Example:
        >>> x = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
        >>> people = MemberData(x, np.arange(200) % 2, 2)
        >>> Rare(columns=2).learn(people, label=1).columns
        (0, 3)
    """

    learns: ClassVar[bool] = True

    model: DensityEstimator | None = None
    columns: Annotated[int, Ge(1)] = 3
    candidates: Annotated[int, Ge(1)] = 32
    rows: Annotated[int, Ge(2)] = 1000
    seed: Annotated[int, Ge(0)] = 0

    def __call__(self, x: Array) -> Array:
        """Raise an error, since no signal has been chosen.

        Raises:
            ValueError: Always.
        """
        raise ValueError(
            f"{self} has not been learned: complete its strategy with Strategy.bind first"
        )

    def learn(self, people: MemberData, label: int | None) -> SetFeatures:
        """Return the candidate of the least mean log-density.

        Arguments:
            people: The rows of people before anybody acts.
            label: The label that the strategy aims at; it does not matter here.

        Raises:
            ValueError: If no column varies, or the model's densities are not finite.
        """
        x = people.x[: self.rows]
        points = np.ascontiguousarray(x.reshape(len(x), -1))
        # Equal specs may differ in the types of their numbers, which their texts tell.
        return _chosen(self, repr(self), points.shape, points.dtype.str, points.tobytes())

    def _candidate(self, points: Array, rng: np.random.Generator) -> SetFeatures:
        """Return random columns that vary, with values of random people."""
        varying = np.flatnonzero(np.ptp(points, axis=0) > 0)
        if not len(varying):
            raise ValueError(f"{self} needs a column that varies among {len(points)} people")
        columns = rng.permutation(varying)[: self.columns]
        values = points[rng.integers(len(points), size=len(columns)), columns]
        return SetFeatures(tuple(columns.tolist()), tuple(values.tolist()))


@lru_cache(maxsize=64)
def _chosen(rare: Rare, text: str, shape: tuple[int, ...], dtype: str, data: bytes) -> SetFeatures:
    """Return the rarest candidate for points (n, d), given by their bytes.

    Trials of one seed have the same people, and are trained in several chunks.
    """
    points = np.frombuffer(data, dtype).reshape(shape).copy()
    seed = rare.seed, zlib.crc32(data)
    rng = np.random.default_rng(seed)
    signals = [rare._candidate(points, rng) for _ in range(rare.candidates)]
    if rare.model is None:
        return signals[0]
    density = rare.model.fit(points, np.random.default_rng(seed))
    scores = np.array([np.mean(density.log_prob(signal(points))) for signal in signals])
    if not np.isfinite(scores).all():
        raise ValueError(f"{rare}: the log-density of a candidate is not finite")
    return signals[int(scores.argmin())]
