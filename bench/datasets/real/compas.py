"""Compas: arrests in Broward County."""

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
from bench.datasets.io.tables import Table, category_codes, make_table, numeric_columns
from bench.datasets.real._people import PeopleTable

COMPAS = Schema(
    ("age", "juv_fel_count", "juv_misd_count", "juv_other_count", "priors_count"),
    (
        ("sex", ("Male", "Female")),
        (
            "race",
            ("African-American", "Caucasian", "Hispanic", "Other", "Asian", "Native American"),
        ),
        ("c_charge_degree", ("F", "M")),
        ("age_cat", ("Less than 25", "25 - 45", "Greater than 45")),
    ),
)


@dataclass(frozen=True)
class Compas(PeopleTable):
    r"""New arrests within two years: 6,172 people of Broward County.

    ProPublica's filter leaves these of 7,214: screened within 30 days of the arrest, with a known
    outcome, and charged with more than a traffic offence. Five numbers and four categories,
    one-hot: 18 columns. Neither the score of the program nor later events are features.

    There are 3,175 African-American, 2,103 Caucasian, 509 Hispanic, 343 other, 31 Asian and 11
    Native American people.

    The file is ``compas.csv`` or ``compas.csv.xz``, or ProPublica's own
    ``compas-scores-two-years.csv``.

    References:
        | How We Analyzed the COMPAS Recidivism Algorithm (Larson et al., 2016)
        | https://www.propublica.org/article/how-we-analyzed-the-compas-recidivism-algorithm
    """

    download: ClassVar[Download | None] = Download(
        "compas-scores-two-years.csv",
        (
            "https://raw.githubusercontent.com/propublica/compas-analysis/master/"
            "compas-scores-two-years.csv",
        ),
    )

    n: Count = None
    n_test: Count = None
    mark: str = "juv_fel_count+5"
    groups: tuple[str, ...] = ("race",)

    def rows(self) -> Table:
        """Return all rows."""
        return _compas(self.files(), self.groups)

    def files(self) -> tuple[Path, ...]:
        """Return the table."""
        original = ("compas-scores-two-years.csv",)
        return locate("Compas", [("compas.csv.xz",), ("compas.csv",), original])

    @property
    def schema(self) -> Schema:
        """The features, and the values of each category."""
        return COMPAS

    @property
    def label(self) -> int:
        """No new arrest."""
        return 0


@functools.lru_cache(maxsize=4)
def _compas(files: tuple[Path, ...], groups: tuple[str, ...]) -> Table:
    (path,) = files
    kept = ("days_b_screening_arrest", "is_recid", "score_text", "two_year_recid")
    frame = read_frame(path, [*COMPAS.numbers, *dict(COMPAS.categories), *kept])
    days = numeric_columns(path, frame, kept[:1])[:, 0]
    good = (np.abs(days) <= 30) & (frame["is_recid"] != "-1") & (frame["score_text"] != "N/A")
    frame = frame[good & (frame["c_charge_degree"] != "O")].reset_index(drop=True)
    y = category_codes(path, frame["two_year_recid"], "two_year_recid", ("0", "1"))
    return make_table(path, frame, COMPAS, y, groups)
