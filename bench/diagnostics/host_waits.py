"""Places in which the host waits for the device that trains.

A read of a value, a copy to the host and an operation whose result has a size that depends on
values make the host wait. On a GPU torch reports them. On the processor, where nothing waits,
the same operations are counted as they are dispatched.
"""

import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

ROOT = Path(__file__).resolve().parents[2]
#: Operations after which the host waits for the device.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "bincount"}
#: Operations that wait if a mask says which elements they take.
MASKED = {"index", "index_put", "index_put_"}
#: Methods that copy values to the host without an operation that is dispatched.
READS = ("tolist", "numpy", "cpu")


def place() -> str:
    """Return the innermost line of the project in the call that is going on."""
    for frame in reversed(traceback.extract_stack()):
        path = Path(frame.filename)
        if path.is_relative_to(ROOT / "algorithms"):
            return f"{path.relative_to(ROOT)}:{frame.lineno} ({frame.name})"
    return "elsewhere"


class _Waits(TorchDispatchMode):
    """A mode that counts operations after which the host waits for a device, by their place."""

    def __init__(self, found: Counter[str], reading: list[str]) -> None:
        super().__init__()
        self.found, self.reading = found, reading

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.overloadpacket.__name__
        masks = name in MASKED and any(
            isinstance(t, Tensor) and t.dtype == torch.bool for t in args[1]
        )
        if (name in WAITING or masks) and not self.reading:
            self.found[place()] += 1
        return func(*args, **kwargs or {})


def rehearsed_waits(run: Callable[[], object]) -> Counter[str]:
    """Count the operations of a call on the processor for which a host would wait, by place."""
    found: Counter[str] = Counter()
    # A read inside of another one is a part of it.
    reading: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        read = getattr(Tensor, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if not reading:
                found[place()] += 1
            reading.append(name)
            try:
                return read(*args, **kwargs)
            finally:
                reading.pop()

        return call

    with ExitStack() as stack:
        for name in READS:
            stack.enter_context(patch.object(Tensor, name, counted(name)))
        stack.enter_context(_Waits(found, reading))
        run()
    return found


def waits(run: Callable[[], object], device: str) -> Counter[str]:
    """Count the places in which the host waits for the device during a call.

    Arguments:
        run: The call.
        device: The device; on the processor, operations are listed for which a host would wait.
    """
    if not device.startswith("cuda"):
        return rehearsed_waits(run)
    found: Counter[str] = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda *args, **kwargs: found.update([place()])
        torch.cuda.set_sync_debug_mode("warn")
        try:
            run()
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return found
