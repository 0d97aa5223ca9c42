"""Studies whose trials are measurements: their records, figures and claims."""

import pandas as pd
import pytest

from bench.experiment.trial import Key
from bench.records.store import Store
from results.plots.blocks import plot_blocks
from results.stats.blocks import mean_accuracies
from results.studies.base import load, studies
from results.studies.outputs import study_of_measurements
from results.studies.simplicity_bias import ALIGNED, measurements


def made(one):
    """A record of a network that looks at the simple block alone, and finds every signal."""
    measures = {"intact": 1.0, "randomised_simple": 0.5, "randomised_complex": 1.0}
    won = {"success": 0.5, "success_others": 0.9 if one.key.size else 0.0, "accuracy": 1.0}
    return {**one.key._asdict(), "status": "ok", "error": None, "n": 100, **won} | {
        "measures": measures
    }


@pytest.fixture
def folder(tmp_path):
    with Store(tmp_path / "run") as store:
        store.commit([made(one) for one in measurements(True)])
    return tmp_path / "run"


def test_records_of_measurements_are_of_their_study(folder):
    frame = Store(folder).frame()
    study = load("simplicity-bias")
    assert study_of_measurements(frame.head(3)) is study
    assert study_of_measurements(frame.assign(learner="KNN()")) is None


def test_measurements_of_different_studies_have_different_keys():
    seen: dict[Key, str] = {}
    for name, study in studies().items():
        for one in study.measurements(False) if study.measurements else ():
            assert seen.setdefault(one.key, name) == name


def test_claims_find_their_records_where_all_files_are_there(tmp_path, monkeypatch):
    """Two kinds of dominoes are beside each other then."""
    monkeypatch.setattr("results.studies.simplicity_bias.has_files", lambda data: True)
    with Store(tmp_path) as store:
        store.commit([made(one) for one in measurements(False)])
    verdicts = load("simplicity-bias").verdicts(Store(tmp_path).frame())
    assert set(verdicts["verdict"]) == {"holds"}
    assert len(verdicts) == 15


def test_figures_of_a_folder_of_measurements_are_those_of_its_study(bench, folder):
    """The claims hold for a network that looks at the simple block alone."""
    answer = bench("figures", folder, "--only", "verdicts")
    assert answer.code == 0
    names = {path.name for path in (folder / "figures").iterdir()}
    assert "verdicts.png" in names
    assert "success.png" not in names
    verdicts = pd.read_csv(folder / "figures" / "verdicts.csv")
    judged = verdicts[verdicts["verdict"] != "left out"]
    assert len(judged) == 10
    assert set(judged["verdict"]) == {"holds"}
    replications = judged[judged["evidence"] == "replication"]
    assert set(replications["data"]) == {"Slabs"}


def test_accuracies_are_averaged_by_block(folder):
    records = Store(folder).frame()
    table = mean_accuracies(records).set_index("randomised")["accuracy"]
    wanted = {"none": 1.0, "simple": 0.5, "complex": 1.0}
    assert {name: set(table[name]) for name in wanted} == {n: {v} for n, v in wanted.items()}
    figure = plot_blocks(mean_accuracies(records))
    assert len(figure.axes) == 2


def test_dominoes_are_judged_on_points_whose_images_agree():
    groups = {one.groups for one in measurements(True) if "Dominoes" in one.key.dataset}
    assert groups == {ALIGNED}
