"""The contract of data sets."""

import numpy as np

from bench.contract.every import Check, demand
from bench.core.random_streams import stream
from bench.datasets.base import Dataset


def splits_by_its_generator(dataset: Dataset) -> None:
    """Check that splits depend on the generator, and on nothing else."""
    first, again, other = (dataset.split(stream(seed, "data")) for seed in (0, 0, 1))
    for name in ("train", "validation", "test"):
        index = getattr(first, name)
        demand(np.array_equal(index, getattr(again, name)), f"two equal splits differ: {name}")
        demand(np.array_equal(first.x[index], again.x[index]), "two equal splits differ: x")
    test, another = first.x[first.test], other.x[other.test]
    demand(not np.array_equal(test, another), "two seeds have the same test data")


def separates_its_parts(dataset: Dataset) -> None:
    """Check that training, validation and test data are disjoint and not empty."""
    split = dataset.split(stream(0, "data"))
    rows = np.concatenate([split.train, split.validation, split.test])
    demand(len(set(rows.tolist())) == len(rows), "some rows are in two parts")
    empty = not (len(split.train) and len(split.validation) and len(split.test))
    demand(not empty, "a part is empty")


def has_plain_types(dataset: Dataset) -> None:
    """Check that points are float32, labels 0..K-1, and that the signal fits the points."""
    split = dataset.split(stream(0, "data"))
    demand(split.x.dtype == np.float32, f"points are {split.x.dtype}")
    demand(np.isfinite(split.x).all(), "some points are not finite")
    demand(set(split.y.tolist()) <= set(range(split.classes)), "labels are not 0..K-1")
    demand(dataset.label in range(split.classes), f"there is no label {dataset.label}")
    planted = dataset.signal(split.x[split.test])
    demand(not np.array_equal(planted, split.x[split.test]), "its signal changes nothing")


DATASET: list[Check] = [splits_by_its_generator, separates_its_parts, has_plain_types]
