"""The README agrees with the program, and is short."""

import re
from pathlib import Path

import pytest

import run_bench

ROOT = Path(run_bench.__file__).parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGINS = (ROOT / "docs" / "how_to" / "plugins.md").read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


def test_tables_are_less_than_a_fifth_of_the_readme():
    rows = [line for line in README.splitlines() if line.lstrip().startswith("|")]
    assert len("\n".join(rows)) < 0.2 * len(README)


@pytest.mark.integration
def test_the_python_of_the_readme_runs(capsys, monkeypatch, tmp_path):
    (source,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in source.splitlines() if line]) <= 10
    monkeypatch.chdir(tmp_path)
    smaller = source.replace("seeds=5", "seeds=1, jobs=0").replace('"RandomForest"', '"KNN"')
    exec(smaller, {})
    assert "KNN" in capsys.readouterr().out
    assert (tmp_path / "success.png").stat().st_size > 1000


@pytest.mark.integration
def test_the_learner_of_the_documentation_fits_the_contract(bench, tmp_path):
    (source,) = re.findall(r"```python\n(.*?)```", PLUGINS, re.DOTALL)
    (tmp_path / "my_learner.py").write_text(source)
    said = bench("check", "my_learner.py")
    assert said.code == 0, said


def test_its_commands_are_the_ones_that_are_checked():
    assert "pip install -c constraints.txt -e .          && python run_bench.py" in README
    assert "pip install -c constraints.txt -e '.[test]'  && pytest" in README
