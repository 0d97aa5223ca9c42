"""Records of three learners on two datasets, for tests of figures and of files."""

import numpy as np

from tests.helpers import records as shared

SIZES = (0.0, 0.01, 0.1)


def records(seeds=3, **more):
    """Return records of a fast, a slow and a ready learner, one of which has epochs."""
    rng = np.random.default_rng(0)
    reach = {"Fast()": 8, "Slow()": 0.5, "Ready()": 40}

    def values(key):
        learner, size = key["learner"], key["size"]
        success = (learner == "Ready()") * 0.7 + size * reach[learner] + rng.normal(0, 0.01)
        epochs = {"success": [size, 2 * size, 3 * size], "effective_size": [size] * 3}
        return {
            "accuracy": 0.9 - size,
            "effective_size": size,
            "success": float(np.clip(success, 0, 1)),
            "epochs": epochs if learner == "Fast()" else None,
        }

    axes = {"dataset": ["D()", "E()"], "learner": reach, "size": SIZES, "seed": range(seeds)}
    return shared.records(values, strategy=["Plant(label=1)"], **axes).assign(**more)
