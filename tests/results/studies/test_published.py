"""The list of studies: verdicts of runs, and those that ship."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import results
from bench.core.errors import BenchError
from results.studies.base import load, studies
from results.studies.outputs import FULL
from results.studies.page import MARK, page, read
from results.studies.published import FILE, collect, run_folder, summary


def write_verdicts(runs, study="how-many", words=("holds", "fails", "undecided", "left out")):
    """Verdicts of as many claims, and a row of a data set below the first."""
    rows = [
        {"number": str(i), "claim": "", "verdict": word, "data": "Coins", "evidence": "analogy"}
        for i, word in enumerate(words, 1)
    ]
    rows[0] |= {"data": "Adult; Coins", "evidence": "replication"}
    rows.insert(1, {**rows[0], "number": "1a", "data": "Digits"})
    folder = run_folder(study, runs)
    folder.mkdir(parents=True)
    pd.DataFrame(rows).to_csv(folder / "verdicts.csv", index=False)


def test_a_run_is_counted_by_whole_claims(tmp_path):
    assert summary("how-many", tmp_path, tmp_path / "none.csv") is None
    write_verdicts(tmp_path)
    found = summary("how-many", tmp_path, tmp_path / "none.csv")
    assert (found.holds, found.fails, found.undecided, found.replicated) == (1, 1, 2, 1)
    assert found.data == "Adult, Coins"
    assert found.source == str(tmp_path / "study-how-many")


def test_collected_verdicts_stand_in_for_a_run(tmp_path):
    write_verdicts(tmp_path)
    write_verdicts(tmp_path, "sync-or-sink", words=("holds",))
    shipped = tmp_path / "published.csv"
    assert set(collect(tmp_path, shipped)) == set(studies()) - {"how-many", "sync-or-sink"}
    found = summary("sync-or-sink", tmp_path / "elsewhere", shipped)
    assert (found.holds, found.fails, found.source) == (1, 0, "published")
    assert summary("two-collectives", tmp_path / "elsewhere", shipped) is None
    write_verdicts(tmp_path / "later", "sync-or-sink", words=("fails", "fails"))
    collect(tmp_path / "later", shipped)
    later = summary("sync-or-sink", tmp_path / "elsewhere", shipped)
    assert (later.holds, later.fails) == (0, 2)
    # Studies without a run in the folder keep their verdicts.
    kept = summary("how-many", tmp_path / "elsewhere", shipped)
    assert (kept.holds, kept.fails, kept.undecided) == (1, 1, 2)
    with pytest.raises(BenchError, match="no study has verdicts in"):
        collect(tmp_path / "elsewhere", shipped)


def test_the_command_lists_verdicts_and_data(bench, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_verdicts(tmp_path / "runs")
    rows = {row["study"]: row for row in json.loads(bench("study", "--format", "json").out)}
    assert set(rows) == set(studies())
    one = rows["how-many"]
    assert (one["hold"], one["fail"], one["undecided"]) == (1, 1, 2)
    assert one["data"] == "Adult, Coins"
    other = rows["two-collectives"]
    if other["verdicts of"] == "none yet":
        assert other["hold"] == ""
    assert all(row["data"] for row in rows.values())


def test_the_page_has_a_section_for_each_study_with_verdicts(tmp_path):
    study = load("two-collectives")
    claims = [
        {"number": "1", "claim": "It holds.", "verdict": "holds", "cause": ""},
        {"number": "2", "claim": "It fails.", "verdict": "fails", "cause": "A cause."},
        {"number": "2a", "claim": "It fails.", "verdict": "fails", "cause": ""},
    ]
    numbers = {"effect": 0.25, "low": 0.2, "high": 0.3, "interval": "t", "seeds": 3}
    grounds = dict.fromkeys((*FULL, "measured"), "") | {"above": 0.0, "below": np.inf}
    rows = [row | numbers | grounds | {"needed": np.nan} for row in claims]
    pd.DataFrame(rows).assign(study="two-collectives").to_csv(tmp_path / "v.csv", index=False)
    made = page(f"# Studies\n\nHead.\n\n{MARK}\nearlier", read(tmp_path / "v.csv"))
    assert made.startswith(
        f"# Studies\n\nHead.\n\n{MARK}\n\n## two-collectives\n\n[{study.paper}]"
    )
    assert "earlier" not in made
    assert "2 claims: 1 holds, 1 fails." in made
    assert "0.25 [0.2, 0.3]" in made
    assert "- *It fails.* A cause." in made
    with pytest.raises(ValueError, match="no line"):
        page("# Studies", read(tmp_path / "v.csv"))


@pytest.mark.skipif(not FILE.is_file(), reason="no verdicts ship")
def test_the_page_of_the_documentation_has_the_verdicts_that_ship():
    path = Path(results.__file__).parents[1] / "docs" / "results" / "studies.md"
    text = path.read_text(encoding="utf-8")
    assert text == page(text, read())
