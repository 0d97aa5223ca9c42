"""The command ``frontier``: the settings that tuning tried, or those of records without tuning."""

from pathlib import Path

import pandas as pd

from tests.helpers.command_line import tiny

SETTINGS = {"sizes": "0,0.1,0.3", "seeds": "2", "learners": "ERM(epochs=5),ERM(epochs=9),KNN"}


def test_settings_of_tuning_are_compared(bench, no_figures, figures_as_svg):
    assert bench(*tiny(**SETTINGS), "--tune", "2").code == 0
    said = bench("frontier", "quick", "--format", "csv", "--out", "out", "--level", "0.2")
    assert said.code == 0, said
    rows = pd.read_csv("out/settings.csv")
    knn = rows[rows["learner"].str.startswith("KNN")]
    assert knn["setting"].nunique() == 2
    assert set(rows["seeds"]) == {3}
    assert Path("out/frontier.svg").exists()
    table = pd.read_csv("out/frontier.csv")
    assert set(table["learner"]) <= set(knn["learner"])
    assert not table["learner"].str.startswith("ERM").any()


def test_records_without_settings_of_erm_are_refused(bench, no_figures):
    assert bench(*tiny(learners="KNN,EmpiricalBayes")).code == 0
    said = bench("frontier", "quick")
    assert said.code == 2
    assert "run the grid with --tune" in said.line
