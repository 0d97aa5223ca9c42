"""A run and its results."""

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from bench.cli.report import report
from bench.cli.shared import (
    description_of,
    folder_of,
    grid_records,
    notes,
    planned_count,
    valued,
)
from bench.core.errors import BenchError, unknown
from results.plots.registry import registered
from results.stats.analysis import Analysis
from results.stats.critical_mass import critical_mass
from results.stats.crossing import Above
from results.stats.curves import success_curves
from results.stats.paired import compare


def load(folder: str | Path) -> "Run":
    """Return the run in a folder, of this interface or of the command line.

    Arguments:
        folder: The folder, or its name under ``runs/``.

    Raises:
        BenchError: If there are no records, with the runs that exist.
    """
    return Run(folder_of(str(folder)))


class Run:
    """The records of a run, and what follows from them.

    All tables are pandas frames, and all figures belong to matplotlib.

    Arguments:
        folder: The folder of the run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        frame = self.frame
        failed = f", {len(self.failed)} failed" if len(self.failed) else ""
        learners = ", ".join(dict.fromkeys(text.partition("(")[0] for text in frame["learner"]))
        return f"Run({str(self.folder)!r}): {len(frame)} trials{failed} of {learners}"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """All records of the run's grid, one row a trial."""
        return grid_records(self.folder)

    @property
    def about(self) -> dict[str, Any]:
        """The description of the run: its grid, code and environment, and its command."""
        return description_of(self.folder)

    @property
    def failed(self) -> pd.DataFrame:
        """The records of trials that failed, with their errors."""
        frame = self.frame
        return frame[frame["status"] != "ok"].reset_index(drop=True)

    def curves(self, value: str = "headline") -> pd.DataFrame:
        """Return mean success at each size, with a 95 % interval over seeds.

        The columns are those of :func:`results.stats.curves.success_curves`.

        Arguments:
            value: The value in place of success, see :mod:`results.stats.values`.
        """
        return success_curves(self._valued(value))

    def critical(
        self, level: float = 0.5, value: str = "headline", above: Above = "control"
    ) -> pd.DataFrame:
        """Return critical masses: the smallest sizes that reach a level of success.

        The columns are those of :func:`results.stats.critical_mass.critical_mass`.

        Arguments:
            level: The level of success, from 0 to 1.
            value: The value in place of success, see :mod:`results.stats.values`.
            above: Whether the level is a share of what lies above size 0 ("control"), or a
                success itself ("zero").
        """
        return critical_mass(self.curves(value), level, self._valued(value), above)

    def compare(
        self, baseline: str = "ERM", level: float = 0.5, value: str = "headline"
    ) -> pd.DataFrame:
        """Return paired differences between all other learners and a baseline.

        The columns are those of :func:`results.stats.paired.compare`.

        Arguments:
            baseline: The learner to compare with: its spec, or its short name.
            level: The level of success at which critical masses are compared.
            value: The value in place of success, see :mod:`results.stats.values`.

        Raises:
            BenchError: If the run does not have the baseline.
        """
        try:
            return compare(self._valued(value), baseline, level)
        except ValueError as error:
            raise BenchError(str(error)) from error

    def plot(self, figure: str = "success") -> Figure:
        """Return a figure of the run.

        Arguments:
            figure: The name of the figure, such as "success", "critical" or "cost".

        Raises:
            BenchError: If there is no such figure, or the records do not allow it.
        """
        figures = registered()
        if figure not in figures:
            raise unknown("figure", figure, figures)
        table = figures[figure].table(self._analysis)
        if not len(table):
            raise BenchError(f"the records of {self.folder} do not allow the figure {figure!r}")
        return figures[figure].draw(self._analysis, table)

    def report(self, out: str | Path | None = None) -> Path:
        """Write a self-contained HTML page of the run, and return its path.

        Arguments:
            out: The file; ``report.html`` in the run's folder if None.
        """
        path = self.folder / "report.html" if out is None else Path(out)
        # Processes of the caller may have threads, as those of notebooks: they are not forked.
        report(str(self.folder), path, jobs=1)
        return path

    def note_failures(self) -> None:
        """Print how many trials failed, and the error of the first one."""
        failed = self.failed
        if len(failed):
            first = str(failed["error"].iloc[0]).splitlines()[-1]
            notes.print(
                f"{len(failed)} of {len(self.frame)} trials failed; .failed has their errors, the "
                f"first one: {first}",
                markup=False,
                soft_wrap=True,
            )

    def _valued(self, value: str) -> pd.DataFrame:
        return valued(self.frame, value)

    @cached_property
    def _analysis(self) -> Analysis:
        return Analysis(self._valued("headline"), planned_count(self.folder, self.frame))
