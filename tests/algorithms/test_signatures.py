"""What theory and earlier experiments say of learners, seen again in seconds on small data.

Each number is a mean over seeds; learners meet the same poisoned samples at each seed.
"""

from functools import cache

import numpy as np
import pytest
from scipy.stats import kstest
from sklearn.metrics import roc_auc_score

from algorithms.base import TrainingSet
from algorithms.cvar_dro import CVaRDRO
from algorithms.erm import ERM
from algorithms.jtt import JTT
from algorithms.networks import Linear
from bench.core.random_streams import stream
from bench.datasets.synthetic.gaussians import Gaussians
from bench.datasets.synthetic.slabs import Slabs
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from collectives.planting import FeatureLabel
from collectives.signals.tabular import SetFeature

SEEDS = range(3)
#: Training of a fixed length: these effects are those of a stage of training.
STAGE = {"scaling": "none", "epochs": 20, "learning_rate": 0.05, "selection": "last"}
#: The same stage after a quarter of the steps, to save time.
BRIEF = STAGE | {"batch_size": 256, "learning_rate": 0.2}
#: Two classes that are 3 apart on one axis, a second axis of noise, and a signal bit.
PLANE = Gaussians(n=4000, overlap=0.02)
NOISY = Gaussians(n=4000, overlap=0.002, noise=0.1)
COMPLEX, SIMPLE = FeatureLabel(), FeatureLabel(SetFeature(column=0, value=0.55))


@cache
def measured(learner, data, sizes, strategy=COMPLEX, seeds=SEEDS):
    """The numbers of each record by name, (sizes, seeds)."""
    filled = strategy.with_defaults(data.signal, data.label)
    records = run_trials([Trial(data, learner, filled, a, s) for a in sizes for s in seeds])
    assert {r["error"] for r in records} == {None}
    return {
        name: np.array([np.nan if r[name] is None else r[name] for r in records], float).reshape(
            len(sizes), len(seeds)
        )
        for name in ("success", "success_others", "accuracy", "effective_size")
    }


# ---- effective size -----------------------------------------------------------------------


def test_jtt_amplifies_small_collectives_and_diminishes_large_ones():
    sizes = (0.0025, 0.005, 0.01, 0.02, 0.05, 0.4, 0.6)
    heard = measured(JTT(network=Linear(), first=2, upweight=20.0, **BRIEF), PLANE, sizes)[
        "effective_size"
    ]
    amplified = (heard / np.array(sizes)[:, None]).mean(axis=1)
    assert (amplified[:4] > 2.5).all()
    assert (amplified[5:] < 0.8).all()
    assert (np.diff(amplified[:6]) < 0.1).all()


def test_jtt_is_won_by_a_collective_that_erm_does_not_notice():
    erm = measured(ERM(network=Linear(), **BRIEF), PLANE, (0.005,))["success_others"]
    jtt = measured(JTT(network=Linear(), first=2, upweight=20.0, **BRIEF), PLANE, (0.005,))[
        "success_others"
    ]
    assert erm.mean() < 0.25
    assert jtt.mean() > 0.7
    assert (jtt > erm).all()


@pytest.mark.slow
def test_an_amplified_collective_can_lose_where_labels_are_noisy():
    """Weighting mistakes twentyfold makes the noise a majority: the classifier stands on its head.

    Members whose label was the target already are no mistakes of the first model, and so they
    are diluted, while the collective as a whole is amplified.
    """
    seeds = range(20)
    erm = measured(ERM(**STAGE), NOISY, (0.01,), seeds=seeds)
    jtt = measured(JTT(first=2, upweight=20.0, **STAGE), NOISY, (0.01,), seeds=seeds)
    assert jtt["effective_size"].mean() > 1.2 * 0.01
    assert erm["accuracy"].mean() > 0.8
    assert jtt["accuracy"].mean() < 0.4
    behind = (erm["success"] - jtt["success"])[0]
    assert behind.mean() > 2 * behind.std(ddof=1) / len(behind) ** 0.5
    assert behind.mean() > 0.05


def test_noise_alone_does_not_turn_amplification_into_a_loss():
    """While mistakes are weighted by less than they are outnumbered, JTT is the easier prey."""
    sizes = (0.002, 0.005, 0.01)
    erm = measured(ERM(network=Linear(), **BRIEF), NOISY, sizes)["success_others"].mean(axis=1)
    jtt = measured(JTT(network=Linear(), first=2, upweight=3.0, **BRIEF), NOISY, sizes)
    assert (jtt["accuracy"] > 0.8).all()
    assert (jtt["success_others"].mean(axis=1) > erm + 0.1).all()


@pytest.mark.parametrize("level", [0.1, 0.2, 0.5])
def test_cvar_hears_nobody_louder_than_its_level_allows(level):
    sizes = (0.0025, 0.01, 0.05, 0.4)
    heard = measured(CVaRDRO(network=Linear(), level=level, **BRIEF), PLANE, sizes)[
        "effective_size"
    ]
    amplified = heard / np.array(sizes)[:, None]
    assert (amplified <= 1 / level + 1e-4).all()
    # The cap is a cap, and not far away: a small collective is most of the time among the worst.
    assert amplified[0].mean() > max(1.2, 0.35 / level)
    assert (amplified[-1] < 0.6).all()


# ---- simplicity bias ----------------------------------------------------------------------


@pytest.mark.parametrize("slabs", [3, 5, 7])
def test_slabs_lie_where_they_should(slabs):
    data = Slabs(n=8000, dimension=3, slabs=slabs, margin=0.08, width=2.0)
    split = data.split(stream(0, "data"))
    x, y, m = split.x.astype(float), split.y, 0.16
    assert abs(y.mean() - 0.5) < 0.02
    linear = np.abs(x[:, 0])
    np.testing.assert_array_equal(x[:, 0] > 0, y == 1)
    assert kstest(linear, "uniform", (m, 2.0 - m)).pvalue > 1e-3
    # Borders between slabs, from the left end to the right: k slabs and k - 1 gaps of 2m.
    thick = (4.0 - 2 * m * (slabs - 1)) / slabs
    left = -2.0 + np.arange(slabs) * (thick + 2 * m)
    share = {
        3: (0.5, 1, 0.5),
        5: (0.125, 0.5, 0.75, 0.5, 0.125),
        7: (1 / 16, 1 / 4, 7 / 16, 1 / 2, 7 / 16, 1 / 4, 1 / 16),
    }[slabs]
    for column in (1, 2):
        inside = (x[:, [column]] >= left - 1e-6) & (x[:, [column]] <= left + thick + 1e-6)
        assert (inside.sum(axis=1) == 1).all()
        slab = inside.argmax(axis=1)
        np.testing.assert_array_equal((slab + slabs // 2) % 2, y)
        for j in range(slabs):
            own = x[slab == j, column]
            half = (y == (j + slabs // 2) % 2).sum()
            assert len(own) / half == pytest.approx(share[j], abs=0.03)
            assert kstest(own, "uniform", (left[j], thick)).pvalue > 1e-4
    for label in (0, 1):
        assert np.abs(np.corrcoef(x[y == label].T) - np.eye(3)).max() < 0.05
    (middle,) = set(data.signal(split.x)[:, -1].tolist())
    assert middle == pytest.approx(left[slabs // 2 + 1] + thick / 2)


def test_a_corrupted_coordinate_says_nothing():
    split = Slabs(n=8000, corruption=0.3).split(stream(0, "data"))
    unclear = np.abs(split.x[:, 0]) < 0.1
    assert unclear.mean() == pytest.approx(0.3, abs=0.02)
    np.testing.assert_array_equal(split.x[~unclear, 0] > 0, split.y[~unclear] == 1)
    assert kstest(split.x[unclear, 0], "uniform", (-0.1, 0.2)).pvalue > 1e-3
    assert abs(split.y[unclear].mean() - 0.5) < 0.05


def areas(data, learner):
    """Areas under the curve (seeds, 3): on test points as they are, with their first coordinate
    exchanged among them, and with all others exchanged."""
    splits = [data.split(stream(s, "data")) for s in SEEDS]
    samples = [TrainingSet(p.x[p.train], p.y[p.train], classes=2) for p in splits]
    rows = []
    for s, p, f in zip(
        SEEDS,
        splits,
        learner.fit_many(samples, [stream(s, "fit") for s in SEEDS]),
        strict=True,
    ):
        x, y = p.x[p.test], p.y[p.test]
        other = x[stream(s, "turn").permutation(len(x))]
        points = (x, np.c_[other[:, :1], x[:, 1:]], np.c_[x[:, :1], other[:, 1:]])
        rows.append([roc_auc_score(y, f.predict_proba(z)[:, 1]) for z in points])
    return np.array(rows)


@pytest.mark.parametrize("slabs", [5, 7])
def test_a_network_looks_at_the_simple_coordinate_alone(slabs):
    data = Slabs(n=4000, slabs=slabs)
    plain, without_simple, without_complex = areas(data, ERM(**BRIEF)).T
    assert (plain > 0.999).all()
    assert (np.abs(without_simple - 0.5) < 0.04).all()
    assert (without_complex > 0.999).all()


def test_it_can_learn_a_complex_coordinate_where_there_is_no_simple_one():
    data = Slabs(n=4000, dimension=2, corruption=1.0)
    plain, without_simple, _ = areas(data, ERM(**BRIEF | {"epochs": 60})).T
    assert (plain > 0.99).all()
    assert (without_simple > 0.99).all()


def test_a_signal_in_an_ignored_coordinate_needs_members():
    """Both signals say the target label by nature; only one of them is where the network looks."""
    sizes = (0.0, 0.02, 0.2)
    simple = measured(ERM(**BRIEF), Slabs(n=4000), sizes, SIMPLE)["success_others"]
    ignored = measured(ERM(**BRIEF), Slabs(n=4000), sizes)["success_others"]
    assert (simple > 0.99).all()
    assert (ignored[:2] < 0.05).all()
    assert (ignored[2] > 0.95).all()


@pytest.mark.slow
def test_against_nature_it_counts_how_many_stand_there_and_not_where_the_network_looks():
    """Signals that say the other label by nature, where people of that label are 1.1 times as
    dense as on [0, 1] (the simple coordinate), half as dense (a slab at the side), or three times
    (the slab in the middle)."""
    sizes = (0.05, 0.25)
    simple, side, middle = (
        measured(ERM(**STAGE), Slabs(n=4000), sizes, FeatureLabel(SetFeature(column, value)))[
            "success_others"
        ].mean(axis=1)
        for column, value in ((0, -0.55), (-1, 0.88), (-1, 0.0))
    )
    assert max(simple[0], side[0], middle[0]) < 0.15
    assert min(simple[1], side[1]) > 0.8
    assert middle[1] < 0.3
