"""Studies: the grid of a paper, its figures, and its claims with their verdicts."""

import importlib
import pkgutil
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

import results.studies
from bench.core.errors import unknown
from bench.datasets.base import has_files
from bench.execution.measurements import Measurement
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from results.display_names import parse as parsed
from results.stats.frames import without_attributes
from results.studies.claims import Claim as Claim
from results.studies.evidence import evidence
from results.studies.measures import records_read

#: From records to a figure, and the table that it draws.
Drawing = Callable[[pd.DataFrame], tuple[Figure, pd.DataFrame]]


@dataclass(frozen=True)
class Study:
    """A paper: its grid, its figures and its claims.

    Arguments:
        paper: Title, authors and year.
        link: The address of the paper.
        parts: The parts of its grid, by whether they are those of the quick version.
        claims: Its claims.
        figures: Its figures by name.
        tables: Specs of the data sets that the study uses where their files are there.
        measurements: The points of an experiment whose trials are not those of a grid, by whether
            they are those of the quick version. The study then has no parts.
    """

    paper: str
    link: str
    parts: Callable[[bool], tuple[Part, ...]]
    claims: tuple[Claim, ...]
    figures: Mapping[str, Drawing]
    tables: tuple[str, ...] = ()
    measurements: Callable[[bool], Sequence[Measurement]] | None = None

    def left_out(self) -> list[str]:
        """Return the specs of the data sets whose files are missing."""
        return [text for text in self.tables if not has_files(parse(text, "datasets"))]

    def data(self) -> list[str]:
        """Return the classes of the data sets of the whole study."""
        specs = {text for part in self.parts(False) for text in part.datasets}
        if self.measurements is not None:
            specs = {one.key.dataset for one in self.measurements(False)}
        return sorted({parsed(text)[0] for text in specs})

    def count(self, quick: bool = False) -> int:
        """Return the number of its trials, or of its measurements."""
        if self.measurements is not None:
            return len(self.measurements(quick))
        return self.grid("", quick).count()

    def grid(self, name: str, quick: bool = False) -> Grid:
        """Return its grid, with all specs written out.

        Arguments:
            name: The name of the grid.
            quick: Whether it is that of the quick version.
        """
        return Grid(name, self.parts(quick)).written_out()

    def verdicts(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return a row for each claim, and one below it for each data set of several.

        Arguments:
            records: One row a trial.

        Returns:
            ``number``, that of the claim, with a letter in the row of a data set; ``claim``,
            marked where it is a sanity check; the fields of a
            :class:`results.studies.claims.Verdict`; ``measured``, the meaning of the effect;
            ``above`` and ``below``, between which it is claimed to be; ``scale``; ``cause``, the
            likely cause where the claim fails, or the reason why it is left out; and the columns
            of :func:`results.studies.evidence.evidence`, on which data and with which learners
            the claim was judged.
        """
        records = without_attributes(records)
        return pd.DataFrame(
            [
                {"number": f"{number}{letter}", **_judged(claim, records)}
                for number, whole in enumerate(self.claims, 1)
                for letter, claim in _with_lines(whole, records)
            ]
        )


def no_parts(quick: bool) -> tuple[Part, ...]:
    """Return the parts of a study that has measurements in their place."""
    return ()


def _with_lines(claim: Claim, records: pd.DataFrame) -> Iterator[tuple[str, Claim]]:
    """Yield a claim, and the same claim for each of its data sets under a letter."""
    yield "", claim
    yield from zip(string.ascii_lowercase, claim.lines(records), strict=False)


def _judged(claim: Claim, records: pd.DataFrame) -> dict[str, Any]:
    """Return the row of a claim in the table of verdicts."""
    with records_read() as read:
        verdict = vars(claim.judge(records)).copy()
    seen = pd.concat(read) if read else records.iloc[:0]
    failed, reason = verdict["verdict"] == "fails", verdict.pop("reason")
    return {
        "claim": f"Sanity check: {claim.says}" if claim.sanity else claim.says,
        **verdict,
        "measured": claim.effect,
        "above": claim.region[0],
        "below": claim.region[1],
        "scale": claim.scale,
        "cause": claim.cause if failed else reason,
        **evidence(seen, records, claim.paper_data),
    }


def whole_claims(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts without the rows of single data sets below a claim about several.

    Arguments:
        verdicts: Result of :meth:`Study.verdicts`.
    """
    return verdicts[verdicts["number"].astype(str).str.isdigit()]


def studies() -> dict[str, Study]:
    """Return all studies by name: those of this package's modules."""
    named = {}
    for module in pkgutil.iter_modules(results.studies.__path__):
        study = getattr(
            importlib.import_module(f"{results.studies.__name__}.{module.name}"), "STUDY", None
        )
        if study is not None:
            named[module.name.replace("_", "-")] = study
    return named


def load(name: str) -> Study:
    """Return the study of a name.

    Raises:
        BenchError: If there is none.
    """
    named = studies()
    if name not in named:
        raise unknown("study", name, named)
    return named[name]
