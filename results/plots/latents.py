"""Images sampled from density models, and a walk through their latent space."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from results.plots.style import inches, styled
from results.stats.intervals import Array

#: Pixels between two images.
GAP = 1


@styled
def plot_latents(rows: Sequence[tuple[str, Array, Array]]) -> Figure:
    """Samples of densities on images, beside a walk through the first two latents.

    Arguments:
        rows: A row a model: its title, its samples (s^2, h, w), and the generator's images of a
            square of latents (t^2, h, w), both from 0 to 1.

    Returns:
        The figure. Samples are proposals of the generator, resampled by their weights. In the
        walk the first latent increases to the right and the second upwards, by equal steps of
        probability. All other noise is zero.
    """
    figure = Figure(figsize=(0.62 * inches(), 0.3 + 0.31 * inches() * max(len(rows), 1)))
    if not rows:
        return figure
    grid = figure.subplots(len(rows), 2, squeeze=False)
    for axes, (title, *parts) in zip(grid, rows, strict=True):
        for panel, pictures in zip(axes, parts, strict=True):
            panel.imshow(tiled(pictures), cmap="gray_r", vmin=0, vmax=1)
            panel.set(xticks=[], yticks=[])
            panel.grid(False)
        axes[0].set_ylabel(title)
    for axes, title in zip(grid[0], ("samples", "first two latents"), strict=True):
        axes.set_title(title)
    return figure


def tiled(pictures: Array) -> Array:
    """Arrange images (s^2, h, w) as one image, row by row, with gaps between them.

    Example:
        >>> tiled(np.ones((4, 2, 2))).tolist()[2]
        [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    side = round(len(pictures) ** 0.5)
    height, width = pictures.shape[1] + GAP, pictures.shape[2] + GAP
    whole = np.zeros((side * height - GAP, side * width - GAP))
    for i, picture in enumerate(pictures[: side * side]):
        top, left = i // side * height, i % side * width
        whole[top : top + height - GAP, left : left + width - GAP] = picture
    return whole
