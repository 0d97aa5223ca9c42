"""Private gradients, against oracles that share no code with them."""

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

from algorithms.dpsgd import DPSGD, epsilon, poisson_batches
from algorithms.networks import Network, dense
from tests.helpers.networks import NETWORKS, SHAPES, agree, started
from tests.helpers.replicas import equal_in_any_stack, trained
from tests.helpers.samples import generators, samples


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
    order, real = poisson_batches(generators(2000), 20, 0.3, 20)
    sizes = real.sum(1).numpy()
    assert sizes.mean() == pytest.approx(6, abs=5 * math.sqrt(20 * 0.21 / 2000))
    assert sizes.var() == pytest.approx(20 * 0.21, rel=0.15)
    joined = np.bincount(order[real].numpy(), minlength=20) / 2000
    assert np.abs(joined - 0.3).max() < 5 * math.sqrt(0.21 / 2000)
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


@pytest.mark.parametrize("name", ["mlp", "odd conv"])
def test_a_replica_is_the_same_to_the_bit_in_any_company(name):
    learner = DPSGD(noise=0.5)
    equal_in_any_stack(replace(learner, epochs=3, batch_size=8, network=NETWORKS[name]), name)
