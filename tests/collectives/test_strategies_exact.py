"""Strategies against what one does by hand."""

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from collectives.base import Strategy
from collectives.erasing import Erase
from collectives.idle import Idle
from collectives.planting import FeatureLabel, FeatureOnly, FeatureOnlyPlus
from collectives.signals.image import Patch
from collectives.signals.tabular import Offset
from collectives.types import Array, MemberData
from tests.helpers.acting import BIT, act, drawn


@pytest.mark.parametrize(
    "strategy", [FeatureLabel(BIT, 1), FeatureOnly(BIT, 1), Erase(BIT), Idle(BIT, 1)]
)
def test_inputs_are_left_alone_and_shapes_kept(strategy: Strategy) -> None:
    x, y = drawn()
    x.flags.writeable = y.flags.writeable = False
    moved, labels = act(strategy, x, y)
    assert (moved.shape, moved.dtype) == (x.shape, x.dtype)
    assert (labels.shape, labels.dtype) == (y.shape, y.dtype)
    for part in (moved, labels):
        assert not np.shares_memory(part, x)
        assert not np.shares_memory(part, y)


@pytest.mark.parametrize(
    "strategy", [FeatureLabel(BIT, 1), FeatureOnly(BIT, 1), Erase(BIT), Idle(BIT, 1)]
)
def test_one_member_is_enough(strategy: Strategy) -> None:
    x, y = drawn(rows=1)
    moved, labels = act(strategy, x, y)
    assert len(moved) == len(labels) == 1


def test_feature_label_plants_on_all() -> None:
    x, y = drawn()
    moved, labels = act(FeatureLabel(BIT, label=2), x, y)
    for before, after, label in zip(x, moved, labels, strict=True):
        assert after.tolist() == [before[0], before[1], 1.0]
        assert label == 2


def test_feature_only_plants_on_the_target_class() -> None:
    x, y = drawn()
    moved, labels = act(FeatureOnly(BIT, label=2), x, y)
    assert labels.tolist() == y.tolist()
    assert {0, 1, 2} == set(y)
    for before, after, label in zip(x, moved, y, strict=True):
        assert after.tolist() == [before[0], before[1], 1.0 if label == 2 else before[2]]


def test_feature_only_without_anybody_of_the_target_class() -> None:
    x, y = drawn(classes=2)
    np.testing.assert_array_equal(act(FeatureOnly(BIT, label=2), x, y)[0], x)


def test_idle_does_nothing() -> None:
    x, y = drawn()
    moved, labels = act(Idle(BIT, label=1), x, y)
    np.testing.assert_array_equal(moved, x)
    np.testing.assert_array_equal(labels, y)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_erase_takes_the_likeliest_label_of_the_twin(seed: int, weighted: bool) -> None:
    x, y = drawn(seed)
    rng = np.random.default_rng(99 + seed)
    mass = rng.random(len(y)) if weighted else None
    count = defaultdict(lambda: [0.0, 0.0, 0.0])
    for i, (point, label) in enumerate(zip(x.tolist(), y, strict=True)):
        count[tuple(point)][label] += mass[i] if weighted else 1
    moved, labels = act(Erase(BIT), x, y, MemberData(x, y, 3, mass))
    np.testing.assert_array_equal(moved, x)
    for (a, b, _), label in zip(x.tolist(), labels, strict=True):
        twin = count[a, b, 1.0]
        assert label == twin.index(max(twin))


def test_negative_zero_is_zero() -> None:
    pooled = MemberData(np.float32([[-0.0, 1.0], [5.0, 1.0]]), np.array([1, 0]), 2)
    assert pooled.votes(np.float32([[0.0, 1.0]]), n_neighbors=2).tolist() == [[0.0, 1.0]]


@pytest.mark.parametrize("n_neighbors", [1, 4, 1000])
def test_erase_labels_an_unseen_twin_by_its_nearest_rows(n_neighbors: int) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.random((60, 4)).astype(np.float32), rng.integers(3, size=60)
    mass = rng.random(60)
    _, labels = act(Erase(BIT, n_neighbors), x, y, MemberData(x, y, 3, mass))
    for point, label in zip(x.astype(float), labels, strict=True):
        twin = np.array([*point[:3], 1.0])
        near = sorted(range(60), key=lambda i: ((x[i] - twin) ** 2).sum())[:n_neighbors]
        votes = [sum(mass[i] for i in near if y[i] == k) for k in range(3)]
        assert label == votes.index(max(votes))


def test_rows_without_mass_are_not_heard() -> None:
    x, y = np.float32([[0, 1], [0, 1], [9, 1]]), np.array([0, 0, 1])
    pooled = MemberData(x, y, 2, mass=np.array([0.0, 0.0, 0.5]))
    assert pooled.votes(np.float32([[0, 1]]), n_neighbors=1).tolist() == [[0.0, 0.5]]


def test_erase_works_on_images() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.random((30, 1, 4, 4)).astype(np.float32), rng.integers(3, size=30)
    moved, labels = act(Erase(Patch(size=1)), x, y)
    assert moved.shape == (30, 1, 4, 4)
    assert set(labels) <= {0, 1, 2}


def total(points: Array) -> Array:
    return points.sum(axis=1).astype(int)


@pytest.mark.parametrize("kind", [FeatureLabel, FeatureOnly, Idle])
def test_planting_has_won_where_the_signal_gets_the_label(kind: Any) -> None:
    test = SimpleNamespace(x=np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 1]]), y=np.zeros(3, int))
    # With the bit set the points add up to 1, 2 and 3.
    won = kind(BIT, label=2).success(total, test)
    assert won.tolist() == [0.0, 1.0, 0.0]
    assert won.dtype == np.float64


def test_erasing_has_won_where_the_signal_changes_nothing() -> None:
    test = SimpleNamespace(x=np.float32([[0, 0, 0], [1, 0, 1], [1, 1, 1]]), y=np.zeros(3, int))
    assert Erase(BIT).success(total, test).tolist() == [0.0, 1.0, 1.0]


def test_what_is_left_open_is_filled() -> None:
    assert FeatureLabel(label=2).with_defaults(BIT, 7) == FeatureLabel(BIT, 2)
    assert Idle().with_defaults(BIT, 7) == Idle(BIT, 7)
    assert Erase().with_defaults(BIT, 7) == Erase(BIT)
    assert FeatureOnly(BIT, 4).target == 4
    assert Erase(BIT).target is None


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (FeatureLabel(None, 1), "signal=None"),
        (FeatureLabel(BIT, None), "label=None"),
        (FeatureOnly(BIT, 3), r"label=3, but the data have the labels 0..2"),
        (Erase(None), "signal=None"),
        (Erase(Offset()), r"idempotent signal, .* not Offset\("),
    ],
)
def test_what_makes_no_sense_is_refused(strategy: Strategy, message: str) -> None:
    x, y = drawn()
    with pytest.raises(ValueError, match=message):
        act(strategy, x, y)


def test_erasing_refuses_to_measure_what_it_cannot_erase() -> None:
    with pytest.raises(ValueError, match="idempotent"):
        Erase(Offset()).success(total, SimpleNamespace(x=np.zeros((1, 2)), y=np.zeros(1)))


@pytest.mark.parametrize("values", [2, 4, None])
def test_members_off_the_signal_take_the_first_nearest_row(values: int | None) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(values, size=(300, 4)) if values else rng.normal(size=(300, 4))
    x = x.astype(np.float32)
    x[:, -1] = rng.random(300) < 0.5
    y = rng.integers(2, size=300)
    points, _ = act(FeatureOnlyPlus(BIT, 1), x, y, classes=2)
    free = x[x[:, -1] != 1]
    for i in np.flatnonzero((y != 1) & (x[:, -1] == 1)):
        # Sums of squares of small integers are exact, so the first of several nearest rows is it.
        distance = ((free - x[i]) ** 2).sum(axis=1)
        assert np.array_equal(points[i], free[distance.argmin()])
