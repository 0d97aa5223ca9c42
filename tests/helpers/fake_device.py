"""A device that is not there: tensors on it are kept here, but do not mix with those of here."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
#: What may move values from one device to another.
MOVERS = {aten._to_copy.default, aten.copy_.default}
#: What takes positions from here.
LOOKUPS = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}


class Far(Tensor):
    """A tensor that says that it is on an accelerator."""

    stored: Tensor

    @staticmethod
    def __new__(cls: type["Far"], real: Tensor) -> "Far":
        far = Tensor._make_wrapper_subclass(
            cls,
            real.shape,
            strides=real.stride(),
            storage_offset=real.storage_offset(),
            dtype=real.dtype,
            device="meta",
        )
        far.stored = real
        return far

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Far({self.stored})"

    def tolist(self) -> Any:
        return self.stored.tolist()

    def __getitem__(self, at: Any) -> Tensor:
        # Lists of positions become tensors before anybody sees it.
        parts = at if isinstance(at, tuple) else (at,)
        return super().__getitem__(
            tuple(torch.tensor(p) if isinstance(p, list) else p for p in parts)
        )

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return obey(func, args, kwargs or {})


def each(change: Callable[[Tensor], Any], tree: Any) -> Any:
    """Change each tensor of arguments or of results.

    The function ``tree_map`` of torch takes most of the time of a step, since it knows many types.
    """
    if isinstance(tree, Tensor):
        return change(tree)
    if type(tree) in (list, tuple):
        return type(tree)([each(change, part) for part in tree])
    if type(tree) is dict:
        return {key: each(change, part) for key, part in tree.items()}
    return tree


def obey(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Do what an accelerator would do, or refuse what it would refuse."""
    given: list[Tensor] = []
    each(given.append, (args, kwargs))
    far = [t for t in given if isinstance(t, Far)]
    near = [t for t in given if not isinstance(t, Far) and t.dim()]
    if far and near and func not in MOVERS | LOOKUPS:
        raise AssertionError(f"{func} mixes tensors of two devices")
    target = kwargs.get("device")
    if target is not None:
        kwargs = kwargs | {"device": torch.device("cpu")}
    back = {id(t.stored): t for t in far}
    args, kwargs = each(lambda t: t.stored if isinstance(t, Far) else t, (args, kwargs))
    out = func(*args, **kwargs)
    gone = bool(far) if target is None else torch.device(target).type == "meta"
    if func is aten.copy_.default:
        gone = id(args[0]) in back
    if not gone:
        return out
    # What was changed in place stays the tensor that it was.
    return each(lambda t: back[id(t)] if id(t) in back else Far(t), out)


class Everywhere(TorchDispatchMode):
    """What makes tensors from nothing is seen by no tensor, but by this."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return obey(func, args, kwargs or {})


@contextmanager
def accelerator() -> Iterator[torch.device]:
    """A device whose tensors do not mix with those of the processor."""
    tensor = torch.tensor

    def made(data: Any, device: Any = None, **options: Any) -> Tensor:
        """What torch does before anybody sees it."""
        return tensor(data, **options).to(device)

    with patch.object(torch, "tensor", made), Everywhere():
        yield torch.device("meta")
