"""The page of all studies in the documentation, from the verdicts that ship.

`python -m results.studies.page docs/results/studies.md` writes the part of the page below its
mark.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from results.report.tables import render
from results.studies.base import Study, studies
from results.studies.outputs import readable
from results.studies.published import FILE

#: The line below which the page is written.
MARK = "<!-- below: python -m results.studies.page -->"
_COLUMNS = [
    "number",
    "claim",
    "verdict",
    "effect",
    "claimed",
    "seeds",
    "evidence",
    "data",
    "learner",
]

_PLURALS = {"holds": "hold", "fails": "fail", "undecided": "undecided", "left out": "left out"}


def page(head: str, verdicts: pd.DataFrame) -> str:
    """Return a page: its head, and a section for each study that has verdicts.

    Arguments:
        head: The text of the page down to its mark, or the whole page.
        verdicts: The verdicts of studies, with the column ``study``.

    Raises:
        ValueError: If the page has no mark.
    """
    if MARK not in head:
        raise ValueError(f"the page has no line {MARK}")
    known = {name: entry for name, entry in studies().items() if name in set(verdicts["study"])}
    sections = [
        "\n".join(_section(name, entry, verdicts[verdicts["study"] == name]))
        for name, entry in known.items()
    ]
    return f"{head[: head.index(MARK)]}{MARK}\n\n" + "\n".join(sections)


def _section(name: str, entry: Study, verdicts: pd.DataFrame) -> Iterator[str]:
    """Yield the lines of a study: its paper, its verdicts, and causes of failures."""
    table = readable(verdicts, full=True)[_COLUMNS].rename(columns={"number": "no."})
    counts = table["no."].str.isdigit()
    words = table.loc[counts, "verdict"].value_counts()
    yield f"## {name}\n"
    yield f"[{entry.paper}]({entry.link})\n"
    tally = [
        f"{words[word]} {word if words[word] == 1 else plural}"
        for word, plural in _PLURALS.items()
        if word in words
    ]
    yield f"{int(counts.sum())} claims: {', '.join(tally)}.\n"
    yield render(table, "md")
    failed = verdicts[(verdicts["verdict"] == "fails") & (verdicts["cause"] != "")]
    if len(failed):
        yield "Likely causes of failures:\n"
        yield from (f"- *{row['claim']}* {row['cause']}" for row in failed.to_dict("records"))
        yield ""


def read(file: Path = FILE) -> pd.DataFrame:
    """Return the verdicts that ship, with empty texts in place of missing ones."""
    table = pd.read_csv(file, dtype={"number": str})
    texts = table.select_dtypes(exclude="number").columns
    return table.assign(**{name: table[name].fillna("").astype(str) for name in texts})


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/results/studies.md")
    path.write_text(page(path.read_text(encoding="utf-8"), read()), encoding="utf-8")
    print(f"wrote {path}")
