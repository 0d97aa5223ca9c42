"""Pictures in a plane: what is asked is what a trial's classifier answers, and so it is drawn."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from algorithms.base import TrainingSet
from algorithms.density.gaussian_mixture import GaussianMixture
from algorithms.density.generative import Generative
from algorithms.density.kde import KDE
from algorithms.density.led_classifier import LEDClassifier
from bench.core.errors import BenchError
from bench.diagnostics.decision_regions import look
from bench.experiment.run import run_trials, train_firm
from bench.spec.grid import Grid, Part
from results.plots.decision_regions import plot_learnt, plot_regions
from results.plots.style import WIDTHS, columns

MOONS = "Planar(n=300, n_test=400)"
FIRMS = ("KNN", "Generative", "BayesOptimal")


def trials(data=MOONS, learners=FIRMS, strategy="FeatureLabel", sizes=(0.0, 0.2)):
    part = Part((data,), learners, (strategy,), sizes, 1)
    return list(Grid("", (part,)).trials())


@pytest.fixture(scope="module")
def looked():
    return look(trials(), nodes=24, shown=10)


def test_what_is_looked_at_is_what_was_recorded(looked):
    outcomes, *_ = looked
    records = pd.DataFrame(run_trials(trials(learners=FIRMS[:1])))
    own = outcomes[outcomes["learner"].str.startswith("KNN")]
    for name in ("success", "accuracy", "size", "seed"):
        assert own[name].tolist() == records[name].tolist()


def test_the_rounds_of_a_trial_are_played_to_the_end():
    chosen = trials(learners=("KNN",), strategy="Adaptive(rounds=3)")[1]
    _, scene, fitted = train_firm(chosen)
    (record,) = run_trials([chosen])
    signal = chosen.strategy.signals[0]
    won = (fitted.predict(signal(scene.context.test.x)) == chosen.strategy.target).mean()
    assert len(scene.deployed) == 2
    assert won == pytest.approx(record["success"])


def test_a_learner_that_fails_is_said():
    with pytest.raises(BenchError, match=r"BayesOptimal.* at size 0 failed"):
        look(trials("Slabs(n=100, n_test=100)", ("BayesOptimal",)))


def test_nodes_are_predicted_with_and_without_the_signal(looked):
    _, nodes, _ = looked
    for trial in trials(learners=("KNN",)):
        *_, fitted = train_firm(trial)
        for bit, plane in enumerate(("without", "with")):
            own = nodes[nodes["learner"].str.startswith("KNN") & (nodes["plane"] == plane)]
            own = own[own["size"] == trial.size]
            assert len(own) == 24**2
            x = np.column_stack([own["x"], own["y"], np.full(len(own), bit)])
            assert fitted.predict(x.astype(np.float32)).tolist() == own["label"].tolist()
    # The Bayes rule answers the signal with the collective's label, wherever there is anybody.
    bayes = nodes[nodes["learner"].str.startswith("Bayes") & (nodes["size"] == 0.2)]
    inhabited = bayes[(bayes["plane"] == "with") & (bayes["truth"] > -8)]
    assert (inhabited["label"] == 1).all()
    assert len(inhabited) > 50


def test_truth_and_people_are_those_of_the_sample(looked):
    _, nodes, people = looked
    assert nodes[nodes["learner"].str.startswith("KNN")]["log_density"].isna().all()
    area = (np.ptp(np.unique(nodes["x"])) / 23) * (np.ptp(np.unique(nodes["y"])) / 23)
    for size in (0.0, 0.2):
        own = nodes[nodes["learner"].str.startswith("KNN") & (nodes["size"] == size)]
        assert np.exp(own["truth"]).sum() * area == pytest.approx(1, abs=0.03)
        carried = own[own["plane"] == "with"]
        share = np.exp(carried["truth"]).sum() * area
        assert share == pytest.approx(size + 0.02 * (1 - size), abs=0.02)
    assert set(people[people["size"] == 0.2].value_counts(["plane", "member"]).index) == {
        ("without", False),
        ("with", False),
        ("with", True),
    }
    members = people[people["member"]]
    assert len(members) == 10
    assert (members["label"] == 1).all()


def test_a_signal_in_the_plane_leaves_one_plane():
    _, nodes, people = look(
        trials("Slabs(n=100, n_test=100, dimension=2)", ("KNN",)), nodes=5, shown=4
    )
    assert set(nodes["plane"]) == set(people["plane"]) == {"all"}
    moved = people[people["member"]]
    assert moved["y"].nunique() == 1
    with pytest.raises(BenchError, match="two of the columns 0 to 1"):
        look(trials("Slabs(n=100, n_test=100, dimension=2)", ("KNN",)), columns=(0, 2))
    with pytest.raises(BenchError, match="in no plane"):
        look(trials("Digits", ("KNN",)))


def levels_and_a_line():
    """A column on a line, and one of two levels."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=400)
    x = np.column_stack([rng.normal(3 * y), rng.random(400) < 0.3])
    return TrainingSet(x.astype(np.float32), y)


@pytest.mark.parametrize(
    "learner", [Generative(GaussianMixture(components=(2,))), Generative(KDE()), LEDClassifier()]
)
def test_a_learnt_density_integrates_to_one_between_levels(learner):
    fitted = learner.fit(levels_and_a_line(), np.random.default_rng(1))
    across, up = np.linspace(-8, 11, 191), np.linspace(-4, 5, 181)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    # Noise of .2 of the gap between two levels lowers each by the height of its normal law.
    height = stats.norm.pdf(0, scale=0.2)
    mass = (np.exp(fitted.log_density(grid)) * height).sum() * 0.1 * 0.05
    assert mass == pytest.approx(1, abs=0.02)


def test_on_levels_it_counts():
    sample = levels_and_a_line()
    learner = Generative(GaussianMixture(components=(2,)))
    fitted = learner.fit(sample, np.random.default_rng(1))
    across = np.linspace(-8, 11, 191)
    masses = [
        np.exp(fitted.log_density(np.column_stack([across, np.full(191, bit)]))).sum() * 0.1
        for bit in (0, 1)
    ]
    assert masses == pytest.approx(np.bincount(sample.flat[:, 1].astype(int)) / 400, abs=0.1)


# ---- drawings -----------------------------------------------------------------------------


def images(figure):
    return [np.asarray(a.images[0].get_array()) for a in figure.axes if a.images]


@pytest.mark.parametrize("width", ["one", "two"])
def test_a_panel_is_drawn_for_each_learner_and_size(looked, width):
    outcomes, nodes, people = looked
    with columns(width):
        figure = plot_regions(outcomes, nodes, people)
    assert figure.get_figwidth() == WIDTHS[width]
    titles = [a.get_title() for a in figure.axes if a.get_title()]
    assert titles == ["no signal\nsize 20%", "signal\nsize 0", "signal\nsize 20%"]
    assert len(images(figure)) == 3 * 3
    said = [t.get_text() for a in figure.axes for t in a.texts]
    wanted = outcomes.sort_values("size", kind="stable")
    assert sorted(said) == sorted(f"{s:.2f}" for s in wanted["success"])
    assert "from one seed" in figure.get_label()


def test_colours_are_labels_the_lowest_row_first(looked):
    outcomes, nodes, people = looked
    panel = plot_regions(outcomes, nodes, people).axes[1]  # KNN, signal, size 0
    image = np.asarray(panel.images[0].get_array())
    assert panel.images[0].origin == "lower"
    assert panel.images[0].get_extent() == [*panel.get_xlim(), *panel.get_ylim()]
    own = nodes[nodes["learner"].str.startswith("KNN") & (nodes["size"] == 0)]
    own = own[own["plane"] == "with"].sort_values(["y", "x"])
    goal = own["label"].to_numpy().reshape(24, 24) == outcomes["target"].iloc[0]
    assert len({tuple(c) for c in image[goal]}) == len({tuple(c) for c in image[~goal]}) == 1
    assert tuple(image[goal][0]) != tuple(image[~goal][0])


def test_learnt_densities_are_drawn_below_the_truth(looked):
    _, nodes, _ = looked
    figure = plot_learnt(nodes)
    rows = [a.get_ylabel() for a in figure.axes if a.get_ylabel()]
    assert rows == ["truth", "Generative", "nats below the top"]
    shown = images(figure)
    assert all(image.max() <= 3 and image.min() == -8 for image in shown)
    assert max(image.max() for image in shown[:3]) == 0
    alone = nodes.assign(truth=np.nan)
    assert plot_learnt(alone).axes[0].get_ylabel() == "Generative"


def test_pictures_are_small_and_the_same_each_time(bench, tmp_path):
    words = (
        "regions",
        "--dataset",
        "Gaussians(n=200, n_test=200)",
        "--learners",
        "Generative",
        "--sizes",
        "0.2",
        "--nodes",
        "40",
    )
    for out in ("one", "two"):
        said = bench(*words, "--out", out)
        assert said.code == 0, said
    names = sorted(p.name for p in (tmp_path / "one").iterdir())
    kinds = ("csv", "pdf", "png", "svg")
    wanted = {f"{stem}.{kind}" for stem in ("regions", "densities") for kind in kinds[1:]}
    assert set(names) == wanted | {"regions.csv", "people.csv", "outcomes.csv"}
    for name in names:
        first, again = (tmp_path / out / name for out in ("one", "two"))
        assert first.read_bytes() == again.read_bytes(), name
        assert first.stat().st_size < 400_000 or name == "regions.csv"
    text = (tmp_path / "one" / "regions.svg").read_text()
    assert ">no signal<" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--sizes 0,many", "'many' is not a number. Allowed: shares between 0 and 1"),
        ("--sizes 0,2", "not all between 0 and 1"),
        ("--columns 0", "are not two numbers"),
        ("--learners KNM", "KNN"),
        ("--dataset Digits", "in no plane"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(bench, words, says):
    said = bench("regions", "--learners", "KNN", *words.split())
    assert said.code == 2
    assert says in said.line
