"""A small transformer that predicts the next song."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from annotated_types import Ge, Gt
from torch import nn
from torch.nn.functional import cross_entropy

from algorithms.base import Array
from bench.recommenders.base import Recommend, Recommender, top
from bench.recommenders.playlists import Playlists

#: The song that stands where a playlist has ended.
_END = -100


@dataclass(frozen=True)
class SelfAttention(Recommender):
    r"""The most probable next songs by a causal transformer block, trained on all prefixes.

    Songs and positions have vectors, whose sums pass one block of self-attention (with two heads
    and a hidden layer of twice the width). With z the result at the last position that is known,

    .. math:: P(s \mid \text{prefix}) = \mathrm{softmax}_s\big(z^\top e_s + b_s\big)

    where :math:`e_s` are the vectors of songs. Training minimises the cross-entropy of each song
    given all songs before it.

    The model sees the order, and what it learns of one song it applies to songs of similar
    vectors. A collective that places its song consistently behind certain songs is learnt as a
    successor of songs like them.

    References:
        | Self-Attentive Sequential Recommendation (Kang and McAuley, 2018)
        | https://arxiv.org/abs/1808.09781

    Arguments:
        width: The length of vectors, an even number.
        epochs: The number of passes over the playlists.
        batch_size: Playlists in a step.
        learning_rate: The learning rate of Adam.

    Example:
        >>> lists = Playlists.of([[0, 1, 2], [0, 1, 2], [3, 2, 1], [3, 2, 1]] * 8)
        >>> recommend = SelfAttention(width=8, epochs=20).fit(lists, 4, np.random.default_rng(0))
        >>> recommend(np.array([[0, 1], [3, 2]]), 1)
        array([[2],
               [1]])
    """

    width: Annotated[int, Ge(2)] = 16
    epochs: Annotated[int, Ge(1)] = 5
    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 0.01

    def validate(self) -> None:
        """Refuse a width that two heads cannot share.

        Raises:
            ValueError: If the width is odd.
        """
        if self.width % 2:
            raise ValueError(
                f"width={self.width} is odd, and two heads share it: allowed are even numbers"
            )

    def fit(self, playlists: Playlists, songs: int, rng: np.random.Generator) -> Recommend:
        """Train by Adam."""
        rows = torch.from_numpy(_padded(playlists))
        model = _Transformer(songs, rows.shape[1], self.width, rng)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        for _ in range(self.epochs):
            for batch in torch.from_numpy(rng.permutation(len(rows))).split(self.batch_size):
                known, following = rows[batch, :-1], rows[batch, 1:]
                logits = model(known.clamp(min=0)).flatten(0, 1)
                loss = cross_entropy(logits, following.flatten(), ignore_index=_END)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
        model.eval()

        def recommend(heard: Array, k: int) -> Array:
            known = torch.from_numpy(heard[:, -rows.shape[1] :])
            with torch.no_grad():
                scores = model(known)[:, -1].numpy()
            return top(scores, heard, k)

        return recommend


class _Transformer(nn.Module):
    """One causal block between the vectors of songs and positions, and the logits of songs.

    Arguments:
        songs: The number of songs.
        length: The number of songs in the longest playlist.
        width: The length of vectors.
        rng: The generator from which all weights are drawn.
    """

    def __init__(self, songs: int, length: int, width: int, rng: np.random.Generator) -> None:
        super().__init__()
        # Modules initialise themselves from a global generator, whose state is restored.
        with torch.random.fork_rng(devices=[]):
            self.songs = nn.Embedding(songs, width)
            self.positions = nn.Embedding(length, width)
            self.block = nn.TransformerEncoderLayer(
                width, 2, 2 * width, dropout=0.0, batch_first=True, norm_first=True
            )
            self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(songs))
        with torch.no_grad():
            for name, weights in self.named_parameters():
                if weights.ndim > 1:
                    drawn = rng.standard_normal(weights.shape) / weights.shape[-1] ** 0.5
                    weights.copy_(torch.from_numpy(drawn))
                elif name.endswith("bias"):
                    weights.zero_()

    def forward(self, heard: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next song after each prefix, (m, length, songs).

        Arguments:
            heard: Songs, (m, length).
        """
        length = heard.shape[1]
        x = self.songs(heard) + self.positions(torch.arange(length))
        mask = torch.full((length, length), -torch.inf).triu(1)
        z: torch.Tensor = self.norm(self.block(x, src_mask=mask, is_causal=True))
        return z @ self.songs.weight.T + self.bias


def _padded(playlists: Playlists) -> Array:
    """Return playlists as rows of equal length, filled up behind their ends."""
    lengths = np.diff(playlists.ends, prepend=0)
    rows = np.full((len(playlists), int(lengths.max())), _END, dtype=np.int64)
    rows[np.arange(rows.shape[1]) < lengths[:, None]] = playlists.songs
    return rows
