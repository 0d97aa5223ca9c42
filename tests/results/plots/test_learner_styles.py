"""Each learner has a colour and a marker of its own, which other learners don't change."""

import itertools
import random
from collections import defaultdict
from itertools import product

import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from algorithms.erm import ERM
from bench.spec.registry import REGISTRY
from results.plots import learner_styles
from results.plots.learner_styles import COLOURS, MARKERS, look, looks

INNER = ("ERM", "GroupDRO", "CVaRDRO", "JTT", "LogisticRegression", "NaiveBayes")


def defaults() -> list[str]:
    """All learners that ship, as records name them."""
    return [repr(cls()) for cls in REGISTRY.kinds["learners"].values()]


def collisions(learners: list[str]) -> list[str]:
    """What a contributor reads about learners with the same colour and marker."""
    classes = defaultdict(list)
    for learner in learners:
        classes[look(learner)[:2]].append(learner.partition("(")[0])
    free = [pair for pair in product(COLOURS, MARKERS) if pair not in classes]
    return [
        f"{' and '.join(names)} are all drawn as {pair}: add the newest one to CHOSEN in "
        f"results/plots/learner_styles.py with a free pair, say {free[0]}"
        for pair, names in classes.items()
        if len(names) > 1
    ]


def test_all_learners_differ_in_colour_or_marker() -> None:
    assert collisions(defaults()) == []


def test_a_collision_is_reported_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    learners = [*defaults(), "New()"]
    monkeypatch.setitem(learner_styles.CHOSEN, "New", look("KNN()")[:2])
    (report,) = collisions(learners)
    assert report.startswith("KNN and New are all drawn as")
    pair = next(p for p in product(COLOURS, MARKERS) if str(p) in report.rpartition("say")[2])
    monkeypatch.setitem(learner_styles.CHOSEN, "New", pair)
    assert collisions(learners) == []
    assert look("New()")[:2] == look("New(k=3)")[:2] == pair


def test_another_learner_changes_none() -> None:
    before = looks(defaults())
    after = looks([*defaults(), *(f"New{i}(k={i})" for i in range(200))])
    assert {name: after[name] for name in before} == before


def test_erm_is_a_black_circle() -> None:
    assert look("ERM(epochs=20)")[:2] == ("#000000", "o")


def test_variants_that_differ_in_a_number_are_a_sequence() -> None:
    levels = [0.5, 4.0, 10.0, 0.0, 2.0]
    styles = looks([*(f"DPSGD(clip=1.0, noise={level})" for level in levels), "ERM()"])
    ordered = [styles[f"DPSGD(clip=1.0, noise={level})"] for level in sorted(levels)]
    shades = [luminance(style.colour) for style in ordered]
    assert shades == sorted(shades)
    assert min(b - a for a, b in itertools.pairwise(shades)) > 0.03
    assert {style.marker for style in ordered} == {look("DPSGD()").marker}
    assert styles["ERM()"] == look("ERM()")


def luminance(colour: str) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_other_variants_of_one_learner_differ_too() -> None:
    variants = [f"CVaRDRO(level={i}, rule='{i}')" for i in range(12)]
    styles = looks(variants)
    assert len(set(styles.values())) == 12
    assert {style.marker for style in styles.values()} == {look("CVaRDRO").marker}


def test_up_to_eight_learners_differ_in_colour() -> None:
    names = defaults()
    for seed in range(200):
        drawn = random.Random(seed).sample(names, 8)
        styles = looks(drawn)
        assert len({style.colour for style in styles.values()}) == 8
        assert all(styles[name].marker == look(name).marker for name in drawn)


@pytest.mark.parametrize("count", [9, 10])
def test_more_learners_differ_in_colour_while_there_are_colours(count: int) -> None:
    names = sorted(set(defaults()) - {repr(ERM())})
    for seed in range(50):
        drawn = [repr(ERM())] * (count == 10) + random.Random(seed).sample(names, 9)
        styles = looks(drawn)
        assert len({style.colour for style in styles.values()}) == count
        black = {name for name, style in styles.items() if style.colour == COLOURS[0]}
        assert black == {repr(ERM())} & set(drawn)


def test_a_learner_has_one_colour_in_all_figures_of_a_run() -> None:
    # Alone these two have one colour.
    pair = ["BayesOptimal()", "JTT()"]
    assert look(pair[0]).colour == look(pair[1]).colour
    run = [*pair, "ERM()", "KNN()"]
    with learner_styles.among(run):
        together = looks(run)
        assert looks(["JTT()"]) == {"JTT()": together["JTT()"]}
        assert together["JTT()"].colour != together["BayesOptimal()"].colour
    assert looks(["JTT()"])["JTT()"] == look("JTT()")


def test_a_figure_without_a_crowded_panel_draws_all_learners_in_colour() -> None:
    names = [f"L{i}()" for i in range(9)]
    curves = pd.DataFrame(
        {"dataset": data, "learner": name, "mean": 0.5}
        for data, part in (("D()", names[:5]), ("E()", names[4:]))
        for name in part
    )
    assert set(learner_styles.coloured(curves, "mean")) == set(names)
    crowded = curves.assign(dataset="D()")
    assert len(learner_styles.coloured(crowded, "mean")) == learner_styles.MOST


def test_black_is_of_erm_alone() -> None:
    plain = [name for name in defaults() if "base=" not in name]
    assert [name for name in plain if look(name).colour == COLOURS[0]] == [repr(ERM())]


@pytest.mark.parametrize("outer", ["HashedBag", "Finetune", "Ensemble"])
def test_learners_that_train_others_differ_by_the_inner_one(outer: str) -> None:
    styles = [look(f"{outer}(base={name}(epochs=3))") for name in INNER]
    assert len({style.colour for style in styles}) == len(INNER)
    assert {style.marker for style in styles} == {look(outer).marker}


def test_learners_that_train_the_same_one_differ() -> None:
    for name in INNER:
        pair = [look(f"{outer}(base={name}())").colour for outer in ("HashedBag", "Finetune")]
        assert pair[0] != pair[1]
    twice = looks([f"HashedBag(base=ERM(learning_rate={rate}))" for rate in (1.0, 2.0)])
    assert len(set(twice.values())) == 2


def test_a_base_that_is_no_learner_changes_nothing() -> None:
    assert look("DORO(base='cvar')")[:2] == look("DORO()")[:2]
