"""Shares of a grid, by the keys of its trials."""

import re
import zlib
from dataclasses import dataclass

from bench.core.errors import BenchError


@dataclass(frozen=True)
class Shard:
    """One of several shares of a grid that can be run independently.

    The key of a trial alone decides to which share it belongs.

    Arguments:
        number: Number of the share, from 1 on.
        count: Number of shares.

    Example:
        >>> Shard.read("7/50")
        Shard(number=7, count=50)
    """

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> "Shard":
        """Return the share that is written like ``7/50``."""
        match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
        shard = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise BenchError(f"{text!r} is not a share like 7/50, the seventh of fifty")
        return shard

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def __contains__(self, key: tuple[str | float, ...]) -> bool:
        return zlib.crc32(repr(tuple(key)).encode()) % self.count == self.number - 1
