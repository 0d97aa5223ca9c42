"""The description of a run: its grid, the code, the versions and the machine."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from algorithms.runtime import device
from bench.core.errors import unknown

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "pandas", "joblib", "matplotlib")


def _git(*words: str) -> str | None:
    """Return git's answer about the code, or None without a checkout or git."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _version(package: str) -> str | None:
    """Return the version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def environment() -> dict[str, Any]:
    """Return the code, the versions and the machine.

    Raises:
        BenchError: If the requested device does not exist.
    """
    if device.configured() not in device.available():
        raise unknown("device", device.configured(), device.available())
    return {
        "version": _version("collective-bench"),
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(_git("status", "--porcelain")),
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in PACKAGES},
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "device": device.configured(),
    }


def write(path: Path, about: dict[str, Any]) -> None:
    """Write a run's description atomically."""
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
