"""The effective size of a collective, which depends on the learner.

References:
    | The Role of Learning Algorithms in Collective Action (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2405.06582
"""

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import curves, effective_sizes, strategies
from results.studies.explained_variance import explained_beyond_chance, permutation_p
from results.studies.measures import (
    Measure,
    effective,
    mass,
    success,
)

SIZES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
#: Half a per cent and less of the people are few, a fifth and more of them are many.
FEW, SOME, MANY = (0.0025, 0.01), (0.01, 0.1), (0.2, 0.4)
REWEIGHTING = ("JTT", "LfF", "CVaRDRO", "Chi2DRO")
#: People who carry the signal by nature, and speak against the collective.
PEOPLE, IMAGES = "Coins", "Digits(overlap=0.02)"
PLANE, SLABS = "Gaussians(n=4000, overlap=0.02)", "Slabs(n=4000)"
IGNORED = "FeatureLabel(signal=SetFeature(column=-1, value=0.44))"
AGAINST = "FeatureLabel(signal=SetFeature(column=0, value=-0.55))"
SIDE, MIDDLE = (f"FeatureLabel(signal=SetFeature(column=-1, value={v}))" for v in (0.88, 0.0))
CLEAN = {"validation": "clean"}
CHOOSING = tuple(f"{name}(selection='accuracy')" for name in ("ERM", "CVaRDRO"))


def parts(quick: bool) -> tuple[Part, ...]:
    """Re-weighting on three tasks, groups, contaminated validation data, places of signals."""
    seeds = 5 if quick else 10
    planted, firms = ("FeatureLabel",), ("ERM", *REWEIGHTING)
    convs = tuple(f"{name}(network=ConvNet())" for name in firms)
    lines = tuple(f"{name}(network=Linear())" for name in firms)
    places = (IGNORED, AGAINST, SIDE, MIDDLE)
    fine = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    return (
        Part((PEOPLE,), firms, planted, SIZES, seeds),
        Part((IMAGES,), convs, planted, SIZES, seeds),
        Part((PLANE,), lines, planted, SIZES, seeds),
        Part((PEOPLE,), ("GroupDRO",), planted, SIZES, seeds, groups=("given", "own")),
        Part((PEOPLE,), CHOOSING, planted, SIZES, seeds, ("clean", "contaminated")),
        Part((SLABS,), ("ERM",), places, fine, seeds),
    )


def _over_erm(data: str, learner: str, size: tuple[float, float]) -> Measure:
    firm, erm = (f"{name}(selection='loss')" for name in (learner, "ERM"))
    return success(size, dataset=data, learner=firm) - success(size, dataset=data, learner=erm)


def _kinds(data: str, where: str, causes: dict[str, str]) -> list[Claim]:
    claims = []
    for name in REWEIGHTING:
        claims.append(
            Claim(
                f"{where}, {name} strengthens small collectives.",
                f"success at .25 to 1 % of the people: {name} less ERM",
                _over_erm(data, name, FEW),
                cause=causes.get(f"{name} small", ""),
            )
        )
        claims.append(
            Claim(
                f"{where}, {name} weakens large collectives.",
                f"success at 20 to 40 % of the people: ERM less {name}",
                -_over_erm(data, name, MANY),
                cause=causes.get(f"{name} large", ""),
            )
        )
    return claims


def _chosen(learner: str) -> Measure:
    cells = {"dataset": PEOPLE, "learner": f"{learner}(selection='accuracy')"}
    return success(SOME, validation="contaminated", **cells) - success(
        SOME, validation="clean", **cells
    )


def _place(strategy: str) -> Measure:
    return mass(0.5, value="success_others", dataset="Slabs", strategy=strategy)


STUDY = Study(
    paper="The Role of Learning Algorithms in Collective Action (Ben-Dov et al., 2024)",
    link="https://arxiv.org/abs/2405.06582",
    parts=parts,
    claims=(
        *_kinds(PEOPLE, "Where some points carry the signal by nature", {}),
        *_kinds(IMAGES, "On 8 x 8 digits", {}),
        Claim(
            "JTT gives small collectives more than their share of the weight.",
            "log10 of effective size by size, at .25 to 1 %, linear model",
            effective(FEW, dataset="Gaussians", learner="JTT"),
            scale="decades",
        ),
        Claim(
            "JTT gives large collectives less than their share of the weight.",
            "log10 of size by effective size, at 40 %, linear model",
            -effective(0.4, dataset="Gaussians", learner="JTT"),
            scale="decades",
        ),
        *(
            Claim(
                f"{where}, effective size explains success better than size does.",
                "share of the variance of success that a rising function of effective size "
                "explains, less its mean over permutations of learners' effective sizes; over all "
                "learners that report weights, and ERM, clean validation data",
                explained_beyond_chance("effective_size", dataset=data, **more),
                p=permutation_p("effective_size", dataset=data, **more),
            )
            for where, data, more in (
                (
                    "Where some points carry the signal by nature",
                    PEOPLE,
                    {"groups": "given", **CLEAN},
                ),
                ("On 8 x 8 digits", IMAGES, {}),
                ("On two Gaussian classes", "Gaussians", {"value": "success_others"}),
            )
        ),
        Claim(
            "With a firm that protects the worst group, a small collective that is a group of its "
            "own succeeds more than one that is spread over the groups.",
            "success at .25 to 1 %: GroupDRO, members a group of their own, less spread",
            success(FEW, dataset=PEOPLE, learner="GroupDRO", groups="own")
            - success(FEW, dataset=PEOPLE, learner="GroupDRO", groups="given"),
        ),
        Claim(
            "Members in the validation data change what CVaR-DRO makes of a collective, to its "
            "gain.",
            "success at 1 to 10 %, epochs chosen by validation accuracy: with members in the "
            "validation data, less without",
            _chosen("CVaRDRO"),
        ),
        Claim(
            "Members in the validation data change CVaR-DRO more than ERM.",
            "the same difference: CVaRDRO less ERM",
            _chosen("CVaRDRO") - _chosen("ERM"),
        ),
        Claim(
            "A signal in a coordinate that the network ignores takes fewer members than one "
            "against the coordinate that it uses.",
            "log10 of critical mass at .5: signal on the wrong side of the simple coordinate, "
            "less signal in a complex one",
            _place(AGAINST) - _place(IGNORED),
            scale="decades",
        ),
        *(
            Claim(
                f"It does so also where points near both signals have the other label ({where}).",
                "the same, signals in slabs of the other label",
                _place(AGAINST) - _place(strategy),
                scale="decades",
                cause=cause,
            )
            for where, strategy, cause in (
                ("few people near the complex one", SIDE, ""),
                (
                    "many people near it",
                    MIDDLE,
                    "The middle slab is full of people of the other label: there the network has "
                    "to unlearn what it knows, while the far end of the simple coordinate is "
                    "empty, and a few members own it.",
                ),
            )
        ),
    ),
    figures={
        "success": curves(strategy="FeatureLabel", dataset=PEOPLE, validation="clean"),
        "images": curves(dataset=IMAGES),
        "effective_size": effective_sizes(dataset="Gaussians"),
        "validation": curves(
            dataset=PEOPLE, learner="CVaRDRO(selection='accuracy')", strategy="FeatureLabel"
        ),
        "places": strategies(dataset="Slabs", value="success_others"),
    },
)
