"""The tables of one set of records that several figures and reports share."""

from collections.abc import Sequence
from functools import cached_property

import pandas as pd

from results.stats.critical_mass import critical_mass
from results.stats.crossing import Above
from results.stats.curves import area, success_curves

#: Levels of success whose critical masses are reported.
LEVELS = (0.5, 0.9)


class Analysis:
    """Records with the tables derived from them; each table is computed once, when first used.

    Arguments:
        records: One row a trial.
        planned: The number of trials of the grid; None if it is unknown.
        levels: The levels of success of critical masses.
        above: What a level is a share of: see :func:`results.stats.critical_mass.critical_mass`.
    """

    def __init__(
        self,
        records: pd.DataFrame,
        planned: int | None = None,
        levels: Sequence[float] = LEVELS,
        above: Above = "control",
    ) -> None:
        self.records = records
        self.planned = planned
        self.levels = levels
        self.above = above

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Result of :func:`results.stats.curves.success_curves`."""
        return success_curves(self.records)

    @cached_property
    def critical(self) -> pd.DataFrame:
        """Result of :func:`results.stats.critical_mass.critical_mass`, at all levels."""
        return critical_mass(self.curves, self.levels, self.records, self.above)

    @cached_property
    def areas(self) -> pd.DataFrame:
        """Result of :func:`results.stats.curves.area`."""
        return area(self.records)

    def share(self) -> None:
        """Compute all tables, so that processes that are forked from this one need not."""
        _ = self.curves, self.critical, self.areas
