"""CreditDefault: payments of credit card holders in Taiwan."""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.core.errors import BenchError
from bench.datasets.io.data_root import locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.schema import Schema
from bench.datasets.io.tables import Table, category_codes, make_table, one_hot_codes
from bench.datasets.real._people import PeopleTable

CREDIT = Schema(
    (
        "LIMIT_BAL",
        "AGE",
        "PAY_0",
        *(f"PAY_{k}" for k in range(2, 7)),
        *(f"BILL_AMT{k}" for k in range(1, 7)),
        *(f"PAY_AMT{k}" for k in range(1, 7)),
    ),
    (
        ("SEX", ("male", "female")),
        (
            "EDUCATION",
            (
                "code-0",
                "graduate-school",
                "university",
                "high-school",
                "others",
                "code-5",
                "code-6",
            ),
        ),
        ("MARRIAGE", ("code-0", "married", "single", "others")),
    ),
)


@dataclass(frozen=True)
class CreditDefault(PeopleTable):
    r"""Defaults next month: 30,000 holders of credit cards in Taiwan.

    Twenty numbers (the limit, age, and six months of delays, bills and payments) and three
    categories, one-hot: 33 columns. Codes of education and marriage without an explanation in
    the description are separate values.

    There are 11,888 men and 18,112 women; 22.1 % of all people default.

    The file is ``credit_default.csv``, ``credit_default.csv.xz`` or ``UCI_Credit_Card.csv``,
    with categories as numbers or one-hot.

    References:
        | The Comparisons of Data Mining Techniques for the Predictive Accuracy of Probability of
          Default of Credit Card Clients (Yeh and Lien, 2009)
        | https://doi.org/10.24432/C55S3H
    """

    mark: str = "EDUCATION=code-6"
    groups: tuple[str, ...] = ("SEX",)

    def rows(self) -> Table:
        """Return all rows."""
        return _credit(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        names = ("credit_default.csv.xz", "credit_default.csv", "UCI_Credit_Card.csv")
        how = "https://doi.org/10.24432/C55S3H has it, to be saved as credit_default.csv"
        return locate("CreditDefault", [(name,) for name in names], how)

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return CREDIT

    @property
    def label(self) -> int:
        """A default, the rarer answer, which leaves room for success above size 0."""
        return 1


@functools.lru_cache(maxsize=4)
def _credit(files: tuple[Path, ...], groups: tuple[str, ...]) -> Table:
    (path,) = files
    frame = read_frame(path)
    targets = [c for c in frame.columns if str(c).lower().startswith("default")]
    for name in ("EDUCATION", "MARRIAGE"):
        values = dict(CREDIT.categories)[name]
        if name in frame.columns:
            index = category_codes(path, frame[name], name, tuple(map(str, range(len(values)))))
        else:
            index = one_hot_codes(path, frame, [f"{name}_{k}" for k in range(len(values))])
        frame[name] = np.array(values)[index]
    if "SEX" in frame.columns:
        # Men and women are 1 and 2 in the original, and 0 and 1 in some copies.
        bits = not (frame["SEX"] == "2").any()
        known = ("0", "1") if bits else ("1", "2")
        index = category_codes(path, frame["SEX"], "SEX", known)
        frame["SEX"] = np.array(["male", "female"])[index]
    absent = {*CREDIT.numbers, "SEX"} - set(frame.columns)
    if absent or not targets:
        named = ", ".join(sorted(absent)) or "default..."
        raise BenchError(f"{path} has no column {named}; it has {', '.join(frame.columns)}")
    y = category_codes(path, frame[targets[0]], targets[0], ("0", "1"))
    return make_table(path, frame, CREDIT, y, groups)
