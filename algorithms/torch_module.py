"""A class of torch, by its name, as a network."""

import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import Tensor, nn

from algorithms.networks import Shape
from algorithms.runtime.paths import Absent, digest
from algorithms.torch_network import TorchNetwork


class Perceptron(nn.Module):
    """Multi-layer perceptron: an example of a class for :class:`Module`.

    Arguments:
        points: The shape of a point.
        classes: The number of labels.
    """

    def __init__(self, points: tuple[int, ...], classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(prod(points), 64), nn.ReLU(), nn.Linear(64, classes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits, (B, classes), of points (B, ...)."""
        output: Tensor = self.layers(x)
        return output


@dataclass(frozen=True)
class Module(TorchNetwork):
    """A class that extends ``torch.nn.Module``, named by its file or by its package.

    The class is called with the shape of a point and the number of labels,
    ``Net(points, classes)``; what :class:`TorchNetwork` says of modules holds. To name it runs
    its file, or imports its package.

    The name is part of a trial's identity, and the contents of the file are part of the version
    of its code; its folder is part of neither. A file is found in the current folder, which all
    worker processes of one machine share. On several machines, or for a class with arguments of
    its own, write a plugin with a subclass of :class:`TorchNetwork`.

    Arguments:
        name: ``"FILE.py:CLASS"``, a file relative to the current folder, or
            ``"PACKAGE.MODULE:CLASS"``, a module that can be imported.

    Example:
        >>> network = Module("algorithms.torch_module:Perceptron")
        >>> [p.shape for p in network.parameters((1, 2, 2), 3)]
        [(64, 4), (64, 1), (3, 64), (3, 1)]
    """

    name: str = "algorithms.torch_module:Perceptron"

    def validate(self) -> None:
        """Check the form of the name.

        Raises:
            ValueError: If it is of another form, or a path of one machine.
        """
        file = re.fullmatch(r"[^\\:]+\.py:[^\W\d]\w*", self.name)
        parts = self.name.partition(":")[0].split("/")
        relative = ".." not in parts and "" not in parts
        importable = re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", self.name)
        if not (file and relative) and not importable:
            raise ValueError(
                f"{self.name!r} is neither 'FILE.py:CLASS', with a file relative to the current "
                "folder, nor 'PACKAGE.MODULE:CLASS'; a path of one machine cannot be part of a "
                "trial's identity"
            )

    def files(self) -> tuple[Path, ...]:
        """Return the file that defines the class.

        Raises:
            Absent: If the file, the module or the class is missing.
        """
        return (_loaded(self.name)[1],)

    def version(self) -> Hashable:
        """Return the digest of the file that defines the class."""
        return digest(_loaded(self.name)[1])

    def build(self, points: Shape, classes: int) -> nn.Module:
        """Return a new module of the class."""
        return _loaded(self.name)[0](points, classes)


def _loaded(name: str) -> tuple[Callable[[Shape, int], nn.Module], Path]:
    """Return the class of a name, and its file.

    Raises:
        Absent: If the file, the module or the class is missing.
    """
    place, _, class_name = name.partition(":")
    try:
        if place.endswith(".py"):
            module = _run(Path(place).absolute(), digest(Path(place)))
        else:
            module = importlib.import_module(place)
    except Exception as error:
        reason = "is not there" if isinstance(error, OSError) else f"cannot be loaded: {error}"
        raise Absent(f"{place}, which network=Module({name!r}) names, {reason}") from error
    classes = {n: v for n, v in vars(module).items() if _is_network(v)}
    if class_name not in classes:
        near = difflib.get_close_matches(class_name, classes, 1, 0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise Absent(
            f"{place} has no class {class_name!r} that extends torch.nn.Module.{hint} "
            f"Allowed: {', '.join(sorted(classes)) or '-'}"
        )
    cls = classes[class_name]
    return cls, Path(inspect.getfile(sys.modules[cls.__module__]))


@lru_cache(maxsize=16)
def _run(path: Path, contents: str) -> ModuleType:
    """Run a file as a module, once for its contents, whose digest is given."""
    name = f"module_{re.sub('[^0-9a-zA-Z_]', '_', path.stem)}_{contents[:8]}"
    module = ModuleType(name)
    module.__file__ = str(path)
    code = compile(path.read_bytes(), str(path), "exec")
    # Dataclasses and pickles look their module up.
    sys.modules[name] = module
    try:
        exec(code, vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _is_network(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nn.Module) and value is not nn.Module
