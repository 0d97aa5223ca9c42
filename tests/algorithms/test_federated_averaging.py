"""Federated averaging, against plain loops in torch and rules of aggregation in numpy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from algorithms._aggregation import AGGREGATIONS, krum_choice
from algorithms.erm import ERM
from algorithms.federated_averaging import FederatedAveraging
from bench.core.errors import BenchError
from bench.spec.parsing import parse
from tests.helpers.networks import agree, load, module, started
from tests.helpers.replicas import equal_in_any_stack, fails_alone, trained
from tests.helpers.samples import generators, samples
from tests.helpers.torch_loop import SHORT

FEW = {**SHORT, "epochs": 2, "batch_size": 3, "local_epochs": 2, "learning_rate": 0.05}
LEARNERS = {
    "mean": FederatedAveraging(clients=5, **FEW),
    "median": FederatedAveraging(clients=4, aggregation="median", **FEW),
    "trimmed_mean": FederatedAveraging(clients=5, aggregation="trimmed_mean", faulty=1, **FEW),
    "krum": FederatedAveraging(clients=6, aggregation="krum", faulty=1, **FEW),
}


def chosen_by_krum(flat, faulty):
    """The client with the smallest score, for the parameters (c, P) of clients."""
    scores = []
    for i, mine in enumerate(flat):
        others = sorted(((mine - other) ** 2).sum() for j, other in enumerate(flat) if j != i)
        scores.append(sum(others[: len(flat) - faulty - 2]))
    return int(np.argmin(scores))


def combined(flat, sizes, rule, faulty):
    """The server's parameters (P,), for the parameters (c, P) of clients."""
    if rule == "mean":
        return np.average(flat, axis=0, weights=sizes)
    if rule == "median":
        return np.median(flat, axis=0)
    if rule == "trimmed_mean":
        return np.sort(flat, axis=0)[faulty : len(flat) - faulty].mean(0)
    return flat[chosen_by_krum(flat, faulty)]


@pytest.mark.parametrize("rule", AGGREGATIONS)
@pytest.mark.parametrize(("clients", "faulty"), [(5, 1), (8, 2), (7, 0)])
def test_a_rule_is_that_of_numpy(rule, clients, faulty):
    rng = np.random.default_rng(clients)
    shapes, sizes = [(3, 2), (4, 1)], list(range(clients, 0, -1))
    parts = [torch.from_numpy(rng.standard_t(2, size=(2, clients, *s))) for s in shapes]
    got = AGGREGATIONS[rule](parts, sizes, faulty)
    for r in range(2):
        flat = np.concatenate([p[r].flatten(1).numpy() for p in parts], 1)
        want = combined(flat, sizes, rule, faulty)
        assert np.concatenate([p[r].flatten().numpy() for p in got]) == pytest.approx(want)
        assert krum_choice(parts, faulty)[r] == chosen_by_krum(flat, faulty)


def plain(learner, sample, rng):
    """One federated training by torch's modules and optimisers, and each round's clients."""
    n, rounds = len(sample), []
    owner = rng.permutation(np.arange(n) % learner.clients)
    server = started(learner.network, (5,), rng)
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    for _ in range(learner.epochs):
        orders = [rng.permutation(n) for _ in range(learner.local_epochs)]
        clients = []
        for k in range(learner.clients):
            net = load(
                module(learner.network, (5,)).double(), [p[None] for p in server.parameters()]
            )
            optimiser = torch.optim.SGD(
                net.parameters(), learner.learning_rate, learner.momentum, weight_decay=0.01
            )
            for order in orders:
                for index in torch.from_numpy(order[owner[order] == k]).split(3):
                    optimiser.zero_grad()
                    F.cross_entropy(net(x[index]), y[index]).backward()
                    optimiser.step()
            clients.append(torch.nn.utils.parameters_to_vector(net.parameters()).detach())
        flat = torch.stack(clients).numpy()
        new = combined(flat, np.bincount(owner), learner.aggregation, learner.faulty)
        torch.nn.utils.vector_to_parameters(torch.from_numpy(new), server.parameters())
        rounds.append(owner == chosen_by_krum(flat, learner.faulty))
    return list(server.parameters()), np.mean(rounds, 0)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("rule", LEARNERS)
def test_it_goes_where_a_loop_over_rounds_and_clients_goes(rule):
    learner, made = LEARNERS[rule], samples(2)
    for sample, rng, got in zip(made, generators(2), trained(learner, made), strict=True):
        parameters, weights = plain(learner, sample, rng)
        agree(got.parameters, parameters, near=1e-9)
        if rule == "krum":
            assert got.weights == pytest.approx(weights)
            assert 0 < got.weights.sum() < len(sample)
        else:
            assert got.weights is None


@pytest.mark.usefixtures("double_precision")
def test_one_client_in_one_round_is_risk():
    made, fields = samples(3), {**SHORT, "epochs": 1}
    learner, rngs = FederatedAveraging(clients=1, local_epochs=3, **fields), generators(3)
    federated = trained(learner, made)
    for rng in rngs:
        rng.permutation(23)
    for got, want in zip(federated, trained(ERM(**SHORT), made, rngs), strict=True):
        agree(got.parameters, [p[0] for p in want.parameters])


@pytest.mark.parametrize(
    ("spec", "need"),
    [
        ("FederatedAveraging(clients=4, aggregation='krum', faulty=1)", 5),
        ("FederatedAveraging(clients=6, aggregation='trimmed_mean', faulty=3)", 7),
    ],
)
def test_too_few_clients_for_a_rule_are_refused(spec, need):
    with pytest.raises(BenchError, match=f"needs {need} clients or more"):
        parse(spec, "learners")
    # With ten clients more there are enough.
    assert parse(spec.replace("clients=", "clients=1"), "learners").clients > 13


def test_fewer_people_than_clients_have_a_row_each():
    sample = samples(1)[0].take(np.arange(3))
    fitted = FederatedAveraging(**SHORT).fit(sample, np.random.default_rng(0))
    assert fitted.predict(sample.x).shape == (3,)
    with pytest.raises(ValueError, match="there are 3"):
        FederatedAveraging(aggregation="krum").fit(sample, np.random.default_rng(0))


@pytest.mark.parametrize("rule", LEARNERS)
def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack(rule):
    equal_in_any_stack(LEARNERS[rule], "mlp")


def test_a_replica_that_diverges_fails_alone():
    for learner in (LEARNERS["mean"], replace(LEARNERS["krum"], optimiser="adam")):
        fails_alone(learner)
