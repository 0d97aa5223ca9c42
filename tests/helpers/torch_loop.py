"""A training loop in plain torch, for one replica."""

import torch

from algorithms.networks import MLP
from tests.helpers.networks import started

#: Fields of short trainings.
SHORT = {"network": MLP((7,)), "epochs": 3, "batch_size": 6, "weight_decay": 0.01}
SHORT |= {"selection": "last"}


def plain(learner, sample, rng, step, before_epoch=lambda rng: None, visits=None):
    """One training with torch's modules and optimisers; a step leaves its gradients in them."""
    net = started(learner.network, sample.x.shape[1:], rng)
    x, y = torch.from_numpy(sample.x).double(), torch.from_numpy(sample.y)
    optimiser = torch.optim.SGD(
        net.parameters(),
        learner.hyperparams()["learning_rate"],
        learner.momentum,
        weight_decay=learner.weight_decay,
    )
    for epoch in range(learner.epochs):
        order = torch.from_numpy(visits(rng) if visits else rng.permutation(len(sample)))
        drawn = before_epoch(rng)
        for number, index in enumerate(order.split(learner.batch_size)):
            optimiser.zero_grad()
            step(net, x[index], y[index], index, epoch, None if drawn is None else drawn[number])
            optimiser.step()
    return list(net.parameters())
