"""Images of generative models beside real ones, and their quality during training."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from results.plots.learner_styles import COLOURS
from results.plots.style import inches, styled
from results.stats.intervals import Array

#: Images in a row of a panel of samples.
COLUMNS = 6
#: The grey of lines between images.
GREY = 0.2
#: Measures during training: column -> title of its panel.
MEASURES = {"frechet": "Fréchet distance", "coverage": "coverage", "precision": "precision"}


@styled
def plot_generated(rows: Sequence[tuple[str, Array, Array]]) -> Figure:
    """Images of each model, beside images along straight lines of its latent space.

    Arguments:
        rows: A row a model: its title, its images (n, h, w) from 0 to 1, n a multiple of six, and
            its images along lines (lines, steps, h, w); the latter may have no lines.

    Returns:
        The figure. Images of models are samples of the density. Along a line the noise of pixels
        is zero, and both ends are drawn from the latents' normal distribution.
    """
    along = max((lines.shape[1] for _, _, lines in rows if len(lines)), default=1)
    height = max((len(x) // COLUMNS for _, x, _ in rows), default=1)
    side = inches() / (COLUMNS + along + 1.5)
    figure = Figure(figsize=(inches(), 0.25 + (height * side + 0.12) * max(len(rows), 1)))
    if not rows:
        return figure
    grid = figure.subplots(len(rows), 2, squeeze=False, width_ratios=(COLUMNS, along))
    for panels, (title, samples, lines) in zip(grid, rows, strict=True):
        parts = samples.reshape(-1, COLUMNS, *samples.shape[1:]), lines
        for panel, pictures in zip(panels, parts, strict=True):
            panel.set(xticks=[], yticks=[])
            panel.grid(False)
            if len(pictures):
                panel.imshow(sheet(pictures), cmap="gray_r", vmin=0, vmax=1)
            else:
                panel.set_axis_off()
        panels[0].set_ylabel(title)
    grid[0, 0].set_title("samples")
    grid[min(1, len(rows) - 1), 1].set_title("along latent lines, without noise")
    return figure


def sheet(pictures: Array) -> Array:
    """Return images (rows, columns, h, w) as one image, with a grey line around each.

    Example:
        >>> sheet(np.ones((1, 2, 1, 1)))[1].tolist()
        [0.2, 1.0, 0.2, 1.0, 0.2]
    """
    framed = np.pad(pictures, ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=GREY)
    rows, columns, height, width = framed.shape
    whole = framed.swapaxes(1, 2).reshape(rows * height, columns * width)
    return np.pad(whole, (0, 1), constant_values=GREY)


@styled
def plot_learning(curves: pd.DataFrame) -> Figure:
    """Quality of generated images during training.

    Arguments:
        curves: One row a snapshot, with the columns ``model``, ``seed``, ``seconds`` and those of
            :data:`MEASURES`; a row without ``seed`` is a reference: real images.

    Returns:
        The figure. Thin lines are seeds and thick lines are their means, against the seconds of
        training. Dashed lines are training images in place of generated ones.
    """
    figure = Figure(figsize=(inches(), 0.36 * inches()))
    grid = figure.subplots(1, len(MEASURES))
    reference = curves[curves["seed"].isna()]
    models = list(dict.fromkeys(curves.loc[curves["seed"].notna(), "model"]))
    for panel, (column, title) in zip(grid, MEASURES.items(), strict=True):
        for model, colour in zip(models, cycle(COLOURS), strict=False):
            own = curves[curves["model"] == model]
            for _, run in own.groupby("seed"):
                panel.plot(run["seconds"], run[column], color=colour, linewidth=0.5, alpha=0.5)
            means = own[["seconds", column]].groupby(own.groupby("seed").cumcount()).mean()
            panel.plot(means["seconds"], means[column], color=colour, label=model)
        for value in reference[column]:
            panel.axhline(value, color="0.5", linestyle="--", linewidth=0.8)
        panel.set(title=title, xlabel="seconds of training")
    grid[0].set_ylim(bottom=0)
    for panel in grid[1:]:
        panel.set_ylim(0, 1)
    if models:
        grid[0].legend()
    return figure
