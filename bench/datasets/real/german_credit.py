"""GermanCredit: risks of a German bank."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from bench.datasets.base import Count
from bench.datasets.io.data_root import locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.schema import Schema
from bench.datasets.io.source import Download
from bench.datasets.io.tables import Table, category_codes, make_table
from bench.datasets.real._people import PeopleTable

#: The names of the codes A11, A12, ... of each feature, in their order.
GERMAN_NAMES = {
    "status": "below-0 0-to-200 above-200 no-account",
    "credit_history": "none-taken all-paid-here paid-till-now delayed critical",
    "purpose": "new-car used-car furniture television appliances repairs education vacation "
    "retraining business others",
    "savings": "below-100 100-to-500 500-to-1000 above-1000 unknown",
    "employment": "unemployed below-1-year 1-to-4-years 4-to-7-years above-7-years",
    "personal_status_sex": "male-divorced female-not-single male-single male-married "
    "female-single",
    "other_debtors": "none co-applicant guarantor",
    "property": "real-estate savings-or-insurance car-or-other unknown",
    "other_plans": "bank stores none",
    "housing": "rent own for-free",
    "job": "unskilled-non-resident unskilled-resident skilled management",
    "telephone": "none yes",
    "foreign_worker": "yes no",
}
#: The first code of each feature.
GERMAN_FIRST = {
    "status": "A11",
    "credit_history": "A30",
    "purpose": "A40",
    "savings": "A61",
    "employment": "A71",
    "personal_status_sex": "A91",
    "other_debtors": "A101",
    "property": "A121",
    "other_plans": "A141",
    "housing": "A151",
    "job": "A171",
    "telephone": "A191",
    "foreign_worker": "A201",
}
GERMAN = Schema(
    ("duration", "amount", "installment_rate", "residence", "age", "n_credits", "n_liable"),
    tuple((name, tuple(values.split())) for name, values in GERMAN_NAMES.items()),
)
GERMAN_RAW = (
    "status",
    "duration",
    "credit_history",
    "purpose",
    "amount",
    "savings",
    "employment",
    "installment_rate",
    "personal_status_sex",
    "other_debtors",
    "residence",
    "property",
    "age",
    "other_plans",
    "housing",
    "n_credits",
    "job",
    "n_liable",
    "telephone",
    "foreign_worker",
    "credit_risk",
)


@dataclass(frozen=True)
class GermanCredit(PeopleTable):
    r"""Good and bad risks: 1,000 people with a loan of a German bank.

    Seven numbers and thirteen categories, one-hot: 63 columns. The codes of the file (A11, A12,
    ...) are replaced by the names in its description.

    Sex, a part of the personal status in the file, is a category for groups and no separate
    feature: there are 690 men and 310 women. 700 people are good risks.

    The file is ``german.csv``, ``german.csv.xz``, or UCI's ``german.data``.

    References:
        | Statlog (German Credit Data) (Hofmann, 1994)
        | https://doi.org/10.24432/C5NC77
    """

    download: ClassVar[Download | None] = Download(
        "german.data",
        ("https://archive.ics.uci.edu/static/public/144/statlog+german+credit+data.zip",),
        "zip",
    )

    n: Count = None
    n_test: Count = None
    mark: str = "purpose=retraining"
    groups: tuple[str, ...] = ("sex",)

    def rows(self) -> Table:
        """Return all rows."""
        return _german(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        names = ("german.csv.xz", "german.csv", "german.data")
        return locate("GermanCredit", [(name,) for name in names])

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return GERMAN

    @property
    def label(self) -> int:
        """A bad risk, the rarer answer, which leaves room for success above size 0."""
        return 0


@functools.lru_cache(maxsize=4)
def _german(files: tuple[Path, ...], groups: tuple[str, ...]) -> Table:
    (path,) = files
    raw = {"names": list(GERMAN_RAW), "sep": " "} if ".data" in path.suffixes else {}
    frame = read_frame(path, GERMAN_RAW, **raw)
    for name, _ in GERMAN.categories:
        named = german_codes(name)
        index = category_codes(path, frame[name], name, tuple(named))
        frame[name] = np.array(list(named.values()))[index]
    women = frame["personal_status_sex"].str.startswith("female")
    frame["sex"] = np.where(women, "female", "male")
    y = category_codes(path, frame["credit_risk"], "credit_risk", ("2", "1"))
    return make_table(path, frame, GERMAN, y, groups, {"sex": ("male", "female")})


def german_codes(name: str) -> dict[str, str]:
    """Return the name of each code of a feature.

    Example:
        >>> german_codes("housing")
        {'A151': 'rent', 'A152': 'own', 'A153': 'for-free'}
        >>> german_codes("purpose")["A410"]
        'others'
    """
    first, stem = int(GERMAN_FIRST[name][-1]), GERMAN_FIRST[name][:-1]
    return {f"{stem}{first + i}": value for i, value in enumerate(GERMAN_NAMES[name].split())}
