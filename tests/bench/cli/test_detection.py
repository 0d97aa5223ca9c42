"""The command that measures detection: tables, figures and errors."""

import json

import pandas as pd
import pytest

AXES = "--datasets Coins(n=200,n_test=50) --strategies FeatureLabel --sizes 0.1,0.05"
TINY = f"detection {AXES} --learner KNN --seeds 2 --jobs 0".split()


def test_records_tables_and_figures(bench, tmp_path, figures_as_svg):
    said = bench(*TINY, "--scores", "DeepKNN,Loss", "--format", "json")
    assert said.code == 0, said
    rows = json.loads(said.out)
    assert {(row["size"], row["seeds"]) for row in rows} == {(0.05, 2), (0.1, 2)}
    assert len(rows) == 4
    assert all(row["auc_low"] <= row["auc"] <= row["auc_high"] for row in rows)
    folder = tmp_path / "runs" / "detection"
    records = pd.read_csv(folder / "detection.csv")
    assert (records["members"] == (records["size"] * 200).round()).all()
    assert sorted(records["seed"]) == [0, 0, 0, 0, 1, 1, 1, 1]
    assert len(pd.read_csv(folder / "curves.csv")) == 8 * 101
    by = records.groupby(["size", "score"])["auc"].mean()
    for row in rows:
        assert row["auc"] == pytest.approx(by[row["size"], row["score"]])
    assert all((folder / f"{name}.svg").stat().st_size for name in ("areas", "roc"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--sizes", "0,0.1"), "--sizes 0,0.1 are not all above 0 and below 1"),
        (("--sizes", "much"), "'much' is not a number"),
        (("--scores", "Spectrum"), "no suspicion score 'Spectrum'. Did you mean 'Spectral'?"),
        (("--learner", "KNM"), "there is no learner 'KNM'. Did you mean 'KNN'?"),
        (("--scores", "Loss(epoch=3)"), "no score could be measured"),
    ],
)
def test_errors_name_the_input_and_the_way_out(bench, words, says):
    said = bench(*TINY, *words)
    assert said.code == 2
    assert says in said.line


def test_why_a_score_failed_is_said_once(bench, figures_as_svg):
    said = bench(*TINY, "--scores", "Loss(epoch=3),DeepKNN", "--seeds", "1")
    assert said.code == 0
    assert said.line.count("needs the model of epoch 3") == 1
    assert "failed in 2 trials" in said.line
