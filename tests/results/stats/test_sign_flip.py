"""The simultaneous band against a slow transcription, by hand, and by simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from results.stats.sign_flip import FEWEST, band, joint


def transcribed(d: np.ndarray) -> tuple[np.ndarray, float]:
    """The p at each size and the quantile, pattern by pattern, with scipy's t."""

    def t(values: np.ndarray) -> np.ndarray:
        return np.abs(stats.ttest_1samp(values, 0).statistic)

    patterns = [np.array(p)[:, None] for p in itertools.product([-1, 1], repeat=len(d))]
    peaks = np.array([t(p * d).max() for p in patterns])
    p = np.array([(peaks >= one - 1e-9).mean() for one in t(d)])
    centred = [t(p * (d - d.mean(0))).max() for p in patterns]
    return p, float(np.quantile(centred, 0.95, method="higher"))


@pytest.mark.parametrize("seeds", [5, 7])
def test_the_band_is_the_formula(seeds: int) -> None:
    d = np.random.default_rng(seeds).normal([0.1, 0.0, -0.2], 0.1, (seeds, 3))
    p, q = transcribed(d)
    found = band(d)
    assert joint(d).tolist() == p.tolist()
    q = max(q, stats.t.ppf(0.975, seeds - 1))
    half = q * stats.sem(d)
    np.testing.assert_allclose(found.low, np.maximum(d.mean(0) - half, -1))
    np.testing.assert_allclose(found.high, np.minimum(d.mean(0) + half, 1))


def test_one_size_is_the_test_of_the_mean() -> None:
    from results.stats.sign_flip import sign_flip

    d = np.random.default_rng(1).normal(0.1, 0.1, (9, 1))
    # For one column the t statistic orders patterns as their sums do.
    assert joint(d)[0] == pytest.approx(sign_flip(d[:, 0]))


def test_columns_of_other_seeds_are_flipped_together(monkeypatch: pytest.MonkeyPatch) -> None:
    d = np.random.default_rng(4).normal([0.1, 0.0, -0.2], 0.1, (7, 3))
    d[:2, 1], d[1:, 2] = np.nan, np.nan

    def t(values: np.ndarray) -> np.ndarray:
        return np.array([abs(stats.ttest_1samp(v[~np.isnan(v)], 0).statistic) for v in values.T])

    patterns = [np.array(p)[:, None] for p in itertools.product([-1, 1], repeat=7)]
    peaks = np.array([t((p * d)[:, :2]).max() for p in patterns])  # one seed has no t
    wanted = [(peaks >= one - 1e-9).mean() for one in t(d[:, :2])]
    found = joint(d).tolist()
    assert found == [*wanted, 1]
    # However many columns are held at once.
    monkeypatch.setattr("results.stats.sign_flip._COLUMNS", 1)
    assert joint(d).tolist() == found
    assert np.isnan(joint(np.full((4, 1), np.nan))).all()


def test_a_copy_of_a_column_costs_nothing() -> None:
    d = np.random.default_rng(6).normal(0.1, 0.1, (8, 1))
    assert joint(np.repeat(d, 20, axis=1)).tolist() == [joint(d)[0]] * 20


def test_a_band_is_wider_than_its_intervals() -> None:
    d = np.random.default_rng(2).normal(0.05, 0.1, (8, 6))
    found, ends = band(d), stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert (found.low <= ends.low + 1e-12).all()
    assert (found.high >= ends.high - 1e-12).all()


def test_what_agrees_and_what_is_too_few() -> None:
    d = np.random.default_rng(3).normal(0.0, 0.1, (8, 3))
    d[:, 1], d[:, 2] = 0.0, 0.5
    found = band(d)
    assert joint(d)[1:].tolist() == [1, 2 / 2**8]
    m = np.array([0.5, 4.5]) / 9
    half = stats.t(8).ppf(1 - 0.025 / 3) * np.sqrt(0.05 * m * (1 - m)) / 8
    assert found.low[1:].tolist() == pytest.approx([-half[0], 0.5 - half[1]])
    assert found.high[1:].tolist() == pytest.approx([half[0], 0.5 + half[1]])
    few = band(np.full((FEWEST - 1, 2), 0.3))
    assert (few.low.tolist(), few.high.tolist()) == ([-1, -1], [1, 1])
    assert joint(np.zeros((1, 2))).tolist() == [1, 1]
    assert np.isnan(joint(np.zeros((0, 2)))).all()
    assert np.isnan(band(np.zeros((0, 2)))).all()


def curves(kind: str, rng: np.random.Generator, seeds: int) -> np.ndarray:
    """Success of one learner: each seed's curve is shifted by a quarter of a decade."""
    x = np.linspace(-3, 0, 9) + 1.5 + rng.normal(0, 0.25, (seeds, 1))
    rising = 1 / (1 + np.exp(-4 * x))
    shapes = {
        "sigmoid": rising,
        "staircase": np.floor(4 * rising) / 4,
        "hump": np.exp(-(x**2)),
        "plateau": (x > 0).astype(float),
    }
    return np.clip(shapes[kind] + rng.normal(0, 0.02, x.shape), 0, 1)


def covered(kind: str, seeds: int, times: int) -> tuple[int, int]:
    """Of so many comparisons of a learner with its copy: bands with 0, families with p > .05."""
    rng = np.random.default_rng(seeds)
    held = kept = 0
    for _ in range(times):
        d = curves(kind, rng, seeds) - curves(kind, rng, seeds)
        found = band(d)
        held += bool(((found.low <= 0) & (found.high >= 0)).all())
        kept += bool((joint(d) > 0.05).all())
    return held, kept


# Of 120 and of 600: what a binomial law with a share of .95 falls short of in one of a thousand.
SHORT, LONG = (int(stats.binom.ppf(1e-3, times, 0.95)) for times in (120, 600))


@pytest.mark.parametrize("kind", ["sigmoid", "staircase", "hump", "plateau"])
def test_bands_hold_the_truth(kind: str) -> None:
    held, kept = covered(kind, 8, 120)
    assert held >= SHORT
    assert kept >= SHORT


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [5, 6, 8, 10, 12])
@pytest.mark.parametrize("kind", ["sigmoid", "staircase", "hump", "plateau"])
def test_bands_hold_the_truth_at_any_number_of_seeds(kind: str, seeds: int) -> None:
    held, kept = covered(kind, seeds, 600)
    assert held >= LONG
    assert kept >= LONG
