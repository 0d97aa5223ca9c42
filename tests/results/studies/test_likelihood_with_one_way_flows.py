"""The claims of the study on made-up figures of merit: each has the sign that its words have."""

import pandas as pd
import pytest

from results.plots.snapshots import plot_snapshots
from results.stats.intervals import bounded, student
from results.stats.snapshots import at_seconds, mean_snapshots
from results.studies.base import load
from results.studies.claims import Claim
from results.studies.likelihood_with_one_way_flows import DRAWN, measurements

STUDY = load("likelihood-with-one-way-flows")
#: Figures of merit of a good model of images and of a bad one, and of models of laws.
GOOD = {
    **{"coverage": 0.9, "precision": 0.9, "recall": 0.9, "frechet": 10.0, "classes": 10.0},
    **{"class_kl": 0.01, "gap": 0.1, "copies": 1.2, "effective": 0.5, "detour": 1.2, "jump": 1.2},
    **{"above": 0.01, "mass": -0.004, "covered": 1.0},
    **{f"{name}_at_{k}": 0.4 + k / 10 for name in DRAWN for k in (1, 2)},
    **{"seconds_at_1": 1.0, "seconds_at_2": 2.0},
}
BAD = {
    **{"coverage": 0.2, "precision": 0.2, "recall": 0.2, "frechet": 90.0, "classes": 3.0},
    **{
        "class_kl": 0.9,
        "gap": 90.0,
        "copies": 0.1,
        "effective": 0.001,
        "detour": 9.0,
        "jump": 9.0,
    },
    **{"above": 0.5, "mass": 0.4, "covered": 0.3},
    **{f"{name}_at_{k}": k / 10 for name in DRAWN for k in (1, 2)},
    **{"seconds_at_1": 2.0, "seconds_at_2": 4.0},
}


def records(good, quick=True):
    """Records in which the models of some classes are good, and all others are bad."""
    rows = []
    for one in measurements(quick):
        values = GOOD if one.key.learner.partition("(")[0] in good else BAD
        noise = 1 + one.key.seed / 1000
        made = {f"measure_{name}": value * noise for name, value in values.items()}
        rows.append({**one.key._asdict(), "status": "ok", "n": 100, "success": None} | made)
    return pd.DataFrame(rows)


def judged(table):
    found = STUDY.verdicts(table)
    return found[found["verdict"] != "left out"].set_index("claim")["verdict"]


def test_claims_hold_where_the_papers_models_are_good():
    verdicts = judged(records(("ConvLED", "PathLED", "LED")))
    assert len(verdicts) == 15 + 2 * 8
    assert set(verdicts) == {"holds"}


def test_claims_fail_where_the_other_models_are_good():
    verdicts = judged(records(("ConvWGAN", "ConvMEG", "Flow")))
    assert set(verdicts) == {"fails"}


@pytest.mark.parametrize("mass", [0.04, -0.04])
def test_an_error_of_log_z_counts_in_both_directions(mass):
    table = records(("ConvLED", "PathLED", "LED")).assign(measure_mass=mass)
    verdicts = judged(table)
    about = verdicts.index.str.contains("log Z")
    assert about.sum() == 4
    assert set(verdicts[about]) == {"fails"}


def test_sets_without_records_are_left_out():
    found = STUDY.verdicts(records(("ConvLED",)))
    out = found[found["verdict"] == "left out"]
    assert len(out) == 2 * 15
    assert out["claim"].str.contains("MNIST").all()
    assert set(found["evidence"]) == {"analogy"}


def test_digits_alone_are_in_the_quick_version():
    data = [one.key.dataset.partition("(")[0] for one in measurements(True)]
    assert set(data) == {"Digits", "Planar"}
    steps = {one.model.steps for one in measurements(True) if "Digits" in one.key.dataset}
    assert len(steps) == 1


def test_claims_speak_of_different_things():
    says = [claim.says for claim in STUDY.claims]
    assert len(set(says)) == len(says)
    assert all(isinstance(claim, Claim) for claim in STUDY.claims)


def test_snapshots_are_averaged_over_seeds():
    table = mean_snapshots(records(("ConvLED",)), DRAWN)
    assert set(table["dataset"].str.partition("(")[0]) == {"Digits", "Planar"}
    rows = table[table["learner"].str.startswith("ConvLED")].set_index(["measure", "snapshot"])
    assert len(rows) == len(DRAWN) * 2
    seeds = pd.Series([1.0, 1.001, 1.002])
    row = rows.loc[("recall", 2)]
    assert (row["seeds"], row["mean"]) == (3, pytest.approx(0.6 * seeds.mean()))
    assert [row["low"], row["high"]] == pytest.approx(bounded(0.6 * seeds.to_numpy())[1:3])
    low, high = rows.loc[("frechet", 1), ["low", "high"]]
    assert [low, high] == pytest.approx(student(0.5 * seeds.to_numpy())[1:3])
    # Seeds without a number do not count.
    missing = records(("ConvLED",)).assign(measure_recall_at_1=None)
    assert ("recall", 1) not in set(
        mean_snapshots(missing, DRAWN)[["measure", "snapshot"]].itertuples(index=False, name=None)
    )


def test_convergence_is_compared_at_equal_times():
    """A model that is as good after each step, and twice as fast, converges faster by time."""
    table = records(("ConvLED", "ConvWGAN"))
    slow = table["learner"].str.startswith("ConvWGAN")
    table.loc[slow, ["measure_seconds_at_1", "measure_seconds_at_2"]] *= 2
    found = STUDY.verdicts(table).set_index("claim")["effect"]
    by_steps, by_time = (
        found[f"ConvLED converges faster than the GAN, by {unit} (8 x 8 digits)."]
        for unit in ("steps", "processor seconds")
    )
    assert by_steps == pytest.approx(0)
    assert by_time == pytest.approx(0.1 * 1.001)
    table.loc[slow, "measure_seconds_at_1"] = [2.0, float("nan"), 2.0]
    verdicts = STUDY.verdicts(table).set_index("claim")["seeds"]
    assert sorted(set(verdicts[verdicts > 0])) == [2, 3]


def test_a_seed_without_a_snapshot_has_no_figure_at_a_time():
    one = records(("ConvLED",))
    one = one[one["learner"].str.startswith("ConvLED")]
    one.loc[one["seed"] == 1, "measure_coverage_at_2"] = None
    found = at_seconds(one, "coverage", pd.Series({0: 1.5, 1: 1.5, 2: 0.0, 9: 1.5}))
    assert found.isna().tolist() == [False, True, False, True]
    assert (found[0], found[2]) == (pytest.approx(0.55), 0)


def test_a_figure_has_a_row_a_set_and_a_curve_a_model():
    images = records(("ConvLED",))
    images = images[images["dataset"].str.startswith("Digits")]
    more = images.assign(dataset="MNIST(n=None)")
    figure = plot_snapshots(mean_snapshots(pd.concat([images, more]), DRAWN))
    assert len(figure.axes) == 2 * len(DRAWN)
    assert [len(axes.containers) for axes in figure.axes] == [3] * 8
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "ConvLED",
        "ConvMEG",
        "ConvWGAN",
    ]
    line = figure.axes[0].containers[0].lines[0]
    assert line.get_ydata() == pytest.approx([0.5005, 0.6006])
    assert plot_snapshots(mean_snapshots(images[:0], DRAWN)).axes == []
