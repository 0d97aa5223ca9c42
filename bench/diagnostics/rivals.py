"""Other ways to train the networks of :mod:`bench.diagnostics.tasks`: one pass over the data each.

Those in torch train on the configured device: a loop over batches, ensembles by ``torch.func``,
Opacus and zuko. The others are scikit-learn's.
"""

import copy
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from algorithms.density.flow import Flow
from algorithms.runtime.device import device
from bench.diagnostics.tasks import Work, module, timed

RATE, MOMENTUM = 0.05, 0.9
#: A pass over the data, with networks that are prepared.
Pass = Callable[[], object]
#: The losses of a batch -> the objective.
Objective = Callable[[Tensor], Tensor]


def data_of(work: Work) -> tuple[Tensor, Tensor]:
    """Return the points and labels of a task on the device."""
    sample = work.sample()
    return torch.from_numpy(sample.x).to(device()), torch.from_numpy(sample.y).to(device())


def tensor_loop(work: Work, objective: Objective = Tensor.mean) -> Pass:
    """Return one pass of a plain loop: a module, an optimiser, and batches indexed in tensors.

    Arguments:
        work: The task.
        objective: The objective, from the losses of a batch.
    """
    x, y = data_of(work)
    net = module(work).to(device())
    steps = torch.optim.SGD(net.parameters(), RATE, MOMENTUM)

    def run() -> None:
        for batch in torch.randperm(work.n, device=device()).split(work.batch_size):
            steps.zero_grad()
            objective(
                nn.functional.cross_entropy(net(x[batch]), y[batch], reduction="none")
            ).backward()
            steps.step()

    return run


def vmap_ensemble(work: Work, count: int) -> Pass:
    """Return one pass of an ensemble by ``torch.func``, each network in an order of its own.

    Arguments:
        work: The task.
        count: The number of networks.
    """
    x, y = data_of(work)
    nets = [module(work).to(device()) for _ in range(count)]
    parameters, _ = stack_module_state(nets)
    parameters = {name: p.detach() for name, p in parameters.items()}
    velocity = {name: torch.zeros_like(p) for name, p in parameters.items()}
    base = copy.deepcopy(nets[0]).to("meta")

    def loss(own: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(base, own, (x,)), y)

    gradients_of = vmap(grad(loss))

    def run() -> None:
        order = torch.rand(count, work.n, device=device()).argsort(1)
        for batch in order.split(work.batch_size, dim=1):
            gradients = gradients_of(parameters, x[batch], y[batch])
            for name, p in parameters.items():
                velocity[name].mul_(MOMENTUM).add_(gradients[name])
                p.sub_(velocity[name], alpha=RATE)

    return run


def private_loop(work: Work) -> Pass:
    """Return one pass of DP-SGD by ``torch.func``: gradients per sample, clipped, with noise."""
    x, y = data_of(work)
    net = module(work).to(device())
    parameters = {name: p.detach() for name, p in net.named_parameters()}

    def loss(own: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(net, own, (x[None],)), y[None])

    gradients_of = vmap(grad(loss), in_dims=(None, 0, 0))

    def run() -> None:
        share = work.batch_size / work.n
        for _ in range(work.n // work.batch_size):
            batch = (torch.rand(work.n, device=x.device) < share).nonzero()[:, 0]
            each = gradients_of(parameters, x[batch], y[batch])
            norm = torch.stack([g.flatten(1).norm(dim=1) for g in each.values()]).norm(dim=0)
            factor = (1 / norm.clamp_min(1e-12)).clamp_max(1.0)
            for name, p in parameters.items():
                total = torch.tensordot(factor, each[name], 1) + torch.randn_like(p)
                p.sub_(total / work.batch_size, alpha=RATE)

    return run


def opacus_loop(work: Work) -> Pass:
    """Return one pass of DP-SGD by Opacus, with Poisson batches."""
    from opacus import PrivacyEngine

    data = torch.utils.data.TensorDataset(*data_of(work))
    net = module(work).to(device())
    private, steps, loader = PrivacyEngine().make_private(
        module=net,
        optimizer=torch.optim.SGD(net.parameters(), RATE),
        data_loader=torch.utils.data.DataLoader(data, work.batch_size),
        noise_multiplier=1.0,
        max_grad_norm=1.0,
    )

    def run() -> None:
        for x, y in loader:
            steps.zero_grad()
            nn.functional.cross_entropy(private(x), y).backward()
            steps.step()

    return run


def zuko_loop(points: np.ndarray, flow: Flow) -> Pass:
    """Return a training of zuko's neural spline flow by its usual loop.

    Arguments:
        points: The points, (n, d).
        flow: The flow whose size, batches and number of steps it takes.
    """
    import zuko

    x = torch.from_numpy(points.astype(np.float32)).to(device())

    def run() -> None:
        net = zuko.flows.NSF(
            x.shape[1], transforms=flow.transforms, hidden_features=list(flow.hidden)
        ).to(x.device)
        steps = torch.optim.Adam(net.parameters(), flow.learning_rate)
        for _ in range(flow.steps):
            batch = x[torch.randint(len(x), (flow.batch_size,), device=x.device)]
            loss = -net().log_prob(batch).mean()
            steps.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            steps.step()

    return run


def sgd_classifier(work: Work) -> Pass:
    """Return one pass of scikit-learn's logistic regression by stochastic gradients."""
    from sklearn.linear_model import SGDClassifier

    sample = work.sample()
    net = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=RATE)
    labels = np.arange(work.classes)
    return lambda: net.partial_fit(sample.flat, sample.y, labels)


def loader_loop(work: Work, net: nn.Module) -> float:
    """Return the seconds of one pass in the usual loop of data loader, module and optimiser."""
    sample, here = work.sample(), device()
    net = net.to(here)
    data = torch.utils.data.TensorDataset(torch.from_numpy(sample.x), torch.from_numpy(sample.y))
    loader = torch.utils.data.DataLoader(data, work.batch_size, shuffle=True)
    steps = torch.optim.SGD(net.parameters(), 0.05, 0.9)

    def run() -> None:
        for x, y in loader:
            steps.zero_grad()
            loss = nn.functional.cross_entropy(net(x.to(here)), y.to(here))
            loss.backward()
            steps.step()

    return timed(run)


def sklearn_pass(work: Work) -> float:
    """Return the seconds of one pass in scikit-learn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier
    from sklearn.utils._testing import ignore_warnings

    sample = work.sample()
    net = MLPClassifier(
        (128,), solver="sgd", batch_size=work.batch_size, max_iter=2, momentum=0.9, tol=0.0
    )
    with ignore_warnings(category=ConvergenceWarning):
        return timed(lambda: net.fit(sample.flat, sample.y)) / 2
