"""Records and curves from arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from results.stats.frames import PANEL
from tests.helpers.records import KEY

#: The fields of a key that records of one panel share.
SAME = {name: KEY[name] for name in PANEL}


def records_of(
    learners: Mapping[str, npt.ArrayLike], sizes: Sequence[float] | np.ndarray, **columns: Any
) -> pd.DataFrame:
    """Return a row a trial.

    Arguments:
        learners: Success of each learner, (seeds, sizes); NaN is a failed trial.
        sizes: The sizes.
        columns: Further columns, or other values of the panel's.
    """
    frames = []
    for learner, values in learners.items():
        success = np.asarray(values, dtype=float)
        seeds, n = success.shape
        trials = {
            "learner": learner,
            "size": np.tile(sizes, seeds),
            "seed": np.repeat(np.arange(seeds), n),
            "success": success.ravel(),
            "status": np.where(np.isnan(success.ravel()), "failed", "ok"),
        }
        frames.append(pd.DataFrame(SAME | trials | columns))
    return pd.concat(frames, ignore_index=True)


def curve_of(
    mean: npt.ArrayLike,
    low: npt.ArrayLike | None,
    high: npt.ArrayLike | None,
    sizes: npt.ArrayLike,
    **columns: Any,
) -> pd.DataFrame:
    """Return the success curve of a learner, a row a size.

    Arguments:
        mean: Mean success at each size.
        low: The lower ends of its intervals; the means, if None.
        high: The upper ends; the means, if None.
        sizes: The sizes.
        columns: Further columns, or other values of these.
    """
    low, high = (mean if end is None else end for end in (low, high))
    numbers = {"size": sizes, "mean": mean, "low": low, "high": high, "seeds": 5, "biased": False}
    return pd.DataFrame(SAME | {"learner": KEY["learner"]} | numbers | columns)
