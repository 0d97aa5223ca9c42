"""Vectors that are computed once and kept in a file."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from algorithms.base import Array


class Kept:
    """Features by key in a file that all processes share. Where that fails, nothing is kept.

    Arguments:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        opened = sqlite3.connect(self.path, timeout=60)
        opened.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, value BLOB)")
        return opened

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Array]:
        """What there is of them."""
        found: dict[bytes, Array] = {}
        with suppress(OSError, sqlite3.Error), closing(self._open()) as opened:
            for i in range(0, len(keys), 500):
                part = keys[i : i + 500]
                marks = ",".join("?" * len(part))
                rows = opened.execute(
                    f"SELECT key, value FROM features WHERE key IN ({marks})", part
                )
                found |= {key: np.frombuffer(value, np.float32) for key, value in rows}
        return found

    def put(self, features: Mapping[bytes, Array]) -> None:
        """Keep more; whoever was faster kept the same."""
        with suppress(OSError, sqlite3.Error), closing(self._open()) as opened, opened:
            rows = [(key, value.tobytes()) for key, value in features.items()]
            opened.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows)
