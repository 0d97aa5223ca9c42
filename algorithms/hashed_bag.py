"""Texts as bags of hashed n-grams, for any learner."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from scipy.sparse import csr_array
from sklearn.utils import murmurhash3_32

from algorithms._estimators import takes_sparse
from algorithms._features.sparse import SparseEncoder, SparseRows, dense, frequent_columns
from algorithms._features.wrapper import FeatureLearner
from algorithms.base import Array, Fitted, Learner, Rows, TrainingSet
from algorithms.encoding import compose, encode_sample
from algorithms.logistic_regression import LogisticRegression


@dataclass(frozen=True)
class HashedBag(FeatureLearner):
    r"""Learner on bags of hashed n-grams: the number of n-grams of a text in each bucket.

    .. math:: \phi(x)_b = \log\big(1 + |\{(i, k) : k \le K,\ \mathrm{hash}(x_i, \ldots, x_{i+k-1})
        = b\}|\big)

    Texts are rows of token numbers, padded with zeros. The hash is scikit-learn's. It is not
    fitted, so that tokens which are not in the sample have buckets, too.

    Learners that take sparse matrices (those of scikit-learn which do, such as
    :class:`LogisticRegression`, :class:`LinearSVM` and ``Sklearn("MultinomialNB")``) see all
    buckets, in memory proportional to the number of words. All others, gradient learners among
    them, see a dense array of the buckets that most texts of the sample hit.

    The report has ``collisions``, the share of the sample's n-grams that share a bucket with
    another one; ``overlap``, the share of texts that hit the bucket of an n-gram without having
    the n-gram, averaged over the n-grams; and ``buckets``, the number of those that the learner
    sees.

    A collective whose token has a bucket of its own needs to outweigh the other words of its
    members' texts only. Where a frequent word shares the bucket, the token is evidence for
    that word's label as well, and more members are needed: few buckets protect the firm. A learner
    with dense points does not see a token that fewer members use than texts hit the rarest of its
    buckets.

    References:
        | Feature Hashing for Large Scale Multitask Learning (Weinberger et al., 2009)
        | https://arxiv.org/abs/0902.2206

    Arguments:
        base: The learner, whose points are the bags.
        buckets: The number of buckets.
        grams: The length K of the longest n-grams, in tokens.
        columns: The number of buckets that learners with dense points see.

    Example:
        >>> bag = HashedBag(buckets=4, grams=1)
        >>> bag.bags(np.float32([[7, 9, 7, 0], [9, 0, 0, 0]])).toarray().round(2)
        array([[0.  , 1.1 , 0.  , 0.69],
               [0.  , 0.  , 0.  , 0.69]], dtype=float32)
        >>> sample = TrainingSet(np.float32([[7, 7], [9, 9]]), [1, 0])
        >>> fitted = HashedBag().fit(sample, np.random.default_rng(0))
        >>> fitted.predict(np.float32([[7, 0], [9, 0]])), fitted.report["collisions"]
        (array([1, 0]), 0.0)
    """

    experimental: ClassVar[str | None] = (
        "for texts alone: hashing loses the values of other points"
    )

    #: Dense points take memory for each sample.
    chunk: ClassVar[int] = 4
    domain: ClassVar[str | None] = "text"

    base: Learner = LogisticRegression()  # noqa: RUF009 (frozen)
    buckets: Annotated[int, Ge(2)] = 2**18
    grams: Annotated[int, Ge(1)] = 2
    columns: Annotated[int, Ge(1)] = 2048

    def bags(self, x: Array) -> csr_array:
        """Return bags (m, buckets), float32, of texts (m, length), or of other points as texts."""
        rows, hashes = self._hashed_grams(x)
        counts = _counts(rows, hashes % self.buckets, (len(x), self.buckets))
        counts.data = np.log1p(counts.data)
        return counts

    def _hashed_grams(self, x: Array) -> tuple[Array, Array]:
        """Return the row and the hash, int64, of each n-gram of texts."""
        ids = x.reshape(len(x), int(np.prod(x.shape[1:]))).astype(np.int64)
        hashes, valid = np.zeros_like(ids), np.ones_like(ids, dtype=bool)
        grams = []
        for k in range(min(self.grams, ids.shape[1])):
            last = ids[:, k:]
            # The hash of an n-gram continues that of the n-gram without its last token.
            before = hashes[:, : last.shape[1]]
            valid = valid[:, : last.shape[1]] & (last != 0)
            mixed = (before * 0x9E3779B1 + last) & 0xFFFFFFFF
            flat = mixed.astype(np.uint32).view(np.int32).ravel()
            hashes = murmurhash3_32(flat, seed=k, positive=True).astype(np.int64)
            hashes = hashes.reshape(last.shape)
            grams.append((valid.nonzero()[0], hashes[valid]))
        rows, hashed = zip(*grams, strict=True)
        return np.concatenate(rows), np.concatenate(hashed)

    def collisions(self, x: Array) -> dict[str, float]:
        """Return the report's ``collisions`` and ``overlap`` for texts (n, length)."""
        rows, hashes = self._hashed_grams(x)
        if not len(rows):
            return {"collisions": 0.0, "overlap": 0.0}
        values, gram = np.unique(hashes, return_inverse=True)
        bucket = values % self.buckets
        texts_of_gram = np.bincount(_counts(rows, gram, (len(x), len(values))).indices)
        hits = _counts(rows, hashes % self.buckets, (len(x), self.buckets)).indices
        texts_of_bucket = np.bincount(hits, minlength=self.buckets)
        shared = np.bincount(bucket, minlength=self.buckets)[bucket] > 1
        overlap = (texts_of_bucket[bucket] - texts_of_gram) / len(x)
        return {"collisions": float(shared.mean()), "overlap": float(overlap.mean())}

    @staticmethod
    def fit_stacked(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners that are alike, each on its sample."""
        wrappers = [learner for learner in learners if isinstance(learner, HashedBag)]
        if not wrappers:
            return []
        first, bases = wrappers[0], [learner.base for learner in wrappers]
        encode, sparse = SparseEncoder(first.bags), takes_sparse(bases[0])
        views = [_View(first, encode, sample, sparse) for sample in samples]
        bags = [encode_sample(s, view.rows) for s, view in zip(samples, views, strict=True)]
        fitted = bases[0].fit_stacked(bases, bags, rngs)
        return [
            f if isinstance(f, Exception) else view.classifier(f, sample)
            for f, view, sample in zip(fitted, views, samples, strict=True)
        ]


class _View:
    """The bags of one sample: sparse matrices, or dense arrays of its most frequent buckets."""

    def __init__(
        self, bag: HashedBag, encode: SparseEncoder, sample: TrainingSet, sparse: bool
    ) -> None:
        self.bag, self.encode = bag, encode
        self.columns = None if sparse else frequent_columns(encode(sample.rows), bag.columns)

    def rows(self, rows: Rows) -> Rows:
        """Return bags in place of the texts of a training set."""
        matrix = self.encode(rows)
        return SparseRows(matrix) if self.columns is None else Rows(dense(matrix, self.columns))

    def points(self, x: Array) -> Array | csr_array:
        """Return the bags of texts (m, length)."""
        bags = self.bag.bags(x)
        return bags if self.columns is None else dense(bags, self.columns)

    def classifier(self, fitted: Fitted, sample: TrainingSet) -> Fitted:
        """Return a classifier of bags as one of texts."""
        buckets = self.bag.buckets if self.columns is None else len(self.columns)
        report = self.bag.collisions(sample.x) | {"buckets": float(buckets)}
        return replace(compose(fitted, self.points), report={**fitted.report, **report})


def _counts(rows: Array, columns: Array, shape: tuple[int, int]) -> csr_array:
    """Return how often each pair of row and column occurs, float32."""
    # Some of scikit-learn's solvers take indices of 32 bits only.
    pairs = rows.astype(np.int32), columns.astype(np.int32)
    counts = csr_array((np.ones(len(rows), np.float32), pairs), shape=shape)
    counts.sum_duplicates()
    return counts
