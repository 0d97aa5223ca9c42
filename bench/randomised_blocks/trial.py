r"""The randomised-block test: accuracy when one block of each point is that of another point.

A block B is a part of the coordinates, such as the upper of two images. With a permutation
:math:`\pi` of the m test points, a point whose block is randomised is

.. math:: \tilde x_{ij} = \begin{cases} x_{\pi(i), j} & j \in B \\ x_{ij} & j \notin B
    \end{cases}, \qquad A_B = \frac1m \sum_i \mathbb 1[f(\tilde x_i) = y_i].

The block then has its distribution, and no information on the label. A network whose accuracy
:math:`A_B` is that without a change does not look at the block; one whose accuracy is that of
chance looks at nothing else.

References:
    | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
    | https://arxiv.org/abs/2006.07710
"""

from dataclasses import dataclass

import numpy as np

from algorithms.base import Array, Classifier
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Part
from bench.experiment.evaluation import evaluate
from bench.experiment.outputs import checked
from bench.experiment.run import train_firm
from bench.experiment.trial import Key, Record, Trial


@dataclass(frozen=True)
class Block:
    """A block of coordinates: a slice of a point along one of its axes.

    Arguments:
        name: The name of the block, for columns of records.
        start: The first index along the axis.
        stop: The index behind the last one; None for the end.
        axis: The axis of a point, 0 for the first one.

    Example:
        >>> x = np.array([[1, 2, 3], [4, 5, 6]])
        >>> Block("simple", 0, 1).replaced(x, np.array([1, 0])).tolist()
        [[4, 2, 3], [1, 5, 6]]
    """

    name: str
    start: int
    stop: int | None
    axis: int = 0

    def replaced(self, x: Array, order: Array) -> Array:
        """Return points in which the block is that of others.

        Arguments:
            x: Points, (m, ...).
            order: The position of the other point for each of them, (m,).

        Raises:
            BenchError: If points have no such block.
        """
        length = x.shape[1 + self.axis] if self.axis + 1 < x.ndim else 0
        stop = length if self.stop is None else self.stop
        if not 0 <= self.start < stop <= length:
            raise BenchError(
                f"{self!r} is no part of points of shape {x.shape[1:]}: take an axis from 0 to "
                f"{x.ndim - 2}, and indices within it"
            )
        block = (slice(None),) * (1 + self.axis) + (slice(self.start, stop),)
        moved = x.copy()
        moved[block] = x[order][block]
        return moved


@dataclass(frozen=True)
class BlocksTrial:
    """A trial of a grid whose record also has the accuracy with each block randomised.

    Arguments:
        trial: The trial.
        blocks: The blocks.
        groups: The groups of the test points that count; all points, if there are none. On
            data with a spurious part the test is about points on which both parts agree.
    """

    trial: Trial
    blocks: tuple[Block, ...]
    groups: tuple[int, ...] = ()

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        return self.trial.key

    def measure(self) -> Record:
        """Train the firm, and return the fields of the record with further measures.

        ``measures`` has ``intact``, the accuracy on the test points that count, and
        ``randomised_NAME``, that with a block randomised.

        Raises:
            BenchError: If no test point is of the groups, or points have no such block.
        """
        bound, setup, fitted = train_firm(self.trial)
        record = evaluate(bound, setup, fitted)
        test = self._counted(setup.context.test)
        firm, rng = checked(fitted, setup.sample.classes), stream(self.trial.seed, "blocks")
        record["measures"] |= randomised(firm, test, self.blocks, rng)
        return {"n": len(setup.sample), "members": len(setup.members)} | record

    def _counted(self, test: Part) -> Part:
        """Return the test points that count."""
        if not self.groups:
            return test
        if test.group is None:
            raise BenchError(f"{self.trial.dataset!r} has no groups: leave groups=() empty")
        kept = np.isin(test.group, self.groups)
        if not kept.any():
            raise BenchError(
                f"groups={self.groups}: no test point is of these; there are the groups "
                f"{np.unique(test.group).tolist()}"
            )
        return Part(test.x[kept], test.y[kept], test.group[kept])


def randomised(
    firm: Classifier, test: Part, blocks: tuple[Block, ...], rng: np.random.Generator
) -> dict[str, float]:
    """Return the accuracy on test points as they are, and with each block randomised.

    Arguments:
        firm: The firm's classifier.
        test: The test points.
        blocks: The blocks.
        rng: The generator of the permutation, which is the same for all blocks.
    """
    order = rng.permutation(len(test.y))
    found = {"intact": float(np.mean(firm(test.x) == test.y))}
    for block in blocks:
        right = firm(block.replaced(test.x, order)) == test.y
        found[f"randomised_{block.name}"] = float(np.mean(right))
    return found
