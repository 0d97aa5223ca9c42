"""Generative learners: are those nearer to the Bayes rule under a collective?

References:
    | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2307.09882
"""

import pandas as pd

from bench.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import curves
from results.studies.measures import Measure, pick, success

MOONS, NOISY = "Planar(shape='moons', noise=0.1)", "Planar(shape='8gaussians', noise=0.1)"
BAYES, NETWORK = "BayesOptimal", "ERM"
GENERATIVE = {
    "LED": "LEDClassifier",
    "a flow": "Generative(model=Flow(steps=200, batch=128, hidden=(32,), transforms=2))",
    "kernels": "Generative(model=KDE())",
    "mixtures": "Generative(model=GaussianMixture(components=(8,)))",
}
SIZES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
#: Where curves climb.
CLIMB = (0.002, 0.2)


def parts(quick: bool) -> tuple[Part, ...]:
    """Generative learners, a network and the Bayes rule on two laws in the plane."""
    learners = (BAYES, NETWORK, *GENERATIVE.values(), "QDA")
    sizes = SIZES[::2] if quick else SIZES
    return (Part((MOONS, NOISY), learners, ("FeatureLabel",), sizes, 3 if quick else 10),)


def _away(data: str, learner: str) -> Measure:
    """Mean distance of a learner's success from that of the Bayes rule, over sizes."""

    def of(records: pd.DataFrame) -> pd.Series:
        own, best = (
            pick(records, dataset=data, learner=name, size=CLIMB).set_index(["seed", "size"])
            for name in (learner, BAYES)
        )
        return (own["success"] - best["success"]).abs().groupby("seed").mean()

    return Measure(of)


def _ranked(data: str) -> Measure:
    """How the distance to the true law orders learners by their distance to its success."""

    def of(records: pd.DataFrame) -> pd.Series:
        found = pick(records, dataset=data, size=CLIMB)
        best = found[found["learner"].str.startswith(BAYES)].set_index(["seed", "size"])["success"]
        own = found[found.get("report_epsilon", found["size"] * float("nan")).notna()]
        own = own.set_index(["seed", "size"])
        own = own.assign(away=(own["success"] - best.reindex(own.index)).abs())
        means = own.groupby(["seed", "learner"])[["report_epsilon", "away"]].mean()
        return means.groupby("seed").apply(
            lambda rows: rows["report_epsilon"].corr(rows["away"], method="spearman")
        )

    return Measure(of)


STUDY = Study(
    paper="Generative learners under a collective",
    link="https://arxiv.org/abs/2307.09882",
    parts=parts,
    claims=(
        *(
            Claim(
                f"Under a collective {name} is nearer to the Bayes rule than a network ({where}).",
                "distance of success from the Bayes rule's, mean over .2 to 20 %: ERM's, less its",
                _away(data, NETWORK) - _away(data, spec),
            )
            for name, spec in GENERATIVE.items()
            for where, data in (("moons", MOONS), ("eight gaussians", NOISY))
        ),
        *(
            Claim(
                f"Who is nearer to the true law is nearer to the Bayes rule's success ({where}).",
                "rank correlation over generative learners: total variation to the law with the "
                "distance of success from the Bayes rule's",
                _ranked(data),
            )
            for where, data in (("moons", MOONS), ("eight gaussians", NOISY))
        ),
        Claim(
            "Densities that resolve their points follow a collective further than the Bayes rule "
            "(kernels, moons).",
            "success at .2 to 20 %: kernels less the Bayes rule",
            success(CLIMB, dataset=MOONS, learner=GENERATIVE["kernels"])
            - success(CLIMB, dataset=MOONS, learner=BAYES),
        ),
    ),
    figures={"moons": curves(dataset=MOONS), "gaussians": curves(dataset=NOISY)},
)
