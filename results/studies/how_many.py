"""Whether collectives take a number of people or a share of them, by learner."""

import pandas as pd
from matplotlib.figure import Figure

from bench.spec.grid import Part
from results.plots.people import plot_people
from results.stats.people import counts_by_seed, critical_people, slopes
from results.studies.base import Claim, Study
from results.studies.measures import Measure, pick

#: Points that carry the signal by nature under other labels, whose number grows with n; and none.
DATA = {"Coins": "some points carry the signal by nature", "Gaussians": "no point does"}
LEARNERS = ("ERM", "LogisticRegression", "KNN", "NaiveBayes", "RandomForest")
#: Numbers of people.
NUMBERS = (500, 2000, 8000, 32_000)
#: Members of the collectives.
COUNTS = tuple(2**k for k in range(14))
#: The largest share of members.
LARGEST = 0.4


def parts(quick: bool) -> tuple[Part, ...]:
    """Four numbers of people on two kinds of data, with the same numbers of members."""
    numbers, seeds, trees = ((250, 500, 1000, 2000), 4, 20) if quick else (NUMBERS, 10, 100)
    learners = (*LEARNERS[:-1], f"RandomForest(trees={trees})")
    return tuple(
        Part(
            (f"Coins(n={n}, n_test=1000)", f"Gaussians(n={n}, n_test=1000, overlap=0.0)"),
            learners,
            ("FeatureLabel",),
            (0.0, *(count / n for count in COUNTS[:: 2 if quick else 1] if count <= LARGEST * n)),
            seeds,
        )
        for n in numbers
    )


def _slope(data: str, learner: str) -> Measure:
    """Return the slope of the logarithm of the critical count on that of n."""

    def of(records: pd.DataFrame) -> pd.Series:
        trials = pick(records, dataset=data, learner=learner, value="success_others")
        return slopes(counts_by_seed(trials)).set_index("seed")["slope"]

    return Measure(of)


def _draw(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of critical counts, and the table that it draws."""
    trials = records.assign(success=records["success_others"].astype(float))
    table = critical_people(counts_by_seed(trials))
    return plot_people(table), table


STUDY = Study(
    paper="How many people a collective takes",
    link="https://arxiv.org/abs/2302.04262",
    parts=parts,
    claims=tuple(
        Claim(
            f"Where {where}, {learner} takes a number of people rather than a share of them.",
            "slope of the logarithm of the critical count on that of n, at half of what success "
            "lacks at size 0: 0 for a number, 1 for a share",
            _slope(data, learner),
            region=(float("-inf"), 0.5),
            scale="decades",
        )
        for data, where in DATA.items()
        for learner in LEARNERS
    ),
    figures={"people": _draw},
)
