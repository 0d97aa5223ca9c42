"""Tables without a law, equal time, flows refined, and what estimators of log Z get wrong."""

import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from algorithms.base import TrainingSet
from algorithms.density.energies import SineMLP
from algorithms.density.flow import Flow
from algorithms.density.gaussian_mixture import GaussianMixture
from algorithms.density.generative import Generative
from algorithms.density.kde import KDE
from algorithms.density.led import LED
from algorithms.density.one_way_flow import OneWayFlow
from algorithms.density.refined import Refined
from algorithms.runtime.device import VARIABLE
from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.density import log_z_bias, tables, time_budget
from bench.density.tables import learn_table, parts, pixels, table, traversal
from results.plots.latents import plot_latents
from results.plots.log_z_bias import plot_bias

FLOW = Flow(steps=40, batch_size=64, hidden=(16,), transforms=2)


def rng(seed=0):
    return np.random.default_rng(seed)


def moons(n=600, seed=0):
    turn = rng(seed).uniform(0, math.pi, n)
    x = np.column_stack([np.cos(turn), np.sin(turn)]) * rng(seed).choice([-1, 1], (n, 1))
    return x + 0.1 * rng(seed + 1).standard_normal((n, 2))


# ---- energies on waves, and flows refined -------------------------------------------------


def test_waves_are_as_fast_as_they_are_asked_to_be():
    network, d = SineMLP(hidden=(4000,), frequency=7.0), 3
    first, bias, *_ = [
        torch.from_numpy(rng(i).uniform(-1, 1, (1, *p.shape)) * p.fan_in**-0.5)
        for i, p in enumerate(network.parameters((d,), 1))
    ]
    last = [torch.zeros(1, 1, 4000).double(), torch.zeros(1, 1, 1).double()]

    def features(x):
        at = torch.from_numpy(x[None])
        return network.features([first, bias, *last], at, (d,))[0].numpy()

    x, step = rng(9).standard_normal((5, d)), 1e-5
    along = np.array([step, 0, 0])
    slope = (features(x + along) - features(x - along)) / (2 * step)
    # Of sin(k x + b) with uniform b the mean square of the slope is k^2 / 2.
    assert math.sqrt(2 * (slope**2).mean()) * math.sqrt(d) == pytest.approx(7.0, rel=0.05)
    assert abs(features(x).mean()) < 0.03


@pytest.mark.parametrize("model", [KDE(bandwidths=(0.2,)), GaussianMixture(components=(4,))])
def test_a_refined_flow_integrates_to_one_and_samples_itself(model):
    x = moons()
    density = Refined(FLOW, model).fit(x, rng(1))
    side = np.linspace(-5, 5, 120)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    chances = np.exp(density.log_prob(grid)) * (side[1] - side[0]) ** 2
    assert chances.sum() == pytest.approx(1, abs=0.01)
    drawn = density.sample(3000, rng(2))
    for of in (lambda z: z[:, 0], lambda z: z[:, 1] ** 2, lambda z: np.abs(z).sum(axis=1)):
        spread = of(drawn).std() / math.sqrt(3000)
        assert of(drawn).mean() == pytest.approx((of(grid) * chances).sum(), abs=5 * spread)
    assert density.log_partition() is None


def test_a_flow_whose_noise_is_normal_is_left_as_it_is():
    x = moons()
    flow = FLOW.fit(x, rng(1))
    noise, log_det = flow.noise(x)
    np.testing.assert_allclose(flow.points(noise), x, atol=1e-6)
    whole = Refined(FLOW, GaussianMixture(components=(1,), shrinkage=0.0)).fit(x, rng(1))
    normal = stats.multivariate_normal(noise.mean(0), np.cov(noise.T, bias=True))
    np.testing.assert_allclose(whole.log_prob(x), normal.logpdf(noise) + log_det, atol=1e-6)
    quick = LED(steps=5, batch_size=32, proposals=64, rounds=1, final=512)
    assert Refined(FLOW, quick).fit(x, rng(1)).log_partition().effective > 0.8


# ---- tables -------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root with one archive."""
    x = rng(5).standard_normal((1000, 2)) @ np.array([[2.0, 0.5], [0.0, 1.0]]) + [1, -3]
    np.savez(tmp_path / "mine.npz", plane=x.astype(np.float32), line=x[:, 0])
    monkeypatch.setenv("COLLECTIVE_BENCH_DATA", str(tmp_path))
    return x


def test_rows_are_split_seven_to_one_to_two():
    split = parts(1797, rng())
    assert [len(p) for p in split] == [1258, 180, 359]
    assert sorted(np.concatenate(split)) == list(range(1797))


def test_a_normal_law_has_the_likelihood_of_its_formula(root):
    row, _ = learn_table("mine.npz:plane", GaussianMixture(components=(1,), shrinkage=0.0), 3)
    x = table("mine.npz:plane", stream(3, "data")).x
    assert np.abs(x - root).max() < 0.02
    train, held, test = parts(len(x), stream(3, "split"))
    normal = stats.multivariate_normal(x[train].mean(0), np.cov(x[train].T, bias=True))
    assert row["nll"] == pytest.approx(-normal.logpdf(x[test]).mean(), abs=1e-9)
    assert row["validation"] == pytest.approx(-normal.logpdf(x[held]).mean(), abs=1e-9)
    assert math.isnan(row["effective"])
    assert "accuracy" not in row


def test_tables_that_are_none_are_refused(root):
    for name, says in (
        ("magic", "is no table: 'digits', or FILE:ARRAY"),
        ("mine.npz:line", "not finite numbers"),
        ("mine.npz:other", "has no array other; it has plane, line"),
        ("../mine.npz:plane", "relative to the data root"),
    ):
        with pytest.raises(BenchError, match=says):
            table(name, rng())
    with pytest.raises(Missing, match="your own file"):
        table("theirs.npz:plane", rng())
    with pytest.raises(BenchError, match="no labels, which Generative needs"):
        learn_table("mine.npz:plane", Generative(), 0)


def test_normal_laws_of_digits_are_discriminant_analysis():
    learner = Generative(GaussianMixture(components=(1,), shrinkage=0.1))
    row, _ = learn_table("digits", learner, 0)
    rows = table("digits", stream(0, "data"))
    train, _, test = parts(len(rows.x), stream(0, "split"))
    logs = []
    for label in range(10):
        own = rows.x[train][rows.y[train] == label].astype(np.float32).astype(np.float64)
        cov = np.cov(own.T, bias=True)
        cov = 0.9 * cov + 0.1 * np.trace(cov) / 64 * np.eye(64)
        normal = stats.multivariate_normal(own.mean(0), cov)
        logs.append(normal.logpdf(rows.x[test]) + math.log(len(own) / len(train)))
    wanted = np.logaddexp.reduce(logs, axis=0)
    assert row["nll"] == pytest.approx(-wanted.mean(), abs=1e-4)
    assert row["accuracy"] == np.mean(np.argmax(logs, axis=0) == rows.y[test])
    sample = TrainingSet(rows.x[train], rows.y[train])
    fitted = learner.fit(sample, stream(0, "fit"))
    assert row["accuracy"] == np.mean(fitted.predict(rows.x[test]) == rows.y[test])


def test_pictures_are_what_their_logits_were_made_of():
    from sklearn.datasets import load_digits

    whole = load_digits().images
    again = pixels(table("digits", rng()).x) * 16
    # Noise fills the gap to the next value.
    assert ((again >= whole - 1e-9) & (again <= np.minimum(whole + 1, 16) + 1e-9)).all()


def test_a_traversal_varies_two_latents_and_no_other():
    x = rng().standard_normal((200, 3))
    generator = OneWayFlow(layers=2, bumps=2, hidden=8, latent=2)
    density = LED(generator=generator, steps=3, batch_size=32, proposals=32, rounds=1, final=64)
    learnt = density.fit(x, rng(1))
    grid = traversal(learnt, 3, 5).reshape(5, 5, 3)
    middle = learnt.push(np.zeros((1, 3)))[0]
    np.testing.assert_allclose(grid[2, 2], middle)
    corner = learnt.push(np.array([[stats.norm.ppf(0.1), stats.norm.ppf(0.9), 0.0]]))[0]
    np.testing.assert_allclose(grid[0, 0], corner)
    figure = plot_latents([("one", rng().random((16, 8, 8)), rng().random((9, 8, 8)))])
    assert [axes.images[0].get_array().shape for axes in figure.axes] == [(35, 35), (26, 26)]


def test_values_that_repeat_themselves_are_given_a_density(root, monkeypatch):
    monkeypatch.setattr(tables, "JITTER", 0.0)
    np.testing.assert_allclose(table("mine.npz:plane", rng()).x, root, atol=1e-6)


# ---- equal time ---------------------------------------------------------------------------


def test_steps_are_extrapolated_from_two_short_trainings(monkeypatch):
    # Two seconds on top, ten milliseconds a step of both parts together.
    took = lambda model, factor, x: 2.0 + 0.01 * factor * 300  # noqa: E731
    monkeypatch.setattr(time_budget, "_seconds", took)
    model = Refined(Flow(steps=100), LED(steps=200))
    found = time_budget.fit_steps_to_budget(model, moons(), 62.0)
    assert (found.flow.steps, found.model.steps) == (2000, 4000)
    assert (
        time_budget.fit_steps_to_budget(Generative(Flow(steps=300)), moons(), 62.0).model.steps
        == 6000
    )
    assert time_budget.fit_steps_to_budget(KDE(), moons(), 62.0) == KDE()


def test_a_paced_model_takes_steps_that_it_can_be_had_by_again():
    model = time_budget.fit_steps_to_budget(FLOW, moons(), 0.3)
    assert model == Flow(steps=model.steps, batch_size=64, hidden=(16,), transforms=2)
    assert model.steps > 1


# ---- what estimators of log Z get wrong ---------------------------------------------------


def test_what_is_known_of_the_target_is_its_closed_form():
    known, s, w = log_z_bias.target_constants(), log_z_bias.WIDTH, log_z_bias.WIDE
    total = 0.0
    for a in (-2, 2):
        for b in (-2, 2):
            # Of N(a, s^2) N(b, s^2) / N(0, w^2): a square is completed.
            power = 2 / s**2 - 1 / w**2
            shift = (a + b) / s**2
            top = shift**2 / (2 * power) - (a**2 + b**2) / (2 * s**2)
            factor = math.sqrt(2 * math.pi) * w / (2 * math.pi * s**2)
            total += factor * math.exp(top) * math.sqrt(2 * math.pi / power) / 4
    assert known["chi2"] == pytest.approx(total - 1, rel=1e-6)
    assert known["entropy"] == pytest.approx(math.log(w * math.sqrt(2 * math.pi * math.e)))
    x = rng().normal(0, w, 200_000)
    p = (stats.norm.pdf(x, -2, s) + stats.norm.pdf(x, 2, s)) / 2
    away = stats.norm.logpdf(x, scale=w) - np.log(p)
    assert known["kl"] == pytest.approx(away.mean(), abs=4 * away.std() / math.sqrt(len(x)))


def test_biases_are_those_of_theory(monkeypatch):
    monkeypatch.setattr(log_z_bias, "DRAWS", 2**20)
    monkeypatch.setattr(log_z_bias, "COUNTS", (1, 64))
    known = log_z_bias.target_constants()
    one, many = log_z_bias.biases(rng())
    assert one["log_z"] == pytest.approx(-known["kl"], abs=4 * one["log_z_error"])
    assert many["log_z"] == pytest.approx(many["expected"], abs=4 * many["log_z_error"] + 1e-3)
    for row in (one, many):
        level = -known["kl"] - known["entropy"]
        assert row["critic"] == pytest.approx(level, abs=4 * row["critic_error"])
        assert row["ratio"] == pytest.approx(1, abs=4 * row["ratio_error"])


def test_the_figure_of_biases_shows_both_levels(monkeypatch):
    rows = [
        {
            "proposals": m,
            "log_z": -2.0 / m,
            "log_z_error": 0.01,
            "critic": -4.0,
            "critic_error": 0.01,
            "ratio": 1.0,
            "ratio_error": 0.01,
        }
        for m in (1, 4)
    ]
    figure = plot_bias(pd.DataFrame(rows), {"chi2": 4.0, "kl": 2.0, "entropy": 2.0})
    left, right = figure.axes
    assert left.get_yscale() == "log"
    assert [t.get_text() for t in left.texts] == [
        "KL(q‖p)",
        "KL(q‖p) + H(q)",
    ]
    assert right.get_ylim()[0] < 1 < right.get_ylim()[1]


# ---- the command --------------------------------------------------------------------------


def test_the_command_learns_tables_and_says_how_well(bench, root, monkeypatch):
    monkeypatch.setattr("results.plots.style.save", lambda *_: [])
    models = (
        "GaussianMixture(components=(1,)),Flow(steps=20, batch_size=32, hidden=(8,), transforms=1)"
    )
    words = ["--tables", "mine.npz:plane", "--models", models, "--seeds", 2, "--format", "csv"]
    answer = bench("density", *words, "--seconds", 0.2, "--out", "found")
    assert answer.code == 0, answer
    # Two models x one table x two seeds, and a measurement of each model's pace.
    assert answer.err.startswith("4 trainings: 2 x 1 x 2 models, laws or tables, and seeds; about")
    assert "; about 1.2 seconds in all" in answer.line
    rows = pd.read_csv("found/densities.csv")
    # After an interrupt there are pairs: all models come before the next seed.
    assert list(rows["seed"]) == [0, 0, 1, 1]
    assert {"nll", "validation", "seconds"} <= set(rows.columns)
    # Steps are counted once for all seeds, and written down.
    assert rows["model"].nunique() == 2
    assert "steps=20," not in rows["model"].iloc[-1]
    said = bench("density", "--tables", "digits", "--models", "Generative", "--seeds", 1)
    assert "1 training: 1 x 1 x 1 models" in said.err
    assert "--seconds 10 limits each to about 10 seconds" in said.line
    assert "accuracy" in said.out
    assert "floor" not in said.out
    assert set(rows["device"]) == {"cpu"}
    wrong = bench("density", "--laws", "moons", "--models", "Generative")
    assert (wrong.code, "is for tables only" in wrong.line) == (2, True), wrong


def test_a_training_that_fails_is_a_row_and_costs_no_other(bench, root, monkeypatch):
    monkeypatch.setattr("results.plots.style.save", lambda *_: [])
    monkeypatch.setattr("bench.density.known_laws.floor", lambda name: 2.0)
    small = "steps=20, batch_size=32, hidden=(8,), transforms=1"
    models = f"Flow({small}, learning_rate=1e30),GaussianMixture(components=(1,))"
    law = ["--laws", "moons", "--n", 200, "--test", 100]
    for where in (["--tables", "mine.npz:plane"], law):
        answer = bench("density", *where, "--models", models, "--seeds", 2, "--out", "found")
        assert answer.code == 0, answer
        rows = pd.read_csv("found/densities.csv")
        failed, well = rows[::2], rows[1::2]
        assert len(failed) == len(well) == 2
        assert failed["error"].str.contains("diverged").all()
        assert failed["nll"].isna().all()
        assert well["error"].isna().all()
        assert well["nll"].notna().all()
        assert "failed" in answer.out
    # Nor does one whose pace cannot be found.
    answer = bench("density", *law, "--models", models, "--seconds", 0.2, "--out", "found")
    assert answer.code == 0, answer
    rows = pd.read_csv("found/densities.csv")
    assert rows["error"].notna().tolist() == [True, False, False, False]


def test_the_command_refuses_a_device_that_is_not_there(bench, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "")
    answer = bench("density", "--laws", "moons", "--device", "cdua", "--out", str(tmp_path / "no"))
    assert (answer.code, "there is no device 'cdua'" in answer.line) == (2, True), answer
    assert not (tmp_path / "no").exists()


def test_what_was_measured_outlives_an_interrupt(bench, root, monkeypatch):
    learn = tables.learn_table

    def interrupted(name, model, seed):
        if seed == 1:
            raise KeyboardInterrupt
        return learn(name, model, seed)

    monkeypatch.setattr(tables, "learn_table", interrupted)
    words = ["--tables", "mine.npz:plane", "--models", "GaussianMixture(components=(1,))"]
    assert bench("density", *words, "--seeds", 2, "--out", "found").code != 0
    assert list(pd.read_csv("found/densities.csv")["seed"]) == [0]


def test_the_command_draws_biases_and_latents(bench, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        "results.plots.style.save", lambda figure, stem: drawn.append(stem.name) or []
    )
    monkeypatch.setattr(log_z_bias, "DRAWS", 2**16)
    monkeypatch.setattr(log_z_bias, "COUNTS", (1, 16))
    answer = bench("density", "--bias", "--out", "biases")
    assert answer.code == 0, answer
    assert list(pd.read_csv("biases/bias.csv")["proposals"]) == [1, 16]
    flow = "OneWayFlow(layers=2, bumps=2, hidden=8, latent=2)"
    model = f"LED(generator={flow}, steps=2, batch_size=16, proposals=16, rounds=1, final=64)"
    answer = bench("density", "--tables", "digits", "--models", model, "--seeds", 1)
    assert answer.code == 0, answer
    assert drawn == ["bias", "latents"]
