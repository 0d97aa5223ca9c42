"""Figures of merit of generated images against loops and closed forms, and the command."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import sqrtm
from sklearn.datasets import load_digits

from algorithms.density.images.conv_led import ConvLED
from bench.core.errors import BenchError
from bench.density import time_budget
from bench.density.images import classifier, measure
from bench.density.images.classifier import train_classifier
from bench.density.images.data import image_set
from bench.density.images.frechet import frechet_distance
from bench.density.images.modes import class_scores
from bench.density.images.neighbours import memorisation, neighbour_scores
from bench.density.images.smoothness import STEPS, smoothness
from results.plots.generated_images import plot_generated, plot_learning, sheet


def rng(seed=0):
    return np.random.default_rng(seed)


# ---- data ---------------------------------------------------------------------------------


def test_digits_keep_their_levels_and_their_parts():
    images = image_set("digits")
    levels = np.floor(np.concatenate([images.train, images.test]) * images.levels)
    known = {row.tobytes() for row in load_digits().images.astype(np.int8)}
    assert {row.tobytes() for row in levels.astype(np.int8)} <= known
    assert (len(images.train), len(images.test)) == (1078, 449)
    # A uniform density gives each of 17 levels the same probability.
    assert images.bits(0.0) == pytest.approx(np.log2(17))
    assert images.bits(64 * np.log(17)) == pytest.approx(0)
    with pytest.raises(BenchError, match="Did you mean 'mnist'"):
        image_set("mnits")


# ---- figures of merit ---------------------------------------------------------------------


def test_the_frechet_distance_is_that_of_matrix_roots():
    a, b = (
        rng().standard_normal((300, 4)),
        rng(1).standard_normal((200, 4)) @ np.diag([1, 2, 3, 4]),
    )
    first, second = np.cov(a.T), np.cov(b.T)
    shift = a.mean(0) - b.mean(0)
    wanted = shift @ shift + np.trace(first + second - 2 * sqrtm(first @ second).real)
    assert frechet_distance(a, b) == pytest.approx(wanted, rel=1e-8)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)
    # In one dimension: a difference of means, and one of standard deviations.
    line = np.array([[-1.0], [1.0]])
    assert frechet_distance(line, 3 * line + 5) == pytest.approx(25 + 2 * (3 - 1) ** 2)


def test_neighbour_scores_are_those_of_loops():
    real, made, k = rng().standard_normal((40, 2)), 1.5 * rng(1).standard_normal((30, 2)), 3

    def radii(x):
        return [np.sort(np.linalg.norm(x - p, axis=1))[k] for p in x]

    def apart(p, q):
        return np.linalg.norm(p - q)

    balls = [[apart(m, r) <= s for r, s in zip(real, radii(real), strict=True)] for m in made]
    ours = [[apart(m, r) <= s for m, s in zip(made, radii(made), strict=True)] for r in real]
    assert neighbour_scores(real, made, k) == pytest.approx(
        {
            "precision": np.mean([any(row) for row in balls]),
            "recall": np.mean([any(row) for row in ours]),
            "density": np.mean([sum(row) for row in balls]) / k,
            "coverage": np.mean([any(column) for column in zip(*balls, strict=True)]),
        }
    )
    far = neighbour_scores(real, made + 100, k)
    assert set(far.values()) == {0.0}


def test_copies_are_near_to_training_rows():
    train, test = np.array([[0.0], [10.0]]), np.array([[1.0], [8.0]])
    # Test rows are 1 and 2 away, 1.5 by the median.
    assert memorisation(train, test, np.array([[0.5], [10.25], [10.5]])) == pytest.approx(1 / 3)


def test_classes_are_counted_and_weighed():
    scores = class_scores(np.repeat([0, 1, 2], [50, 44, 6]), classes=4)
    # Class 2 has .06 of the images, less than a quarter of .25; class 3 has none.
    assert scores["classes"] == 2
    shares = np.array([0.5, 0.44, 0.06])
    assert scores["class_kl"] == pytest.approx((shares * np.log(shares / 0.25)).sum())
    everything = class_scores(np.arange(10), 10)
    assert everything == pytest.approx({"classes": 10, "modes": 10, "class_kl": 0})


def test_lines_are_straight_even_or_neither():
    even = smoothness(lambda z: 2 * z, lambda x: x, 3, rng())
    assert even == pytest.approx({"detour": 1, "jump": 1})
    switch = smoothness(lambda z: (z[:, :1] > 0).astype(float), lambda x: x, 2, rng())
    # Of lines that cross zero, all the way is one step; others have no way at all.
    crossing = np.prod(np.sign(rng().standard_normal((2, 100, 2))[..., 0]), axis=0) < 0
    assert switch["jump"] == pytest.approx(STEPS * crossing.mean())
    circle = smoothness(
        lambda z: np.column_stack([np.cos(9 * z), np.sin(9 * z)]), lambda x: x, 1, rng()
    )
    assert circle["detour"] > 2


def test_a_classifier_tells_digits_apart():
    images = image_set("digits")
    trained = train_classifier(images, steps=60)
    wanted = (trained.predict(images.test) == images.test_y).mean()
    assert trained.accuracy == wanted > 0.7
    assert trained.features(images.test[:7]).shape == (7, 256)


# ---- time, figures and the command --------------------------------------------------------


def test_a_time_budget_sets_the_steps_of_a_model_of_images(monkeypatch):
    monkeypatch.setattr(time_budget, "_seconds", lambda model, factor, x: 1 + 20 * factor)
    model = ConvLED(latent=4, steps=1000)
    found = time_budget.fit_steps_to_budget(model, np.zeros((2, 8, 8)), 11.0)
    assert found == ConvLED(latent=4, steps=500)


def test_figures_have_a_panel_a_model_and_a_line_a_seed():
    x, lines = rng().random((24, 8, 8)), rng().random((2, 5, 8, 8))
    figure = plot_generated([("test images", x, lines[:0]), ("ConvLED", x, lines)])
    shapes = [axes.images[0].get_array().shape for axes in figure.axes if axes.images]
    assert shapes == [(37, 55), (37, 55), (19, 46)]
    np.testing.assert_array_equal(sheet(lines)[10:18, 10:18], lines[1, 1])
    rows = [
        {"model": m, "seed": s, "seconds": t, "frechet": 9.0 / t, "coverage": 0.5, "precision": 1}
        for m in ("A", "B")
        for s in (0, 1)
        for t in (1, 2, 3)
    ]
    real = {"model": "training images", "frechet": 0.5, "coverage": 0.9, "precision": 0.9}
    figure = plot_learning(pd.DataFrame([real, *rows]))
    # Two seeds and their mean for each model, and the reference.
    assert [len(axes.lines) for axes in figure.axes] == [7, 7, 7]
    assert figure.axes[0].get_legend() is not None


@pytest.fixture
def quick(monkeypatch):
    """Small samples, a short training of the classifier, and no drawn files."""
    monkeypatch.setattr("results.plots.style.save", lambda *_: [])
    for name, value in {"MEASURED": 40, "BOUNDED": 10, "DRAWS": 2, "PROPOSALS": 50}.items():
        monkeypatch.setattr(measure, name, value)
    monkeypatch.setattr(measure, "SNAPSHOTS", 2)
    monkeypatch.setattr("algorithms.density.images.conv_led.BANK", 200)
    monkeypatch.setattr(classifier.train_classifier, "__defaults__", (5,))


def test_the_command_measures_models_of_images(bench, quick):
    small = "latent=2, channels=4, steps=4, batch_size=8"
    models = f"ConvWGAN({small}, learning_rate=1e30),ConvLED({small}),ConvMEG({small})"
    words = ["--images", "digits", "--models", models, "--seeds", 2, "--out", "found"]
    answer = bench("density", *words)
    assert answer.code == 0, answer
    rows = pd.read_csv("found/images.csv")
    assert list(rows["seed"].isna()) == [True] + [False] * 6
    assert rows["error"].notna().sum() == 2
    well = rows[rows["model"].str.startswith(("ConvLED", "ConvMEG"))]
    assert well.drop(columns="error").notna().all(axis=None)
    assert (well["classifier"] <= 1).all()
    assert set(rows["device"]) == {"cpu"}
    curves = pd.read_csv("found/images_curves.csv")
    assert list(curves.groupby("model", sort=False).size()) == [1, 4, 4]
    assert "failed" in answer.out


def test_the_command_refuses_what_has_no_images(bench, quick, tmp_path):
    for words, says in (
        (["--images", "digts"], "Did you mean 'digits'?"),
        (["--images", "digits", "--models", "WGANCritic"], "is not a density model of images"),
        (["--images", "digits", "--models", "ConvLDE"], "Did you mean 'ConvLED'?"),
        (["--images", "digits", "--laws", "moons"], "leave out --laws, --tables, --bias"),
        (["--images", "digits", "--tables", "digits"], "leave out --laws, --tables, --bias"),
        (["--images", "digits", "--bias"], "leave out --laws, --tables, --bias"),
        (["--laws", "moons", "--models", "ConvLED"], "is not a density model. Allowed"),
        (["--images", "mnist", "--data", str(tmp_path)], "mnist.npz"),
        (["--images", "digits", "--models", "ConvLED(latent=1)"], "latent=1"),
    ):
        answer = bench("density", *words)
        assert (answer.code, says in answer.line) == (2, True), (words, answer)
