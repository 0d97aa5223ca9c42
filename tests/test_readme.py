"""The README and the documents agree with the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import run_bench

ROOT = Path(run_bench.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMPONENTS = (ROOT / "docs" / "components.md").read_text(encoding="utf-8")
TABLES = re.findall(
    r"<!-- (\w+): python run_bench.py (.*?) -->\n(.*?)<!-- end -->", COMPONENTS, re.DOTALL
)


def test_the_tables_of_components_are_there():
    assert [name for name, *_ in TABLES] == ["learners", "strategies", "leaderboard"]


@pytest.mark.parametrize(("words", "table"), [t[1:] for t in TABLES], ids=[t[0] for t in TABLES])
def test_the_tables_are_those_of_the_program(words, table):
    printed = CliRunner().invoke(run_bench.app, words.split())
    assert table == printed.stdout, f"run_bench.py {words} prints another table"


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_the_trial_of_the_readme_runs(capsys):
    (source,) = re.findall(r"```python\n(from algorithms.*?)```", README, re.DOTALL)
    assert len([line for line in source.splitlines() if line]) <= 10
    exec(source, {})
    assert re.fullmatch(r"success [01]\.\d\d, accuracy [01]\.\d\d\n", capsys.readouterr().out)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/*.md"])
def test_documents_name_files_and_modules_that_exist(document):
    for path in ROOT.glob(document):
        text = path.read_text(encoding="utf-8")
        links = [link.partition("#")[0] for link in re.findall(r"\]\((?!http)([^)\s]+)\)", text)]
        assert [link for link in links if not (path.parent / link).exists()] == []
        modules = re.findall(r"python -m ([\w.]+)", text)
        sources = [ROOT / f"{module.replace('.', '/')}.py" for module in modules]
        ours = [s for s in sources if (ROOT / s.relative_to(ROOT).parts[0]).is_dir()]
        assert [source for source in ours if not source.exists()] == []
        named = re.findall(r"`((?:algorithms|bench|collectives|results|tests)/[\w/.]*)`", text)
        assert [name for name in named if not (ROOT / name).exists() and "my_" not in name] == []


def test_its_learner_fits_the_contract(tmp_path):
    (source,) = re.findall(r"```python\n# my_learner.py\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my_learner.py").write_text(source)
    # In a process of its own: what is registered here would stay.
    words = [sys.executable, run_bench.__file__, "check", str(tmp_path / "my_learner.py")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_its_commands_are_the_ones_that_are_checked():
    assert "pip install -c constraints.txt -e .          && python run_bench.py" in README
    assert "pip install -c constraints.txt -e '.[test]'  && pytest" in README
