"""Features that are computed once and cached in a file."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from algorithms.base import Array

#: Keys in one query; the database limits their number.
QUERY_SIZE = 500


class FeatureCache:
    """Features by key in a file that all processes share.

    Errors of the file system or the database are ignored: the cache then seems to be empty.

    Arguments:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self.path, timeout=60)
        database.execute("CREATE TABLE IF NOT EXISTS features (key BLOB PRIMARY KEY, value BLOB)")
        return database

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Array]:
        """Return the features of those keys that are in the cache."""
        features: dict[bytes, Array] = {}
        with suppress(OSError, sqlite3.Error), closing(self._open()) as database:
            for i in range(0, len(keys), QUERY_SIZE):
                part = keys[i : i + QUERY_SIZE]
                marks = ",".join("?" * len(part))
                rows = database.execute(
                    f"SELECT key, value FROM features WHERE key IN ({marks})", part
                )
                features |= {key: np.frombuffer(value, np.float32) for key, value in rows}
        return features

    def put(self, features: Mapping[bytes, Array]) -> None:
        """Add features. Keys that another process has added have the same features already."""
        with suppress(OSError, sqlite3.Error), closing(self._open()) as database, database:
            rows = [(key, value.tobytes()) for key, value in features.items()]
            database.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows)
