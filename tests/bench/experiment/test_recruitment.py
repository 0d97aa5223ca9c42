"""Who joins: nested across sizes, alike where it says so, and told apart in every record."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Split
from bench.datasets.real.digits import Digits
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.setup import SeedContext, set_up
from bench.experiment.trial import Trial
from bench.spec.grid import Grid, Part, check_part
from bench.spec.parsing import parse
from collectives.planting import FeatureLabel
from results.plots.axes import panels
from results.plots.strategies import plot_strategies
from results.stats.frames import CELL

COINS = Coins(n=200, n_test=100, overlap=0.1)
PLANT = FeatureLabel(COINS.signal, 1)
SIZES = (0.0, 0.005, 0.1, 0.3, 0.62, 0.9, 1.0)
WAYS = ("uniform", "class", "group", "distance")


def trial(size: float, recruitment: Any, seed: int = 0, **more: Any) -> Trial:
    learner = parse("EmpiricalBayes", "learners")
    return Trial(COINS, learner, PLANT, size, seed, recruitment=recruitment, **more)


def members(split: Split, size: float, recruitment: Any, seed: int = 0) -> set[int]:
    return set(set_up(trial(size, recruitment, seed), SeedContext(split)).members.tolist())


def drawn(seed: int = 0) -> Split:
    return COINS.split(stream(seed, "data"))


@pytest.mark.parametrize("recruitment", WAYS)
def test_collectives_are_nested_and_a_size_is_a_share_of_all(recruitment: Any) -> None:
    split = drawn()
    found = [members(split, size, recruitment) for size in SIZES]
    assert [len(m) for m in found] == [round(size * 200) for size in SIZES]
    assert all(small <= large for small, large in itertools.pairwise(found))
    assert members(split, 0.3, recruitment) != members(split, 0.3, recruitment, seed=1)


@pytest.mark.parametrize("kinds", [2, 3])
@pytest.mark.parametrize("recruitment", ["class", "group"])
def test_one_class_or_group_joins_after_the_other(recruitment: Any, kinds: int) -> None:
    split = drawn()
    kind = split.y if kinds == 2 else np.arange(len(split.x)) % 3
    split = replace(split, **{"y": kind} if recruitment == "class" else {"group": kind})
    first = set()
    for seed, size in itertools.product(range(8), SIZES[1:]):
        joined = members(split, size, recruitment, seed)
        here = kind[split.train]
        shares = [np.mean([i in joined for i in np.flatnonzero(here == k)]) for k in range(kinds)]
        assert sum(0 < share < 1 for share in shares) <= 1  # the others are all in, or all out
        first |= {int(np.argmax(shares))} if size == 0.1 else set()
    assert first == set(range(kinds))


def test_without_groups_classes_join() -> None:
    split = drawn()
    assert members(split, 0.3, "group") == members(split, 0.3, "class")


def test_who_joins_first_is_one_kind_in_training_and_validation_data() -> None:
    split = drawn()
    for seed in range(6):
        found = trial(0.2, "class", seed, validation="contaminated")
        scene = set_up(
            replace(found, strategy=parse("Strike(label=0)", "strategies")), SeedContext(split)
        )
        kind = set(split.y[split.train][scene.members].tolist())
        assert len(kind) == 1
        # Those of label 0 strike, and are replaced by nobody, since all members are of one class.
        relabelled = set_up(
            replace(found, strategy=FeatureLabel(COINS.signal, 1)), SeedContext(split)
        )
        told = relabelled.sample.validation
        assert told is not None
        moved = split.y[split.validation] != told.y
        assert moved.any() == (kind == {0})


def test_neighbours_join_by_distance() -> None:
    split = Digits().split(stream(0, "data"))
    x = split.x[split.train].reshape(len(split.train), -1).astype(float)
    apart = ((x[:, None, ::4] - x[None, :, ::4]) ** 2).sum(axis=2)
    order = set_up(replace(trial(1.0, "distance"), dataset=Digits()), SeedContext(split)).members
    whole = ((x - x[order[0]]) ** 2).sum(axis=1)
    assert order[0] == whole.argmin()
    assert (np.diff(whole[order]) >= -1e-6).all()
    # Members are nearer to each other than people are.
    some = order[:100]
    assert apart[np.ix_(some, some)].mean() < 0.8 * apart.mean()


def test_equally_near_people_join_in_the_order_of_the_uniform_ones() -> None:
    """Eight points and a signal: most people are as near to the middle as many others."""
    split = drawn()
    order = set_up(trial(1.0, "distance"), SeedContext(split)).members
    usual = {
        int(i): k for k, i in enumerate(set_up(trial(1.0, "uniform"), SeedContext(split)).members)
    }
    x = split.x[split.train]
    whole = ((x - x[order[0]]) ** 2).sum(axis=1)
    pairs = [(whole[i], usual[i]) for i in order.tolist()]
    assert pairs == sorted(pairs)
    assert len(set(whole.tolist())) < 30


def test_bounds_for_people_like_all_others_are_not_promised_to_others() -> None:
    sizes, ways = (0.0, 0.3), ("uniform", "class")
    made = run_trials([trial(size, way) for way in ways for size in sizes])
    assert [r["recruitment"] for r in made] == ["uniform", "uniform", "class", "class"]
    assert made[0]["success"] == made[2]["success"]
    assert [set(r["bounds"]) for r in made] == [
        {"exact"},
        {"exact", "plugin", "sample"},
        {"exact"},
        {"plugin"},
    ]
    bayes = replace(trial(0.3, "class"), learner=parse("BayesOptimal", "learners"))
    (failed,) = run_trials([bayes])
    assert failed["status"] == "failed"
    assert "law" in failed["error"]


def test_a_grid_has_all_ways_of_recruitment() -> None:
    part = Part(("Coins",), ("KNN",), sizes=(0.1,), seeds=1, recruitment=("uniform", "class"))
    grid = Grid("g", (part,)).written_out()
    keys = [t.key for t in grid.trials()]
    assert [(k.recruitment, k.size) for k in keys] == [
        ("uniform", 0.0),
        ("uniform", 0.1),
        ("class", 0.0),
        ("class", 0.1),
    ]
    assert all(key in grid for key in keys)
    assert keys[0]._replace(recruitment="group") not in grid
    table = {"datasets": ["Coins"], "learners": ["KNN"]}
    assert check_part(table, "here").recruitment == ("uniform",)
    with pytest.raises(BenchError, match=r"'clas'.*'class'"):
        check_part(table | {"recruitment": ["clas"]}, "here")


def test_a_figure_of_strategies_has_a_curve_for_each_way_to_join() -> None:
    rows = [
        {
            "dataset": data,
            "learner": learner,
            "strategy": f"FeatureLabel(label={label})",
            "validation": "clean",
            "groups": "given",
            "recruitment": way,
            "size": size,
            "mean": size,
            "low": size,
            "high": size,
            "interval": "t",
        }
        for data, label, ways in (("D()", 1, WAYS[:2]), ("E()", 2, WAYS[:1]))
        for learner in ("A()", "B()")
        for way in ways
        for size in (0.0, 0.1)
    ]
    figure = plot_strategies(pd.DataFrame(rows))
    # A dataset a row. A strategy that takes its label from the dataset is one strategy.
    assert [axes.get_title() for axes in figure.axes] == ["D — A", "D — B", "E — A", "E — B"]
    assert figure.axes[0].get_gridspec().ncols == 2
    told = [[line.get_label() for line in axes.get_lines()] for axes in figure.axes]
    by_class = ["FeatureLabel, recruitment by class", "FeatureLabel"]
    assert told == [by_class] * 2 + [["FeatureLabel"]] * 2
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 2
    uniform = [axes.get_lines()[-1].get_color() for axes in figure.axes]
    assert len(set(uniform)) == 1


def test_panels_tell_recruitment_apart() -> None:
    one = pd.DataFrame([dict.fromkeys(CELL, "D()") | {"size": 0.1, "recruitment": "uniform"}])
    both = pd.concat([one, one.assign(recruitment="class")])
    assert [title[-1] for title, _ in panels(both, [])] == [
        "recruitment by class",
        "recruitment by uniform",
    ]
    assert [len(title) for title, _ in panels(one, [])] == [2]
