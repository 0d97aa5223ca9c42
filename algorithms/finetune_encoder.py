"""A pretrained encoder that is trained, with its head, on the firm's data."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import torch
from annotated_types import Ge, Gt, Interval
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from algorithms._features.encoders import DEFAULT, Pooling, check_name, encoder, located
from algorithms._features.tunable import Read, TunableEncoder
from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.engine.loop import Diverged
from algorithms.runtime.device import device
from algorithms.runtime.paths import require_library

#: The norm at which the gradient of a batch is clipped.
MAX_NORM = 1.0


@dataclass(frozen=True)
class FinetuneEncoder(Learner):
    r"""Pretrained encoder of texts or images whose weights are trained with a linear head.

    .. math:: \min_{\theta, V, b} \frac1n \sum_{i=1}^n
        \ell\big(V \bar h_\theta(x_i) + b,\, y_i\big), \qquad
        \bar h_\theta(x) = \frac1T \sum_{t=1}^T h_{\theta,t}(x)

    for the cross-entropy :math:`\ell`, from the pretrained weights :math:`\theta`. AdamW takes the
    steps. Its learning rate rises linearly, then falls linearly to zero. Dropout is the
    encoder's own. Weight matrices decay, biases and normalisations do not. Batch normalisation
    keeps the statistics of the pretrained encoder.

    With a ``rank`` r, the encoder's weights stay as they are, and each linear layer W of it gets an
    adapter (low-rank adaptation, LoRA), which the library peft adds:

    .. math:: W + 2 B A, \qquad A \in \mathbb{R}^{r \times d},\; B \in \mathbb{R}^{k \times r}

    with B at zero before the first step. Both libraries are extras of this project (``[text]``,
    ``[vision]``). Texts and images are prepared as for :class:`Finetune`. Points are predicted in
    batches, whose padding changes the last digits of probabilities.

    A collective's signal becomes a feature of the encoder itself: a few members can suffice for a
    signal that pretrained features hardly show, whereas a frozen encoder limits them.

    References:
        | BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding (Devlin et al., 2019)
        | https://arxiv.org/abs/1810.04805
        | LoRA: Low-Rank Adaptation of Large Language Models (Hu et al., 2022)
        | https://arxiv.org/abs/2106.09685

    Arguments:
        encoder: A folder in the data root, or a name on the Hugging Face hub, as of
            :class:`Finetune`. Nothing is downloaded.
        pooling: The feature is the mean over all tokens or places, or the first one (as [CLS]).
        rank: The rank of adapters; None trains all weights.
        epochs: Passes over the training data.
        batch_size: Samples in a step.
        learning_rate: The largest learning rate; None is 5e-5 if all weights are trained, and
            5e-4 for adapters.
        weight_decay: The decoupled weight decay of AdamW.
        warmup: The share of steps in which the learning rate rises.
        selection: Which epoch's weights are kept: the last one's, or those of the smallest loss
            on the validation data. Without validation data, "loss" keeps the last one's.

    Example:
        >>> FinetuneEncoder().peak_rate(), FinetuneEncoder(rank=8).peak_rate()
        (5e-05, 0.0005)
    """  # noqa: E501 (a title)

    #: A classifier has a whole encoder, of which few fit into memory.
    chunk: ClassVar[int] = 1
    space: ClassVar[dict[str, Any]] = {
        "learning_rate": [2e-5, 5e-5, 2e-4, 1e-3],
        "epochs": [3, 10],
    }

    encoder: str = DEFAULT
    pooling: Pooling = "mean"
    rank: Annotated[int, Ge(1)] | None = None
    epochs: Annotated[int, Ge(1)] = 3
    batch_size: Annotated[int, Ge(1)] = 32
    learning_rate: Annotated[float, Gt(0)] | None = None
    weight_decay: Annotated[float, Ge(0)] = 0.01
    warmup: Annotated[float, Interval(ge=0, lt=1)] = 0.1
    selection: Literal["loss", "last"] = "loss"

    def validate(self) -> None:
        """Check that the encoder is not a path of one machine, since its name is part of keys."""
        check_name(self.encoder)

    def files(self) -> tuple[Path, ...]:
        """Return the files of the encoder, after a check of the library of adapters."""
        if self.rank is not None:
            require_library("peft", "text", f"FinetuneEncoder(rank={self.rank})")
        return located(self.encoder)

    def peak_rate(self) -> float:
        """Return the largest learning rate."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 5e-5 if self.rank is None else 5e-4

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample.

        Raises:
            Diverged: If a loss or a weight is not finite.
        """
        source, here = encoder(self.files(), self.pooling), device()
        # The head, adapters and dropout are drawn from torch's generators, which are restored.
        with torch.random.fork_rng(devices=[here] if here.type == "cuda" else []):
            torch.manual_seed(int(rng.integers(2**63)))
            x, words = sample.x, sample.rows.words
            model = TunableEncoder(source, words, x, sample.classes, self.rank).to(here)
            epochs = self._epochs(model, model.read(x), torch.from_numpy(sample.y), rng)
            loss = self._select(model, epochs, sample.validation)

        def predict(points: Array) -> Array:
            return model.probabilities(points).argmax(1)

        return Fitted(predict, model.probabilities, report={"loss": loss, "epochs": self.epochs})

    def _epochs(
        self, model: TunableEncoder, rows: Read, labels: Tensor, rng: np.random.Generator
    ) -> Iterator[tuple[int, float]]:
        """Train a model, and yield the number of a step and its loss at the end of each epoch.

        Arguments:
            model: The model, whose weights change.
            rows: The points of the sample as the model reads them, n of them.
            labels: Their labels, (n,).
            rng: The generator of the order of samples.
        """
        # transformers is an optional library, whose import takes seconds.
        from transformers import get_linear_schedule_with_warmup

        matrices = [p for p in model.trained() if p.ndim > 1]
        others = [p for p in model.trained() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": self.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
        optimiser = torch.optim.AdamW(groups, lr=self.peak_rate())
        total = self.epochs * -(-len(rows) // self.batch_size)
        schedule = get_linear_schedule_with_warmup(optimiser, round(self.warmup * total), total)
        labels, step = labels.to(device()), -1
        for _ in range(self.epochs):
            model.train()
            for batch in torch.from_numpy(rng.permutation(len(rows))).split(self.batch_size):
                step += 1
                loss = cross_entropy(model([rows[i] for i in batch]), labels[batch])
                if not loss.isfinite():
                    raise Diverged(step, float(loss.detach()))
                optimiser.zero_grad()
                loss.backward()
                clip_grad_norm_(model.trained(), MAX_NORM)
                optimiser.step()
                schedule.step()
            if not all(p.isfinite().all() for p in model.trained()):
                raise Diverged(step, float(loss.detach()))
            yield step, float(loss.detach())

    def _select(
        self,
        model: TunableEncoder,
        epochs: Iterator[tuple[int, float]],
        validation: TrainingSet | None,
    ) -> float:
        """Train, leave the model with the weights of the selected epoch, and return the last loss.

        Arguments:
            model: The model.
            epochs: The epochs of its training.
            validation: The validation data, if there are some.
        """
        if validation is None or self.selection == "last":
            return [loss for _, loss in epochs][-1]
        rows, labels = model.read(validation.x), torch.from_numpy(validation.y)
        last, least, best = np.nan, np.inf, list[Tensor]()
        for step, loss in epochs:
            last, score = loss, float(cross_entropy(model.logits(rows), labels))
            if not np.isfinite(score):
                raise Diverged(step, score)
            if score < least:
                least, best = score, [p.detach().clone() for p in model.trained()]
        with torch.no_grad():
            for parameter, value in zip(model.trained(), best, strict=True):
                parameter.copy_(value)
        return last
