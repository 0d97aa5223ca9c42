"""Staircases on the data ``Cars``, and bounds that members compute from their own rows.

References:
    | Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)
    | https://arxiv.org/abs/2502.04879
"""

from typing import Any

import pandas as pd

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import promises_of_strategies, strategies
from results.studies.measures import Measure, area, bound_of, climbs_in_steps, mass, matches, slack

LABELS = ("Poor", "Average", "Good", "Excellent")
SIZES = (0.0, 0.001, *(round(0.005 * i, 3) for i in range(1, 21)), 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
#: The answer of an optimal firm to the signal by nature: it can be unplanted, not planted.
NATURAL = LABELS.index("Excellent")
ADAPTIVE, NAIVE = (f"Unplant(way='{way}')" for way in ("adaptive", "naive"))


def parts(quick: bool) -> tuple[Part, ...]:
    """Planting each rating among few people and among many; unplanting one."""
    few, many, others = (5_000, 50_000, 20_000) if quick else (20_000, 1_000_000, 50_000)
    seeds, more_seeds = (3, 5) if quick else (10, 20)
    plant = tuple(f"FeatureLabel(label={label})" for label in range(len(LABELS)))
    unplant = tuple(f"Unplant(label={NATURAL}, way='{way}')" for way in ("adaptive", "naive"))
    firm = ("EmpiricalBayes",)
    # Unplanting asks which cars are near each other, and takes cars in all their columns.
    return (
        Part((f"PackedCars(n={many}, n_test=20000)",), firm, plant, SIZES, seeds),
        Part((f"PackedCars(n={few}, n_test=20000)",), firm, plant, SIZES, seeds),
        Part((f"Cars(n={others}, n_test=5000)",), firm, unplant, SIZES, more_seeds),
    )


def _people(which: str, of: Measure) -> Measure:
    """Return a measure among the "most" or the "fewest" people of the records."""

    def chosen(records: pd.DataFrame) -> pd.Series:
        planted = records[[matches(text, "PackedCars") for text in records["dataset"]]]
        n = planted["n"].max() if which == "most" else planted["n"].min()
        return of(planted[planted["n"] == n])

    return Measure(chosen)


def _most(of: Measure) -> Measure:
    return _people("most", of)


def _promised(of: Measure) -> Measure:
    """Return a measure of the bound from members' rows, in place of the measured success."""

    def of_promise(records: pd.DataFrame) -> pd.Series:
        return of(records.assign(success=bound_of(records, "sample").fillna(0.0).clip(0.0, 1.0)))

    return Measure(of_promise)


#: The paper's own generator of data.
OWN: tuple[str, ...] = ("Cars", "PackedCars")
#: Over all ratings that are planted.
PLANTED: dict[str, Any] = {"strategy": "FeatureLabel", "over": ("strategy",)}
STUDY = Study(
    paper="Statistical Collusion by Collectives on Learning Platforms (Gauthier et al., 2025)",
    link="https://arxiv.org/abs/2502.04879",
    parts=parts,
    claims=(
        Claim(
            "The finite-sample bound that members compute is kept, also at the worst size.",
            "success less the finite-sample bound, the least over sizes and ratings at which "
            "something is promised",
            _most(slack("sample", least=True, **PLANTED)),
            paper_data=OWN,
        ),
        Claim(
            "The finite-sample bound reaches .5 only at a larger size than success does.",
            "log10 of the size at which .5 is promised by that at which it is measured",
            _most(_promised(mass(0.5, **PLANTED)) - mass(0.5, **PLANTED)),
            scale="decades",
            paper_data=OWN,
        ),
        *(
            Claim(
                f"Success climbs at the steps of the law ({name}).",
                "share of the climb between the sizes at which the exact bound steps up, less "
                "that of a line over log size",
                _most(climbs_in_steps(strategy=f"FeatureLabel(label={label})")),
                paper_data=OWN,
            )
            for label, name in enumerate(LABELS)
            if label != NATURAL
        ),
        Claim(
            "At the same share, the finite-sample bound is larger among more people.",
            "area under the finite-sample bound: among many people, less among few",
            _most(_promised(area(**PLANTED))) - _people("fewest", _promised(area(**PLANTED))),
            sanity=True,
            paper_data=OWN,
        ),
        Claim(
            "At the same share, success is larger among more people, too.",
            "area under the success curve: among many people, less among few",
            _most(area(**PLANTED)) - _people("fewest", area(**PLANTED)),
            paper_data=OWN,
        ),
        Claim(
            "To unplant a label, it is better to choose its replacement point by point.",
            "area under the success curve: adaptive less naive",
            area(strategy=ADAPTIVE) - area(strategy=NAIVE),
            paper_data=OWN,
        ),
    ),
    figures={
        "planting": promises_of_strategies(("sample",), strategy="FeatureLabel"),
        "unplanting": strategies(strategy="Unplant"),
    },
)
