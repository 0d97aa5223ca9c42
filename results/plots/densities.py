"""Learned densities beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.plots.style import inches, styled
from results.stats.intervals import Array

#: Nats below the highest density at which the colour scale ends.
DEPTH = 8.0


@dataclass(frozen=True, eq=False)
class Picture:
    """A density to draw.

    Arguments:
        title: The names of distribution and model.
        reach: Half the side of the square that is shown.
        truth: The true log-density on the square's nodes, (N, N).
        learnt: The learned log-density there, (N, N).
        points: Samples, (n, 2).
        weights: Log-weights of proposals, (m,); empty without proposals.
    """

    title: str
    reach: float
    truth: Array
    learnt: Array
    points: Array
    weights: Array


@styled
def plot_densities(pictures: Sequence[Picture]) -> Figure:
    """Learned densities beside the truth, a row a density.

    Arguments:
        pictures: The rows.

    Returns:
        The figure. Columns are the true log-density, the learned one, its samples and the
        log-weights of its proposals. Log-densities share their colours within a row, down to 8
        nats below the highest true one. Weights are in nats above their mean, which is zero for
        perfect proposals.
    """
    rows = len(pictures)
    figure = Figure(figsize=(inches(), 0.3 + inches() / 4 * max(rows, 1)))
    if not rows:
        return figure
    grid = figure.subplots(rows, 4, squeeze=False)
    for row, picture in zip(grid, pictures, strict=True):
        top = float(picture.truth[np.isfinite(picture.truth)].max())
        extent = (-picture.reach, picture.reach, -picture.reach, picture.reach)
        for axes, values in zip(row[:2], (picture.truth, picture.learnt), strict=True):
            shown = np.maximum(values, top - DEPTH)
            axes.imshow(
                shown, origin="lower", extent=extent, vmin=top - DEPTH, vmax=top, cmap="cividis"
            )
        # Thousands of dots are an image in a vector drawing, too.
        row[2].plot(*picture.points.T, ".", color="black", markersize=0.6, rasterized=True)
        row[2].set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
        for axes in row[:3]:
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
        row[0].set_ylabel(picture.title)
        _weights(row[3], picture.weights)
    for axes, title in zip(grid[0], ("truth", "learnt", "samples", "log-weights"), strict=True):
        axes.set_title(title)
    return figure


def _weights(axes: Axes, weights: Array) -> None:
    axes.set_yticks([])
    axes.set_box_aspect(1)
    if not len(weights):
        axes.text(0.5, 0.5, "no proposals", ha="center", va="center", transform=axes.transAxes)
        axes.set_xticks([])
        return
    shifted = weights - weights.max()
    shifted = shifted - np.log(np.exp(shifted).mean())
    axes.hist(
        np.clip(shifted, -3, 3), bins=60, range=(-3, 3), color="black", histtype="stepfilled"
    )
    axes.axvline(0, color="#CC6677", linewidth=0.8)
    axes.set_xlim(-3, 3)
