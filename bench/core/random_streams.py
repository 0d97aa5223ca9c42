"""Random streams: one for each purpose, derived from the seed and the purpose alone."""

import hashlib
from functools import cache

import numpy as np


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """Return the random generator of a purpose at a seed.

    The stream depends on neither learner nor strategy nor size. So at one seed all of them meet
    the same draws, and their differences are paired.

    Arguments:
        seed: The seed of a trial.
        purpose: Words that name the use: "data", "members", "act" or "fit", and "validation" in
            second place where the use is the firm's validation data.

    Example:
        >>> stream(0, "data").random() == stream(0, "data").random()
        True
        >>> stream(0, "data").random() == stream(0, "fit").random()
        False
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=_key(purpose)))


@cache
def _key(purpose: tuple[str, ...]) -> tuple[int, ...]:
    """Return four numbers that stand for a purpose."""
    digest = hashlib.blake2b("/".join(purpose).encode(), digest_size=16).digest()
    return tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
