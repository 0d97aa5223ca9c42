"""Tables and text for LaTeX: what a document prints is what the table holds."""

import re

import pandas as pd
import pytest

from results.latex_text import escape
from results.report.tables import render

FRAME = pd.DataFrame(
    {
        "learner": ["A_b, level 0.1", "50 % & more {x}", "\\input{secret}"],
        "critical mass": ["> 0.2", "below 0.01 \N{DAGGER}", "0.5 [0.1, 1]"],
        "area": [0.123456, float("nan"), 1.0],
        "seeds": [5, 5, 12],
    }
)


def cells(text: str) -> list[list[str]]:
    """The cells of the rows of a tabular, header first."""
    body = re.sub(r"\\(top|mid|bottom)rule\n", "", text.split("\n", 1)[1])
    rows = body.partition("\\end{tabular}")[0].strip().split(" \\\\\n")
    return [re.split(r" & ", row.removesuffix(" \\\\")) for row in rows]


def plain(text: str) -> str:
    """Undo the escapes as TeX reads them."""
    named = {
        "textbackslash": "\\",
        "textless": "<",
        "textgreater": ">",
        "dag": "\N{DAGGER}",
    }
    text = re.sub(r"\\([a-z]+)\{\}", lambda match: named[match[1]], text)
    return re.sub(r"\\([{}#$%&_])", r"\1", text)


def test_a_table_is_a_tabular_of_booktabs() -> None:
    text = render(FRAME, "latex")
    assert text.startswith("\\begin{tabular}{llrr}\n\\toprule\n")
    assert [text.count(rule) for rule in ("toprule", "midrule", "bottomrule")] == [1, 1, 1]
    assert text.endswith("\\end{tabular}\n")
    head, *rows = cells(text)
    assert head == list(FRAME.columns)
    assert [plain(row[0]) for row in rows] == FRAME["learner"].tolist()
    assert [plain(row[1]) for row in rows] == FRAME["critical mass"].tolist()
    assert [row[2:] for row in rows] == [["0.123", "5"], ["", "5"], ["1", "12"]]


@pytest.mark.parametrize("sign", list("\\{}#$%&_^~<>|"))
def test_no_sign_keeps_its_meaning(sign: str) -> None:
    """A sign that LaTeX reads as a command is printed: it is behind a backslash, or a name."""
    text = escape(f"a{sign}b")
    assert re.fullmatch(r"a(\\[{}#$%&_]|\\[a-z]+\{\})b", text)


def test_there_is_no_other_format() -> None:
    with pytest.raises(ValueError, match="no format 'tex'; there are csv, json, latex, md, text"):
        render(FRAME, "tex")  # type: ignore[arg-type]
