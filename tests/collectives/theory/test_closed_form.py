"""Bounds against the exact success on random finite laws, counted point by point.

The firm of the oracle answers with a most likely label, and breaks ties against the collective.
"""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from collectives.types import Array
from tests.helpers import closed_form_bounds as bounds
from tests.helpers.cases import for_each

Act = Callable[[int, int], tuple[int, int]]
TIE = 1e-12
LAWS = range(200)
SIZES = (0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 1.0)


def draw(seed: int) -> tuple[Array, Array, int, np.random.Generator]:
    """A law on a few points, and a signal on them; ties and empty points are frequent."""
    rng = np.random.default_rng(seed)
    points, labels = int(rng.integers(2, 7)), int(rng.integers(2, 5))
    if seed % 2:
        joint = rng.dirichlet(np.full(points * labels, 0.5)).reshape(points, labels)
    else:
        counts = rng.integers(0, 4, size=(points, labels))
        counts[0, 0] += 1
        joint = counts / counts.sum()
    if seed % 3:
        joint[rng.random(points) < 0.7] *= 20
        joint /= joint.sum()
    fixed = rng.choice(points, size=int(rng.integers(1, points)), replace=False)
    moved = rng.choice(fixed, size=points)
    moved[fixed] = fixed
    return joint, moved, int(rng.integers(labels)), rng


def mixture(joint: Any, size: float, act: Act) -> list[list[float]]:
    """What the firm sees if a share ``size`` of everybody replaces its point and label."""
    points, labels = joint.shape
    seen = [[0.0] * labels for _ in range(points)]
    for x, y in itertools.product(range(points), range(labels)):
        seen[x][y] += (1 - size) * joint[x, y]
        new_x, new_y = act(x, y)
        seen[new_x][new_y] += size * joint[x, y]
    return seen


def surely(row: list[float], label: int, error: float = 0.0) -> bool:
    """Whether a firm says ``label`` even if a mass ``error`` goes from it to its best rival."""
    rival = max(mass for y, mass in enumerate(row) if y != label)
    return row[label] - error > rival + error + TIE


def planted(
    joint: Any, moved: Any, label: int, size: float, act: Act, error: float = 0.0
) -> float:
    seen = mixture(joint, size, act)
    return sum(joint[x].sum() for x in range(len(joint)) if surely(seen[moved[x]], label, error))


def feature_label(joint: Any, moved: Any, label: int, size: float, error: float = 0.0) -> float:
    return planted(joint, moved, label, size, lambda x, y: (moved[x], label), error)


def feature_only(joint: Any, moved: Any, label: int, size: float, error: float = 0.0) -> float:
    def act(x: int, y: int) -> tuple[int, int]:
        return (moved[x], label) if y == label else (x, y)

    return planted(joint, moved, label, size, act, error)


def erased(joint: Any, moved: Any, size: float, error: float = 0.0) -> float:
    seen = mixture(joint, size, lambda x, y: (x, int(np.argmax(joint[moved[x]]))))

    def same(x: int) -> bool:
        if moved[x] == x and error == 0:
            return True
        return any(
            surely(seen[x], y, error) and surely(seen[moved[x]], y, error)
            for y in range(joint.shape[1])
        )

    return sum(joint[x].sum() for x in range(len(joint)) if same(x))


@for_each("seed", LAWS)
def test_bounds_are_never_violated(seed: int) -> None:
    joint, moved, label, _ = draw(seed)
    for size in SIZES:
        exact = feature_label(joint, moved, label, size)
        assert bounds.feature_label(joint, moved, label, size) <= exact + 1e-9
        assert bounds.feature_label_pointwise(joint, moved, label, size) == pytest.approx(exact)

        exact = feature_only(joint, moved, label, size)
        assert bounds.feature_only(joint, moved, label, size) <= exact + 1e-9
        assert bounds.feature_only_pointwise(joint, moved, label, size) == pytest.approx(exact)

        exact, pointwise = (
            erased(joint, moved, size),
            bounds.erasure_pointwise(joint, moved, size),
        )
        assert pointwise <= exact + 1e-9
        assert bounds.erasure(joint, moved, size) <= pointwise + 1e-9


@for_each("seed", LAWS[::8])
def test_pointwise_bounds_survive_an_error_of_the_firm(seed: int) -> None:
    joint, moved, label, rng = draw(seed)
    # Off the grid of the small integers above, so that no lead equals twice the error.
    size, error = rng.random(), rng.random() / 7
    for bound, exact in [
        (bounds.feature_label_pointwise, feature_label),
        (bounds.feature_only_pointwise, feature_only),
    ]:
        promised = bound(joint, moved, label, size, error)
        assert promised == pytest.approx(exact(joint, moved, label, size, error))
    promised = bounds.erasure_pointwise(joint, moved, size, error)
    assert promised <= erased(joint, moved, size, error) + 1e-9


def test_a_lead_below_twice_the_error_is_not_safe() -> None:
    # One point, a lead of 0.15: an error of 0.1 turns (0.575, 0.425) into (0.475, 0.525).
    joint, moved = np.array([[0.575, 0.425]]), np.array([0])
    assert bounds.feature_label_pointwise(joint, moved, 0, size=0.0, error=0.07) == 1
    assert bounds.feature_label_pointwise(joint, moved, 0, size=0.0, error=0.1) == 0


def test_feature_label_is_tight() -> None:
    # Half of the base moves to point 1, where a tie is lost, half to point 3, which is empty.
    joint = np.array([[0.0, 0.25], [0.25, 0.0], [0.5, 0.0], [0.0, 0.0]])
    moved, size = np.array([1, 1, 3, 3]), 1 / 3
    assert feature_label(joint, moved, 1, size) == 0.5
    assert bounds.feature_label(joint, moved, 1, size) == pytest.approx(0.5)


def test_feature_only_is_tight() -> None:
    # A quarter of everybody has the label; 0.6 moves to point 1, and ties with the rest there.
    joint = np.array([0.4, 0.2, 0.4, 0.0])[:, None] * np.array([0.75, 0.25])
    moved = np.array([1, 1, 3, 3])
    assert feature_only(joint, moved, 1, 1.0) == pytest.approx(0.4)
    assert bounds.feature_only(joint, moved, 1, 1.0) == pytest.approx(0.4)


def test_erasure_is_tight() -> None:
    joint = np.array([[0.75, 0.25], [0.5 - 1e-9, 0.5 + 1e-9]]) / 2
    moved, size = np.array([1, 1]), 1 / 3
    assert erased(joint, moved, size) == pytest.approx(0.5)
    assert bounds.erasure(joint, moved, size) == pytest.approx(0.5)
    assert erased(joint, moved, size + 1e-6) == pytest.approx(1.0)


def test_erasure_counts_untaught_twins_as_lost() -> None:
    joint, moved = np.array([[0.3, 0.3], [0.0, 0.0], [0.4, 0.0]]), np.array([1, 1, 2])
    for size in (0.5, 1.0):
        assert bounds.erasure(joint, moved, size) == pytest.approx(0.4)
        assert bounds.erasure_pointwise(joint, moved, size) == pytest.approx(0.4)


@for_each("seed", LAWS[::4])
def test_critical_mass_is_enough(seed: int) -> None:
    joint, moved, label, rng = draw(seed)
    goal = rng.uniform(0.1, 0.95)
    critical = bounds.critical_mass(joint, moved, label, goal)
    for size in (critical + 1e-9, (1 + critical) / 2, 1.0):
        assert feature_label(joint, moved, label, size) >= goal
    if critical > 0:
        assert bounds.feature_label(joint, moved, label, critical) == pytest.approx(goal)


def test_critical_mass_of_everything_and_of_no_resistance() -> None:
    joint, moved = np.array([[0.5, 0.2], [0.3, 0.0]]), np.array([1, 1])
    assert bounds.critical_mass(joint, moved, label=1, success=1.0) == 1.0
    assert bounds.critical_mass(joint, moved, label=0, success=1.0) == 0.0


def test_signal_mass_and_resistance_by_hand() -> None:
    joint = np.array([[0.2, 0.2, 0.1], [0.2, 0.1, 0.1], [0.06, 0.02, 0.02], [0.0, 0.0, 0.0]])
    moved = np.array([1, 2, 2, 3])
    assert bounds.signal_mass(joint, moved) == pytest.approx(0.5)
    assert bounds.resistance(joint, moved, label=1) == pytest.approx(0.4)
    assert bounds.resistance(joint, moved, label=0) == 0


@pytest.mark.parametrize(
    ("joint", "moved", "message"),
    [
        ([[0.5, 0.4]], [0], "sum to 1"),
        ([[1.5, -0.5]], [0], "at least 0"),
        ([[0.5, 0.5]], [1], r"index 0\.\.0"),
        ([[0.5, 0.5]], [0, 0], r"for each point"),
        ([[0.5, 0.0], [0.5, 0.0]], [1, 0], "idempotent"),
    ],
)
def test_what_is_no_law_or_signal_is_refused(joint: Any, moved: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        bounds.erasure(np.array(joint), np.array(moved), size=0.5)
