"""Learners that defend themselves, against oracles that share no code with them."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from algorithms.base import Fitted, Learner, TrainingSet
from algorithms.dpsgd import DPSGD, epsilon, poisson_batches
from algorithms.engine.loop import Diverged
from algorithms.erm import ERM
from algorithms.median_of_means import MedianOfMeans
from algorithms.networks import MLP, Linear, Network, dense
from algorithms.partition_ensemble import PartitionEnsemble, certificates, partition, repeated
from algorithms.spectral_signatures import SpectralSignatures, inliers
from algorithms.trimmed_loss import TrimmedLoss, best_fitted
from tests.helpers.networks import NETWORKS, SHAPES, agree, load, module, started
from tests.helpers.replicas import equal, equal_in_any_stack, numeric_fields, trained
from tests.helpers.samples import CLASSES, generators, samples

# ---- trimmed loss ---------------------------------------------------------------------------


def test_each_round_trains_on_those_whose_losses_were_smallest():
    learner = TrimmedLoss(network=MLP((7,)), epochs=3, batch_size=8, outliers=0.25, rounds=3)
    made = samples(3)
    plain = ERM(network=MLP((7,)), epochs=3, batch_size=8)
    turned = False
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        people, before = np.arange(23), None
        for _ in range(4):
            before, part = people, sample.take(people)
            (model,) = trained(plain, [part], [rng])
            net = load(module(MLP((7,)), (5,)), model.parameters)
            with torch.no_grad():
                z = net(torch.from_numpy(sample.x))
            losses = nn.functional.cross_entropy(z, torch.from_numpy(sample.y), reduction="none")
            # 5.75 of 23 are too many by a quarter: 17.25 are kept, that is 18.
            people = np.sort(losses.numpy().argsort()[:18])
            turned |= set(people) != set(before)
        assert equal(got, model)
        assert np.flatnonzero(got.weights).tolist() == before.tolist()
        assert set(got.weights.tolist()) == {0.0, 1.0}
        assert got.flagged.sum() == 5
    assert turned


def test_how_many_are_kept():
    p = np.random.default_rng(0).random(1000)
    for outliers, kept in [(0, 1000), (0.05, 950), (0.1, 900), (0.0001, 1000), (0.9999, 1)]:
        assert len(best_fitted(p, outliers)) == kept
    assert p[best_fitted(p, 0.3)].min() > np.sort(p)[299]


# ---- spectral signatures --------------------------------------------------------------------


def planted(rng, n=200, foul=20, width=16, away=20.0):
    """Features far from zero; foul ones are shifted along a direction across that."""
    mean, direction = np.eye(width)[0] * away, np.eye(width)[1]
    phi = mean + rng.normal(size=(n, width))
    phi[:foul] += 6 * direction
    return phi


def test_what_was_planted_in_the_features_is_removed_whatever_their_mean():
    uncentred = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        parts, foul = [], []
        for label in range(3):
            order = rng.permutation(200)
            foul.append(label * 200 + np.flatnonzero(order < 20))
            parts.append(planted(rng)[order])
        phi, y = np.concatenate(parts), np.repeat(np.arange(3), 200)
        left = inliers(phi, y, outliers=0.1)
        assert not set(np.concatenate(foul)) & set(left)
        want = []
        for label in range(3):
            own = np.flatnonzero(y == label)
            values, vectors = np.linalg.eigh(np.cov(phi[own].T))
            scores = ((phi[own] - phi[own].mean(0)) @ vectors[:, values.argmax()]) ** 2
            want += own[scores.argsort()[: 200 - 30]].tolist()
            raw = ((phi[own]) @ vectors[:, values.argmax()]) ** 2
            uncentred += set(own[raw.argsort()[:170]]) != set(want[-170:])
        assert left.tolist() == sorted(want)
    assert uncentred > 0


def test_how_many_of_each_label_are_removed():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 4], [100, 31, 2, 1])
    phi = rng.normal(size=(len(y), 3))
    for outliers, removed in [(0, [0, 0, 0, 0]), (0.1, [15, 4, 0, 0]), (0.9, [99, 30, 1, 0])]:
        left = np.bincount(y[inliers(phi, y, outliers)], minlength=5)
        assert (np.bincount(y) - left)[[0, 1, 2, 4]].tolist() == removed
    assert len(inliers(np.ones((9, 2)), np.zeros(9, dtype=int), 0.2)) == 7


@pytest.mark.parametrize("network", ["linear", "mlp", "odd conv"])
def test_the_second_model_starts_afresh_on_those_who_are_left(network):
    shape = SHAPES.get(network, (5,))
    made = samples(3, shape=shape)
    learner = SpectralSignatures(network=NETWORKS[network], epochs=3, batch_size=8, outliers=0.2)
    plain = ERM(network=NETWORKS[network], epochs=3, batch_size=8)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        (first,) = trained(plain, [sample], [rng])
        net = load(module(NETWORKS[network], shape), first.parameters)
        with torch.no_grad():
            phi = net[:-1](torch.from_numpy(sample.x)).numpy()
        left = inliers(phi, sample.y, 0.2)
        assert np.flatnonzero(got.weights).tolist() == left.tolist()
        assert np.array_equal(np.flatnonzero(~got.flagged), left)
        (second,) = trained(plain, [sample.take(left)], [rng])
        assert equal(got, second)


@pytest.mark.parametrize("learner", [TrimmedLoss(outliers=0.2), SpectralSignatures(outliers=0.2)])
def test_who_diverges_at_first_fails_alone(learner):
    learner, made = replace(learner, epochs=2, batch_size=8), samples(3)
    rates = {"learning_rate": [0.01, 1e30, 0.01]}
    wild = learner.replicas(made, generators(3), numeric_fields(learner, 3, **rates))
    calm = trained(learner, made)
    assert isinstance(wild[1], Diverged)
    assert equal(wild[0], calm[0])
    assert equal(wild[2], calm[2])
    lost = learner.replicas(
        made, generators(3), numeric_fields(learner, 3, learning_rate=[1e30] * 3)
    )
    assert all(isinstance(o, Diverged) for o in lost)


def test_replicas_may_leave_out_different_shares():
    learner, made = TrimmedLoss(epochs=2, batch_size=8), samples(3)
    mixed = learner.replicas(
        made, generators(3), numeric_fields(learner, 3, outliers=[0.1, 0.3, 0.5])
    )
    assert [int(o.weights.sum()) for o in mixed] == [21, 17, 12]


# ---- votes of parts -------------------------------------------------------------------------


def winner(votes):
    counts = [votes.count(k) for k in range(3)]
    return counts.index(max(counts))


def test_a_certificate_is_one_vote_less_than_what_changes_the_winner():
    for size in (1, 2, 3, 4, 5, 6):
        for votes in itertools.combinations_with_replacement(range(3), size):
            # The fewest votes that have to turn, over all other outcomes of the same vote.
            distance = min(
                sum(a != b for a, b in zip(votes, other, strict=True))
                for other in itertools.product(range(3), repeat=size)
                if winner(other) != winner(votes)
            )
            table = np.array([[votes.count(k) for k in range(3)]])
            assert certificates(table).tolist() == [distance - 1]


def test_a_part_depends_on_who_is_in_it_alone():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 4)).astype(np.float32), rng.integers(3, size=60)
    x[7], y[7] = x[3], 1 - y[3]
    parts = partition(x, y, 7)
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))
    turn = np.arange(60)[::-1]
    for a, b in zip(parts, partition(x[turn], y[turn], 7), strict=True):
        assert np.array_equal(x[a], x[turn][b])
        assert np.array_equal(y[a], y[turn][b])
    moved = x.copy()
    moved[20] += 1
    touched = 0
    for a, b in zip(parts, partition(moved, y, 7), strict=True):
        touched += not np.array_equal(x[a], moved[b])
    assert touched in (1, 2)


def contents(x, y, parts):
    """The rows of each part, in their order."""
    return [[(*x[i].tolist(), int(y[i])) for i in part] for part in partition(x, y, parts)]


def test_parts_repeat_few_of_their_rows_to_have_few_sizes():
    for n in range(1, 1500):
        rows = repeated(np.arange(n))
        assert rows[:n].tolist() == list(range(n))
        assert set(rows[n:].tolist()) <= set(range(n))
        assert len(rows) - n < max(n / 16, 1)
    assert len({len(repeated(np.arange(n))) for n in range(250, 311)}) <= 6


def test_a_row_that_comes_or_goes_touches_one_part_also_among_equal_rows():
    """All samples of at most 5 of these rows, in each order; and each row that may come."""
    kinds = [(0.0, 0), (0.0, 1), (1.0, 0)]
    for size in range(5):
        for chosen in itertools.product(range(3), repeat=size):
            rows = [kinds[k] for k in chosen]
            x, y = np.float32([[r[0]] for r in rows]).reshape(-1, 1), [r[1] for r in rows]
            before = contents(x, y, 3)
            for point, label in kinds:
                for place in range(size + 1):
                    more = np.insert(x, place, [[point]], axis=0)
                    after = contents(more, np.insert(y, place, label).astype(int), 3)
                    changed = [a != b for a, b in zip(before, after, strict=True)]
                    assert sum(changed) == 1


def test_equal_rows_are_spread_over_parts():
    x, y = np.float32([[0, 0], [1, 1]]).repeat(50, axis=0), np.repeat([0, 1], 50)
    fitted = PartitionEnsemble(ERM(epochs=2, batch_size=8)).fit(
        TrainingSet(x, y), np.random.default_rng(0)
    )
    assert all(set(y[part].tolist()) == {0, 1} for part in partition(x, y, 10))
    assert np.array_equal(fitted.predict(x), y)


@dataclass(frozen=True)
class Picky(Learner):
    """Predicts the commonest label; refuses parts that hold a certain person."""

    refuses: float = math.nan

    def fit(self, sample, rng):
        if (sample.flat[:, 0] == np.float32(self.refuses)).any():
            raise ArithmeticError("I would rather not")
        most = int(np.bincount(sample.y).argmax())
        return Fitted(lambda x: np.full(len(x), most))


def test_parts_vote():
    sample = samples(1)[0]
    x, y = sample.x, sample.y
    parts = [p for p in partition(x, y, 4) if len(p)]
    votes = [int(np.bincount(y[p]).argmax()) for p in parts]
    fitted = PartitionEnsemble(Picky(), parts=4).fit(sample, np.random.default_rng(0))
    assert set(fitted.predict(x).tolist()) == {winner(votes)}
    counts = [votes.count(k) for k in range(3)]
    assert fitted.predict_proba(x)[0] == pytest.approx(np.array(counts) / len(votes))
    safe = certificates(np.array([counts]))[0]
    want = {"voters": len(votes), "certificate": safe, "certified": float(safe >= 2)}
    assert fitted.report == want


def test_parts_that_are_empty_or_fail_do_not_vote():
    sample = samples(1)[0]
    x, y = sample.x, sample.y
    parts = partition(x, y, 4)
    lone = next(p for p in parts if len(set(y[p].tolist())) > 1)
    picky = PartitionEnsemble(Picky(refuses=float(x[lone[0], 0])), parts=4)
    fitted = picky.fit(sample, np.random.default_rng(0))
    assert fitted.report["voters"] == sum(len(p) > 0 for p in parts) - 1
    few = sample.take(np.arange(3))
    fitted = PartitionEnsemble(parts=30).fit(few, np.random.default_rng(0))
    assert fitted.report["voters"] <= 3
    assert fitted.predict(x).shape == (23,)
    alone = PartitionEnsemble(Picky(refuses=float(x[0, 0])), parts=1)
    with pytest.raises(ArithmeticError, match="rather not"):
        alone.fit(sample, np.random.default_rng(0))


def test_no_more_votes_turn_than_rows_come_and_go():
    learner = PartitionEnsemble(ERM(network=Linear(), epochs=2, batch_size=8), parts=9)
    (sample,) = samples(1)
    before = learner.fit(sample, np.random.default_rng(0))
    x = sample.validation.x
    changed = sample.x
    changed[[2, 11]] += 5
    after = learner.fit(TrainingSet(changed, sample.y, None, CLASSES), np.random.default_rng(0))
    # Two changed rows are four that come or go, and touch four parts at most.
    scale = before.report["voters"], after.report["voters"]
    votes = before.predict_proba(x) * scale[0], after.predict_proba(x) * scale[1]
    assert np.abs(votes[0] - votes[1]).sum(1).max() <= 2 * 4 + 1e-6
    safe = certificates(np.rint(votes[0]).astype(int)) >= 4
    assert np.array_equal(before.predict(x)[safe], after.predict(x)[safe])


def test_an_ensemble_of_parts_is_the_same_in_any_company():
    made = samples(5)
    learner = PartitionEnsemble(ERM(epochs=2, batch_size=8), parts=3)
    together = learner.fit_many(made, generators(5))
    for sample, rng, whole in zip(made, generators(5), together, strict=True):
        alone = learner.fit(sample, rng)
        assert np.array_equal(alone.predict_proba(sample.x), whole.predict_proba(sample.x))
        assert alone.report == whole.report


# ---- private gradients ----------------------------------------------------------------------


def private_by_hand(
    network, shape, sample, rng, *, epochs, batch_size, learning_rate, momentum, clip
):
    """Clipped gradients of one person at a time, without noise, on the batches that are drawn."""
    net = started(network, shape, rng)
    steps = torch.optim.SGD(net.parameters(), learning_rate, momentum)
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    n, given = len(sample), np.zeros(len(sample))
    for _ in range(epochs):
        rng.permutation(n)
        for _ in range(math.ceil(n / batch_size)):
            size = rng.binomial(n, batch_size / n)
            people = rng.choice(n, size, replace=False, shuffle=False)
            totals = [torch.zeros_like(p) for p in net.parameters()]
            for i in people:
                loss = nn.functional.cross_entropy(net(x[i : i + 1]), y[i : i + 1])
                gradient = torch.autograd.grad(loss, list(net.parameters()))
                length = math.sqrt(sum(float(g.square().sum()) for g in gradient))
                factor = min(1.0, clip / length)
                given[i] += factor
                for total, g in zip(totals, gradient, strict=True):
                    total += factor * g
            for p, total in zip(net.parameters(), totals, strict=True):
                p.grad = total / batch_size
            steps.step()
            rng.standard_normal(sum(p.numel() for p in net.parameters()))
    return net, given


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("name", ["linear", "mlp", "odd conv"])
@pytest.mark.parametrize("clip", [1e9, 0.7])
def test_without_noise_it_descends_on_clipped_gradients(name, clip):
    network, shape = NETWORKS[name], SHAPES.get(name, (5,))
    made = samples(3, shape=shape)
    learner = DPSGD(network=network, epochs=2, batch_size=8, clip=clip, noise=0.0)
    for sample, rng, got in zip(made, generators(3), trained(learner, made), strict=True):
        net, given = private_by_hand(
            network,
            shape,
            sample,
            rng,
            epochs=2,
            batch_size=8,
            learning_rate=0.05,
            momentum=0.9,
            clip=clip,
        )
        agree(got.parameters, net.parameters(), 1e-7)
        assert got.weights / got.weights.sum() == pytest.approx(given / given.sum(), abs=1e-6)
        assert got.report == {"epochs": 2, "epsilon": math.inf}


@pytest.mark.usefixtures("double_precision")
def test_noise_has_the_mean_and_the_variance_that_are_asked_for():
    (sample,), learner = (
        samples(1),
        DPSGD(epochs=1, batch_size=23, learning_rate=0.5, clip=0.3, noise=1.7),
    )
    still = replace(learner, noise=0.0)
    noise = []
    for seed in range(8):
        ends = [
            trained(one, [sample], [np.random.default_rng(seed)])[0].parameters
            for one in (learner, still)
        ]
        noise += [(a - b).flatten() for a, b in zip(*ends, strict=True)]
    draws = torch.cat(noise).numpy() * 23 / (0.5 * 0.3 * 1.7)
    assert len(draws) > 3000
    assert abs(draws.mean()) < 5 / math.sqrt(len(draws))
    assert abs(draws.var() - 1) < 5 * math.sqrt(2 / len(draws))
    assert stats.kstest(draws, "norm").pvalue > 1e-3


def test_everybody_joins_a_batch_by_chance_alone():
    order, real = poisson_batches(generators(4000), 20, 0.3, 20)
    sizes = real.sum(1).numpy()
    assert sizes.mean() == pytest.approx(6, abs=5 * math.sqrt(20 * 0.21 / 4000))
    assert sizes.var() == pytest.approx(20 * 0.21, rel=0.15)
    joined = np.bincount(order[real].numpy(), minlength=20) / 4000
    assert np.abs(joined - 0.3).max() < 5 * math.sqrt(0.21 / 4000)
    assert all(len(set(o[r].tolist())) == r.sum() for o, r in zip(order, real, strict=True))
    assert poisson_batches(generators(5), 20, 0.9, 3)[1].all()


@pytest.mark.parametrize(("noise", "steps"), [(0.8, 1), (3.0, 1), (5.0, 30)])
def test_privacy_is_that_of_the_gaussian_mechanism_if_everybody_is_in_each_batch(noise, steps):
    eps, wide = epsilon(noise, 1.0, steps, 1e-5), noise / math.sqrt(steps)
    delta = norm.cdf(0.5 / wide - eps * wide) - math.exp(eps) * norm.cdf(-0.5 / wide - eps * wide)
    assert delta == pytest.approx(1e-5, rel=0.01)


@pytest.mark.parametrize(("noise", "share"), [(0.7, 0.1), (2.0, 0.4)])
def test_privacy_of_one_sampled_step_is_that_of_its_two_densities(noise, share):
    eps = epsilon(noise, share, 1, 1e-5)

    def gap(z, sign):
        with_one = (1 - share) * norm.pdf(z, 0, noise) + share * norm.pdf(z, 1, noise)
        p, q = (with_one, norm.pdf(z, 0, noise))[::sign]
        return max(0.0, p - math.exp(eps) * q)

    grid = np.linspace(-15 * noise, 15 * noise + 1, 60)
    deltas = [
        sum(quad(gap, a, b, (sign,), epsabs=1e-12)[0] for a, b in itertools.pairwise(grid))
        for sign in (1, -1)
    ]
    assert max(deltas) == pytest.approx(1e-5, rel=0.02)


def test_more_noise_is_more_private_and_more_steps_are_less():
    assert epsilon(2.0, 0.1, 50, 1e-5) < epsilon(1.0, 0.1, 50, 1e-5) < epsilon(1.0, 0.1, 99, 1e-5)
    assert epsilon(1.0, 0.1, 50, 1e-5) < epsilon(1.0, 0.2, 50, 1e-5)
    (sample,) = samples(1)
    report = DPSGD(epochs=2, batch_size=8).fit(sample, generators(1)[0]).report
    assert report["epsilon"] == epsilon(1.0, 8 / 23, 6, 1e-5)


@dataclass(frozen=True)
class Opaque(Network):
    """A network that shows nothing of its layers."""

    def parameters(self, points, classes):
        return dense(math.prod(points), classes)

    def features(self, parameters, x, points):
        return x.transpose(1, 2)


def test_it_refuses_what_it_cannot_clip():
    with pytest.raises(ValueError, match=r"Opaque\(\).*Layered"):
        DPSGD(network=Opaque()).fit(samples(1)[0], generators(1)[0])


# ---- medians --------------------------------------------------------------------------------


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("blocks", [1, 2, 3, 4, 7, 50])
def test_it_descends_on_the_median_of_the_gradients_of_blocks(blocks):
    network, made = MLP((7,)), samples(2)
    learner = MedianOfMeans(network=network, epochs=2, batch_size=9, blocks=blocks, momentum=0.0)
    for sample, rng, got in zip(made, generators(2), trained(learner, made), strict=True):
        net = started(network, (5,), rng)
        x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
        losses = []
        for _ in range(2):
            order = rng.permutation(23)
            for start in range(0, 23, 9):
                people = order[start : start + 9]
                found, means = [], []
                for block in np.array_split(people, min(blocks, len(people))):
                    loss = nn.functional.cross_entropy(net(x[block]), y[block])
                    found.append(torch.autograd.grad(loss, list(net.parameters())))
                    means.append(loss.item())
                losses.append(np.mean(means))
                with torch.no_grad():
                    for p, *own in zip(net.parameters(), *found, strict=True):
                        p -= 0.01 * torch.from_numpy(np.median(own, axis=0))
        agree(got.parameters, net.parameters(), 1e-9)
        assert got.losses == pytest.approx(losses)


def test_of_one_block_it_is_empirical_risk_minimisation_to_the_bit():
    made = samples(3)
    median, plain = MedianOfMeans(epochs=2, batch_size=8, blocks=1), ERM(epochs=2, batch_size=8)
    assert all(map(equal, trained(median, made), trained(plain, made)))


# ---- company --------------------------------------------------------------------------------

LEARNERS = [
    TrimmedLoss(outliers=0.2),
    SpectralSignatures(outliers=0.2),
    DPSGD(noise=0.5),
    MedianOfMeans(blocks=3),
]


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
@pytest.mark.parametrize("learner", LEARNERS, ids=repr)
def test_a_replica_is_the_same_to_the_bit_in_any_company(name, learner):
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)


@pytest.mark.parametrize("blocks", [4, 5, 6])
def test_the_reported_loss_of_a_median_does_not_depend_on_the_stack(blocks):
    learner, made = MedianOfMeans(blocks=blocks, epochs=2, batch_size=23), samples(12)
    together = learner.fit_many(made, generators(12))
    for sample, rng, whole in zip(made, generators(12), together, strict=True):
        assert learner.fit(sample, rng).report == whole.report
