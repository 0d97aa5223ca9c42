"""The trainings of the command ``density``: which models are trained, and their places."""

import pandas as pd

from bench.cli.trainings import Trainings


class Recorded(Trainings):
    file = "table.csv"


def halved(model, seed):
    if model == "wild":
        raise FloatingPointError("the loss was inf")
    return f"{model} {seed}"


def test_models_of_one_class_have_places_of_their_own(tmp_path):
    """A figure shows each setting of a model, and not the last one of its class."""
    run = Recorded(["one", "wild", "other"], 2, None, tmp_path, None)
    steps = []
    run.advance = lambda: steps.append(1)
    found = list(run.learnt("law", None, halved))
    # All models of a seed come before the next seed.
    assert found == [
        (0, "one", 0, "one 0"),
        (2, "other", 0, "other 0"),
        (0, "one", 1, "one 1"),
        (2, "other", 1, "other 1"),
    ]
    assert len(steps) == 6
    table = pd.read_csv(tmp_path / "table.csv")
    assert table["error"].tolist() == ["the loss was inf"] * 2
    assert table["device"].tolist() == ["cpu", "cpu"]
