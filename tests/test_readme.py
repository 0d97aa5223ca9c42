"""What the README says is what the program prints."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import run_bench

README = Path(run_bench.__file__).with_name("README.md").read_text()


MADE = re.findall(
    r"<!-- (\w+): python run_bench.py (.*?) -->\n(.*?)<!-- end -->", README, re.DOTALL
)


def test_its_tables_are_there():
    assert [name for name, *_ in MADE] == ["learners", "strategies", "leaderboard"]


@pytest.mark.parametrize(("words", "table"), [made[1:] for made in MADE], ids=[m[0] for m in MADE])
def test_its_tables_are_those_of_the_program(words, table):
    printed = CliRunner().invoke(run_bench.app, words.split())
    assert table == printed.stdout, f"run_bench.py {words} says otherwise"


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
