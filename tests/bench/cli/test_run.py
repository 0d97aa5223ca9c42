"""Runs on the command line, as somebody types them."""

import errno
import json
import os
import shutil
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from algorithms.knn import KNN
from bench.records.store import Store
from bench.spec.registry import REGISTRY
from tests.helpers.command_line import BAD, tiny

# ---- run ----------------------------------------------------------------------------------


def test_a_run_prints_results_on_stdout_and_progress_on_stderr(finished):
    runs, said = finished
    assert said.code == 0, said
    assert said.out.splitlines()[0] == "Coins, FeatureLabel"
    assert "EmpiricalBayes" in said.out
    assert "critical mass at 0.5" in said.out
    for words in (
        "grid quick: 18 trials, 18 to run on 1 process",
        "0 failed",
        "tables and figures to runs/quick; next: python run_bench.py report quick",
    ):
        assert words in said.err
        assert words not in said.out
    inside = {path.name for path in (runs / "quick").rglob("*") if path.is_file()}
    assert {"records.jsonl", "about.json", "curves.csv", "critical.csv"} <= inside
    assert {"success.png", "success.svg", "success.csv", "critical.png"} <= inside


def test_a_size_without_members_is_noted(no_figures, bench):
    said = bench(*tiny(sizes="0.001,0.1", seeds="1"))
    assert said.code == 0, said
    assert said.line.count("is no member") == 1
    assert "size 0.001 of 200 people is no member on Coins(n=200, n_test=200" in said.line


def test_a_run_describes_itself(ran):
    about = json.loads((ran / "about.json").read_text())
    assert about["grid"] == "quick"
    assert about["trials"] == 18
    assert about["command"][:2] == ["run", "quick"]
    assert about["wall_seconds"] > 0
    (part,) = about["parts"]
    assert part["learners"] == [repr(KNN()), "EmpiricalBayes()"]
    assert part["sizes"] == [0.0, 0.02, 0.1]


def test_the_same_command_runs_nothing_again(no_figures, bench, ran):
    before = (ran / "records.jsonl").read_bytes()
    said = bench(*tiny())
    assert said.code == 0
    assert "18 trials, 0 to run" in said.err
    assert (ran / "records.jsonl").read_bytes() == before


def test_a_run_shows_its_own_grid_and_keeps_the_others(no_figures, bench, ran):
    said = bench(*tiny(learners="LDA"))
    assert said.code == 0, said
    assert "9 trials, 9 to run" in said.err
    assert "18 records of other grids are in runs/quick too" in said.line
    assert "LDA" in said.out
    assert "KNN" not in said.out
    table = pd.read_csv(StringIO(bench("curves", "quick", "--format", "csv").out))
    assert set(table["learner"].str.partition("(")[0]) == {"LDA"}
    assert "KNN" not in (ran / "curves.csv").read_text()
    together = bench(*tiny(learners="KNN,LDA"))
    assert "18 trials, 0 to run" in together.err
    assert {"KNN", "LDA"} <= set(together.out.split())


def test_stale_records_are_named_and_renewed_when_asked(no_figures, bench, ran):
    with Store(ran) as store:
        old = [r | {"code": "1.2.3"} for r in store.records() if r["seed"] == 0]
        store.commit(old)
    assert len(old) == 6
    said = bench(*tiny())
    assert "6 records were made by other code; --rerun-stale renews them" in said.line
    status = pd.read_csv(StringIO(bench("status", "quick", "--format", "csv").out))
    assert status["stale"].tolist() == [3, 3]
    assert "18 trials, 6 to run" in bench(*tiny(), "--rerun-stale").err
    assert "other code" not in bench(*tiny()).err


def test_failed_trials_are_summed_up_and_exit_with_one(no_figures, bench, tmp_path):
    (tmp_path / "bad.py").write_text(
        BAD.replace("BODY", "raise ArithmeticError(sample.y.sum() * 0)")
    )
    words = tiny(learners="Bad,KNN", plugin="bad.py")
    said = bench(*words)
    assert said.code == 1
    assert "9 of 18 trials failed (their records are in runs/quick" in said.line
    assert "--retry-failed runs them again" in said.line
    assert "9 x Bad: ArithmeticError: 0" in said.err
    assert "KNN" in said.out
    assert "18 trials, 0 to run" in bench(*words).err
    assert "18 trials, 9 to run" in bench(*words, "--retry-failed").err
    for option in ((), ("--plugin", "bad.py")):
        # As in another process, which knows the plugin from the run or from the option alone.
        del REGISTRY.kinds["learners"]["Bad"]
        status = bench("status", "quick", *option, "--format", "csv")
        assert pd.read_csv(StringIO(status.out))["failed"].tolist() == [9, 0]
    (tmp_path / "bad.py").rename(tmp_path / "moved.py")
    said = bench("status", "quick")
    assert said.code == 2
    assert "runs/quick was run with a plugin, and cannot read the plugin" in said.line
    assert "name it by --plugin" in said.line


def test_a_run_in_which_all_fails_still_ends_in_a_summary(no_figures, bench):
    said = bench(*tiny(learners="BayesOptimal", datasets="Digits", seeds="2", sizes="0.1"))
    assert said.code == 1, said
    assert "4 of 4 trials failed" in said.line
    assert "BayesOptimal needs a dataset whose law is known" in said.line


def test_axes_of_a_grid_file_are_overridden(no_figures, bench, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'datasets = ["Coins"]\nlearners = ["ERM"]\nsizes = [0.3]\nseeds = 9\n'
        '[[part]]\nstrategies = ["Idle"]\n[[part]]\nstrategies = ["FeatureLabel"]\n'
    )
    said = bench(
        "run",
        "mine.toml",
        "--datasets",
        "Coins(n=40, n_test=40)",
        "--learners",
        "KNN(1),",
        "--learners",
        "KNN(3)",
        "--seeds",
        "2",
        "--jobs",
        "0",
        "--out",
        "here",
        "--validation",
        "clean,contaminated",
    )
    assert said.code == 0, said
    assert "grid mine: 32 trials, 32 to run on 1 process, into here" in said.line
    (part, other) = json.loads(Path("here/about.json").read_text())["parts"]
    assert (part["seeds"], part["sizes"], other["sizes"]) == (2, [0.0, 0.3], [0.0, 0.3])
    assert "Coins, FeatureLabel, contaminated" in said.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("quik", "no grid 'quik'. Did you mean 'quick'"),
        ("quik.toml", "cannot read the grid quik.toml: No such file or directory. Did you mean"),
        ("quick --learners ERN", "no learner 'ERN'. Did you mean 'ERM'"),
        ("quick --learners CVaRDRO(lvel=1)", "named 'lvel'. Did you mean 'level'"),
        ("quick --learners CVaRDRO(level=2)", "level=2: input should be less than or equal to 1"),
        ("quick --learners ,", "not a list of specs, separated by commas: ','"),
        ("quick --strategies FeatureLabels", "no strategy 'FeatureLabels'. Did you mean"),
        (
            "quick --datasets Digits --strategies FeatureLabel(label=99)",
            "label=99) aims at the label 99, and Digits has the labels 0..9",
        ),
        (
            "quick --datasets Coins --dry-run --strategies Noisy(FeatureLabel(label=2))",
            "aims at the label 2, and Coins has the labels 0..1",
        ),
        ("quick --datasets Digit", "no dataset 'Digit'. Did you mean 'Digits'"),
        ("quick --sizes 1.5", "1.5 in sizes=(1.5,): input should be less than or equal to 1"),
        ("quick --sizes nan", "nan in sizes=(nan,): input should be"),
        (
            "quick --sizes -0.1",
            "-0.1 in sizes=(-0.1,): input should be greater than or equal to 0",
        ),
        ("quick --sizes 0.1,much", "--sizes 0.1,much: 'much' is not a number. Allowed: shares"),
        (
            "quick --seeds 0",
            "the command line: seeds=0: input should be greater than or equal to 1",
        ),
        ("quick --seeds 1.5", "'--seeds'"),
        ("quick --jobs -1", "'--jobs'"),
        ("quick --validation cleen", "'clean' or 'contaminated'. Did you mean 'clean'"),
        ("quick --plugin nope.py", "cannot read the plugin nope.py"),
        ("quick --out a_file/run", "cannot write to a_file/run: Not a directory"),
        ("quick --out a_file", "cannot write to a_file: File exists"),
        ("bad.toml", "the grid bad.toml is not TOML"),
        ("odd.toml", "entry of the grid odd.toml named 'learner'. Did you mean 'learners'"),
        ("none.toml", "the grid none.toml lacks learners"),
        ("part.toml", "part is written [[part]]"),
        ("text.toml", "the grid text.toml: learners='ERM': input should be a valid tuple"),
        ("bool.toml", "True in sizes=(True,): input should be a valid number"),
    ],
)
def test_what_cannot_be_run_is_said_in_a_line(bench, tmp_path, words, says):
    files = {
        "a_file": "",
        "bad.toml": "[[",
        "odd.toml": 'learner = ["ERM"]',
        "none.toml": 'datasets = ["Coins"]',
        "part.toml": "part = 3",
        "text.toml": 'datasets = ["Coins"]\nlearners = "ERM"',
        "bool.toml": 'datasets = ["Coins"]\nlearners = ["ERM"]\nsizes = [true]',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    said = bench("run", *words.split())
    assert said.code == 2, said
    assert says in said.line
    assert said.out == ""
    assert not (tmp_path / "runs").exists()


def test_words_may_be_keywords_of_python(bench):
    said = bench(*tiny(recruitment="class, uniform", seeds="1"), "--dry-run")
    assert said.code == 0, said
    assert "12 trials, 0 done" in said.line


def test_a_grid_file_may_begin_with_a_byte_order_mark(bench, tmp_path):
    text = 'datasets = ["Coins"]\nlearners = ["KNN"]\nseeds = 1\nsizes = [0.1]\n'
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8-sig")
    assert "2 trials, 0 done" in bench("run", "mine.toml", "--dry-run").line


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(bench, ran, monkeypatch):
    monkeypatch.setattr("bench.records.published.rates", dict)
    said = bench(*tiny(learners="KNN,LDA"), "--dry-run")
    assert said.code == 0
    assert "18 trials, 9 done, 0 of them failed, 0 stale; 9 to run in 1 chunks" in said.line
    assert "core-hours for 0 of them" in said.line
    assert "9 are of learners that were never measured" in said.line
    assert "core-hours for 9 of them" in bench(*tiny(seeds="6", learners="KNN"), "--dry-run").line
    assert "uncertain" not in said.line
    both = tiny(seeds="6", learners="KNN", datasets="Digits,Coins(n=200, n_test=200)")
    text = "that of 9 trials was measured on the same dataset, that of 18 on other datasets"
    assert text in bench(*both, "--dry-run").line
    assert not bench(*tiny(), "--dry-run", "--out", "nowhere").code
    assert not Path("nowhere").exists()


def test_shards_are_merged_into_the_run(bench, no_figures, ran):
    for number in (1, 2):
        said = bench(*tiny(), "--shard", f"{number}/2")
        assert f"into runs/quick-{number}-of-2" in said.line
    said = bench("merge", "quick-1-of-2", "quick-2-of-2", "--out", "runs/whole")
    assert said.code == 0, said
    assert "18 records in runs/whole; 0 were there twice" in said.line
    assert bench("curves", "whole").out == bench("curves", "quick").out
    assert "18 trials, 0 to run" in bench(*tiny(), "--out", "runs/whole").line
    assert bench("status", "quick-1-of-2").err == ""


def test_a_share_without_trials_is_done_and_can_be_merged(bench, ran):
    said = bench(*tiny(), "--shard", "7/5000")
    assert said.code == 0, said
    assert "no trial of the grid quick is in the share 7/5000" in said.line
    assert "18 records" in bench("merge", "quick", "quick-7-of-5000", "--out", "whole").line


def test_records_that_differ_raise_an_alarm(bench, ran):
    shutil.copytree(ran, ran.parent / "other")
    with Store(ran.parent / "other") as store:
        (first, *rest) = store.records()
        store.path.unlink()
    with Store(ran.parent / "other") as store:
        store.commit([first | {"accuracy": 0.123, "environment": "e"}, *rest])
    about = json.loads((ran / "about.json").read_text())
    about["environments"]["e"] = [{"processor": "abacus"}]
    (ran.parent / "other" / "about.json").write_text(json.dumps(about))
    said = bench("merge", "quick", "other", "--out", "both")
    assert said.code == 1
    assert "determinism alarm: 1 trials" in said.line
    assert "accuracy = 0.123 in runs/other" in said.line
    assert "'abacus'" in said.line


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_run_is_exported(bench, ran, suffix):
    said = bench("export", "quick", "--out", f"table.{suffix}")
    assert "wrote 18 records" in said.line
    read = pd.read_csv if suffix == "csv" else pd.read_parquet
    table = read(f"table.{suffix}")
    assert table["success"].tolist() == Store(ran).frame()["success"].tolist()


def test_records_of_all_grids_are_exported(bench, no_figures, ran):
    bench(*tiny(learners="LDA"))
    said = bench("export", "quick", "--out", "table.csv")
    assert "wrote 27 records to table.csv" in said.line
    assert "other grids" not in said.line
    assert pd.read_csv("table.csv")["learner"].nunique() == 3


def test_what_is_exported_may_lie_in_a_new_folder(bench, ran):
    for suffix in ("csv", "parquet"):
        assert bench("export", "quick", "--out", f"new/{suffix}/table.{suffix}").code == 0
        assert Path(f"new/{suffix}/table.{suffix}").is_file()


@pytest.mark.parametrize(
    ("command", "name"),
    [("export", "t.csv"), ("export", "t.parquet"), ("publish", "t.parquet"), ("report", "t.html")],
)
def test_what_cannot_be_written_is_said(bench, no_figures, ran, command, name):
    Path("a_file").write_text("")
    Path("full").mkdir()
    Path("full", name).symlink_to("/dev/full")
    for folder, says in (("full", "No space left on device"), ("a_file", "")):
        said = bench(command, "quick", "--out", f"{folder}/{name}")
        assert said.code == 2
        assert f"cannot write to {folder}/{name}: {says}" in said.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--shard 3/2", "'3/2' is not a share like 7/50"),
        ("--dask tcp://x:1 --device cpu", "--device sets the device of local workers"),
        ("--time-limit 3", "limits need a worker process"),
    ],
)
def test_what_does_not_go_together_is_said(bench, words, says):
    said = bench(*tiny(), *words.split())
    assert said.code == 2
    assert says in said.line
    assert not Path("runs").exists()


def test_a_learner_that_always_fails_is_left_out_and_said(no_figures, bench, tmp_path):
    (tmp_path / "bad.py").write_text(BAD.replace("BODY", "raise ArithmeticError('no')"))
    said = bench(*tiny(learners="Bad,KNN", plugin="bad.py", seeds="9"))
    assert said.code == 1
    assert "Bad() was stopped on Coins(n=200, n_test=200" in said.line
    assert "13 of its trials were left out" in said.line
    status = bench("status", "quick", "--plugin", "bad.py", "--format", "csv")
    assert pd.read_csv(StringIO(status.out))["left"].tolist() == [13, 0]
    assert "trials a second" in status.err


def test_a_second_run_into_a_folder_is_refused(bench, ran):
    with Store(ran):
        said = bench(*tiny())
    assert said.code == 2
    assert "another process is writing to runs/quick" in said.line


def test_damaged_records_are_run_again(no_figures, bench, ran):
    path = ran / "records.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"seed":1', b'"seed":7', 1))
    said = bench(*tiny())
    assert "set aside damaged records (line " in said.line
    assert "18 trials, 1 to run" in said.err
    assert said.code == 0


def test_a_disk_that_is_full_is_said_in_a_line(bench, monkeypatch):
    def full():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("run_bench.app", full)
    said = bench("figures", "quick")
    assert (said.code, said.line) == (2, "error: No space left on device")
