"""Two collectives among the same people: in agreement, opposed, apart.

References:
    | Algorithmic Collective Action with Two Collectives (Karan et al., 2025)
    | https://arxiv.org/abs/2505.00195
"""

from math import inf

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import strategies
from results.studies.measures import Measure, mass, success

# The signal is named, though it is the default: a spec without it would match other pairs.
ONE, ZERO = (
    f"FeatureLabel(signal=SetFeature(column=-1, value=1.0), label={label})" for label in (1, 0)
)
ELSEWHERE = "FeatureLabel(signal=SetFeature(column=-1, value=2.0), label=0)"
PAIRS = {
    name: f"Several(strategies=({ONE}, {other}), shares={shares}, judged=0, alone={alone})"
    for name, other, shares, alone in (
        ("alone", ZERO, (0.5, 0.5), True),
        ("agreed", ONE, (0.5, 0.5), False),
        ("opposed", ZERO, (0.5, 0.5), False),
        ("outnumbered", ZERO, (0.3, 0.6), False),
        ("outnumbering", ZERO, (0.6, 0.3), False),
        ("apart", ELSEWHERE, (0.5, 0.5), False),
    )
}
#: Both together are a tenth of the people or more.
LARGE = (0.1, 0.8)
TABLE, LINE, NETWORK = "EmpiricalBayes", "LogisticRegression", "ERM"


def parts(quick: bool) -> tuple[Part, ...]:
    """Six pairs against four learners."""
    return (
        Part(
            ("Coins(noise=0.2)",),
            (TABLE, LINE, NETWORK, "RandomForest"),
            tuple(PAIRS.values()),
            (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8),
            5 if quick else 10,
        ),
    )


def _pair(which: str, learner: str) -> Measure:
    return success(LARGE, learner=learner, strategy=PAIRS[which])


STUDY = Study(
    paper="Algorithmic Collective Action with Two Collectives (Karan et al., 2025)",
    link="https://arxiv.org/abs/2505.00195",
    parts=parts,
    claims=(
        *(
            Claim(
                f"A collective alone is at its goal at the sizes that are compared ({name}).",
                "success of a collective alone, both together 10 to 80 % of the people",
                _pair("alone", name),
                region=(0.9, inf),
                scale="share",
            )
            for name in (TABLE, NETWORK)
        ),
        *(
            Claim(
                f"A collective of equal size with another target harms it ({name}).",
                "success at 10 to 80 %: alone, less opposed",
                _pair("alone", name) - _pair("opposed", name),
            )
            for name in (TABLE, LINE, NETWORK, "RandomForest")
        ),
        Claim(
            "The loss may be half of its success and more.",
            "the same, ERM",
            _pair("alone", NETWORK) - _pair("opposed", NETWORK),
            region=(0.5, inf),
        ),
        Claim(
            "A collective with the same signal and the same target does it no harm.",
            "success at 10 to 80 %: agreed, less alone; ERM",
            _pair("agreed", NETWORK) - _pair("alone", NETWORK),
            region=(-0.02, inf),
        ),
        Claim(
            "Two that agree need fewer people together than one alone.",
            "log10 of critical mass at .9: alone, less agreed; ERM",
            mass(0.9, learner=NETWORK, strategy=PAIRS["alone"])
            - mass(0.9, learner=NETWORK, strategy=PAIRS["agreed"]),
            scale="decades",
        ),
        *(
            Claim(
                f"A collective with another signal and another target does it no harm ({name}).",
                "success at 10 to 80 %: apart, less alone",
                _pair("apart", name) - _pair("alone", name),
                region=(-0.02, inf),
                cause="A linear model has one slope along the column that carries both signals: "
                "to it, 2 is more of what 1 is, and the two are opposed after all.",
            )
            for name in (TABLE, NETWORK, LINE)
        ),
        *(
            Claim(
                f"A collective of twice the size of an opposed one succeeds ({name}).",
                "success at 10 to 80 %, twice as large as the other one",
                _pair("outnumbering", name),
                region=(0.75, inf),
                scale="share",
            )
            for name in (TABLE, NETWORK)
        ),
        Claim(
            "The smaller of two opposed collectives has hardly any success.",
            "success at 10 to 80 %, half as large as the other one; ERM",
            _pair("outnumbered", NETWORK),
            region=(-inf, 0.25),
            scale="share",
        ),
    ),
    figures={"pairs": strategies(dataset="Coins")},
)
