"""The verdicts of all studies: those of a user's runs, and those that ship with the program.

`python -m results.studies.published runs` collects the verdicts of the runs in a folder into the
file that ships. Studies without a run there keep their verdicts.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.core.errors import BenchError
from results.studies.base import studies, whole_claims

#: The verdicts that ship, with the column ``study``.
FILE = Path(__file__).with_name("published.csv")
#: The file of verdicts in the folder of a run.
NAME = "verdicts.csv"


class Summary(NamedTuple):
    """How many claims of a study hold, fail and are undecided, and on what data.

    Arguments:
        holds: The number of claims that hold; claims over several data sets count once.
        fails: The number of claims that fail.
        undecided: The number of undecided claims, and of those that are left out.
        data: The classes of data of all claims, separated by commas.
        replicated: The number of claims on the paper's own data.
        seeds: The numbers of seeds of the claims, the fewest and the most.
        source: The folder of the run, or "published".
    """

    holds: int
    fails: int
    undecided: int
    data: str
    replicated: int
    seeds: str
    source: str


def run_folder(study: str, runs: Path = Path("runs")) -> Path:
    """Return the folder of a study's run."""
    return runs / f"study-{study}"


def summary(study: str, runs: Path = Path("runs"), file: Path = FILE) -> Summary | None:
    """Return the summary of a study's verdicts: of its run, or else of those that ship.

    Arguments:
        study: The name of the study.
        runs: The folder of runs.
        file: The verdicts that ship.

    Returns:
        The summary; None if there are no verdicts.
    """
    own = run_folder(study, runs) / NAME
    if own.is_file():
        return _summary(_read(own), str(own.parent))
    if not file.is_file():
        return None
    table = _read(file)
    table = table[table["study"] == study]
    return _summary(table, "published") if len(table) else None


def collect(runs: Path, file: Path = FILE) -> list[str]:
    """Write the verdicts of all runs of studies in a folder into one file.

    Verdicts in the file of studies that have no run there stay as they are.

    Arguments:
        runs: The folder.
        file: The file.

    Returns:
        The names of the studies that have no run there.

    Raises:
        BenchError: If no study has a run there.
    """
    shipped = _read(file) if file.is_file() else pd.DataFrame(columns=["study"])
    tables, missing = [], []
    for name in studies():
        path = run_folder(name, runs) / NAME
        if path.is_file():
            table = _read(path).assign(study=name)
            tables.append(table[["study", *table.columns.drop("study")]])
        else:
            missing.append(name)
            tables.append(shipped[shipped["study"] == name])
    if len(missing) == len(tables):
        raise BenchError(
            f"no study has verdicts in {runs}: looked for {run_folder('NAME', runs) / NAME}. "
            f"`python run_bench.py study NAME` writes them"
        )
    pd.concat([t for t in tables if len(t)], ignore_index=True).to_csv(file, index=False)
    return missing


def _read(path: Path) -> pd.DataFrame:
    """Return verdicts; numbers of claims are text, since "3a" is one."""
    return pd.read_csv(path, dtype={"number": str}, keep_default_na=False)


def _summary(verdicts: pd.DataFrame, source: str) -> Summary:
    whole = whole_claims(verdicts)
    counts = whole["verdict"].value_counts()
    data = sorted({name for text in whole["data"] for name in text.split("; ") if name})
    return Summary(
        int(counts.get("holds", 0)),
        int(counts.get("fails", 0)),
        int(len(whole) - counts.get("holds", 0) - counts.get("fails", 0)),
        ", ".join(data),
        int((whole["evidence"] == "replication").sum()),
        _range(whole),
        source,
    )


def _range(verdicts: pd.DataFrame) -> str:
    """Return the fewest and the most seeds of the claims that were judged."""
    if "seeds" not in verdicts:
        return ""
    seeds = pd.to_numeric(verdicts["seeds"], errors="coerce")
    ends = sorted({int(seeds[seeds > 0].min()), int(seeds.max())}) if (seeds > 0).any() else []
    return " to ".join(map(str, ends))


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs")
    try:
        missing = collect(folder)
    except BenchError as error:
        sys.exit(str(error))
    print(f"wrote {FILE}" + (f"; as before: {', '.join(missing)}" if missing else ""))
