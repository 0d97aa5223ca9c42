"""The tables of one set of records that several figures and reports share."""

from functools import cached_property

import pandas as pd

from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves

#: Levels of success whose critical masses are reported.
LEVELS = (0.5, 0.9)


class Analysis:
    """Records with the tables derived from them; each table is computed once, when first used.

    Arguments:
        records: One row a trial.
        planned: The number of trials of the grid; None if it is unknown.
    """

    def __init__(self, records: pd.DataFrame, planned: int | None = None) -> None:
        self.records = records
        self.planned = planned

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Result of :func:`results.stats.curves.success_curves`."""
        return success_curves(self.records)

    @cached_property
    def critical(self) -> pd.DataFrame:
        """Result of :func:`results.stats.critical_mass.critical_mass`, at all levels."""
        return critical_mass(self.curves, LEVELS, self.records)

    @cached_property
    def areas(self) -> pd.DataFrame:
        """Result of :func:`results.stats.curves.area`."""
        return area(self.records)
