"""Modules of torch as networks of the engine."""

from abc import abstractmethod
from collections.abc import Callable, Hashable
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import linear

from algorithms.networks import Network, Parameter, Shape

#: The number of points at which a module is tried.
TRIED = 4


class TorchNetwork(Network):
    """A network that a module of torch defines. Abstract: a subclass defines :meth:`build`.

    The last layer of the module is a ``torch.nn.Linear`` with a bias and one output for each
    label. Parameters begin where the module's own initialisation puts them, drawn from the
    generator of the training. Buffers, and parameters without a gradient, are equal in all
    trainings.

    The replicas of a stack are computed one after another: a stacked computation rounds
    differently for different numbers of replicas, and a training may not depend on the others.

    A module is refused if it computes something else in training than in evaluation (Dropout), if
    its buffers change (BatchNorm), if it draws random numbers, or if a point's logits depend on
    the other points of a batch. LayerNorm and GroupNorm are allowed.
    """

    @abstractmethod
    def build(self, points: Shape, classes: int) -> nn.Module:
        """Return a new module, which may draw its parameters from torch's global generator.

        Arguments:
            points: The shape of a point; a batch of the module has the shape ``(B, *points)``.
            classes: The number of labels.
        """

    def version(self) -> Hashable:
        """Return a value that changes with the code of the module."""
        return type(self)

    def parameters(self, points: Shape, classes: int) -> list[Parameter]:
        """Return the parameters for points of a given shape and a number of classes."""
        layout = _layout(self, points, classes, self.version())
        return [Parameter(_matrix(shape), 1) for shape in layout.shapes]

    def initial(self, points: Shape, classes: int, rng: np.random.Generator) -> list[Tensor]:
        """Draw the parameters of one replica by the module's own initialisation, float64."""
        layout = _layout(self, points, classes, self.version())
        values = dict(_seeded(self, points, classes, int(rng.integers(2**63))).named_parameters())
        return [
            values[name].detach().double().reshape(_matrix(shape))
            for name, shape in zip(layout.names, layout.shapes, strict=True)
        ]

    def features(self, parameters: list[Tensor], x: Tensor, points: Shape) -> Tensor:
        """Return the inputs of the last layer, (R, F, B)."""
        layout = _layout(self, points, parameters[-1].shape[1], self.version())
        body = layout.body.to(x.device, x.dtype)
        below = list(zip(layout.names, layout.shapes, strict=True))[:-2]
        # The gradient of unbound parts is one stack; that of slices would be a sum of stacks.
        parts = [p.unbind() for p in parameters[:-2]]
        outputs = []
        for r, rows in enumerate(x):
            named = {name: p[r].view(shape) for p, (name, shape) in zip(parts, below, strict=True)}
            outputs.append(functional_call(body, named, (rows.view(-1, *points),)).T)
        return torch.stack(outputs)


class Layout:
    """A module without its last layer, and the order of its parameters.

    Arguments:
        module: The module, in evaluation mode; its last layer is replaced.
        points: The shape of a point.
        classes: The number of labels.
    """

    def __init__(self, module: nn.Module, points: Shape, classes: int) -> None:
        x = torch.linspace(0, 1, TRIED * prod(points)).view(TRIED, *points)
        name, logits = tried(module, x, classes)
        shapes = {n: tuple(p.shape) for n, p in module.named_parameters() if p.requires_grad}
        end = [f"{name}.weight".lstrip("."), f"{name}.bias".lstrip(".")]
        #: The names of the parameters, those of the last layer at the end, and their shapes.
        self.names = [n for n in shapes if n not in end] + end
        self.shapes = [shapes[n] for n in self.names]
        #: The module, whose outputs are now the features.
        self.body = module if name else nn.Identity()
        layer = module.get_submodule(name)
        assert isinstance(layer, nn.Linear)
        if name:
            parent, _, attribute = name.rpartition(".")
            setattr(module.get_submodule(parent), attribute, nn.Identity())
        with torch.no_grad():
            features = _forward(self.body, x)
            same = linear(features, layer.weight, layer.bias)
        if features.ndim != 2 or not torch.allclose(same, logits, rtol=1e-4, atol=1e-5):
            raise _no_last_layer(type(module).__name__)


@lru_cache(maxsize=64)
def _layout(network: TorchNetwork, points: Shape, classes: int, version: Hashable) -> Layout:
    """Return the layout of a network's module; a new version of its code is built anew."""
    return Layout(_seeded(network, points, classes, 0), points, classes)


def _seeded(network: TorchNetwork, points: Shape, classes: int, seed: int) -> nn.Module:
    """Build a module, whose parameters a seed determines, in evaluation mode."""
    with torch.random.fork_rng(devices=[]):
        # The only generator that modules draw from; its state is restored.
        torch.manual_seed(seed)
        module = network.build(points, classes)
    if not isinstance(module, nn.Module):
        raise ValueError(f"{network!r} built {type(module).__name__}, not a torch.nn.Module")
    return module.eval()


def _matrix(shape: Shape) -> Shape:
    """Return the shape of a parameter in the engine, where each is a matrix."""
    return (shape[0], prod(shape[1:])) if shape else (1, 1)


def tried(module: nn.Module, x: Tensor, classes: int) -> tuple[str, Tensor]:
    """Try a module at a few points, and return the name of its last layer, and its logits.

    Raises:
        ValueError: If the engine cannot train it.
    """
    name = type(module).__name__
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        logits, last = _last_layer(module, x)
        if logits.shape != (TRIED, classes):
            raise ValueError(
                f"{name} returned {tuple(logits.shape)} for {TRIED} points and {classes} labels; "
                f"the engine needs logits of the shape {(TRIED, classes)}"
            )
        if last is None:
            raise _no_last_layer(name)
        if _changes_in_training(module, x, logits):
            kinds = sorted({type(m).__name__ for m in module.modules() if _is_known(m)})
            raise ValueError(
                f"{name} does not compute the same in training and in evaluation, as the engine "
                f"needs{': it has ' if kinds else ''}{', '.join(kinds)}; use LayerNorm or "
                "GroupNorm in place of BatchNorm, and weight_decay in place of Dropout"
            )
        alone = torch.cat([_forward(module, row[None]) for row in x])
    if not torch.allclose(alone, logits, rtol=1e-4, atol=1e-5):
        raise ValueError(
            f"the logits of a point by {name} depend on the other points of its batch; a "
            "classifier has to answer for each point by itself"
        )
    return last, logits


def _last_layer(module: nn.Module, x: Tensor) -> tuple[Tensor, str | None]:
    """Return a module's logits, and the name of the linear layer whose outputs they are."""
    outputs: dict[str, Tensor] = {}

    def hook(key: str) -> Callable[[nn.Module, Any, Tensor], None]:
        return lambda layer, inputs, output: outputs.update({key: output})

    handles = [
        layer.register_forward_hook(hook(key))
        for key, layer in module.named_modules()
        if isinstance(layer, nn.Linear) and _has_parameters(layer)
    ]
    try:
        logits = _forward(module, x)
    finally:
        for handle in handles:
            handle.remove()
    names = [name for name, output in outputs.items() if output is logits]
    return logits, names[-1] if names else None


def _has_parameters(layer: nn.Linear) -> bool:
    """Return whether a layer's weight and bias are trained parameters of its own."""
    own = [n for n, p in layer.named_parameters(recurse=False) if p.requires_grad]
    return own == ["weight", "bias"]


def _no_last_layer(name: str) -> ValueError:
    return ValueError(
        f"the last layer of {name} is not a torch.nn.Linear with a bias whose outputs are "
        "returned as they are: learners need its inputs, which are the features"
    )


def _changes_in_training(module: nn.Module, x: Tensor, logits: Tensor) -> bool:
    """Return whether a module is random, changes its buffers, or differs in training mode."""
    state, buffers = torch.get_rng_state(), {n: b.clone() for n, b in module.named_buffers()}
    again, training = _forward(module, x), _forward(module.train(), x)
    module.eval()
    return not (
        torch.equal(state, torch.get_rng_state())
        and all(torch.equal(b, buffers[n]) for n, b in module.named_buffers())
        and torch.equal(again, logits)
        and torch.equal(training, logits)
    )


def _is_known(module: nn.Module) -> bool:
    """Return whether a layer is one of torch's that differ in training mode."""
    return "Dropout" in type(module).__name__ or hasattr(module, "running_mean")


def _forward(module: nn.Module, x: Tensor) -> Tensor:
    """Return a module's outputs.

    Raises:
        ValueError: If it fails.
    """
    try:
        output = module(x)
    except Exception as error:
        raise ValueError(
            f"{type(module).__name__} fails for points {tuple(x.shape[1:])}: {error}"
        ) from error
    if not isinstance(output, Tensor):
        raise ValueError(f"{type(module).__name__} returned {type(output).__name__}, not logits")
    return output
