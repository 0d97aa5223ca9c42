"""Rules by which a server combines the parameters of its clients."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from algorithms.median_of_means import median

#: A function of the clients' parameters, each (R, c, ...), of the numbers of their samples, and of
#: the number of clients that may be faulty, which returns the server's parameters, each (R, ...).
Aggregation = Callable[[list[Tensor], Sequence[int], int], list[Tensor]]


def total(values: Sequence[Tensor]) -> Tensor:
    """Return the sum of tensors, whose rounding does not depend on the number of replicas."""
    result = torch.zeros_like(values[0])
    for value in values:
        result += value
    return result


def mean(parameters: list[Tensor], sizes: Sequence[int], faulty: int) -> list[Tensor]:
    """Return the mean over clients, weighted by the numbers of their samples.

    Example:
        >>> mean([torch.tensor([[[4.0], [8.0]]])], [3, 1], 0)
        [tensor([[5.]])]
    """
    n = sum(sizes)
    return [
        total([part * (size / n) for part, size in zip(p.unbind(1), sizes, strict=True)])
        for p in parameters
    ]


def coordinate_median(parameters: list[Tensor], sizes: Sequence[int], faulty: int) -> list[Tensor]:
    """Return the median over clients, coordinate by coordinate.

    Example:
        >>> coordinate_median([torch.tensor([[[4.0], [8.0], [99.0]]])], [1, 1, 1], 1)
        [tensor([[8.]])]
    """
    return [median(p.unbind(1)) for p in parameters]


def trimmed_mean(parameters: list[Tensor], sizes: Sequence[int], faulty: int) -> list[Tensor]:
    """Return the mean without the smallest and largest values, coordinate by coordinate.

    As many values are left out at either end as clients may be faulty.

    Example:
        >>> trimmed_mean([torch.tensor([[[4.0], [8.0], [99.0], [6.0]]])], [1, 1, 1, 1], 1)
        [tensor([[7.]])]
    """
    kept = slice(faulty, len(sizes) - faulty)
    return [
        total(p.sort(1).values[:, kept].unbind(1)) / (len(sizes) - 2 * faulty) for p in parameters
    ]


def krum_choice(parameters: list[Tensor], faulty: int) -> Tensor:
    r"""Return the client whose parameters are closest to those of most others, (R,).

    The score of client i is :math:`\sum_j \lVert \theta_i - \theta_j \rVert^2` over the
    :math:`c - f - 2` clients j that are closest to it, for c clients of which f may be faulty.

    Example:
        >>> krum_choice([torch.tensor([[[0.0], [1.0], [1.5], [9.0], [9.0]]])], 1)
        tensor([1])
    """
    replicas, clients = parameters[0].shape[:2]
    distances = parameters[0].new_zeros(replicas, clients, clients)
    for p in parameters:
        flat = p.flatten(2)
        for i in range(clients):
            distances[:, i] += (flat - flat[:, i, None]).square().sum(2)
    # The smallest distance is that of a client to itself.
    closest = distances.sort(2).values[..., 1 : clients - faulty - 1]
    return total(closest.unbind(2)).argmin(1)


def krum(parameters: list[Tensor], sizes: Sequence[int], faulty: int) -> list[Tensor]:
    """Return the parameters of the client that :func:`krum_choice` chooses."""
    choice = krum_choice(parameters, faulty)
    rows = torch.arange(len(choice), device=choice.device)
    return [p[rows, choice] for p in parameters]


AGGREGATIONS: dict[str, Aggregation] = {
    "mean": mean,
    "median": coordinate_median,
    "trimmed_mean": trimmed_mean,
    "krum": krum,
}
