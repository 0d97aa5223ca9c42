"""Sizes as shares and as numbers of people."""

import numpy as np
import pytest

from bench.core.errors import BenchError
from bench.spec.grid import Grid, Part, change, check_part
from bench.spec.parsing import parse
from bench.spec.sizes import parse_sizes, shares

TABLE = {"datasets": ["Coins(n=700, n_test=40)", "Digits"], "learners": ["KNN"], "seeds": 1}


def test_people_are_that_many_members_on_each_dataset():
    grid = Grid("g", (check_part(TABLE | {"sizes": ["8 people", 0.1, "1 person"]}, "here"),))
    sizes = {part.datasets[0][:5]: part.sizes for part in grid.written_out().parts}
    n = len(parse("Digits", "datasets").split(np.random.default_rng(1)).train)
    assert sizes == {"Coins": (0.0, 1 / 700, 8 / 700, 0.1), "Digit": (0.0, 1 / n, 8 / n, 0.1)}
    assert all(trial.key in grid.written_out() for trial in grid.trials())


@pytest.mark.parametrize("n", [1, 7, 49, 1000, 2000, 48842])
def test_a_share_of_k_people_is_k_members(n):
    assert all(round(k / n * n) == k for k in range(0, n + 1, max(1, n // 500)))


def test_equal_sizes_count_once():
    assert shares(("8 people", 0.01, 0), parse("Coins(n=800)", "datasets")) == [0.0, 0.01]


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("8.5 people", "a number of people is a text like '8 people'"),
        ("-3 people", "'-3 people' in sizes="),
        ("eight people", "a number of people is a text like '8 people'"),
        ("8", "a number of people is a text like '8 people'"),
        (8, "8 in sizes=(8,): input should be less than or equal to 1"),
        (-0.1, "greater than or equal to 0"),
        (True, "input should be a valid number"),
    ],
)
def test_other_sizes_are_refused(size, says):
    with pytest.raises(BenchError) as caught:
        check_part(TABLE | {"sizes": [size]}, "here")
    assert says in str(caught.value)


def test_more_people_than_rows_are_refused():
    grid = Grid("g", (Part(("Coins(n=70)",), ("KNN",), sizes=("71 people",)),))
    with pytest.raises(BenchError, match=r"71 people is too large: Coins.*has 70 training rows"):
        grid.written_out()


def test_sizes_of_the_command_line():
    assert parse_sizes("0,8 people, 0.01") == [0.0, "8 people", 0.01]
    grid = Grid("g", (Part(("Coins",), ("KNN",)),))
    assert change(grid, sizes=parse_sizes("0.5,3  people")).parts[0].sizes == (0.5, "3 people")
    with pytest.raises(BenchError, match=r"'much' is not a number. Allowed: shares between 0"):
        parse_sizes("0.1,much")
