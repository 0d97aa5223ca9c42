"""Which epoch's parameters a firm keeps: the last one's, or the best on its validation data."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.data import Points
from algorithms.networks import Network

Rule = Literal["last", "accuracy", "worst_group", "loss"]
ROWS = 512


class Selection:
    """Selection on validation data, for each replica by itself.

    Arguments:
        rule: Keep the last epoch, or the one with the best accuracy, the best accuracy in the
            worst group, or the smallest loss; of equals the first.
        patience: Stop a replica after so many epochs without a better one; 0 never stops.
    """

    def __init__(self, rule: Rule = "last", patience: int = 0) -> None:
        self.rule, self.patience = rule, patience

    def begin(
        self,
        network: Network,
        samples: Sequence[TrainingSet],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Take up the validation data of R samples."""
        held = [s.validation for s in samples if s.validation is not None]
        self.network = network
        self.shape = samples[0].rows.pool.shape[1:]
        self.points = None
        if len(held) < len(samples):
            if self.rule != "last":
                raise ValueError(f"selection by {self.rule} needs validation data; there are none")
            return
        self.points = Points([v.rows for v in held], device, dtype)
        self.label = torch.from_numpy(np.stack([v.y for v in held])).to(device)
        self.group = torch.from_numpy(np.stack([v.group for v in held])).to(device)
        self.groups = max(v.groups for v in held)
        self.best: list[Tensor] = []
        self.score = torch.full((len(samples),), -torch.inf, dtype=dtype, device=device)
        self.waited = torch.zeros(len(samples), dtype=torch.int64, device=device)

    def update(self, parameters: list[Tensor], measure: bool = False) -> dict[str, Tensor]:
        """Look at an epoch's parameters; returns what was measured on the validation data."""
        if self.points is None or (self.rule == "last" and not measure):
            return {}
        metrics = self.measure(parameters)
        if self.rule != "last":
            score = -metrics["loss"] if self.rule == "loss" else metrics[self.rule]
            better = score > self.score
            self.score = torch.where(better, score, self.score)
            self.waited = torch.where(better, 0, self.waited + 1)
            if not self.best:
                self.best = [p.clone() for p in parameters]
            for kept, now in zip(self.best, parameters, strict=True):
                kept[better] = now[better]
        return metrics

    def measure(self, parameters: list[Tensor]) -> dict[str, Tensor]:
        """Accuracy, accuracy in the worst group and mean loss, each (R,)."""
        assert self.points is not None
        order = torch.arange(self.label.shape[1], device=self.label.device)
        order = order.expand(len(self.label), -1)
        right, loss = [], []
        for x, label, _ in self.points.batches(order, ROWS, self.label):
            truth = label[:, None]
            logits = self.network.logits(parameters, x, self.shape)
            # argmax says the same, but takes ten times as long along an inner axis.
            right.append(logits.max(1).indices == truth[:, 0])
            loss.append(-torch.log_softmax(logits, 1).gather(1, truth)[:, 0])
        hits = torch.cat(right, 1).to(self.score.dtype)
        zeros = hits.new_zeros(len(hits), self.groups)
        counts = zeros.scatter_add(1, self.group, torch.ones_like(hits))
        shares = zeros.scatter_add(1, self.group, hits) / counts
        return {
            "accuracy": hits.mean(1),
            "worst_group": shares.nan_to_num(torch.inf).amin(1),
            "loss": torch.cat(loss, 1).mean(1),
        }

    def over(self, alive: Sequence[int]) -> Tensor:
        """Which of the replicas in the stack have waited long enough, a mask (R,)."""
        if self.points is None:
            return torch.zeros(len(alive), dtype=torch.bool)
        return (self.waited >= self.patience) & (self.patience > 0)

    def chosen(self, parameters: list[Tensor]) -> list[Tensor]:
        """The parameters to keep."""
        return parameters if self.rule == "last" else self.best

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        if self.points is not None:
            self.points.keep(alive)
            self.label, self.group = self.label[alive], self.group[alive]
            self.score, self.waited = self.score[alive], self.waited[alive]
            self.best = [p[alive] for p in self.best]
