"""The environment in which trials run: versions of libraries, and the machine."""

import hashlib
import json
import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from algorithms.runtime import device

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "pandas", "joblib", "matplotlib")
#: The packages whose arithmetic makes the numbers of a record.
NUMERICAL = ("numpy", "scipy", "scikit-learn", "torch")


def environment() -> dict[str, Any]:
    """Return the versions, the machine and the device of this process."""
    return _environment(device.configured())


@cache
def _environment(named: str) -> dict[str, Any]:
    accelerator = None
    if named.startswith("cuda") and named in device.available():
        import torch

        accelerator = torch.cuda.get_device_name(named)
    return {
        "python": sys.version.split()[0],
        "packages": {name: package_version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": named,
        "accelerator": accelerator,
    }


def digest(environment: dict[str, Any]) -> str:
    """Return eight digits that identify the parts of an environment that may change a number.

    These are the versions of Python and of the numerical packages, and the kinds of processor and
    device. The operating system and the number of cores are not among them.

    Example:
        >>> here = environment()
        >>> digest(here) == digest(here | {"cores": 1000})
        True
        >>> digest(here) == digest(here | {"python": "2.7"})
        False
    """
    names = ("python", "processor", "device", "accelerator")
    packages = environment.get("packages") or {}
    facts = [environment.get(name) for name in names] + [packages.get(n) for n in NUMERICAL]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=4).hexdigest()


def package_version(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
