"""Adult: incomes in the US census of 1994."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from bench.datasets.io.data_root import locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.schema import Schema
from bench.datasets.io.source import Source
from bench.datasets.io.tables import Table, category_codes, make_table
from bench.datasets.real._people import PeopleTable


def _values(**named: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return categories by name, with values from a text; a blank separates values."""
    return tuple((n.replace("_", "-"), tuple(v.split())) for n, v in named.items())


#: Values by decreasing frequency; "?" is a missing value.
ADULT = Schema(
    ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week"),
    _values(
        workclass="Private Self-emp-not-inc Local-gov ? State-gov Self-emp-inc Federal-gov "
        "Without-pay Never-worked",
        education="HS-grad Some-college Bachelors Masters Assoc-voc 11th Assoc-acdm 10th 7th-8th "
        "Prof-school 9th 12th Doctorate 5th-6th 1st-4th Preschool",
        marital_status="Married-civ-spouse Never-married Divorced Separated Widowed "
        "Married-spouse-absent Married-AF-spouse",
        occupation="Prof-specialty Craft-repair Exec-managerial Adm-clerical Sales Other-service "
        "Machine-op-inspct ? Transport-moving Handlers-cleaners Farming-fishing Tech-support "
        "Protective-serv Priv-house-serv Armed-Forces",
        relationship="Husband Not-in-family Own-child Unmarried Wife Other-relative",
        race="White Black Asian-Pac-Islander Amer-Indian-Eskimo Other",
        sex="Male Female",
        native_country="United-States Mexico ? Philippines Germany Puerto-Rico Canada El-Salvador "
        "India Cuba England China South Jamaica Italy Dominican-Republic Japan Guatemala Poland "
        "Vietnam Columbia Haiti Portugal Taiwan Iran Greece Nicaragua Peru Ecuador France Ireland "
        "Thailand Hong Cambodia Trinadad&Tobago Laos Yugoslavia Outlying-US(Guam-USVI-etc) "
        "Scotland Honduras Hungary Holand-Netherlands",
    ),
)
#: The columns of the files without a header, in their order.
ADULT_RAW = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
)


@dataclass(frozen=True)
class Adult(PeopleTable):
    r"""Incomes above 50,000 dollars a year: 48,842 people of the US census of 1994.

    Five numbers (age, years of education, capital gain and loss, hours a week) and eight
    categories, one-hot: 107 columns. The sampling weight ``fnlwgt`` is left out. A missing value
    of a category is the value "?". Training and validation rows are drawn from the first official
    part (32,561 rows), test rows from the second (16,281 rows). A file without the column
    ``split`` is divided by the seed, as in :class:`PeopleTable`.

    There are 32,650 men and 16,192 women; 30.4 % of the men and 10.9 % of the women earn more.

    The file is ``adult.csv`` or ``adult.csv.xz`` with a header and, at best, a column
    ``split``, or ``adult/adult.data`` and ``adult/adult.test`` as UCI has them.

    References:
        | Scaling Up the Accuracy of Naive-Bayes Classifiers: A Decision-Tree Hybrid (Kohavi, 1996)
        | https://doi.org/10.24432/C5XW20
    """

    openml: ClassVar[Source | None] = Source(
        "adult", 2, "adult.csv.xz", rename=(("class", "income"),)
    )

    mark: str = "native-country=Scotland"
    groups: tuple[str, ...] = ("sex",)

    def rows(self) -> Table:
        """Return all rows."""
        return _adult(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """Return the table, or the two files."""
        raw = ("adult/adult.data", "adult/adult.test")
        return locate("Adult", [("adult.csv.xz",), ("adult.csv",), raw])

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return ADULT

    @property
    def label(self) -> int:
        """More than 50,000 dollars."""
        return 1


@functools.lru_cache(maxsize=4)
def _adult(files: tuple[Path, ...], groups: tuple[str, ...]) -> Table:
    needed = [*ADULT.numbers, *dict(ADULT.categories), "income"]
    if len(files) == 1:
        frame = read_frame(files[0], needed)
    else:
        how = {"names": list(ADULT_RAW), "skipinitialspace": True, "comment": "|"}
        parts = [read_frame(path, needed, **how) for path in files]
        sizes = [len(part) for part in parts]
        frame = pd.concat(parts, ignore_index=True)
        frame["split"] = np.repeat(["train", "test"], sizes)
    income = frame["income"].str.strip().str.rstrip(".")
    y = category_codes(files[0], income, "income", ("<=50K", ">50K"))
    first = None
    if "split" in frame.columns:
        first = category_codes(files[0], frame["split"], "split", ("test", "train")) == 1
    return make_table(files[0], frame, ADULT, y, groups, train=first)
