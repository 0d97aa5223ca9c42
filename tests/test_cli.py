"""The command line, as somebody types it."""

import json
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import run_bench
from bench.grid import shipped
from bench.published import read as read_published
from bench.published import sentinels
from bench.published import write as write_published
from bench.registry import REGISTRY
from bench.store import Store

AXES = {
    "datasets": "Coins(n=200, test=200)", "learners": "KNN, EmpiricalBayes",
    "strategies": "FeatureLabel", "sizes": "0.02,0.1", "seeds": "3", "jobs": "0",
}  # fmt: skip


def tiny(**other):
    """The command that runs a tiny grid."""
    return ["run", "quick", *[w for k, v in (AXES | other).items() for w in (f"--{k}", v)]]


COMMANDS = [
    "run",
    "list",
    "status",
    "curves",
    "critical",
    "compare",
    "publish",
    "figures",
    "check",
    "merge",
    "export",
]


class Answer:
    """What the program said: its exit code, stdout and stderr."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        self.line = " ".join(err.split())

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


@pytest.fixture
def bench(capsys, monkeypatch, tmp_path):
    """Run the command line in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))

    def bench(*words):
        monkeypatch.setattr(sys, "argv", ["run_bench.py", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit:
            run_bench.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Answer(exit.value.code or 0, said.out, said.err)

    return bench


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with a finished tiny run."""
    folder = tmp_path_factory.mktemp("finished")
    command = [sys.executable, run_bench.__file__, *tiny()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return folder / "runs", Answer(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def ran(finished, tmp_path):
    """A folder ``runs/`` with a tiny run in it, ours to change."""
    shutil.copytree(finished[0], tmp_path / "runs")
    return tmp_path / "runs" / "quick"


@pytest.fixture
def no_figures(monkeypatch):
    """Runs that draw nothing, for what has nothing to do with figures."""
    monkeypatch.setattr("results.outputs.write_figures", lambda *_: [])


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
        "wrote runs/quick/",
    ):
        assert words in said.err
        assert words not in said.out
    inside = {path.name for path in (runs / "quick").rglob("*") if path.is_file()}
    assert {"records.jsonl", "about.json", "curves.csv", "critical.csv"} <= inside
    assert {"success.png", "success.svg", "success.csv", "critical.png"} <= inside


def test_a_run_describes_itself(ran):
    about = json.loads((ran / "about.json").read_text())
    assert about["grid"] == "quick"
    assert about["trials"] == 18
    assert about["command"][:2] == ["run", "quick"]
    assert about["wall_seconds"] > 0
    (part,) = about["parts"]
    assert part["learners"] == ["KNN(neighbours=5)", "EmpiricalBayes()"]
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
    status = pd.read_csv(
        StringIO(bench("status", "quick", "--plugin", "bad.py", "--format", "csv").out)
    )
    assert status["failed"].tolist() == [9, 0]


def test_a_run_in_which_all_fails_still_ends_in_a_summary(bench):
    said = bench(*tiny(learners="BayesOptimal", datasets="Digits", seeds="2", sizes="0.1"))
    assert said.code == 1, said
    assert "4 of 4 trials failed" in said.line
    assert "BayesOptimal needs a dataset whose law is known" in said.line


def test_axes_of_a_grid_file_are_overridden(no_figures, bench, tmp_path):
    (tmp_path / "mine.toml").write_text(
        'datasets = ["Coins"]\nlearners = ["ERM"]\nsizes = [0.3]\nseeds = 9\n'
        '[[part]]\nstrategies = ["Idle"]\n[[part]]\nstrategies = ["FeatureLabel"]\n'
    )
    said = bench("run", "mine.toml", "--datasets", "Coins(n=40, test=40)", "--learners", "KNN(1),",
                 "--learners", "KNN(3)", "--seeds", "2", "--jobs", "0", "--out", "here",
                 "--validation", "clean,contaminated")  # fmt: skip
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
        ("quick --datasets Digit", "no dataset 'Digit'. Did you mean 'Digits'"),
        ("quick --sizes 1.5", "the size 1.5 is not a share between 0 and 1"),
        ("quick --sizes nan", "the size nan is not a share"),
        ("quick --sizes -0.1", "the size -0.1 is not a share"),
        ("quick --sizes 0.1,much", "--sizes 0.1,much: could not convert"),
        ("quick --seeds 0", "seeds=0 is not a whole number above 0"),
        ("quick --seeds 1.5", "'--seeds'"),
        ("quick --jobs -1", "'--jobs'"),
        ("quick --validation cleen", "no validation 'cleen'. Did you mean 'clean'"),
        ("quick --plugin nope.py", "cannot read the plugin nope.py"),
        ("quick --out a_file/run", "cannot write to a_file/run: Not a directory"),
        ("quick --out a_file", "cannot write to a_file: File exists"),
        ("bad.toml", "the grid bad.toml is not TOML"),
        ("odd.toml", "entry of the grid odd.toml named 'learner'. Did you mean 'learners'"),
        ("none.toml", "the grid none.toml lacks learners"),
        ("part.toml", "part is written [[part]]"),
        ("text.toml", "learners='ERM' is not a list"),
        ("bool.toml", "True in sizes is not a float"),
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


def test_a_dry_run_says_what_there_is_to_do_and_does_nothing(bench, ran, monkeypatch):
    monkeypatch.setattr("bench.published.rates", dict)
    said = bench(*tiny(learners="KNN,LDA"), "--dry-run")
    assert said.code == 0
    assert "18 trials, 9 done, 0 of them failed, 0 stale; 9 to run in 1 chunks" in said.line
    assert "core-hours for 0 of them" in said.line
    assert "9 are of learners that were never measured" in said.line
    assert "core-hours for 9 of them" in bench(*tiny(seeds="6", learners="KNN"), "--dry-run").line
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


def test_records_that_differ_raise_an_alarm(bench, ran):
    shutil.copytree(ran, ran.parent / "other")
    with Store(ran.parent / "other") as store:
        (first, *rest) = store.records()
        store.path.unlink()
    with Store(ran.parent / "other") as store:
        store.commit([first | {"accuracy": 0.123}, *rest])
    about = json.loads((ran / "about.json").read_text())
    (ran.parent / "other" / "about.json").write_text(json.dumps(about | {"processor": "abacus"}))
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


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--shard 3/2", "'3/2' is not a share like 7/50"),
        ("--backend dask", "--backend dask and --scheduler ADDRESS go together"),
        ("--scheduler tcp://x:1", "--backend dask and --scheduler ADDRESS go together"),
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
    assert "Bad() was stopped on Coins(n=200, test=200" in said.line
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


# ---- what there is ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["learners", "strategies", "signals", "datasets", "networks", "grids"]
)
def test_everything_is_listed_in_every_format(bench, kind):
    names = list(REGISTRY.kinds[kind]) if kind != "grids" else list(shipped())
    for format in (None, "text", "csv", "json", "md"):
        said = bench("list", kind, *(("--format", format) if format else ()))
        assert (said.code, said.err) == (0, "")
        assert all(name in said.out for name in names)
    rows = json.loads(bench("list", kind, "--format", "json").out)
    assert sorted(row["name"] for row in rows) == sorted(names)
    for row in rows:
        if kind in ("learners", "strategies"):
            assert row["link"].startswith("http"), row
            assert row["year"].isdigit(), row


def test_a_plugin_is_listed(bench, tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    assert "Centroids" in bench("list", "learners", "--plugin", "good.py").out
    assert "shrink=0.5" in bench("list", "learners", "--plugin", "good.py", "--format", "csv").out


def test_lists_fit_a_terminal(bench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for kind in ("learners", "strategies", "signals", "datasets", "grids"):
        said = bench("list", kind)
        assert max(map(len, said.out.splitlines())) <= 80
        assert "…" not in said.out


# ---- what came out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        ("status quick", 2),
        ("curves quick", 6),
        ("critical quick", 4),
        ("compare quick --baseline KNN", 5),
    ],
)
def test_tables_come_in_every_format(bench, ran, words, rows):
    for format in ("csv", "json"):
        said = bench(*words.split(), "--format", format)
        assert (said.code, said.err) == (0, "")
        read = pd.read_csv if format == "csv" else pd.read_json
        table = read(StringIO(said.out))
        assert len(table) == rows
        assert table["learner"].str.contains("(", regex=False).any() or "status" in words
    for format in ("md", "text", None):
        said = bench(*words.split(), *(("--format", format) if format else ()))
        assert (said.code, said.err) == (0, "")
        assert "EmpiricalBayes" in said.out
    assert bench(*words.split(), "--format", "md").out.startswith("| ")


def test_a_comparison_refuses_what_is_missing_and_names_it(no_figures, bench, ran):
    bench(*tiny(seeds="4"))
    lines = (ran / "records.jsonl").read_bytes().splitlines(keepends=True)
    last = [line for line in lines if b'"seed":3' in line and b"KNN" in line]
    (ran / "records.jsonl").write_bytes(b"".join(line for line in lines if line != last[0]))
    said = bench("compare", "quick", "--baseline", "KNN")
    assert said.code == 2
    assert "1 trials are missing" in said.line
    assert "KNN on Coins, FeatureLabel: 1 absent and 0 failed of 12" in said.line
    assert bench("compare", "quick", "--baseline", "KNN", "--allow-missing").code == 0


# ---- one learner against what is published ----------------------------------------------------


@pytest.fixture
def published(bench, ran, tmp_path):
    """A published tiny grid, and a learner that nobody has run."""
    said = bench("publish", "quick", "--out", "tiny.parquet")
    assert said.code == 0, said
    (tmp_path / "fresh.py").write_text(FRESH)
    return tmp_path / "tiny.parquet"


FRESH = """
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Nearer(Learner):
    \"\"\"Predicts the class whose mean is nearest.\"\"\"

    def fit(self, sample, rng):
        means = np.stack([sample.flat[sample.y == c].mean(0) for c in range(sample.classes)])
        return Fitted(lambda x: ((x.reshape(len(x), 1, -1) - means) ** 2).sum(2).argmin(1))
"""
NEWCOMER = (
    "compare",
    "fresh.py:Nearer",
    "--grid",
    "tiny.parquet",
    "--baseline",
    "KNN",
    "--jobs",
    "0",
)


def test_a_new_learner_is_compared_with_what_is_published(bench, published):
    said = bench(*NEWCOMER)
    assert said.code == 0, said
    assert said.line.count("as published, to the last digit") == 3
    assert "grid Nearer-on-tiny: 9 trials, 9 to run" in said.line
    for words in ("Success of Nearer, beside KNN", "Nearer less each of the others",
                  "Mean ranks by area over 1 dataset", "cannot tell",
                  "takes 7 seeds"):  # fmt: skip
        assert words in said.out
    again = bench(*NEWCOMER, "--format", "csv")
    assert "grid Nearer-on-tiny: 9 trials, 0 to run" in again.line
    table = pd.read_csv(StringIO(again.out))
    assert set(table["learner"]) == {"Nearer()"}
    assert len(table) == 2 * 5  # two others, three sizes, area and critical mass
    # what is printed is what anybody finds who runs all three together
    (whole := Path("fresh.py")).write_text(FRESH)
    bench(*tiny(learners="KNN,EmpiricalBayes,Nearer"), "--plugin", whole, "--out", "whole")
    told = pd.read_csv(StringIO(bench("compare", "whole", "--baseline", "KNN", "--format", "csv",
                                      "--plugin", whole).out))  # fmt: skip
    ours = table[table["baseline"].str.startswith("KNN")].reset_index(drop=True)
    theirs = told[told["learner"] == "Nearer()"].reset_index(drop=True)
    same = ["measure", "size", "difference", "low", "high", "p"]
    pd.testing.assert_frame_equal(ours[same], theirs[same])


def changed(path, column, change):
    """The published file with some numbers that no machine reproduces."""
    frame, about = read_published(str(path))
    frame[column] = change(frame[column])
    write_published(frame, about, path)


def test_what_is_not_reproduced_is_not_compared_with(bench, published):
    changed(published, "success", lambda x: (x + 0.3) % 1)
    said = bench(*NEWCOMER)
    assert said.code == 2
    assert "this machine does not reproduce the published records" in said.line
    assert "success" in said.line.partition("published -> here:")[2]
    assert not Path("runs/Nearer-on-tiny").exists()


def test_last_digits_may_differ_but_not_the_sample(bench, published):
    changed(published, "success", lambda x: (x + 0.005).clip(0, 1))
    assert bench(*NEWCOMER).code == 0
    changed(published, "n", lambda n: n + 1)
    said = bench(*NEWCOMER)
    assert said.code == 2
    assert "n 201 -> 200" in said.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("compare fresh.py:Nearer", "say against which grid"),
        ("compare fresh.py:Nearest --grid tiny.parquet", "defines no learner 'Nearest'"),
        ("compare fresh.py:Nearer --grid tinny", "grid with published records"),
        ("compare KNN --grid tiny.parquet", "is published with the grid"),
        ("compare fresh.py --grid tiny.parquet --baseline ERM", "'ERM' is none of"),
        ("compare fresh.py --grid tiny.parquet --epoch loss", "don't go with --grid"),
        ("compare quick --jobs 1", "go with --grid"),
        ("compare fresh.py --grid runs/quick/curves.csv", "grid with published records"),
        ("publish quick --out tiny.csv", "does not end in .parquet"),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_line(bench, published, words, says):
    said = bench(*words.split())
    assert said.code == 2
    assert says in said.line


def test_only_a_finished_run_is_published(no_figures, bench, ran):
    bench(*tiny(seeds="3"))
    lines = (ran / "records.jsonl").read_bytes().splitlines(keepends=True)
    (ran / "records.jsonl").write_bytes(b"".join(lines[:-1]))
    said = bench("publish", "quick", "--out", "tiny.parquet")
    assert said.code == 2
    assert "1 of 18 trials" in said.line


def test_sentinels_are_spread_and_the_same_each_time(bench, published):
    frame, _ = read_published(str(published))
    chosen = sentinels(frame)
    assert [row["learner"] for row in chosen] == [row["learner"] for row in sentinels(frame[::-1])]
    assert len({row["learner"] for row in chosen}) == 2
    assert len({(row["learner"], row["size"], row["seed"]) for row in chosen}) == len(chosen) == 3
    assert all(row["size"] > 0 for row in chosen)


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_a_terminal(bench, ran, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("results.terminal.width", lambda: None)
    for words in (
        "status quick",
        "curves quick",
        "critical quick",
        "compare quick --baseline KNN",
    ):
        said = bench(*words.split())
        assert max(map(len, said.out.splitlines())) <= width
        assert "…" not in said.out
        assert "EmpiricalBayes" in said.out.split()


def test_a_run_is_found_by_name_or_by_folder(bench, ran):
    assert bench("curves", "quick").out == bench("curves", "runs/quick").out
    assert bench("curves", ran).out == bench("curves", "quick").out


def test_levels_are_ones_own(bench, ran):
    said = bench("critical", "quick", "--level", "0.25", "--format", "csv")
    assert set(pd.read_csv(StringIO(said.out))["level"]) == {0.25}
    assert "critical mass at 0.25" in bench("critical", "quick", "--level", "0.25").out


def test_figures_are_drawn_again_from_the_records(bench, ran):
    before = {p.name: p.read_bytes() for p in (ran / "figures").iterdir()}
    said = bench("figures", "quick", "--out", "elsewhere")
    assert said.code == 0
    assert {p.name: p.read_bytes() for p in Path("elsewhere").iterdir()} == before
    listed = {Path(line).name for line in said.out.splitlines()}
    assert listed == {name for name in before if not name.endswith(".csv")}
    said = bench("figures", "quick", "--only", "critical", "--out", "one")
    assert {p.stem for p in Path("one").iterdir()} == {"critical", "manifest"}


def test_status_says_how_to_go_on(bench, ran):
    path = ran / "records.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-4]))
    said = bench("status", "quick", "--format", "csv")
    table = pd.read_csv(StringIO(said.out))
    assert table["left"].sum() == 4
    assert (table["done"] + table["left"]).tolist() == [9, 9]
    assert (
        "to go on: python run_bench.py run quick --datasets 'Coins(n=200, test=200)'" in said.line
    )


def test_a_folder_without_a_description_shows_all_it_has(bench, ran):
    (ran / "about.json").unlink()
    assert "KNN" in bench("curves", "quick").out
    said = bench("status", "quick")
    assert said.code == 2
    assert "no about.json that says what its grid is" in said.line
    (ran / "about.json").write_text("[1]")
    said = bench("status", "quick")
    assert said.code == 2
    assert "about.json is damaged" in said.line


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("curves quik", "no run with records in 'quik'. Did you mean 'quick'"),
        ("status nowhere_at_all", "Allowed: quick"),
        ("compare quick --baseline KN", "nearest: KNN"),
        ("compare quick --level 3", "'--level'"),
        ("critical quick --level -1", "'--level'"),
        ("figures quick --only sucess", "'sucess'"),
        ("figures quick --out a_file/x", "a_file/x: Not a directory"),
        ("curves quick --format xml", "'xml' is not one of"),
        ("list lerners", "'lerners' is not one of"),
        ("chek ERM", "No such command 'chek'"),
        ("check ERN", "no component 'ERN'. Did you mean 'ERM'"),
        ("check nope.py", "cannot read the plugin nope.py"),
    ],
)
def test_wrong_names_are_said_in_a_line(bench, ran, tmp_path, words, says):
    (tmp_path / "a_file").write_text("")
    said = bench(*words.split())
    assert said.code == 2, said
    assert says in said.line
    assert said.out == ""


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_that_is_a_command(bench, command):
    said = bench(command, "--help")
    assert said.code == 0
    _, mark, example = said.out.partition("Example: ")
    assert mark, said
    assert example.startswith(f"python run_bench.py {command} ")


# ---- check --------------------------------------------------------------------------------

GOOD = '''
from dataclasses import dataclass
import numpy as np
from algorithms.base import Fitted, Learner

@dataclass(frozen=True)
class Centroids(Learner):
    """The label of the nearest mean.

    References:
        | Centroids of Things (Somebody, 1957)
        | https://example.org/centroids

    Arguments:
        shrink: By how much means are drawn towards zero.
    """
    shrink: float = 0.5

    def fit(self, sample, rng):
        keep = [np.flatnonzero(sample.y == k) for k in range(sample.classes)]
        means = np.stack([sample.flat[rows].mean(0) if len(rows) else sample.flat[0] * np.inf
                          for rows in keep])
        means = means * (1 - self.shrink) + means.mean(0) * self.shrink

        def predict(x):
            flat = x.reshape(len(x), 1, -1)
            return ((flat - means) ** 2).sum(-1).argmin(1)

        return Fitted(predict)
'''
STOCHASTIC = GOOD.replace(
    "keep = [", "draws = GENERATOR.choice(len(sample), len(sample) // 2)\n        keep = ["
).replace("sample.y == k)", "(sample.y == k) & np.isin(np.arange(len(sample)), draws))")
BAD = '''
from dataclasses import dataclass
from algorithms.base import Learner

@dataclass(frozen=True)
class Bad(Learner):
    """Bad."""
    def fit(self, sample, rng):
        BODY
'''


def verdicts(bench, source, **more):
    Path("plugged.py").write_text(source)
    said = bench("check", "plugged.py", "--format", "json")
    rows = {row["check"]: row["verdict"] for row in json.loads(said.out)}
    assert said.code == ("failed" in rows.values())
    return {check for check, verdict in rows.items() if verdict == "failed"}, rows


def test_a_good_plugin_passes_its_check(bench):
    failed, rows = verdicts(bench, GOOD)
    assert failed == set()
    assert len(rows) > 8
    said = bench("check", "plugged.py")
    assert "Centroids" in said.out
    assert said.code == 0


def test_a_good_stochastic_plugin_passes_its_check(bench):
    assert verdicts(bench, STOCHASTIC.replace("GENERATOR", "rng"))[0] == set()


@pytest.mark.parametrize(
    ("generator", "check"),
    [
        ("np.random.default_rng()", "repeats_itself"),
        ("np.random.default_rng(0)", "uses_its_generator"),
        ("np.random", "leaves_global_randomness_alone"),
    ],
)
def test_randomness_of_its_own_fails_the_check(bench, generator, check):
    assert check in verdicts(bench, STOCHASTIC.replace("GENERATOR", generator))[0]


@pytest.mark.parametrize(
    ("old", "new", "check"),
    [
        ("frozen=True", "frozen=False", "is_a_value"),
        ("shrink: By", "shrunk: By", "documents_its_fields"),
        ("(Somebody, 1957)", "(Somebody)", "cites_its_source"),
        ("argmin(1)", "argmax(1)", "beats_chance"),
        ("argmin(1)", "argmin(1) + 5", "predicts_labels"),
        (
            "return Fitted(predict)",
            "sample.y[:] = 0; return Fitted(predict)",
            "leaves_the_sample_alone",
        ),
        ("Fitted(predict)", "Fitted(predict, weights=means[:, 0])", "weighs_its_samples"),
    ],
)
def test_what_breaks_a_promise_fails_its_check(bench, old, new, check):
    assert old in GOOD
    assert check in verdicts(bench, GOOD.replace(old, new))[0]


def test_a_shipped_component_is_checked_by_its_spec(bench):
    said = bench("check", "KNN(neighbours=3)")
    assert said.code == 0, said
    assert bench("check", "Patch(size=1)").code == 0
    assert bench("check", "Idle").code == 0
