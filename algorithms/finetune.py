"""A head on the features of a pretrained encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from algorithms._features.encoders import DEFAULT, Pooling, check_name, encoder, located
from algorithms._features.wrapper import FeatureLearner
from algorithms.base import Array, Fitted, Learner, Rows, TrainingSet, Words
from algorithms.encoding import compose, encode_sample
from algorithms.erm import ERM
from algorithms.networks import Linear


@dataclass(frozen=True)
class Finetune(FeatureLearner):
    r"""Learner on the features of a pretrained encoder, whose weights are not changed.

    .. math:: \phi(x) = \frac{\bar h(x)}{\lVert \bar h(x) \rVert_2}, \qquad
        \bar h(x) = \frac1T \sum_{t=1}^T h_t(x)

    The encoder's last layer has a vector :math:`h_t` for each token of a text, or each place of
    an image. The encoder reads a text as its words in lower case, with spaces between them, and an
    image at the encoder's own size, mean and deviation. The library transformers loads the encoder,
    from safetensors only; it is an extra of this project (``[text]``, ``[vision]``).

    Each row is encoded alone, so that its features do not depend on other rows. Features are
    cached in the cache folder, and later trials read them from there. The encoder is not trained
    on the collective's data: a signal affects the head only as far as these features show it.

    References:
        | CNN Features off-the-shelf: an Astounding Baseline for Recognition (Razavian et al., 2014)
        | https://arxiv.org/abs/1403.6382

    Arguments:
        encoder: A folder in the data root with ``config.json`` and safetensors, or a name on the
            Hugging Face hub whose files are in the hub's cache. Nothing is downloaded; use
            ``hf download NAME`` for that.
        base: The learner, whose points are the features.
        pooling: The feature is the mean over all tokens or places, or the first one (as [CLS]).
    """  # noqa: E501 (a title)

    encoder: str = DEFAULT
    base: Learner = ERM(network=Linear(), scaling="none", learning_rate=1.0)  # noqa: RUF009 (frozen)
    pooling: Pooling = "mean"

    def validate(self) -> None:
        """Check that the encoder is not a path of one machine, since its name is part of keys."""
        check_name(self.encoder)

    def files(self) -> tuple[Path, ...]:
        """Return the files of the encoder, and those of ``base``."""
        return (*located(self.encoder), *super().files())

    def features(self, x: Array, words: Words | None = None) -> Array:
        """Return features (m, F), float32.

        Arguments:
            x: Images (m, c, h, w), or texts (m, length) as rows of token numbers.
            words: The word of each token number; None for images.
        """
        return encoder(located(self.encoder), self.pooling)(x, words)

    @staticmethod
    def fit_stacked(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners that are alike, each on its sample."""
        wrappers = [learner for learner in learners if isinstance(learner, Finetune)]
        if not wrappers:
            return []
        first, pools = wrappers[0], dict[tuple[int, int], tuple[Array, Array]]()

        def encode(rows: Rows) -> Rows:
            """Return features in place of points; samples of equal rows share them."""
            key = id(rows.pool), id(rows.index)
            if key not in pools:
                features = first.features(rows.pool[rows.index], rows.words)
                pools[key] = features, np.arange(len(rows))
            pool, index = pools[key]
            replaced = first.features(rows.points, rows.words) if len(rows.replaced) else None
            return Rows(pool, index, rows.replaced, replaced)

        bases = [learner.base for learner in wrappers]
        encoded = [encode_sample(sample, encode) for sample in samples]
        fitted = bases[0].fit_stacked(bases, encoded, rngs)
        return [
            f
            if isinstance(f, Exception)
            else compose(f, partial(first.features, words=sample.rows.words))
            for f, sample in zip(fitted, samples, strict=True)
        ]
