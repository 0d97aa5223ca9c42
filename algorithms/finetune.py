"""A head on the features of a pretrained encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np

from algorithms._features.encoders import Pooling, encoder, located
from algorithms._features.wrapper import FeatureLearner, on_points, represented
from algorithms.base import Array, Fitted, Learner, Rows, TrainingSet, Words
from algorithms.erm import ERM
from algorithms.networks import Linear
from algorithms.runtime.paths import VARIABLE


@dataclass(frozen=True)
class Finetune(FeatureLearner):
    r"""A learner on the features of a pretrained encoder, which stays as it is.

    .. math:: \phi(x) = \frac{\bar h(x)}{\lVert \bar h(x) \rVert_2}, \qquad
        \bar h(x) = \frac1T \sum_{t=1}^T h_t(x)

    The encoder's last layer has a vector :math:`h_t` for each token of a text, or each place of
    an image. A text is given to it as its words with spaces between them, in lower case; an image
    at the size, and with the mean and deviation, that come with the encoder. It is read by the
    library transformers, which is an extra (``[text]``, ``[vision]``), from safetensors alone.

    Each row is encoded once and alone, so that its features depend on nothing beside it, and
    kept in the cache folder: trials that follow only look them up. The encoder never sees the
    collective, which has to reach the head through features that were learnt elsewhere.

    References:
        | CNN Features off-the-shelf: an Astounding Baseline for Recognition (Razavian et al., 2014)
        | https://arxiv.org/abs/1403.6382

    Arguments:
        encoder: A folder in the data root with ``config.json`` and safetensors, or a name on the
            hub whose files are in its cache. Nothing is fetched: ``hf download NAME`` does that.
        base: The learner, which sees features as its points.
        pooling: What of all tokens or places is the feature: their mean, or the first (as [CLS]).
    """  # noqa: E501 (a title)

    encoder: str = "sentence-transformers/all-MiniLM-L6-v2"
    base: Learner = ERM(network=Linear(), learning_rate=1.0)  # noqa: RUF009 (frozen)
    pooling: Pooling = "mean"

    def validate(self) -> None:
        """Refuse an encoder that is a path of one machine: its name is part of keys."""
        path = PurePosixPath(self.encoder)
        wrong = not self.encoder or path.is_absolute() or ".." in path.parts
        if wrong or set(self.encoder) & {"\\", ":"}:
            raise ValueError(
                f"encoder={self.encoder!r} is neither a name on the hub nor a folder relative to "
                f"the data root (--data DIR or {VARIABLE} says where that is)"
            )

    def files(self) -> tuple[Path, ...]:
        """The files of the encoder."""
        return (*located(self.encoder), *super().files())

    def features(self, x: Array, words: Words | None = None) -> Array:
        """Features (m, F), float32, of images (m, c, h, w), or of texts with their words."""
        return encoder(located(self.encoder), self.pooling)(x, words)

    @staticmethod
    def fit_stacked(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners of one :meth:`stacking_key`, each on its sample."""
        own = [learner for learner in learners if isinstance(learner, Finetune)]
        if not own:
            return []
        first, pools = own[0], dict[tuple[int, int], tuple[Array, Array]]()

        def encoded(rows: Rows) -> Rows:
            """Features in place of points; samples of the same people share them."""
            key = id(rows.pool), id(rows.index)
            if key not in pools:
                made = first.features(rows.pool[rows.index], rows.words)
                pools[key] = made, np.arange(len(rows))
            pool, index = pools[key]
            points = first.features(rows.points, rows.words) if len(rows.replaced) else None
            return Rows(pool, index, rows.replaced, points)

        inner = [learner.base for learner in own]
        fitted = inner[0].fit_stacked(inner, [represented(s, encoded) for s in samples], rngs)
        return [
            f if isinstance(f, Exception) else on_points(f, partial(first.features, words=s.words))
            for f, s in zip(fitted, (sample.rows for sample in samples), strict=True)
        ]
