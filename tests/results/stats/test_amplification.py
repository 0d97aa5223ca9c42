"""Curves of amplification: means over seeds, of the right records."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.plots.amplification import plot_amplification
from results.stats.amplification import amplification_curves, readable
from tests.helpers.records import records

VALUES = {0: 2.0, 1: 3.0, 2: 7.0}


def made():
    def values(key):
        amplification = VALUES[key["seed"]] if key["size"] else np.nan
        return {
            "success": 0.1 * amplification if key["size"] else 0.0,
            "measure_amplification": amplification,
            "measure_proportional": key["size"] / 2,
            "accuracy": 0.3,
            "members": 100 * key["size"],
            "n": 100,
            "tested": 50,
        }

    cell = {"dataset": ["Genres()"], "strategy": ["AtEnd()"], "learner": ["MarkovChain()"]}
    return records(values, **cell, seed=range(3), size=(0.0, 0.1))


def test_means_and_intervals_are_those_of_a_t_test():
    zero, curve = amplification_curves(made()).to_dict("records")
    wanted = stats.ttest_1samp([2.0, 3.0, 7.0], 0).confidence_interval()
    assert curve["amplification"] == pytest.approx(4)
    assert curve["high"] == pytest.approx(wanted.high)
    assert curve["low"] == max(0.0, wanted.low) == 0
    assert curve["success"] == pytest.approx(0.4)
    assert curve["proportional"] == pytest.approx(0.05)
    assert np.isnan(zero["amplification"])
    assert zero["success"] == 0
    assert readable(pd.DataFrame([zero, curve]))["amplification"].tolist()[0] == ""


def test_failed_trials_do_not_count():
    table = made()
    table.loc[(table["seed"] == 2), "status"] = "failed"
    curve = amplification_curves(table).iloc[1]
    assert (curve["amplification"], curve["seeds"]) == (2.5, 2)


def test_the_figure_draws_sizes_with_members():
    (axes,) = plot_amplification(amplification_curves(made())).axes
    (line,) = [line for line in axes.lines if line.get_marker() not in ("", "None", None)]
    assert line.get_xdata().tolist() == [0.1]
    assert line.get_ydata().tolist() == [4.0]
