"""Modules of torch as networks, against the engine's own networks and plain loops in torch."""

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from algorithms.base import TrainingSet
from algorithms.dfr import DFR
from algorithms.engine.loop import initial
from algorithms.erm import ERM
from algorithms.networks import MLP
from algorithms.runtime.paths import Absent
from algorithms.torch_module import Module
from algorithms.torch_network import TorchNetwork
from bench.core.errors import BenchError
from bench.experiment.trial import Trial
from bench.records.code_version import code_version
from bench.spec.parsing import parse
from tests.helpers.networks import SHAPES, agree
from tests.helpers.replicas import equal_in_any_stack, fails_alone, numeric_fields, trained
from tests.helpers.samples import CLASSES, generators, samples
from tests.helpers.torch_loop import SHORT


class Images(nn.Module):
    """A network with the layers that the engine does not have."""

    def __init__(self, classes):
        super().__init__()
        self.head = nn.Linear(8, classes)
        self.conv, self.norm = nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4)
        self.scale = nn.Parameter(torch.tensor(0.7))
        self.register_buffer("shift", torch.full((4, 1, 1), 0.1))

    def forward(self, x):
        hidden = F.gelu(self.norm(self.conv(x)) * self.scale + self.shift)
        return self.head(F.max_pool2d(hidden, (2, 1)).flatten(1))


@dataclass(frozen=True)
class Built(TorchNetwork):
    """A module by the name of a test's function."""

    kind: str = "perceptron"

    def build(self, points, classes):
        return BUILDERS[self.kind](points, classes)


def sequential(*layers):
    return lambda points, classes: nn.Sequential(nn.Flatten(), *layers)


class Centred(nn.Linear):
    def forward(self, x):
        return super().forward(x - x.mean(0))


class Noisy(nn.Linear):
    def forward(self, x):
        return super().forward(x + torch.rand_like(x))


class Graded(nn.Linear):
    def forward(self, x):
        return super().forward(2 * x if self.training else x)


class Tempered(nn.Linear):
    def forward(self, x):
        return super().forward(x) / 2


BUILDERS = {
    "perceptron": lambda points, classes: nn.Sequential(
        nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, classes)
    ),
    "linear": lambda points, classes: nn.Linear(5, classes),
    "images": lambda points, classes: Images(classes),
    "dropout": sequential(nn.Linear(5, 7), nn.Dropout(0.3), nn.Linear(7, 3)),
    "batch norm": sequential(nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 3)),
    "random": lambda points, classes: Noisy(5, classes),
    "mode": lambda points, classes: Graded(5, classes),
    "batch": lambda points, classes: Centred(5, classes),
    "no bias": sequential(nn.Linear(5, 3, bias=False)),
    "temperature": lambda points, classes: Tempered(5, classes),
    "weight norm": sequential(nn.utils.parametrizations.weight_norm(nn.Linear(5, 3))),
    "frozen": sequential(nn.Linear(5, 3).requires_grad_(False)),
    "labels": sequential(nn.Linear(5, 4)),
    "columns": sequential(nn.Linear(6, 3)),
    "pair": lambda points, classes: nn.LSTM(5, 3),
    "text": lambda points, classes: "a network",
}


@pytest.mark.usefixtures("double_precision")
def test_the_module_of_a_perceptron_is_trained_like_the_network():
    made, results = samples(3), []
    start = initial(MLP((7,)), (5,), CLASSES, generators(3))
    for learner in (ERM(**SHORT), ERM(**{**SHORT, "network": Built("perceptron")})):
        fields = numeric_fields(learner, 3)
        results.append(learner.descend(made, generators(3), fields, start=start))
    for a, b in zip(*results, strict=True):
        agree(a.parameters, [p[0] for p in b.parameters])
        assert a.losses == pytest.approx(b.losses)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize(("kind", "shape"), [("images", (2, 4, 4)), ("linear", (5,))])
def test_it_goes_where_a_loop_in_plain_torch_goes(kind, shape):
    learner = ERM(**{**SHORT, "network": Built(kind), "learning_rate": 0.05})
    made = samples(2, shape=shape)
    for sample, rng, got in zip(made, generators(2), trained(learner, made), strict=True):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            net = BUILDERS[kind](shape, CLASSES).double()
        optimiser = torch.optim.SGD(net.parameters(), 0.05, 0.9, weight_decay=0.01)
        x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
        for _ in range(3):
            for index in torch.from_numpy(rng.permutation(23)).split(6):
                optimiser.zero_grad()
                F.cross_entropy(net(x[index]), y[index]).backward()
                optimiser.step()
        named = list(net.named_parameters())
        head = [p for n, p in named if "head" in n]
        agree(got.parameters, [p for n, p in named if "head" not in n] + head)


@pytest.mark.parametrize(("kind", "shape"), [("images", (2, 4, 4)), ("perceptron", (5,))])
def test_a_replica_is_the_same_to_the_bit_alone_and_in_a_stack(kind, shape, monkeypatch):
    monkeypatch.setitem(SHAPES, kind, shape)
    equal_in_any_stack(ERM(**{**SHORT, "network": Built(kind)}), kind)


def test_features_are_the_inputs_of_the_last_layer():
    (sample,) = samples(1, shape=(2, 4, 4))
    network = Built("images")
    parameters = initial(network, (2, 4, 4), CLASSES, generators(1))
    x = torch.from_numpy(sample.x).double()
    features = network.features(parameters, x.view(1, 23, -1), (2, 4, 4))
    assert features.shape == (1, 8, 23)
    rng = generators(1)[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        net = Images(CLASSES).double()
    want = net(x).T
    torch.testing.assert_close(network.logits(parameters, x.view(1, 23, -1), (2, 4, 4))[0], want)
    torch.testing.assert_close(net.head(features[0].T).T, want)


def test_learners_of_features_and_divergence():
    fitted = DFR(**{**SHORT, "network": Built()}).fit(samples(1, easy=True)[0], generators(1)[0])
    assert fitted.predict(samples(1)[0].rows.pool).shape == (40,)
    fails_alone(ERM(**{**SHORT, "network": Built()}))


def test_the_global_generator_is_left_alone():
    before = torch.get_rng_state()
    learner = ERM(**{**SHORT, "network": Built("images")})
    one = learner.fit(samples(1, shape=(2, 4, 4))[0], np.random.default_rng(0))
    torch.rand(3)
    two = learner.fit(samples(1, shape=(2, 4, 4))[0], np.random.default_rng(0))
    x = samples(1, shape=(2, 4, 4))[0].x
    assert np.array_equal(one.predict_proba(x), two.predict_proba(x))
    torch.set_rng_state(before)
    learner.fit(samples(1, shape=(2, 4, 4))[0], np.random.default_rng(0))
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dropout", "it has Dropout; use"),
        ("batch norm", "it has BatchNorm1d; use"),
        ("random", "training and in evaluation"),
        ("mode", "training and in evaluation"),
        ("batch", "depend on the other points"),
        ("no bias", "Linear with a bias"),
        ("temperature", "returned as they are"),
        ("weight norm", "Linear with a bias"),
        ("frozen", "Linear with a bias"),
        ("labels", r"returned \(4, 4\) for 4 points and 3 labels"),
        ("columns", r"fails for points \(5,\)"),
        ("pair", "returned tuple"),
        ("text", "built str"),
    ],
)
def test_a_module_that_the_engine_cannot_train_is_refused(kind, reason):
    sample = TrainingSet(np.ones((4, 5)), np.array([0, 1, 2, 1]))
    before = torch.get_rng_state()
    with pytest.raises(ValueError, match=reason):
        ERM(network=Built(kind)).fit(sample, np.random.default_rng(0))
    assert torch.equal(before, torch.get_rng_state())


NET = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self, points, classes):
        super().__init__(nn.Flatten(), nn.Linear(points[0], {}), nn.Tanh(), nn.Linear({}, classes))
"""


def mine(folder, width):
    folder.mkdir(exist_ok=True)
    (folder / "mine.py").write_text(NET.format(width, width))
    os.chdir(folder)


def version(learner):
    data, strategy = parse("Coins", "datasets"), parse("Idle", "strategies")
    return code_version(Trial(data, learner, strategy, 0.0, 0))


def test_the_contents_of_a_file_count_and_its_folder_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    learner = parse("ERM(network=Module('mine.py:Net'))", "learners")
    assert parse(repr(learner), "learners") == learner
    versions, shapes = [], []
    for folder, width in (("a", 3), ("b", 3), ("a", 4)):
        mine(tmp_path / folder, width)
        versions.append(version(replace(learner)))
        shapes.append(learner.network.parameters((5,), 2)[0].shape)
    assert shapes == [(3, 5), (3, 5), (4, 5)]
    assert versions[0] == versions[1] != versions[2]
    fitted = learner.fit(samples(1)[0], np.random.default_rng(0))
    assert fitted.predict(samples(1)[0].x).shape == (23,)


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, reason in (
        ("mine.py:Net", "is not there"),
        ("no_such_package.nets:Net", "No module named"),
        ("algorithms.torch_module:Perceptrn", "Did you mean 'Perceptron'"),
    ):
        with pytest.raises(Absent, match=reason):
            parse(f"ERM(network=Module({name!r}))", "learners").files()
    (tmp_path / "mine.py").write_text("import nothing_of_this_name")
    with pytest.raises(Absent, match="cannot be loaded: No module"):
        ERM(network=Module("mine.py:Net")).files()


@pytest.mark.parametrize(
    "name", ["/home/me/mine.py:Net", "../mine.py:Net", "C:\\mine.py:Net", "mine.py", "os.Net", ""]
)
def test_a_name_of_another_form_is_refused(name):
    with pytest.raises(BenchError, match="neither 'FILE"):
        parse(f"Module({name!r})", "networks")
