"""The bias of estimators of log Z."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from results.plots.style import inches, styled

_BIASED, _CRITIC = "#332288", "#CC6677"


@styled
def plot_bias(biases: pd.DataFrame, constants: Mapping[str, float]) -> Figure:
    r"""The bias of estimates of log Z against the number of proposals, and that of Z itself.

    Arguments:
        biases: A row a number of proposals: ``proposals``, ``log_z``, ``critic``, ``ratio``, each
            with its ``..._error``.
        constants: ``chi2``, ``kl`` and ``entropy``, in nats.

    Returns:
        The figure. Left: the bias of log Z downwards, in nats. Importance sampling
        starts at KL(q||p) for one proposal, and follows the dashed :math:`\chi^2 / 2m`; the
        mean of D, WGAN's, stays at KL(q||p) + H(q). Right: the mean estimate of Z over Z is 1,
        whatever the number. Bars are 95 % intervals of the simulation.
    """
    figure = Figure(figsize=(inches(), 0.3 + 0.42 * inches()))
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    m = biases["proposals"].to_numpy(float)
    bars = {"linestyle": "none", "markersize": 4, "capsize": 2, "linewidth": 1.0}
    for name, colour, marker, text in (
        ("log_z", _BIASED, "o", "importance sampling"),
        ("critic", _CRITIC, "s", "mean of D (WGAN)"),
    ):
        left.errorbar(
            m,
            -biases[name],
            1.96 * biases[f"{name}_error"],
            color=colour,
            marker=marker,
            label=text,
            **bars,
        )
    line = np.geomspace(1, m.max(), 50)
    left.plot(line, constants["chi2"] / (2 * line), "--", color="0.3", label="χ²(p‖q) / 2m")
    for level, text in (
        (constants["kl"], "KL(q‖p)"),
        (constants["kl"] + constants["entropy"], "KL(q‖p) + H(q)"),
    ):
        left.axhline(level, color="0.6", linewidth=0.7, zorder=0.5)
        left.annotate(
            text,
            (m.max(), level),
            xytext=(0, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize="small",
        )
    left.set(xscale="log", yscale="log", xlabel="proposals m", ylabel="log Z too low by (nats)")
    left.set_title("bias of log Z")
    left.legend(loc="lower left")
    right.errorbar(
        m, biases["ratio"], 1.96 * biases["ratio_error"], color=_BIASED, marker="o", **bars
    )
    right.axhline(1, color="0.6", linewidth=0.7, zorder=0.5)
    reach = 1.5 * float((1.96 * biases["ratio_error"] + (biases["ratio"] - 1).abs()).max())
    right.set(xscale="log", xlabel="proposals m", ylim=(1 - reach, 1 + reach))
    for axis in (left.xaxis, left.yaxis, right.xaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(NullFormatter())
    right.set_title("mean estimate of Z, over Z")
    return figure
