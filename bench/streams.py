"""Randomness: one stream for each purpose, derived from the seed and the purpose alone."""

import hashlib

import numpy as np


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """The generator for a purpose ("data", "members", "act", "fit", ...) at a seed.

    It knows neither learner nor strategy nor size, so at one seed all of them meet the same
    draws, and their differences are paired.

    Example:
        >>> stream(0, "data").random() == stream(0, "data").random()
        True
        >>> stream(0, "data").random() == stream(0, "fit").random()
        False
    """
    digest = hashlib.blake2b("/".join(purpose).encode(), digest_size=16).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
