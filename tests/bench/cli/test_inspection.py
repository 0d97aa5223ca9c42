"""What there is and what came out, as somebody asks for it."""

import json
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

import run_bench
from bench.spec.grid import shipped
from bench.spec.registry import KINDS, REGISTRY
from tests.helpers.command_line import GOOD, tiny

COMMANDS = run_bench.app.registered_commands


# ---- what there is ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, "grids"])
def test_everything_is_listed(bench, kind):
    names = list(REGISTRY.kinds[kind]) if kind != "grids" else list(shipped())
    # All kinds are written by the same functions.
    others = ("text", "csv", "md", "latex") if kind == "strategies" else ()
    for format in (None, *others, "json"):
        said = bench("list", kind, *(("--format", format) if format else ()))
        assert (said.code, said.err) == (0, "")
        assert all(name in said.out for name in names)
    rows = json.loads(said.out)
    assert sorted(row["name"] for row in rows) == sorted(names)
    for row in rows:
        if kind in ("learners", "strategies"):
            assert row["link"].startswith("http"), row
            assert row["year"].isdigit(), row
        if kind == "learners":
            assert row["experimental"] == (REGISTRY.kinds[kind][row["name"]].experimental or "")


def test_kinds_are_listed_with_the_number_of_their_components(bench):
    rows = json.loads(bench("list", "--format", "json").out)
    numbers = {row["kind"]: row["number"] for row in rows}
    assert numbers.pop("grids") == len(shipped())
    assert numbers == {kind: len(classes) for kind, classes in REGISTRY.kinds.items()}


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
    # All tables are written by the same functions.
    for format in ("md", "text", None) if "curves" in words else ():
        said = bench(*words.split(), *(("--format", format) if format else ()))
        assert (said.code, said.err) == (0, "")
        assert "EmpiricalBayes" in said.out
        assert (format == "md") == said.out.startswith("| ")


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


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_a_terminal(bench, ran, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("results.report.terminal.width", lambda: None)
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


def test_figures_are_drawn_again_from_the_records(no_layout, bench, ran):
    before = {p.name: p.read_bytes() for p in (ran / "figures").iterdir()}
    said = bench("figures", "quick", "--out", "elsewhere")
    assert said.code == 0
    assert {p.name: p.read_bytes() for p in Path("elsewhere").iterdir()} == before
    listed = {Path(line).name for line in said.out.splitlines()}
    assert listed == {name for name in before if not name.endswith((".csv", "_caption.tex"))}
    said = bench("figures", "quick", "--only", "critical", "--out", "one")
    assert {p.stem for p in Path("one").iterdir()} == {"critical", "critical_caption", "manifest"}


@pytest.mark.integration
def test_a_check_of_figures_runs_no_file_of_the_current_folder(bench, ran, tmp_path):
    for name in ("bench.py", "random.py", "results/__init__.py", "run_bench.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("from pathlib import Path\nPath('ran').touch()\nraise SystemExit(3)\n")
    said = bench("figures", "quick", "--only", "critical", "--check")
    assert said.code == 0, said
    assert "all bytes are the same" in said.err
    assert not Path("ran").exists()


def test_status_says_how_to_go_on(bench, ran):
    path = ran / "records.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-4]))
    said = bench("status", "quick", "--format", "csv")
    table = pd.read_csv(StringIO(said.out))
    assert table["left"].sum() == 4
    assert (table["done"] + table["left"]).tolist() == [9, 9]
    assert (
        "to go on: python run_bench.py run quick --datasets 'Coins(n=200, n_test=200)'"
        in said.line
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


READERS = (
    "curves",
    "critical",
    "choices",
    "compare",
    "bounds",
    "figures",
    "report",
    "leaderboard",
    "export --out t.csv",
)


@pytest.mark.parametrize("described", [True, False])
@pytest.mark.parametrize("words", READERS)
def test_a_run_without_records_says_so(bench, ran, words, described):
    (ran / "records.jsonl").write_bytes(b"")
    (ran / "records.parquet").unlink(missing_ok=True)
    if not described:
        (ran / "about.json").unlink()
    command, *options = words.split()
    said = bench(command, "quick", *options)
    assert said.code == 2
    assert "runs/quick has no records yet: run it" in said.line
    assert said.out == ""


def test_learners_with_one_variant_leave_nothing_to_select(bench, ran):
    said = bench("choices", "quick")
    assert said.code == 2
    assert "quick has no learner with several variants" in said.line


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
        ("list lerners", "there is no kind 'lerners'. Did you mean 'learners'?"),
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


@pytest.mark.parametrize("command", [c.name or c.callback.__name__ for c in COMMANDS])
def test_help_has_an_example_that_is_a_command(bench, command):
    said = bench(command, "--help")
    assert said.code == 0
    _, mark, example = said.out.partition("Example: ")
    assert mark, said
    assert example.startswith(f"python run_bench.py {command} ")
