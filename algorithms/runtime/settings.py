"""Settings of the process that components may not change."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import sklearn
import torch


def _folder() -> str | None:
    """Return the current folder; None if it was deleted."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None


def _set_folder(folder: str | None) -> None:
    if folder is not None:
        os.chdir(folder)


def _environment() -> dict[bytes, bytes]:
    # The mapping behind os.environ: to decode all variables takes fifty times as long.
    return dict(os.environ._data)  # type: ignore[attr-defined]


def _set_environment(variables: dict[bytes, bytes]) -> None:
    for name in set(os.environb) - set(variables):
        del os.environb[name]
    os.environb.update(variables)


def _set_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]


#: Functions that return and set each setting, by its name.
_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "numpy.seterr": (np.geterr, lambda errors: np.seterr(**errors)),
    "warnings.filters": (lambda: list(warnings.filters), _set_filters),
    "torch.set_default_dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "torch.set_default_device": (torch.get_default_device, torch.set_default_device),
    "torch.set_grad_enabled": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch.set_num_threads": (torch.get_num_threads, torch.set_num_threads),
    "torch.use_deterministic_algorithms": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "sklearn.set_config": (sklearn.get_config, lambda config: sklearn.set_config(**config)),
    "os.environ": (_environment, _set_environment),
    "the current folder": (_folder, _set_folder),
}


def settings() -> dict[str, Any]:
    """Return the settings of the process on which other components depend, by name."""
    return {name: read() for name, (read, _) in _SETTINGS.items()}


@contextmanager
def restored_settings() -> Iterator[None]:
    """Restore the settings of the process at the end of the context.

    Example:
        >>> with restored_settings():
        ...     _ = np.seterr(all="raise")
        >>> np.geterr()["divide"]
        'warn'
    """
    before = settings()
    try:
        yield
    finally:
        for name, value in settings().items():
            if value != before[name]:
                _SETTINGS[name][1](before[name])
