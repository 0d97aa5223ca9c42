"""What members pay and gain, and from which size on taking part pays."""

from io import StringIO
from math import inf

import numpy as np
import pandas as pd
import pytest

from algorithms.empirical_bayes import EmpiricalBayes
from algorithms.knn import KNN
from bench.core.random_streams import stream
from bench.datasets.synthetic.gaussians import Gaussians
from bench.execution.measurements import measured, run_measurements
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.participation.trial import ParticipationTrial
from bench.records.store import Store
from collectives.idle import Idle
from collectives.planting import FeatureLabel, FeatureOnly
from collectives.signals.tabular import SetFeature
from results.plots.participation import plot_gains
from results.stats.participation import Terms, mean_gains, net_gain, participation, pays_from
from tests.helpers.records import records

DATA = Gaussians(n=200, n_test=50)
PLANT = FeatureLabel(signal=SetFeature(column=-1, value=1.0), label=1)


def price(strategy=PLANT, size=0.1):
    return ParticipationTrial(Trial(DATA, KNN(1), strategy, size, 0)).measure()["measures"]


def members(size=0.1, data=DATA):
    """Return the members' rows before they act, drawn without the harness, and all rows."""
    split = data.split(stream(0, "data"))
    rows = split.train[stream(0, "members").permutation(len(split.train))[: round(200 * size)]]
    return split.x[rows].astype(float), split.y[rows], split.x[split.train].astype(float)


# ---- what members pay ---------------------------------------------------------------------


def test_members_change_one_coordinate_and_their_label():
    x, y, everybody = members()
    found, bit = price(), x[:, -1]
    assert found["changed_share"] == pytest.approx(np.mean(bit != 1) / x.shape[1])
    spread = sum(everybody.var(axis=0)) ** 0.5
    assert found["distance"] == pytest.approx(np.mean(np.abs(1 - bit)) / spread)
    assert found["changed_label"] == pytest.approx(np.mean(y != 1))


def test_own_accuracy_is_that_of_the_nearest_neighbour_at_the_member_before_it_acts():
    """Without the collective the nearest neighbour of a row is the row itself."""
    x, y, everybody = members(size=0.3)
    found = price(size=0.3)
    assert found["own_accuracy_before"] == 1.0
    split = DATA.split(stream(0, "data"))
    labels = split.y[split.train].copy()
    order = stream(0, "members").permutation(200)[:60]
    acted = everybody.copy()
    acted[order, -1], labels[order] = 1.0, 1
    # The learner standardises points by the rows that it sees.
    mean, sd = acted.mean(axis=0), acted.std(axis=0)
    near = (((x - mean) / sd)[:, None] - ((acted - mean) / sd)[None]) ** 2
    right = labels[near.sum(axis=2).argmin(axis=1)] == y
    assert found["own_accuracy"] == pytest.approx(right.mean())
    assert found["own_accuracy"] < 1


def test_members_that_keep_label_or_do_nothing_pay_less():
    keep = price(FeatureOnly(signal=PLANT.signal, label=1))
    assert keep["changed_label"] == 0
    assert 0 < keep["distance"] < price()["distance"]
    idle = price(Idle(signal=PLANT.signal, label=1))
    assert (idle["changed_share"], idle["distance"], idle["changed_label"]) == (0, 0, 0)
    assert idle["own_accuracy"] == idle["own_accuracy_before"] == 1


def test_without_members_nobody_pays_and_the_record_is_that_of_a_grid():
    assert set(price(size=0.0).values()) == {None}
    trial = Trial(DATA, EmpiricalBayes(), PLANT, 0.1, 0)
    record, (grid,) = measured(ParticipationTrial(trial)), run_trials([trial])
    same = ("status", "success", "success_others", "accuracy", "members", "n", "bounds")
    assert {name: record[name] for name in same} == {name: grid[name] for name in same}
    assert record["measures"].keys() > grid["measures"].keys()


# ---- when taking part pays ----------------------------------------------------------------

SIZES = (0.0, 0.001, 0.01, 0.1)


def line(lost=0.0, slope=0.25, start=0.2):
    """Records whose success rises by an equal step a decade, above a control."""

    def values(key):
        steps = 0 if not key["size"] else np.log10(key["size"]) + 4
        paid = {} if not key["size"] else {"measure_own_accuracy": 0.9 - lost}
        before = {"measure_own_accuracy_before": 0.9 if key["size"] else np.nan}
        return {"success": start + slope * steps, "tested": 100, **before, **paid}

    return records(values, seed=range(3), size=SIZES)


@pytest.mark.parametrize(
    ("terms", "lost", "size"),
    [
        # Gains are .25 at .001, .5 at .01 and .75 at .1, a straight line over decades.
        (Terms(0.5, 0.0), 0.0, 0.01),
        (Terms(0.625, 0.0), 0.0, 10**-1.5),
        (Terms(0.25, 1.0), 0.25, 0.01),
        (Terms(0.25, 0.5), 0.5, 0.01),
        # Half of the success is everybody's: gains are half as large.
        (Terms(0.25, 0.0, 0.5), 0.0, 0.01),
        (Terms(0.9, 0.0), 0.0, inf),
        (Terms(0.1, 0.0), 0.0, 0.0),
    ],
)
def test_the_smallest_size_at_which_taking_part_pays(terms, lost, size):
    frame = line(lost)
    assert pays_from(frame, terms)["estimate"].tolist() == pytest.approx([size] * 3)
    (row,) = participation(frame, terms).to_dict("records")
    assert row["estimate"] == pytest.approx(size)
    gain = (1 - terms.shared) * 0.75 - terms.accuracy * lost
    assert row["peak"] == pytest.approx(gain)
    assert (row["price"], row["shared"]) == (terms.price, terms.shared)


def test_net_gains_are_those_of_the_formula():
    frame = line(lost=0.3)
    gains = net_gain(frame, Terms(accuracy=2.0, shared=0.2))
    wanted = {0.0: 0.0, 0.001: 0.2 - 0.6, 0.01: 0.4 - 0.6, 0.1: 0.6 - 0.6}
    assert gains.to_numpy() == pytest.approx(frame["size"].map(wanted).to_numpy())
    table = mean_gains(frame, Terms(accuracy=2.0, shared=0.2))
    assert table["gain"].tolist() == pytest.approx([-0.4, -0.2, 0.0])
    assert (table["low"] < table["gain"]).all()
    assert plot_gains(table, (0.1,)).axes[0].get_ylabel() == "net gain of a member"


def test_records_without_own_accuracy_or_control_are_no_answer():
    frame = line().drop(columns=["measure_own_accuracy"])
    with pytest.raises(ValueError, match="no measure_own_accuracy"):
        net_gain(frame, Terms())
    assert net_gain(frame, Terms(accuracy=0.0)).notna().all()
    without = frame[frame["size"] > 0]
    assert net_gain(without, Terms(accuracy=0.0)).isna().all()


def test_the_command_prints_sizes_and_refuses_records_without_own_accuracy(bench, tmp_path):
    data = Gaussians(n=40, n_test=40)
    trials = [Trial(data, KNN(), PLANT, size, seed) for seed in (0, 1) for size in (0.0, 0.5)]
    run_measurements([ParticipationTrial(trial) for trial in trials], tmp_path / "paid")
    answer = bench("participation", tmp_path / "paid", "--price", "0.1", "--format", "csv")
    table = pd.read_csv(StringIO(answer.out))
    assert (table["price"].tolist(), table["seeds"].tolist()) == ([0.1], [2])
    with Store(tmp_path / "grid") as store:
        store.commit(run_trials(trials))
    refused = bench("participation", tmp_path / "grid")
    assert (refused.code, "--accuracy 0" in refused.line) == (2, True)
