"""A pretrained encoder with a linear head, all of which is trained."""

import copy

import numpy as np
import torch
from torch import Tensor, nn

from algorithms._features.encoders import Encoder, images, pooled, texts
from algorithms.base import Array, Words

#: The points of a training set as an encoder reads them: the tokens of texts, or images.
Read = list[list[int]] | list[Array]
#: The number of points in a batch of predictions.
PREDICTED = 64
#: The deviation of a head's initial weights, as of a head in transformers.
HEAD_DEVIATION = 0.02
#: Layers with statistics of batches.
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
#: The factor of an adapter's product of matrices.
ADAPTER_SCALE = 2


class TunableEncoder(nn.Module):
    """A copy of an encoder with a linear head, whose initialisation torch's generator draws.

    Arguments:
        source: The encoder, whose weights stay as they are.
        words: The word of each token number; None for images.
        example: Points, at least one, from which the number of features is taken.
        classes: The number of labels.
        rank: The rank of an adapter at each linear layer, all other weights of which are kept;
            None trains all weights.
    """

    def __init__(
        self, source: Encoder, words: Words | None, example: Array, classes: int, rank: int | None
    ) -> None:
        super().__init__()
        self.source, self.words = source, words
        self.tower = copy.deepcopy(source.tower(words is not None))
        self.eval()
        with torch.no_grad():
            width = self.features(self.read(example[:1])).shape[1]
        if rank is not None:
            self._add_adapters(rank)
        self.head = nn.Linear(width, classes)
        nn.init.normal_(self.head.weight, std=HEAD_DEVIATION)
        nn.init.zeros_(self.head.bias)

    def _add_adapters(self, rank: int) -> None:
        """Add adapters to all linear layers but those of the pooler, which is not used."""
        from peft import LoraConfig, inject_adapter_in_model

        layers = [
            name
            for name, module in self.tower.named_modules()
            if isinstance(module, nn.Linear) and "pooler" not in name
        ]
        if not layers:
            raise ValueError(
                f"the encoder in {self.source.folder} has no linear layers, to which adapters of "
                "a low rank are added; rank=None trains all of its weights"
            )
        config = LoraConfig(r=rank, lora_alpha=ADAPTER_SCALE * rank, target_modules=layers)
        self.tower = inject_adapter_in_model(config, self.tower)

    def train(self, mode: bool = True) -> "TunableEncoder":
        """Set dropout to training or evaluation; batch normalisation keeps its statistics."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, NORMS):
                module.eval()
        return self

    def trained(self) -> list[nn.Parameter]:
        """Return the parameters that are trained."""
        return [p for p in self.parameters() if p.requires_grad]

    def read(self, x: Array) -> Read:
        """Return points (m, ...) as the encoder reads them."""
        if self.words is None:
            return images(x)
        return [self.source.tokens(text) for text in texts(x, self.words)]

    def features(self, rows: Read) -> Tensor:
        """Return the features (B, F) of a batch, whose norm is not set to one."""
        device = next(self.parameters()).device
        inputs = {name: value.to(device) for name, value in self.source.inputs(rows).items()}
        hidden = self.tower(**inputs).last_hidden_state
        return pooled(hidden, self.source.pooling, inputs.get("attention_mask"))

    def forward(self, rows: Read) -> Tensor:
        """Return the logits (B, K) of a batch."""
        logits: Tensor = self.head(self.features(rows))
        return logits

    @torch.no_grad()
    def logits(self, rows: Read) -> Tensor:
        """Return the logits (m, K) of points in evaluation mode, on the processor."""
        self.eval()
        # Batches of texts of about one length have little padding.
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        logits = torch.zeros(len(rows), self.head.out_features)
        for start in range(0, len(order), PREDICTED):
            batch = order[start : start + PREDICTED]
            logits[batch] = self([rows[i] for i in batch]).cpu()
        return logits

    def probabilities(self, x: Array) -> Array:
        """Return the probabilities (m, K) of points (m, ...)."""
        return np.asarray(self.logits(self.read(x)).softmax(1).numpy())
