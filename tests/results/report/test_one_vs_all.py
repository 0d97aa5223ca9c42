"""One new learner against what is published."""

from importlib.metadata import version
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from bench.records.manifest import environment
from bench.records.published import read as read_published
from bench.records.published import sentinels
from bench.records.published import write as write_published
from tests.helpers.command_line import tiny


@pytest.fixture
def published(bench, ran, tmp_path):
    """A published tiny grid, and a learner that nobody has run."""
    said = bench("publish", "quick", "--out", "tiny.parquet")
    assert said.code == 0, said
    (tmp_path / "fresh.py").write_text(FRESH)
    return tmp_path / "tiny.parquet"


FRESH = """
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Nearer(Learner):
    \"\"\"Predicts the class whose mean is nearest.\"\"\"

    def fit(self, sample, rng):
        means = np.stack([sample.flat[sample.y == c].mean(0) for c in range(sample.classes)])
        return Fitted(lambda x: ((x.reshape(len(x), 1, -1) - means) ** 2).sum(2).argmin(1))
"""
NEWCOMER = (
    "compare",
    "fresh.py:Nearer",
    "--grid",
    "tiny.parquet",
    "--baseline",
    "KNN",
    "--jobs",
    "0",
)


def test_a_new_learner_is_compared_with_what_is_published(no_figures, bench, published):
    said = bench(*NEWCOMER)
    assert said.code == 0, said
    assert said.line.count("as published, to the last digit") == 3
    assert "grid Nearer-on-tiny: 9 trials, 9 to run" in said.line
    assert len(said.out.splitlines()) <= 30
    for words in ("KNN", "Nearer less its area", "3 seeds cannot reach p <= .05"):
        assert words in said.out
    said = bench(*NEWCOMER, "--all")
    for words in (
        "Success of Nearer, beside KNN",
        "Nearer less each of the others",
        "Across 1 dataset there are no mean ranks and no test, which need 8.",
        "cannot tell",
        "takes 7 seeds",
    ):
        assert words in said.out
    again = bench(*NEWCOMER, "--format", "csv")
    assert "grid Nearer-on-tiny: 9 trials, 0 to run" in again.line
    table = pd.read_csv(StringIO(again.out))
    assert set(table["learner"]) == {"Nearer()"}
    assert len(table) == 2 * 5  # two others, three sizes, area and critical mass
    # what is printed is what anybody finds who runs all three together
    (whole := Path("fresh.py")).write_text(FRESH)
    bench(*tiny(learners="KNN,EmpiricalBayes,Nearer"), "--plugin", whole, "--out", "whole")
    told = pd.read_csv(
        StringIO(
            bench(
                "compare", "whole", "--baseline", "KNN", "--format", "csv", "--plugin", whole
            ).out
        )
    )
    ours = table[table["baseline"].str.startswith("KNN")].reset_index(drop=True)
    theirs = told[told["learner"] == "Nearer()"].reset_index(drop=True)
    same = ["measure", "size", "difference", "low", "high", "p"]
    pd.testing.assert_frame_equal(ours[same], theirs[same])


def test_a_leaderboard_is_that_of_a_run_or_of_what_is_published(bench, published):
    said = bench("leaderboard", "tiny.parquet", "--format", "md")
    assert said.code == 0, said
    about, _, *rows = said.out.splitlines()
    assert "2 learners; 18 trials, 3 seeds, none failed; `run quick --seeds 3`" in about
    own = environment()["version"]  # None where the program is not installed
    assert f"{f'version {own}; ' if own else ''}torch {version('torch')}" in about
    head = [cell.strip() for cell in rows[0].split("|")[1:-1]]
    assert head == ["learner", "critical mass at 0.5 above size 0, Coins"]
    assert {row.split("|")[1].strip() for row in rows[2:]} == {"KNN", "EmpiricalBayes"}
    drawn = bench("leaderboard", "tiny.parquet", "--out", "board")
    assert drawn.code == 2
    assert "mean ranks take 8 datasets on which learners can be compared" in drawn.line
    ran_table = bench("leaderboard", "quick", "--format", "csv").out
    assert ran_table == bench("leaderboard", "tiny.parquet", "--format", "csv").out
    table = pd.read_csv(StringIO(ran_table))
    assert table["learner"].tolist() == sorted(table["learner"])
    assert bench("leaderboard", "tinny").code == 2


def changed(path, column, change):
    """The published file with some numbers that no machine reproduces."""
    frame, about = read_published(str(path))
    frame[column] = change(frame[column])
    write_published(frame, about, path)


def test_what_is_not_reproduced_is_not_compared_with(bench, published):
    changed(published, "success", lambda x: (x + 0.3) % 1)
    said = bench(*NEWCOMER)
    assert said.code == 2
    assert "this machine does not reproduce the published records" in said.line
    assert "success" in said.line.partition("published -> here:")[2]
    assert not Path("runs/Nearer-on-tiny").exists()


def test_last_digits_may_differ_but_not_the_sample(bench, published):
    changed(published, "success", lambda x: (x + 0.005).clip(0, 1))
    assert bench(*NEWCOMER).code == 0
    changed(published, "n", lambda n: n + 1)
    said = bench(*NEWCOMER)
    assert said.code == 2
    assert "n 201 -> 200" in said.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("compare fresh.py:Nearer", "name the grid to compare on"),
        ("compare fresh.py:Nearest --grid tiny.parquet", "defines no learner 'Nearest'"),
        ("compare fresh.py:Nearer --grid tinny", "grid with published records"),
        ("compare KNN --grid tiny.parquet", "is published with the grid"),
        ("compare fresh.py --grid tiny.parquet --baseline ERM", "'ERM' is none of"),
        ("compare fresh.py --grid tiny.parquet --epoch loss", "don't go with --grid"),
        ("compare quick --jobs 1", "go with --grid"),
        ("compare fresh.py --grid runs/quick/curves.csv", "grid with published records"),
        ("publish quick --out tiny.csv", "does not end in .parquet"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(bench, published, words, says):
    said = bench(*words.split())
    assert said.code == 2
    assert says in said.line


def test_only_a_finished_run_is_published(no_figures, bench, ran):
    bench(*tiny(seeds="3"))
    lines = (ran / "records.jsonl").read_bytes().splitlines(keepends=True)
    (ran / "records.jsonl").write_bytes(b"".join(lines[:-1]))
    said = bench("publish", "quick", "--out", "tiny.parquet")
    assert said.code == 2
    assert "1 of 18 trials" in said.line


def test_sentinels_are_spread_and_the_same_each_time(bench, published):
    frame, _ = read_published(str(published))
    chosen = sentinels(frame)
    assert [row["learner"] for row in chosen] == [row["learner"] for row in sentinels(frame[::-1])]
    assert len({row["learner"] for row in chosen}) == 2
    assert len({(row["learner"], row["size"], row["seed"]) for row in chosen}) == len(chosen) == 3
    assert all(row["size"] > 0 for row in chosen)
