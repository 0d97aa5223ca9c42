"""The slope of success on the privacy loss, by another implementation."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from results.studies.private_learning import NOISES, slope_on_epsilon
from tests.helpers.records import records

SIZES = (0.0, 0.01, 0.1)


def table(failed=False):
    """Success that is the same at all sizes with members, so that it is the area, too."""
    rng = np.random.default_rng(0)
    reach = {(seed, noise): rng.uniform(0.2, 0.8) for seed in range(3) for noise in NOISES}

    def values(key):
        noise = float(key["learner"].split("noise=")[1].rstrip(")"))
        level = reach[key["seed"], noise]
        lost = failed and key["seed"] == 1 and noise == 2.0
        return {
            "success": level,
            "success_others": np.nan if lost else level,
            "report_epsilon": 3 / noise if noise else np.nan,
        }

    frame = records(
        values,
        dataset=["Digits()"],
        learner=[f"DPSGD(clip=1.0, noise={noise})" for noise in NOISES],
        strategy=["FeatureLabel()"],
        size=SIZES,
        seed=range(3),
    )
    return frame, reach


def test_the_slope_is_that_of_least_squares():
    frame, reach = table()
    private = NOISES[1:]
    for seed, slope in slope_on_epsilon("Digits")(frame).items():
        logs = [np.log10(3 / noise) for noise in private]
        wanted = stats.linregress(logs, [reach[seed, noise] for noise in private]).slope
        assert slope == pytest.approx(wanted)


def test_a_seed_with_a_failed_trial_has_no_slope():
    found = slope_on_epsilon("Digits")(table(failed=True)[0])
    assert found.isna().tolist() == [False, True, False]
    assert isinstance(found, pd.Series)
