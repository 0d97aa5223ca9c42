"""The training loop against plain torch, one replica at a time, with the same draws."""

from dataclasses import dataclass, replace
from math import prod

import numpy as np
import pytest
import torch
from torch import nn

from algorithms.base import TrainingSet
from algorithms.cvar_dro import CVaRDRO, worst_share
from algorithms.dpsgd import DPSGD
from algorithms.embedded import EmbeddedMLP
from algorithms.engine import Hooks
from algorithms.engine.data import Points, epoch_order
from algorithms.engine.loop import Diverged, initial, train
from algorithms.engine.model_selection import Selection
from algorithms.erm import ERM
from algorithms.group_dro import GroupDRO
from algorithms.irm import IRM
from algorithms.jtt import JTT
from algorithms.median_of_means import MedianOfMeans
from algorithms.networks import MLP, ConvNet, Linear, Network, dense
from tests.helpers.networks import NETWORKS, SHAPES, agree, started
from tests.helpers.replicas import equal, equal_weights, trained
from tests.helpers.samples import CLASSES, generators, samples


def hyperparams(count, **given):
    base = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.0}
    table = {name: [value] * count for name, value in {**base, **given}.items()}
    return {
        name: list(np.broadcast_to(values, (1, count))[0]) if np.ndim(values) == 1 else values
        for name, values in table.items()
    }


def reference(
    network,
    sample,
    rng,
    *,
    epochs,
    batch_size,
    optimiser,
    dtype,
    learning_rate,
    momentum,
    weight_decay,
):
    """One training with torch's modules, losses and optimisers."""
    net = started(network, sample.x.shape[1:], rng, dtype)
    x, y = torch.from_numpy(sample.x).to(dtype), torch.from_numpy(sample.y)
    if optimiser == "sgd":
        steps = torch.optim.SGD(
            net.parameters(), learning_rate, momentum, weight_decay=weight_decay
        )
    else:
        steps = torch.optim.Adam(net.parameters(), learning_rate, weight_decay=weight_decay)
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(len(sample)))
        for index in order.split(batch_size):
            steps.zero_grad()
            nn.functional.cross_entropy(net(x[index]), y[index]).backward()
            steps.step()
    return list(net.parameters())


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("dtype", "near"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_it_goes_where_torch_goes_step_by_step(name, optimiser, dtype, near):
    network, shape = NETWORKS[name], SHAPES.get(name, (5,))
    made = samples(3, shape=shape)
    setting = {"learning_rate": 0.05, "momentum": 0.7, "weight_decay": 0.01}
    # A batch holds everybody, so that an epoch is a step and each prefix is a training.
    for steps, batch in [(1, 23), (4, 23), (2, 8)]:
        got = train(
            network,
            made,
            generators(3),
            hyperparams=hyperparams(3, **setting),
            epochs=steps,
            batch_size=batch,
            optimiser=optimiser,
            dtype=dtype,
        )
        for sample, rng, replica in zip(made, generators(3), got, strict=True):
            want = reference(
                network,
                sample,
                rng,
                epochs=steps,
                batch_size=batch,
                optimiser=optimiser,
                dtype=dtype,
                **setting,
            )
            agree(replica.parameters, want, near)


@dataclass(frozen=True)
class ByAutograd(Network):
    """A network whose gradients nobody wrote by hand."""

    def parameters(self, points, classes):
        return [*dense(prod(points), 7), *dense(7, classes)]

    def features(self, parameters, x, points):
        return torch.baddbmm(parameters[1], parameters[0], x.transpose(1, 2)).relu()


def test_automatic_gradients_give_what_hand_written_ones_give():
    options = {"hyperparams": hyperparams(2), "epochs": 4, "batch_size": 6, "dtype": torch.float64}
    by_hand = train(MLP((7,)), samples(2), generators(2), **options)
    by_machine = train(ByAutograd(), samples(2), generators(2), **options)
    for a, b in zip(by_hand, by_machine, strict=True):
        for p, q in zip(a.parameters, b.parameters, strict=True):
            torch.testing.assert_close(p, q, atol=1e-13, rtol=1e-13)


LEARNERS = {
    "erm": ERM(epochs=3, batch_size=8),
    "adam": ERM(epochs=3, batch_size=8, optimiser="adam", weight_decay=0.1),
    "selected": ERM(epochs=6, batch_size=8, selection="accuracy", patience=2),
    "cvar": CVaRDRO(epochs=3, batch_size=8, level=0.3),
    "group": GroupDRO(epochs=3, batch_size=8, step=0.5),
    "jtt": JTT(epochs=3, batch_size=8, first=1),
}


@pytest.mark.parametrize("name", NETWORKS)
# Whether samples share their points matters to the look-up of batches, not to what hooks do.
@pytest.mark.parametrize(
    ("learner", "shared"), [*((name, False) for name in LEARNERS), (next(iter(LEARNERS)), True)]
)
def test_a_replica_is_the_same_to_the_bit_in_any_company(name, learner, shared):
    made = samples(16, shape=SHAPES.get(name, (5,)), shared=shared)
    one = replace(LEARNERS[learner], network=NETWORKS[name])
    together = trained(one, made)
    for first, count in ((0, 1), (15, 1), (14, 2), (0, 8)):
        chosen = slice(first, first + count)
        apart = trained(one, made[chosen], generators(16)[chosen])
        assert all(map(equal, apart, together[chosen]))
        assert all(map(equal_weights, apart, together[chosen]))


#: Products with a side of one: a learner, the points' shape and the number of people.
NARROW = {
    "a rest of one": (ERM(batch_size=8), (40,), 25),
    "batches of one": (ERM(batch_size=1), (40,), 9),
    "points of one column": (ERM(batch_size=8), (1,), 24),
    "one unit": (ERM(MLP((1,)), batch_size=36), (300,), 36),
    "one unit between": (ERM(MLP((64, 1, 64)), batch_size=16), (5,), 32),
    "blocks of one": (MedianOfMeans(batch_size=8, blocks=8), (40,), 24),
    "an image of one": (ERM(ConvNet((8, 16)), batch_size=8), (3, 9, 9), 25),
    "norms of one": (DPSGD(ConvNet((8, 16)), batch_size=3), (1, 8, 8), 25),
    "one channel": (ERM(ConvNet((1, 1)), batch_size=8), (3, 9, 9), 24),
    "a category of one": (ERM(EmbeddedMLP(((0, 1), (1, 30)), width=1), batch_size=8), (40,), 25),
    "environments in a rest of one": (IRM(batch_size=8, learning_rate=0.001), (40,), 25),
}


def answers(network, replicas, x, shape):
    """The logits of points (m, d), all replicas asked at once."""
    parameters = [
        torch.cat(parts) for parts in zip(*(t.parameters for t in replicas), strict=True)
    ]
    return network.logits(parameters, x.expand(len(replicas), -1, -1), shape)


@pytest.mark.parametrize("name", NARROW)
def test_a_replica_is_the_same_to_the_bit_where_products_are_narrow(name):
    learner, shape, n = NARROW[name]
    learner = replace(learner, epochs=2)
    made = samples(8, n, shape)
    together = trained(learner, made)
    points = torch.randn(3, prod(shape), generator=torch.Generator().manual_seed(0))
    for count in (1, 2, 3):
        apart = trained(learner, made[:count], generators(8)[:count])
        assert all(map(equal, apart, together))
        for rows in (1, 3):
            alone, all_of_them = (
                answers(learner.network, replicas, points[:rows], shape)
                for replicas in (apart, together)
            )
            assert torch.equal(alone, all_of_them[:count])


def test_hyper_parameters_are_each_replicas_own():
    rates, decays = [0.01, 0.1, 0.3], [0.0, 0.1, 0.0]
    setting = {"learning_rate": rates, "momentum": [0.0, 0.5, 0.9], "weight_decay": decays}
    mixed = train(
        MLP((7,)), samples(3), generators(3), hyperparams=setting, epochs=3, batch_size=8
    )
    for r in range(3):
        alone = {name: [values[r]] for name, values in setting.items()}
        one = train(
            MLP((7,)),
            samples(3)[r : r + 1],
            generators(3)[r : r + 1],
            hyperparams=alone,
            epochs=3,
            batch_size=8,
        )
        assert equal(one[0], mixed[r])


def test_a_replica_that_diverges_fails_alone():
    made = samples(4)
    setting = hyperparams(4) | {"learning_rate": [0.1, 1e30, 0.1, 0.1]}
    mixed = train(MLP((7,)), made, generators(4), hyperparams=setting, epochs=5, batch_size=8)
    calm = train(
        MLP((7,)), made, generators(4), hyperparams=hyperparams(4), epochs=5, batch_size=8
    )
    assert isinstance(mixed[1], Diverged)
    assert 1 <= mixed[1].step <= 5
    assert str(mixed[1].step) in str(mixed[1])
    assert not np.isfinite(mixed[1].loss)
    assert all(equal(mixed[r], calm[r]) for r in (0, 2, 3))


def test_a_replica_that_diverges_in_its_last_step_fails_alone():
    made = samples(3)
    setting = hyperparams(3) | {"learning_rate": [0.1, 1e39, 0.1]}
    mixed = train(MLP((7,)), made, generators(3), hyperparams=setting, epochs=1, batch_size=23)
    calm = train(
        MLP((7,)), made, generators(3), hyperparams=hyperparams(3), epochs=1, batch_size=23
    )
    assert isinstance(mixed[1], Diverged)
    assert mixed[1].step == 0
    assert mixed[1].loss == pytest.approx(calm[1].losses[0])
    assert "parameters" in str(mixed[1])
    assert all(equal(mixed[r], calm[r]) for r in (0, 2))


def test_a_batch_holds_the_samples_of_its_order(monkeypatch):
    made = samples(5)
    points = Points([s.rows for s in made], torch.device("cpu"), torch.float32)
    monkeypatch.setattr("algorithms.engine.data.PAGE", 2)
    order = epoch_order(23, generators(5), None).long()
    labels = torch.from_numpy(np.stack([s.y for s in made]))
    seen = 0
    for batch in points.batches(order, 6, labels):
        assert torch.equal(batch.index, order[:, seen : seen + 6])
        seen += batch.index.shape[1]
        for r, sample in enumerate(made):
            assert np.array_equal(batch.x[r].numpy(), sample.x[batch.index[r].numpy()])
            assert np.array_equal(batch.labels[r].numpy(), sample.y[batch.index[r].numpy()])
    assert seen == 23


def test_an_epoch_visits_each_once_or_draws_by_weights():
    order = epoch_order(23, generators(2), None)
    assert np.array_equal(np.sort(order, 1), np.tile(np.arange(23), (2, 1)))
    weights = np.tile([1.0, 0.0, 3.0], (4000, 1))
    drawn = np.bincount(epoch_order(3, generators(4000), weights).flatten().numpy())
    assert drawn[1] == 0
    # 12,000 draws of probability 3/4: five standard deviations are 237.
    assert abs(drawn[2] - 9000) < 5 * np.sqrt(12000 * 0.75 * 0.25)


def test_the_best_epoch_is_kept_and_waiting_ends():
    made = samples(6, easy=True)
    options = {"hyperparams": hyperparams(6, learning_rate=0.03), "batch_size": 8, "trace": True}
    whole = train(MLP((7,)), made, generators(6), epochs=12, **options)
    stops = set()
    for rule, sign in [("accuracy", 1), ("worst_group", 1), ("loss", -1)]:
        got = train(
            MLP((7,)), made, generators(6), epochs=12, selection=Selection(rule), **options
        )
        early = train(
            MLP((7,)), made, generators(6), epochs=12, selection=Selection(rule, 2), **options
        )
        for full, best, short in zip(whole, got, early, strict=True):
            scores = np.array([sign * s.metrics[rule] for s in full.path])
            assert equal(best, full.path[int(scores.argmax())])
            seen = next(
                (e for e in range(len(scores)) if e - scores[: e + 1].argmax() >= 2),
                len(scores) - 1,
            )
            assert len(short.path) == seen + 1
            assert equal(short, full.path[int(scores[: seen + 1].argmax())])
            stops.add((rule, seen))
    assert len(stops) > 3, "all stopped together: this shows nothing"


def test_metrics_on_validation_data_are_right():
    (one,) = train(
        Linear(),
        samples(1),
        generators(1),
        hyperparams=hyperparams(1),
        epochs=2,
        batch_size=8,
        trace=True,
    )
    validation = samples(1)[0].validation
    w, b = (p[0].numpy() for p in one.path[0].parameters)
    z = validation.x @ w.T + b.T
    right = z.argmax(1) == validation.y
    loss = np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), validation.y]
    groups = [right[validation.group == g].mean() for g in set(validation.group.tolist())]
    assert one.path[0].metrics["accuracy"] == pytest.approx(right.mean())
    assert one.path[0].metrics["worst_group"] == pytest.approx(min(groups))
    assert one.path[0].metrics["loss"] == pytest.approx(loss.mean(), rel=1e-5)


def test_weights_are_averaged_over_training_and_by_epoch():
    (one,) = train(
        Linear(),
        samples(1),
        generators(1),
        hyperparams=hyperparams(1, level=0.5),
        epochs=4,
        batch_size=23,
        hooks=Hooks(loss_weights=worst_share),
        trace=True,
    )
    # A batch of everybody: in each epoch half of the people have the weight, twice each.
    for snapshot in one.path:
        assert snapshot.weights.sum() == pytest.approx(23, rel=1e-5)
        assert np.sort(snapshot.weights)[-11:] == pytest.approx(2, rel=1e-5)
    assert one.weights == pytest.approx(sum(s.weights for s in one.path) / 4, rel=1e-5)


@pytest.mark.parametrize("selection", ["last", "loss"])
def test_samples_that_differ_in_shape_or_validation_data_are_not_stacked(selection):
    made = [*samples(2), *samples(2, shape=(4,)), *samples(3)]
    made[4].validation = made[4].validation.take(np.arange(7))
    if selection == "last":
        made[5].validation = None
    learner = ERM(epochs=2, batch_size=8, selection=selection, trace=True)
    together = learner.fit_many(made, generators(len(made)))
    for sample, rng, fitted in zip(made, generators(len(made)), together, strict=True):
        alone = learner.fit(sample, rng)
        assert np.array_equal(alone.predict_proba(sample.x), fitted.predict_proba(sample.x))
        assert alone.path[-1].metrics == fitted.path[-1].metrics


def test_selection_without_validation_data_is_refused():
    bare = TrainingSet(np.zeros((4, 2)), [0, 1, 0, 1])
    with pytest.raises(ValueError, match="needs validation data"):
        ERM(selection="accuracy").fit(bare, np.random.default_rng(0))


def test_patience_without_a_selection_is_refused():
    (sample,) = samples(1)
    with pytest.raises(ValueError, match=r"patience=2 .* by 'accuracy', 'worst_group', 'loss'"):
        ERM(patience=2, selection="last").validate()
    with pytest.raises(ValueError, match="selection='last'"):
        ERM(patience=2, selection="last").fit(sample, np.random.default_rng(0))
    ERM(selection="last").validate()
    ERM(patience=2, selection="loss").validate()


@pytest.mark.parametrize("name", NETWORKS)
def test_norms_of_each_points_gradient_are_those_of_its_own_training_step(name):
    network, shape = NETWORKS[name], SHAPES.get(name, (5,))
    rngs = generators(2)
    parameters = [p.double() for p in initial(network, shape, CLASSES, rngs)]
    x = torch.from_numpy(rngs[0].normal(size=(2, 6, prod(shape))))
    logit_grad = torch.from_numpy(rngs[0].normal(size=(2, CLASSES, 6)))
    _, tape = network.record(parameters, x, shape)
    got = network.squared_norms(tape, logit_grad.clone())
    for i in range(6):
        _, tape = network.record(parameters, x[:, i : i + 1], shape)
        gradients = network.backward(tape, logit_grad[:, :, i : i + 1].clone())
        want = sum(g.square().sum((1, 2)) for g in gradients)
        torch.testing.assert_close(got[:, i], want, atol=1e-12, rtol=1e-12)
