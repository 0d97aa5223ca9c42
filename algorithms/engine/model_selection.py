"""Selection of an epoch: the last one, or the best one on the firm's validation data."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from algorithms.base import TrainingSet
from algorithms.engine.data import Points
from algorithms.networks import Network

Rule = Literal["last", "accuracy", "worst_group", "loss"]
#: The number of validation points in a batch.
ROWS = 512


class Selection:
    """Selection of an epoch on validation data, for each replica by itself.

    Arguments:
        rule: Keep the last epoch, or the first one with the best accuracy, the best accuracy in
            the worst group, or the smallest loss. By "loss", samples without validation data keep
            the last epoch.
        patience: Stop a replica after this number of epochs without a better one; 0 never stops.
    """

    def __init__(self, rule: Rule = "last", patience: int = 0) -> None:
        self.rule, self.patience = rule, patience

    def prepare(
        self,
        network: Network,
        samples: Sequence[TrainingSet],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        """Load the validation data.

        Arguments:
            network: The architecture.
            samples: R samples, all of them with validation data or none.
            device: The device of all arithmetic.
            dtype: Its precision.
        """
        validation = [s.validation for s in samples if s.validation is not None]
        self.network = network
        self.shape = samples[0].rows.pool.shape[1:]
        self.points = None
        if len(validation) < len(samples):
            if self.rule in ("accuracy", "worst_group"):
                raise ValueError(
                    f"selection={self.rule!r} needs validation data, but the sample has none; "
                    "selection='loss' and selection='last' keep the last epoch without them"
                )
            return
        self.points = Points([v.rows for v in validation], device, dtype)
        self.labels = torch.from_numpy(np.stack([v.y for v in validation])).to(device)
        self.group = torch.from_numpy(np.stack([v.group for v in validation])).to(device)
        self.groups = max(v.groups for v in validation)
        self.best: list[Tensor] = []
        self.score = torch.full((len(samples),), -torch.inf, dtype=dtype, device=device)
        self.waited = torch.zeros(len(samples), dtype=torch.int64, device=device)

    def update(self, parameters: list[Tensor], measure: bool = False) -> dict[str, Tensor]:
        """Compare an epoch with the best one before.

        Arguments:
            parameters: The parameters after the epoch, each (R, ...).
            measure: Whether to return metrics even if the rule needs none.

        Returns:
            Metrics on the validation data by name, each (R,); an empty table without them.
        """
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
            for best, current in zip(self.best, parameters, strict=True):
                best[better] = current[better]
        return metrics

    def measure(self, parameters: list[Tensor]) -> dict[str, Tensor]:
        """Return accuracy, accuracy in the worst group and mean loss, each (R,)."""
        assert self.points is not None
        order = torch.arange(self.labels.shape[1], device=self.labels.device)
        order = order.expand(len(self.labels), -1)
        correct, losses = [], []
        for batch in self.points.batches(order, ROWS, self.labels):
            labels = batch.labels[:, None]
            logits = self.network.logits(parameters, batch.x, self.shape)
            # argmax returns the same, but takes ten times as long along an inner axis.
            correct.append(logits.max(1).indices == labels[:, 0])
            losses.append(-torch.log_softmax(logits, 1).gather(1, labels)[:, 0])
        hits = torch.cat(correct, 1).to(self.score.dtype)
        zeros = hits.new_zeros(len(hits), self.groups)
        counts = zeros.scatter_add(1, self.group, torch.ones_like(hits))
        shares = zeros.scatter_add(1, self.group, hits) / counts
        return {
            "accuracy": hits.mean(1),
            "worst_group": shares.nan_to_num(torch.inf).amin(1),
            "loss": torch.cat(losses, 1).mean(1),
        }

    def finished(self, replicas: int) -> Tensor:
        """Return which of R replicas have run out of patience, a mask (R,)."""
        if self.points is None:
            return torch.zeros(replicas, dtype=torch.bool)
        return (self.waited >= self.patience) & (self.patience > 0)

    def selected(self, parameters: list[Tensor]) -> list[Tensor]:
        """Return the parameters to keep, given the current ones, each (R, ...)."""
        return parameters if self.rule == "last" or self.points is None else self.best

    def keep(self, alive: Tensor) -> None:
        """Drop the replicas that are not alive, a mask (R,)."""
        if self.points is not None:
            self.points.keep(alive)
            self.labels, self.group = self.labels[alive], self.group[alive]
            self.score, self.waited = self.score[alive], self.waited[alive]
            self.best = [p[alive] for p in self.best]
