"""A drift of the share of a label."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from bench.core.errors import BenchError
from bench.datasets.base import Array, Dataset, Split
from bench.rounds.drift import Drift
from collectives.signals.base import Signal


@dataclass(frozen=True)
class LabelShift(Drift):
    r"""A share of one label that moves along a line from round to round.

    .. math:: P_t(y^*) = P_1(y^*) + \frac{t - 1}{T - 1} (\pi - P_1(y^*)), \qquad
        P_t(x \mid y) = P_1(x \mid y)

    for rounds t = 1, ..., T. Other labels keep their shares relative to each other. Rows of a
    round are drawn with replacement from those that the dataset draws: labels first, then a row
    of each label at random. So some people occur twice, in the first round, too; a comparison
    without drift is ``LabelShift`` towards the label's own share.

    References:
        | Detecting and Correcting for Label Shift with Black Box Predictors
        | (Lipton et al., 2018)
        | https://arxiv.org/abs/1802.03916

    Arguments:
        until: The share of the label in the last round.
        label: The label; that which the dataset's collectives aim at, if None.

    Example:
        >>> from bench.datasets.synthetic.gaussians import Gaussians
        >>> last = LabelShift(until=0.1).at(Gaussians(n=4000), 1.0)
        >>> split = last.split(np.random.default_rng(0))
        >>> float(np.mean(split.y[split.train] == 1).round(1))
        0.1
    """

    until: Annotated[float, Interval(ge=0, le=1)] = 0.1
    label: Annotated[int, Ge(0)] | None = None

    def at(self, dataset: Dataset, progress: float) -> Dataset:
        """Return a dataset whose rows are drawn with the share of the label at this round."""
        label = dataset.label if self.label is None else self.label
        return _Resampled(dataset, label, self.until, progress)


@dataclass(frozen=True)
class _Resampled(Dataset):
    """A dataset whose rows are drawn again, with another share of a label.

    Its law is not known, since rows may occur twice.
    """

    base: Dataset
    aim: int
    until: float
    progress: float

    def split(self, rng: np.random.Generator) -> Split:
        """Draw a split, and then rows of each of its parts with replacement."""
        split = self.base.split(rng)
        if self.aim >= split.classes:
            raise BenchError(
                f"LabelShift(label={self.aim}): {type(self.base).__name__} has the labels "
                f"0..{split.classes - 1}"
            )
        return replace(
            split,
            train=self._draw(split.y, split.train, rng),
            validation=self._draw(split.y, split.validation, rng),
            test=self._draw(split.y, split.test, rng),
        )

    def _draw(self, y: Array, rows: Array, rng: np.random.Generator) -> Array:
        """Return as many rows, drawn with replacement, with the share of the label."""
        aimed = y[rows] == self.aim
        here, others = rows[aimed], rows[~aimed]
        share = aimed.mean() if len(rows) else 0.0
        wanted = rng.random(len(rows)) < share + self.progress * (self.until - share)
        for pool, needed in ((here, wanted.any()), (others, not wanted.all())):
            if needed and not len(pool):
                raise BenchError(
                    f"LabelShift: one of the parts of {type(self.base).__name__} has rows of a "
                    f"single kind only: take more rows"
                )
        drawn = np.empty_like(rows)
        drawn[wanted] = rng.choice(here, wanted.sum())
        drawn[~wanted] = rng.choice(others, (~wanted).sum())
        return drawn

    @property
    def signal(self) -> Signal:
        """The signal of the dataset."""
        return self.base.signal

    @property
    def label(self) -> int:
        """The target label of the dataset."""
        return self.base.label
