"""Bayes rules, exact and estimated, against counts and sums that share no code with them."""

import itertools
from dataclasses import dataclass
from math import exp, pi

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import softmax
from scipy.stats import binomtest, gaussian_kde, multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from algorithms.any_sklearn import Sklearn
from algorithms.base import TrainingSet
from algorithms.bayes_optimal import BayesOptimal
from algorithms.boosted_trees import BoostedTrees
from algorithms.empirical_bayes import EmpiricalBayes
from algorithms.engine.inference import probabilities
from algorithms.erm import ERM
from algorithms.gaussian_process import GaussianProcess
from algorithms.kernel_bayes import KernelBayes
from algorithms.knn import KNN
from algorithms.linear_svm import LinearSVM
from algorithms.logistic_regression import LogisticRegression
from algorithms.networks import MLP, ConvNet, Linear
from algorithms.qda import QDA
from algorithms.swag import SWAG, moments
from bench.datasets.synthetic.gaussians import Gaussians
from bench.theory.mixture import Mixture
from collectives.planting import FeatureLabel
from collectives.signals.base import Signal
from collectives.types import MemberData

CLASSES = 3


def rng(seed=0):
    return np.random.default_rng(seed)


def blobs(n=60, d=3, seed=0):
    """Overlapping classes, and points to ask about, some of them far away."""
    draw = rng(seed)
    y = draw.integers(CLASSES, size=n)
    x = (draw.normal(size=(n, d)) + y[:, None]).astype(np.float32)
    asked = (draw.normal(size=(600, d)) * 3 + 1).astype(np.float32)
    return TrainingSet(x, y, classes=CLASSES), asked


# ---- kernel densities ---------------------------------------------------------------------


@pytest.mark.parametrize("h", [0.05, 0.4, 3.0])
def test_kernel_densities_are_sums_over_people(h):
    sample, asked = blobs()
    fitted = KernelBayes(bandwidth=h, scaling="none").fit(sample, rng())
    p = fitted.predict_proba(asked)
    assert p.shape == (600, CLASSES)
    seen = 0
    for point, row, label in zip(asked, p, fitted.predict(asked), strict=True):
        joint = [0.0] * CLASSES
        for x, y in zip(sample.x, sample.y, strict=True):
            square = sum((float(a) - float(b)) ** 2 for a, b in zip(point, x, strict=True))
            joint[y] += exp(-square / (2 * h * h)) / (len(sample) * (2 * pi * h * h) ** 1.5)
        if sum(joint) > 1e-250:
            seen += 1
            assert row == pytest.approx([j / sum(joint) for j in joint], rel=1e-6, abs=1e-12)
            assert joint[label] == max(joint)
    assert seen > 100


def test_kernel_densities_are_scipys_times_frequencies():
    sample, asked = blobs(d=1)
    h = 0.37
    joint = []
    for k in range(CLASSES):
        own = sample.x[sample.y == k, 0].astype(float)
        density = gaussian_kde(own, bw_method=h / own.std(ddof=1))
        joint.append(len(own) / len(sample) * density(asked[:, 0].astype(float)))
    p = KernelBayes(bandwidth=h, scaling="none").fit(sample, rng()).predict_proba(asked)
    near = np.sum(joint, axis=0) > 1e-200
    np.testing.assert_allclose(p[near], (joint / np.sum(joint, axis=0)).T[near], rtol=1e-5)


def test_scotts_rule_is_scipys_factor_times_the_spread_within_classes():
    sample, asked = blobs(d=2)
    frame = pd.DataFrame(sample.x.astype(float))
    within = frame - frame.groupby(sample.y).transform("mean")
    h = float(np.sqrt((within**2).to_numpy().mean())) * gaussian_kde(sample.x.T).scotts_factor()
    want = KernelBayes(bandwidth=h, scaling="none").fit(sample, rng()).predict_proba(asked)
    got = KernelBayes(scaling="none").fit(sample, rng()).predict_proba(asked)
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-300)


def test_kernel_densities_neither_underflow_nor_need_spread():
    sample = TrainingSet(np.float32([[0, 0], [0, 0], [1, 0]]), [0, 0, 2], classes=4)
    for learner in (KernelBayes(), KernelBayes(bandwidth=1e-3)):
        p = learner.fit(sample, rng()).predict_proba(np.float32([[-1e6, 0], [1e6, 0]]))
        assert p.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]


# ---- Gaussian process ---------------------------------------------------------------------


@pytest.mark.parametrize(("length", "noise"), [(1.0, 0.1), (0.3, 0.01), (2.0, 1.0)])
def test_gaussian_process_is_scikit_learns(length, noise):
    sample, asked = blobs(d=2)
    x = sample.x.astype(float)
    apart = [np.linalg.norm(a - b) for a, b in itertools.combinations(x, 2)]
    kernel = RBF(length * float(np.median(apart)), length_scale_bounds="fixed")
    model = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None)
    labels = pd.get_dummies(sample.y).to_numpy(float)
    means = model.fit(x, labels - labels.mean(0)).predict(asked) + labels.mean(0)
    top = np.sort(means, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-9
    assert clear.mean() > 0.9
    got = GaussianProcess(length, noise, scaling="none").fit(sample, rng()).predict(asked)
    np.testing.assert_array_equal(got[clear], means.argmax(1)[clear])


def test_gaussian_process_measures_distances_between_different_points():
    # Nine in ten people are at one point: the median of all distances would be zero.
    x = np.float32([[0, 0]] * 90 + [[1, 0]] * 5 + [[0, 3]] * 5)
    y = np.array([0] * 90 + [1] * 5 + [2] * 5)
    fitted = GaussianProcess(length=0.5).fit(TrainingSet(x, y), rng())
    asked = np.float32([[0, 0], [1, 0], [0, 3], [99, 99]])
    assert fitted.predict(asked).tolist() == [0, 1, 2, 0]
    alike = TrainingSet(np.zeros((4, 2)), [0, 1, 1, 1])
    assert GaussianProcess().fit(alike, rng()).predict(asked).tolist() == [1] * 4


# ---- averaged networks --------------------------------------------------------------------


def trace(learner, sample, seed=0):
    """What the loop leaves of a training: the end of each epoch."""
    plain = ERM(**{name: getattr(learner, name) for name in vars(ERM())})
    setting = {name: [value] for name, value in plain.hyperparams().items()}
    draws = rng(seed)
    (trained,) = plain.descend([sample], [draws], setting, trace=True)
    return [s.parameters for s in trained.path], draws


def as_rows(path):
    return np.stack([np.concatenate([p.numpy().ravel() for p in ps]) for ps in path])


def test_moments_are_numpys():
    rows = rng().normal(size=(7, 11))
    mean, variance, deviations = moments(torch.from_numpy(rows), rank=4)
    np.testing.assert_allclose(mean, rows.mean(0), atol=1e-12)
    np.testing.assert_allclose(variance, rows.var(0), atol=1e-12)
    want = [rows[t] - rows[: t + 1].mean(0) for t in (3, 4, 5, 6)]
    np.testing.assert_allclose(deviations, want, atol=1e-12)


@pytest.mark.parametrize("network", [Linear(), MLP((5,)), ConvNet((2,))], ids=repr)
def test_without_scale_it_is_the_mean_network(network):
    draw = rng()
    x = draw.normal(size=(50, 1, 4, 4)).astype(np.float32)
    sample = TrainingSet(x, draw.integers(CLASSES, size=50), classes=CLASSES)
    learner = SWAG(network=network, scaling="none", epochs=8, batch_size=16, last=5, scale=0.0)
    path, _ = trace(learner, sample)
    mean = [torch.stack([ps[i] for ps in path[-5:]]).mean(0) for i in range(len(path[0]))]
    want = probabilities(network, mean, x)
    np.testing.assert_allclose(learner.fit(sample, rng()).predict_proba(x), want, atol=1e-6)


def test_it_averages_the_probabilities_of_networks_it_draws():
    sample, asked = blobs()
    learner = SWAG(
        network=MLP((4,)),
        scaling="none",
        epochs=9,
        batch_size=16,
        last=6,
        rank=3,
        draws=5,
        scale=0.7,
    )
    path, draws = trace(learner, sample)
    rows = as_rows(path)[-6:].astype(float)
    deviations = np.stack([rows[t] - rows[: t + 1].mean(0) for t in (3, 4, 5)])
    own, common = draws.standard_normal((5, rows.shape[1])), draws.standard_normal((5, 3))
    total = 0
    for e1, e2 in zip(own, common, strict=True):
        theta = rows.mean(0) + np.sqrt(0.7) * (rows.std(0) * e1 + e2 @ deviations / np.sqrt(2))
        w1, b1, w2, b2 = np.split(theta, np.cumsum([12, 4, 12]))
        hidden = np.maximum(asked @ w1.reshape(4, 3).T + b1, 0)
        z = hidden @ w2.reshape(3, 4).T + b2
        z = np.exp(z - z.max(1, keepdims=True))
        total = total + z / z.sum(1, keepdims=True) / 5
    got = learner.fit(sample, rng())
    np.testing.assert_allclose(got.predict_proba(asked), total, atol=1e-5)
    assert got.path == []


def test_its_draws_have_the_covariance_it_says():
    learner = SWAG(draws=40_000, rank=4)
    rows = rng().normal(size=(6, 3))
    drawn = learner.draw([[torch.from_numpy(r)[None]] for r in rows], 0.5, rng(1))[0].numpy()
    d = np.stack([rows[t] - rows[: t + 1].mean(0) for t in (2, 3, 4, 5)])
    want = 0.5 * (np.diag(rows.var(0)) + d.T @ d / 3)
    np.testing.assert_allclose(np.cov(drawn.T), want, atol=0.03)
    np.testing.assert_allclose(drawn.mean(0), rows.mean(0), atol=0.03)


def test_it_takes_fewer_epochs_than_it_would_like_and_records_them_if_asked():
    sample, asked = blobs()
    short = SWAG(epochs=1, trace=True).fit(sample, rng())
    assert len(short.path) == 1
    once = ERM(epochs=1).fit(sample, rng())
    np.testing.assert_array_equal(short.path[0].predict(asked), once.predict(asked))
    np.testing.assert_allclose(short.predict_proba(asked), once.predict_proba(asked), atol=1e-6)


# ---- finite domains -----------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_empirical_bayes_is_a_groupby(seed):
    draw = rng(seed)
    # Zeros of both signs: they are one value.
    x = np.float32(draw.integers(-1, 2, size=(150, 3)) * draw.choice([-1.0, 1.0], (150, 3)))
    y = draw.integers(4, size=150)
    seen = x[:, 0] + x[:, 1] < 2
    fitted = EmpiricalBayes().fit(TrainingSet(x[seen], y[seen], classes=4), rng())
    frame = pd.DataFrame(x[seen], columns=list("abc")) + 0.0
    # pandas' mode is sorted: the smallest label of those that are most frequent.
    table = frame.assign(y=y[seen]).groupby(["a", "b", "c"])["y"].agg(lambda g: g.mode()[0])
    common = pd.Series(y[seen]).mode()[0]
    want = [table.get(tuple(point), common) for point in (x + np.float32(0)).tolist()]
    assert fitted.predict(x).tolist() == want


@dataclass(frozen=True)
class Finite:
    """Points 0..S-1 with any masses; a signal may take anything anywhere."""

    table: np.ndarray

    @property
    def support(self):
        return np.arange(len(self.table), dtype=np.float32)[:, None]

    def joint(self, x):
        return self.table[x[:, 0].astype(int)]

    def alternatives(self, x):
        return np.stack([np.full_like(x, s) for s in range(len(self.table))])


@dataclass(frozen=True)
class Table(Signal):
    """g as a list of images."""

    images: tuple[int, ...] = (0,)

    def __call__(self, x):
        return np.float32(self.images)[x[:, 0].astype(int)][:, None]


def law(seed):
    """A random law on a few points, some of them empty, and a draw for whatever comes next."""
    draw = rng(seed)
    points, labels = int(draw.integers(2, 7)), int(draw.integers(2, 5))
    table = draw.dirichlet(np.full(points * labels, 0.7)).reshape(points, labels)
    table[1:][draw.random(points - 1) < 0.4] = 0
    return Finite(table / table.sum()), draw


def rule(learner, known):
    sample = TrainingSet(known.support, np.zeros(len(known.support)), law=known)
    return learner.fit(sample, rng()).predict(known.support)


@pytest.mark.parametrize("seed", range(100))
def test_bayes_optimal_is_the_rule_of_fewest_mistakes(seed):
    known, _ = law(seed)
    points, labels = known.table.shape
    right = max(
        sum(known.table[s, f[s]] for s in range(points))
        for f in itertools.product(range(labels), repeat=points)
    )
    got = rule(BayesOptimal(), known)
    assert sum(known.table[s, got[s]] for s in range(points)) == pytest.approx(right, abs=1e-15)


def test_bayes_optimal_gives_a_tie_to_the_smallest_label():
    assert rule(BayesOptimal(), Finite(np.array([[0.1, 0.2, 0.2], [0.0, 0.5, 0.0]]))).tolist() == [
        1,
        1,
    ]


@pytest.mark.parametrize("seed", range(100))
@pytest.mark.parametrize("epsilon", [0.02, 0.1, 0.3])
def test_the_worst_law_is_near_and_turns_as_many_as_any_but_an_atom(seed, epsilon):
    known, _ = law(seed)
    points = [s for s, row in enumerate(known.table) if row.sum() > 0]
    ranked = {
        s: sorted(range(known.table.shape[1]), key=lambda y: -known.table[s, y]) for s in points
    }
    got = rule(BayesOptimal(epsilon), known)

    def distance(turned):
        # The two likeliest labels meet halfway; the total variation of the two laws.
        other = known.table.copy()
        for s in turned:
            first, second = ranked[s][:2]
            other[s, [first, second]] = (other[s, first] + other[s, second]) / 2
        return np.abs(other - known.table).sum() / 2

    def people(turned):
        return sum(known.table[s].sum() for s in turned)

    chosen = [s for s in points if got[s] != ranked[s][0]]
    assert all(got[s] == ranked[s][1] for s in chosen)
    assert distance(chosen) <= epsilon + 1e-12
    best = max(
        people(turned)
        for count in range(len(points) + 1)
        for turned in itertools.combinations(points, count)
        if distance(turned) <= epsilon
    )
    assert people(chosen) > best - max(people([s]) for s in points) - 1e-12
    # What is left does not pay for the most doubtful of the others, where the rule stops.
    rest = [s for s in points if s not in chosen]
    if rest:
        doubt = min(rest, key=lambda s: -np.diff(known.table[s, ranked[s][:2]])[0] / people([s]))
        assert distance([*chosen, doubt]) > epsilon - 1e-12


def test_the_worst_law_stops_at_the_first_decision_that_is_too_dear():
    # Turning the first, more doubtful point costs 0.1; the second would cost 0.05.
    known = Finite(np.array([[0.5, 0.3], [0.15, 0.05]]))
    turned = {e: rule(BayesOptimal(e), known).tolist() for e in (0.06, 0.11, 0.16)}
    assert turned == {0.06: [0, 0], 0.11: [1, 0], 0.16: [1, 1]}


def test_feature_label_planting_keeps_the_theorems_promise_against_the_bayes_rule():
    r"""Success is at least 1 - (1 - size) / size * gap * overlap: never less, at times no more."""
    slack = []
    for seed in range(400):
        known, draw = law(seed)
        points, labels = known.table.shape
        fixed = draw.choice(points, size=int(draw.integers(1, points)), replace=False)
        images = draw.choice(fixed, size=points)
        target = int(draw.integers(labels))
        strategy = FeatureLabel(Table(tuple(map(int, images))), target)
        mass = known.table.sum(axis=1)
        gaps, overlap, turns = [0.0], 0.0, []
        for s in sorted(set(images)):
            overlap += mass[s]
            if mass[s] > 0:
                gaps.append((known.table[s].max() - known.table[s, target]) / mass[s])
                lost, won = gaps[-1] * mass[s], mass[images == s].sum()
                # Just below the size at which the firm's decision at s turns.
                turns += [lost / (lost + won) * (1 - 1e-9)] if lost > 0 else []
        for size in [*turns, *draw.uniform(0.01, 1, size=3)]:
            pooled = MemberData(known.support, np.zeros(points, dtype=np.int64), labels)
            mixture = Mixture(known, strategy, size, pooled, 1000)
            assert mixture.joint(known.support).sum() == pytest.approx(1)
            answers = rule(BayesOptimal(), mixture)
            success = sum(mass[s] for s in range(points) if answers[images[s]] == target)
            promised = 1 - (1 - size) / size * max(gaps) * overlap
            assert success >= promised - 1e-12
            if 0.05 < promised < 0.95:
                slack.append(success - promised)
    assert len(slack) > 300
    assert min(slack) < 1e-6


def test_exchanged_labels_are_in_the_law():
    data = Gaussians(n=20_000, classes=3, distance=4.0, priors=(0.5, 0.3, 0.2), noise=0.3)
    clean = Gaussians(n=20_000, classes=3, distance=4.0, priors=(0.5, 0.3, 0.2))
    split, before = data.split(rng()), clean.split(rng())
    np.testing.assert_array_equal(split.x, before.x)
    for k, l in itertools.permutations(range(3), 2):
        moved = split.y[before.y == k] == l
        assert binomtest(int(moved.sum()), len(moved), 0.15).pvalue > 1e-3
    some = split.x[:300]
    joint, exact = data.law.joint(some), clean.law.joint(some)
    for k in range(3):
        others = sum(exact[:, l] for l in range(3) if l != k)
        np.testing.assert_allclose(joint[:, k], 0.7 * exact[:, k] + 0.3 * others / 2, rtol=1e-12)


# ---- scikit-learn -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learner", "estimator"),
    [
        (Sklearn("GaussianNB", var_smoothing=0.1), GaussianNB(var_smoothing=0.1)),
        (
            Sklearn("DecisionTreeClassifier", splitter="random", max_depth=3),
            DecisionTreeClassifier(splitter="random", max_depth=3),
        ),
        (LinearSVM(C=0.2, scaling="none"), LinearSVC(C=0.2, dual=False)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_an_estimator_by_name_is_the_estimator(learner, estimator):
    sample, asked = blobs()
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=int(rng(5).integers(2**31)))
    want = estimator.fit(sample.x, sample.y)
    got = learner.fit(sample, rng(5))
    np.testing.assert_array_equal(got.predict(asked), want.predict(asked))
    if hasattr(want, "predict_proba"):
        np.testing.assert_array_equal(got.predict_proba(asked), want.predict_proba(asked))
    else:
        assert got.predict_proba is None


@pytest.mark.parametrize("labels", [2, 3])
def test_logistic_regression_is_where_its_objective_is_least(labels):
    sample, asked = blobs()
    y, C = sample.y % labels, 0.3 / (2 if labels == 2 else 1)
    x = torch.from_numpy(sample.x).double()
    w, b = (torch.zeros(labels, k, dtype=torch.float64, requires_grad=True) for k in (3, 1))
    steps = torch.optim.LBFGS([w, b], max_iter=500, line_search_fn="strong_wolfe")

    def objective():
        steps.zero_grad()
        loss = torch.nn.functional.cross_entropy(
            x @ w.T + b.T, torch.from_numpy(y), reduction="sum"
        )
        value = loss + w.square().sum() / (2 * C)
        value.backward()
        return value

    steps.step(objective)
    want = torch.softmax(torch.from_numpy(asked).double() @ w.T + b.T, 1).detach().numpy()
    fitted = LogisticRegression(C=0.3, scaling="none").fit(TrainingSet(sample.x, y), rng())
    np.testing.assert_allclose(fitted.predict_proba(asked), want, atol=1e-3)


@pytest.mark.parametrize(
    "learner", [LogisticRegression(), LinearSVM(), BoostedTrees(), KNN(), Sklearn("SVC")], ids=repr
)
def test_of_one_label_all_estimators_say_that_label(learner):
    sample, asked = blobs()
    fitted = learner.fit(TrainingSet(sample.x, np.full(len(sample), 2), classes=4), rng())
    assert fitted.predict(asked).tolist() == [2] * len(asked)
    assert fitted.predict_proba(asked).tolist() == [[0, 0, 1, 0]] * len(asked)


def test_a_label_that_nobody_has_gets_no_probability():
    sample, asked = blobs()
    wider = TrainingSet(sample.x, sample.y * 2, classes=6)
    p = Sklearn("GaussianNB").fit(wider, rng()).predict_proba(asked)
    assert p.shape == (600, 6)
    assert (p[:, 1::2] == 0).all()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (Sklearn("GausianNB"), "no classifier named 'GausianNB'; the nearest is 'GaussianNB'"),
        (Sklearn("LinearRegression"), "no classifier named 'LinearRegression'"),
        (Sklearn("SVC", gama=1), "no parameter of SVC named 'gama'; the nearest is 'gamma'"),
        (Sklearn("SVC", random_state=3), "random_state=3 cannot be given"),
    ],
    ids=repr,
)
def test_what_may_not_be_named_is_refused(learner, message):
    with pytest.raises(ValueError, match=message):
        learner.validate()
    with pytest.raises(ValueError, match=message):
        learner.fit(blobs()[0], rng())


def test_values_that_make_no_sense_are_refused_by_the_estimator():
    with pytest.raises(ValueError, match="C"):
        Sklearn("SVC", C=-1.0).fit(blobs()[0], rng())


@pytest.mark.parametrize("shrinkage", [0.0, 0.05, 0.7, 1.0])
def test_qda_is_that_of_scikit_learn_where_classes_are_large(shrinkage):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6)).astype(np.float32)
    y = (x[:, 0] + x[:, 1] ** 2 > 1).astype(int) + (x[:, 2] > 0.5)
    got = QDA(shrinkage).fit(TrainingSet(x, y), rng)
    want = QuadraticDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage)
    want.fit(x.astype(float), y)
    np.testing.assert_allclose(got.predict_proba(x), want.predict_proba(x), atol=1e-6)


@pytest.mark.parametrize("rows", [2, 3, 20])
def test_qda_needs_no_more_samples_of_a_label_than_features(rows):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [rows, 60])
    x = (rng.normal(size=(rows + 60, 30)) + 3 * y[:, None]).astype(np.float32)
    got = QDA(0.1).fit(TrainingSet(x, y), rng).predict_proba(x)
    scores = []
    for label in (0, 1):
        points = x[y == label].astype(float)
        cov = np.cov(points.T, bias=True)
        cov = 0.9 * cov + 0.1 * np.diag(cov).mean() * np.eye(30)
        law = multivariate_normal(points.mean(0), cov)
        scores.append(np.log((y == label).mean()) + law.logpdf(x))
    want = softmax(np.transpose(scores), axis=1)
    np.testing.assert_allclose(got, want, atol=1e-6)
