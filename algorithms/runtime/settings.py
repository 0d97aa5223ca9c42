"""Settings of the process that components may not change."""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import numpy as np

#: Libraries with settings. Their imports take seconds, and many processes do without them.
LIBRARIES = ("torch", "sklearn")


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


class _Setting(NamedTuple):
    """A setting.

    Arguments:
        read: Function that returns its value.
        write: Function that sets its value.
        initial: Function that returns the value in a worker before any trial. It is used for
            settings of libraries that a trial imports.
    """

    read: Callable[[], Any]
    write: Callable[[Any], Any]
    initial: Callable[[], Any]


def _process_settings() -> dict[str, _Setting]:
    """Return the settings of Python and numpy by name."""
    settings: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
        "numpy.seterr": (np.geterr, lambda errors: np.seterr(**errors)),
        "warnings.filters": (lambda: list(warnings.filters), _set_filters),
        "os.environ": (_environment, _set_environment),
        "the current folder": (_folder, _set_folder),
    }
    return {name: _Setting(read, write, read) for name, (read, write) in settings.items()}


def _torch_settings() -> dict[str, _Setting]:
    """Return the settings of torch by name."""
    import torch

    settings = {
        "default_dtype": (torch.get_default_dtype, lambda: torch.float32),
        # torch.get_default_device takes four times as long.
        "default_device": (lambda: torch.empty(0).device, lambda: torch.device("cpu")),
        "grad_enabled": (torch.is_grad_enabled, lambda: True),
        "num_threads": (torch.get_num_threads, lambda: 1),
    }
    return {
        f"torch.set_{name}": _Setting(read, getattr(torch, f"set_{name}"), initial)
        for name, (read, initial) in settings.items()
    } | {
        "torch.use_deterministic_algorithms": _Setting(
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
            lambda: False,
        )
    }


def _sklearn_settings() -> dict[str, _Setting]:
    """Return the settings of scikit-learn by name."""
    import sklearn

    def initial() -> Any:
        # Each thread has a configuration of its own, and a new thread has the initial one.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(sklearn.get_config).result()

    def write(config: Any) -> None:
        sklearn.set_config(**config)

    return {"sklearn.set_config": _Setting(sklearn.get_config, write, initial)}


@cache
def _settings_of(libraries: tuple[str, ...]) -> dict[str, _Setting]:
    """Return the settings of the process and of some libraries by name."""
    of = {"torch": _torch_settings, "sklearn": _sklearn_settings}
    settings = _process_settings()
    for library in libraries:
        settings |= of[library]()
    return settings


def _settings() -> dict[str, _Setting]:
    """Return the settings by name. A library that is not imported has none."""
    return _settings_of(tuple(name for name in LIBRARIES if name in sys.modules))


def settings() -> dict[str, Any]:
    """Return the settings of the process on which other components depend, by name."""
    return {name: setting.read() for name, setting in _settings().items()}


@contextmanager
def restored_settings() -> Iterator[None]:
    """Restore the settings of the process at the end of the context.

    Settings of a library that was imported in the context become initial.

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
        for name, (read, write, initial) in _settings().items():
            value = before[name] if name in before else initial()
            if read() != value:
                write(value)
