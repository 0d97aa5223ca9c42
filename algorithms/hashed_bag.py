"""Texts as bags of hashed n-grams, for any learner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from sklearn.utils import murmurhash3_32

from algorithms._features.wrapper import FeatureLearner, on_points, represented
from algorithms.base import Array, Fitted, Learner, Rows, TrainingSet
from algorithms.erm import ERM
from algorithms.networks import Linear


@dataclass(frozen=True)
class HashedBag(FeatureLearner):
    r"""A learner on bags of hashed n-grams: how often, in a text, each bucket is hit.

    .. math:: \phi(x)_b = \log\big(1 + |\{(i, k) : k \le K,\ \mathrm{hash}(x_i, \ldots, x_{i+k-1})
        = b\}|\big)

    Texts are rows of token numbers, filled up with zeros. The hash is scikit-learn's, so nothing
    is fitted, and a token that nobody used before has a bucket too: with few buckets it may
    share one with a frequent token, and a signal is then worth less.

    References:
        | Feature Hashing for Large Scale Multitask Learning (Weinberger et al., 2009)
        | https://arxiv.org/abs/0902.2206

    Arguments:
        base: The learner, which sees bags as its points.
        buckets: The number of buckets.
        grams: The longest n-grams K.

    Example:
        >>> HashedBag(buckets=4, grams=1).bags(np.float32([[7, 9, 7, 0], [9, 0, 0, 0]])).round(2)
        array([[0.  , 1.1 , 0.  , 0.69],
               [0.  , 0.  , 0.  , 0.69]], dtype=float32)
    """

    domain: ClassVar[str | None] = "text"

    base: Learner = ERM(network=Linear())  # noqa: RUF009 (frozen)
    buckets: Annotated[int, Ge(2)] = 2048
    grams: Annotated[int, Ge(1)] = 2

    def bags(self, x: Array) -> Array:
        """Bags (m, buckets), float32, of texts (m, length) or of points that are read as such."""
        ids = x.reshape(len(x), int(np.prod(x.shape[1:]))).astype(np.int64)
        made = np.zeros((len(ids), self.buckets), np.float32)
        rows, hashed = np.arange(len(ids))[:, None], np.zeros_like(ids)
        there = np.ones_like(ids, dtype=bool)
        for k in range(min(self.grams, ids.shape[1])):
            last = ids[:, k:]
            # The hash of a gram goes on from that of the one without its last token.
            before = hashed[:, : last.shape[1]]
            there = there[:, : last.shape[1]] & (last != 0)
            mixed = (before * 0x9E3779B1 + last) & 0xFFFFFFFF
            flat = mixed.astype(np.uint32).view(np.int32).ravel()
            hashed = murmurhash3_32(flat, seed=k, positive=True).astype(np.int64)
            hashed = hashed.reshape(last.shape)
            where = np.broadcast_to(rows, last.shape)[there], (hashed % self.buckets)[there]
            np.add.at(made, where, 1)
        return np.log1p(made, out=made)

    @staticmethod
    def fit_alike(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners that are alike, each on its sample."""
        own = [learner for learner in learners if isinstance(learner, HashedBag)]
        if not own:
            return []
        first, pools = own[0], dict[int, Array]()

        def bagged(rows: Rows) -> Rows:
            """Bags in place of texts; pools that samples share stay shared."""
            if id(rows.pool) not in pools:
                pools[id(rows.pool)] = first.bags(rows.pool)
            bags = first.bags(rows.points)
            return Rows(pools[id(rows.pool)], rows.index, rows.moved, bags)

        inner = [learner.base for learner in own]
        fitted = inner[0].fit_alike(inner, [represented(s, bagged) for s in samples], rngs)
        return [f if isinstance(f, Exception) else on_points(f, first.bags) for f in fitted]
