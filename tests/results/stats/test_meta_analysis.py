"""Meta-analysis over data sets: another implementation, limits, and coverage."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from results.stats.meta_analysis import between_variance, combine

RNG = np.random.default_rng(0)
CASES = [
    (RNG.normal(0.2, spread, k), RNG.uniform(0.001, 0.02, k))
    for k in (2, 3, 5, 8)
    for spread in (0.02, 0.1, 0.5)
]


@pytest.mark.parametrize(("effects", "variances"), CASES)
def test_it_is_that_of_statsmodels(effects, variances):
    # Statsmodels goes on with a negative variance between data sets, which gives warnings.
    with np.errstate(invalid="ignore", divide="ignore"):
        wanted = combine_effects(effects, variances, method_re="dl", use_t=True)
    found = combine(effects, variances)
    assert between_variance(effects, variances) == pytest.approx(max(0.0, wanted.tau2), abs=1e-12)
    mean, error, scale = (
        (wanted.mean_effect_re, wanted.sd_eff_w_re, wanted.scale_hksj_re)
        if wanted.tau2 > 0
        else (wanted.mean_effect_fe, wanted.sd_eff_w_fe, wanted.scale_hksj_fe)
    )
    assert found.mean == pytest.approx(mean)
    half = stats.t.ppf(0.975, len(effects) - 1) * error * max(1.0, scale) ** 0.5
    assert [found.low, found.high] == pytest.approx([mean - half, mean + half])
    if wanted.tau2 > 0 and scale >= 1:
        assert [found.low, found.high] == pytest.approx(list(wanted.conf_int()[3]))


def test_the_cases_are_of_all_kinds():
    with np.errstate(invalid="ignore", divide="ignore"):
        all_of = [combine_effects(*case, method_re="dl", use_t=True) for case in CASES]
    assert {one.tau2 > 0 for one in all_of} == {True, False}
    assert {one.scale_hksj_re >= 1 for one in all_of if one.tau2 > 0} == {True, False}


def test_data_sets_that_agree_have_the_mean_by_their_precision():
    variances = np.array([0.01, 0.04])
    found = combine(np.array([0.3, 0.3]), variances)
    assert found.mean == pytest.approx(0.3)
    assert found.high - 0.3 == pytest.approx(stats.t.ppf(0.975, 1) / np.sqrt(100 + 25))


def test_fewer_than_two_data_sets_have_no_interval():
    alone = combine(np.array([0.4]), np.array([0.01]))
    assert (alone.mean, alone.low, alone.high, alone.kind) == (0.4, -np.inf, np.inf, "none")
    assert np.isnan(combine(np.zeros(0), np.zeros(0)).mean)


@pytest.mark.parametrize("between", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("k", [3, 6])
def test_intervals_hold_the_mean_of_all_data_sets(k, between):
    rng = np.random.default_rng(k)
    held = 0
    for _ in range(400):
        variances = rng.uniform(0.0005, 0.005, k)
        effects = 0.1 + rng.normal(0, between, k) + rng.normal(0, np.sqrt(variances))
        found = combine(effects, variances)
        held += found.low <= 0.1 <= found.high
    # 95 % less three standard errors of 400 draws; wider intervals are allowed.
    assert held / 400 >= 0.95 - 0.033
