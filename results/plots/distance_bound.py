"""Success beside the bound that follows from a measured distance to the distribution."""

import pandas as pd
from matplotlib.figure import Figure

from results.display_names import display
from results.plots.axes import entitle, legend, small_multiples, symlog_sizes
from results.plots.learner_styles import looks
from results.plots.style import styled


@styled
def plot_certified(trials: pd.DataFrame) -> Figure:
    r"""Success of generative learners and of the Bayes rule, beside a bound by total variation.

    Arguments:
        trials: A row a trial: ``dataset``, ``learner``, ``seed``, ``size``, ``success``, the
            Bayes rule's as ``best``, ``epsilon``, and the ``bound`` at it.

    Returns:
        The figure: a column a task, a row a learner, means over seeds. Black is the Bayes rule of
        the mixture distribution. Dotted is :math:`\epsilon`, the measured distance in total
        variation of the learner's distribution from the mixture. Dashed is the lower bound on
        the success against any firm at that distance. Bands are the ranges over seeds.
    """
    tasks, learners = (
        list(dict.fromkeys(trials["dataset"])),
        list(dict.fromkeys(trials["learner"])),
    )
    figure, grid = small_multiples(len(tasks) * len(learners), len(tasks))
    data, short, styles = (
        display(trials["dataset"]),
        display(trials["learner"]),
        looks(trials["learner"]),
    )
    for i, axes in enumerate(grid):
        learner, task = learners[i // len(tasks)], tasks[i % len(tasks)]
        cell = trials[(trials["dataset"] == task) & (trials["learner"] == learner)]
        entitle(axes, [data[task], short[learner]])
        curves = cell.groupby("size")[["success", "best", "bound", "epsilon"]]
        mean, low, high = curves.mean(), curves.min(), curves.max()
        look = styles[learner].line() | {"markersize": 3.5, "linestyle": "-"}
        for name, line in (
            ("best", {"color": "black", "label": "success of the Bayes rule"}),
            ("success", look | {"label": "success of the learner"}),
            (
                "bound",
                look | {"marker": "", "linestyle": "--", "label": "bound at its epsilon"},
            ),
            ("epsilon", look | {"marker": "", "linestyle": ":", "label": "epsilon"}),
        ):
            axes.plot(mean.index, mean[name], **line)
            axes.fill_between(
                mean.index, low[name], high[name], color=line["color"], alpha=0.13, linewidth=0
            )
        axes.set_ylim(-0.04, 1.04)
        if i % len(tasks) == 0:
            axes.set_ylabel("share")
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
        sizes = cell.loc[cell["size"] > 0, "size"]
        symlog_sizes(axes, float(sizes.min()), float(sizes.max()))
        if i // len(tasks) == len(learners) - 1:
            axes.set_xlabel("size of the collective")
    if grid:
        legend(figure, *grid[0].get_legend_handles_labels())
    return figure
