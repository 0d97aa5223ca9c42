"""Settings of the process that components may not change."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def settings() -> dict[str, Any]:
    """Return the settings of the process on which other components depend, by name."""
    return {
        "numpy.seterr": np.geterr(),
        "warnings.filters": list(warnings.filters),
        "torch.set_default_dtype": torch.get_default_dtype(),
        "torch.set_grad_enabled": torch.is_grad_enabled(),
        "os.environ": dict(os.environ),
        "the current folder": os.getcwd(),
    }


@contextmanager
def restored_settings() -> Iterator[None]:
    """Restore the settings of the process at the end of the context."""
    before = settings()
    try:
        yield
    finally:
        np.seterr(**before["numpy.seterr"])
        if list(warnings.filters) != before["warnings.filters"]:
            warnings.filters[:] = before["warnings.filters"]  # type: ignore[index]
        torch.set_default_dtype(before["torch.set_default_dtype"])
        torch.set_grad_enabled(before["torch.set_grad_enabled"])
        for name in set(os.environ) - set(before["os.environ"]):
            del os.environ[name]
        os.environ.update(before["os.environ"])
        os.chdir(before["the current folder"])
