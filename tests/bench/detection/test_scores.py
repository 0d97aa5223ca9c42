"""Suspicion scores and their measures, against oracles that share no code with them."""

import itertools

import numpy as np
import pytest

from algorithms.base import Epoch, Fitted, TrainingSet
from algorithms.density.gaussian_mixture import GaussianMixture
from bench.core.errors import BenchError
from bench.detection.activation_clustering import ActivationClustering
from bench.detection.base import Evidence
from bench.detection.class_density import ClassDensity
from bench.detection.deep_knn import DeepKNN
from bench.detection.loss import Loss
from bench.detection.measures import NODES, area, roc, top_share
from bench.detection.spectral import Spectral
from bench.spec.registry import REGISTRY

N, F = 60, 4


def rng():
    return np.random.default_rng(7)


def softmax(x):
    """Probabilities of three labels that depend on the points."""
    p = np.exp(x[:, :3] * 2)
    return p / p.sum(1, keepdims=True)


def evidence(order=None, n=N):
    """Points of three labels, with features that are a map of them, in some order."""
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=(n, F)).astype(np.float32), draw.integers(3, size=n)
    order = np.arange(n) if order is None else order
    phi = np.tanh(x @ draw.normal(size=(F, 6)))[order]
    path = [Epoch(lambda x: softmax(x).argmax(1), lambda x: np.full((len(x), 3), 1 / 3))]
    fitted = Fitted(lambda x: softmax(x).argmax(1), softmax, path=path)
    return Evidence(TrainingSet(x[order], y[order], classes=3), fitted, lambda: phi)


def plainly(name, seen):
    """Scores as one would compute them by hand, point by point."""
    x, y, phi = seen.sample.x.astype(float), seen.sample.y, seen.features
    found = np.zeros(len(y))
    for i in range(len(y)):
        same = [j for j in range(len(y)) if y[j] == y[i]]
        if name == "Loss":
            found[i] = -np.log(softmax(x[i : i + 1])[0, y[i]])
        elif name == "Spectral":
            mean = sum(phi[j] for j in same) / len(same)
            scatter = sum(np.outer(phi[j] - mean, phi[j] - mean) for j in same)
            found[i] = (np.linalg.eigh(scatter)[1][:, -1] @ (phi[i] - mean)) ** 2
        elif name == "DeepKNN":
            others = sorted((np.linalg.norm(phi[j] - phi[i]), j) for j in range(len(y)) if j != i)
            found[i] = sum(y[j] != y[i] for _, j in others[:10]) / 10
        elif name == "ClassDensity":
            z = (x - x.mean(0)) / x.std(0)
            mean, cov = z[same].mean(0), np.cov(z[same].T, bias=True)
            d = z[i] - mean
            found[i] = (d @ np.linalg.solve(cov, d) + np.linalg.slogdet(2 * np.pi * cov)[1]) / 2
    return found


PLAIN = (
    Loss(),
    Spectral(),
    DeepKNN(),
    ClassDensity(model=GaussianMixture(components=(1,), shrinkage=0.0)),
)


@pytest.mark.parametrize("score", PLAIN, ids=lambda score: type(score).__name__)
def test_a_score_is_its_formula(score):
    seen = evidence()
    wanted = plainly(type(score).__name__, seen)
    assert np.ptp(wanted) > 0.1
    assert score.suspicion(seen, rng()) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_activation_clustering_divides_each_label_as_the_best_of_all_divisions_does():
    """For two clusters far apart, the division with the smallest scatter, of all divisions."""
    draw = rng()
    y = np.repeat([0, 1], 7)
    phi = draw.normal(size=(14, 3))
    phi[[1, 4, 8]] += 25
    seen = Evidence(TrainingSet(phi, y), Fitted(np.zeros_like), lambda: phi)
    wanted = np.zeros(14)
    for label in (0, 1):
        rows = np.flatnonzero(y == label)
        divisions = [
            np.array(sides, bool) for sides in itertools.product((0, 1), repeat=7) if any(sides)
        ][:-1]

        def scatter(side, rows=rows):
            return sum(((phi[rows[s]] - phi[rows[s]].mean(0)) ** 2).sum() for s in (side, ~side))

        side = min(divisions, key=scatter)
        wanted[rows] = np.where(side, 1 - side.mean(), side.mean())
    found = ActivationClustering().suspicion(seen, rng())
    assert found == pytest.approx(wanted)
    assert set(np.flatnonzero(found > 0.5)) == {1, 4, 8}


@pytest.mark.parametrize("name", sorted(REGISTRY.kinds["scores"]))
def test_the_order_of_points_changes_nothing(name):
    score = REGISTRY.kinds["scores"][name]()
    order = rng().permutation(N)
    plain, turned = (score.suspicion(evidence(o), rng()) for o in (None, order))
    assert plain.shape == (N,)
    assert np.ptp(plain) > 0
    assert turned == pytest.approx(plain[order], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", sorted(REGISTRY.kinds["scores"]))
@pytest.mark.parametrize("labels", [[0, 0, 0, 0, 1], [0, 0, 1, 2], [0, 1], [0, 0, 0, 0]])
def test_single_and_equal_points_have_finite_scores(name, labels):
    x = np.zeros((len(labels), 2))
    even = Fitted(lambda x: np.zeros(len(x), int), lambda x: np.full((len(x), 3), 1 / 3))
    seen = Evidence(TrainingSet(x, np.array(labels), classes=3), even, lambda: x)
    score = REGISTRY.kinds["scores"][name]()
    assert np.isfinite(score.suspicion(seen, rng())).all()


def test_the_loss_of_an_epoch_is_that_of_its_model():
    assert Loss(epoch=1).suspicion(evidence(), rng()) == pytest.approx(np.log(3))
    with pytest.raises(BenchError, match=r"epoch 2, and the learner kept 1 epochs.*trace=True"):
        Loss(epoch=2).suspicion(evidence(), rng())


def test_a_learner_without_probabilities_has_no_losses():
    sample = TrainingSet(np.zeros((2, 1)), np.array([0, 1]))
    with pytest.raises(BenchError, match="predicts labels only: use a learner with prob"):
        Loss().suspicion(Evidence(sample, Fitted(np.zeros_like), lambda: sample.flat), rng())


# ---- measures -----------------------------------------------------------------------------


def tied(seed, n=40):
    draw = np.random.default_rng(seed)
    return draw.integers(6, size=n).astype(float), draw.random(n) < 0.3


@pytest.mark.parametrize("seed", range(5))
def test_the_area_counts_pairs(seed):
    score, member = tied(seed)
    pairs = [(a, b) for a in score[member] for b in score[~member]]
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs)
    assert area(score, member) == pytest.approx(wins / len(pairs))


def test_the_area_of_random_scores_is_one_half_over_all_orders():
    member = np.array([True, False, False, True, False])
    areas = [area(np.array(order, float), member) for order in itertools.permutations(range(5))]
    assert np.mean(areas) == pytest.approx(0.5, abs=1e-12)
    assert max(areas) == 1.0
    shares = [
        top_share(np.array(order, float), member) for order in itertools.permutations(range(5))
    ]
    assert np.mean(shares) == pytest.approx(member.mean())


@pytest.mark.parametrize("seed", range(5))
def test_the_top_share_is_the_mean_over_orders_of_ties(seed):
    score, member = tied(seed)
    draw, count, drawn = np.random.default_rng(0), int(member.sum()), []
    for _ in range(4000):
        order = np.lexsort([draw.random(len(score)), -score])
        drawn.append(member[order[:count]].mean())
    assert top_share(score, member) == pytest.approx(np.mean(drawn), abs=0.01)


def test_measures_without_members_or_without_others():
    score, none = np.arange(4.0), np.zeros(4, bool)
    assert np.isnan([area(score, none), area(score, ~none), top_share(score, none)]).all()
    assert top_share(score, ~none) == 1.0


def test_the_curve_is_that_of_a_threshold_that_falls():
    score, member = tied(1)
    score = score + np.random.default_rng(0).random(40) / 2
    curve = roc(score, member)
    others = np.sort(score[~member])[::-1]
    for k in range(len(others) + 1):
        # Thresholds just above the k-th other: all members above it are suspected.
        border = others[k] if k < len(others) else -np.inf
        found = (score[member] > border).mean()
        assert np.interp(k / len(others), NODES, curve) == pytest.approx(found, abs=0.12)
    assert curve[0] == (score[member] > others[0]).mean()
    assert curve[-1] == 1
    assert (np.diff(curve) >= 0).all()
    assert np.trapezoid(curve, NODES) == pytest.approx(area(score, member), abs=0.02)
