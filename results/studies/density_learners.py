"""Generative learners under a collective, and their distance to the Bayes rule.

References:
    | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2307.09882
"""

import pandas as pd
from matplotlib.figure import Figure

from bench.spec.grid import Part
from bench.spec.parsing import parse
from bench.theory.distance_bound import distance_bound
from results.plots.distance_bound import plot_certified
from results.studies.base import Claim, Study
from results.studies.drawings import curves
from results.studies.measures import Measure, cell, pick, success

MOONS, NOISY = "Planar(shape='moons', noise=0.1)", "Planar(shape='8gaussians', noise=0.1)"
COINS = "Coins"
BAYES, NETWORK = "BayesOptimal", "ERM"
GENERATIVE = {
    "LED": "LEDClassifier",
    "a flow": "Generative(model=Flow(steps=200, batch_size=128, hidden=(32,), transforms=2))",
    "a kernel density": "Generative(model=KDE())",
    "a mixture": "Generative(model=GaussianMixture(components=(2, 4, 8, 16, 32)))",
}
CAUSES = {
    "a kernel density": "Between the few points that carry the bit, kernels leave islands to "
    "points that have it by nature, where the Bayes rule follows the collective everywhere.",
}
#: The learners whose distance to the law is drawn beside the bound at that distance.
CERTIFIED = ("LED", "a mixture")
SIZES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
#: Where curves climb.
CLIMB = (0.002, 0.2)


def parts(quick: bool) -> tuple[Part, ...]:
    """Generative learners, a network and the Bayes rule on laws in the plane, some on coins."""
    sizes, seeds = ((0.0, 0.01, 0.05, 0.4), 3) if quick else (SIZES, 10)
    judged = (0.0, 0.05) if quick else sizes[:-1]
    # The largest size and coins are for the figure of promises: no claim is about them.
    every = (BAYES, NETWORK, *GENERATIVE.values(), "QDA")
    promised = (BAYES, NETWORK, *(GENERATIVE[name] for name in CERTIFIED))
    return (
        Part((MOONS, NOISY), every, ("FeatureLabel",), judged, seeds),
        Part((MOONS, NOISY, COINS), promised, ("FeatureLabel",), sizes, seeds),
    )


def _away(data: str, learner: str) -> Measure:
    """Return the mean distance of a learner's success from that of the Bayes rule, over sizes."""

    def of(records: pd.DataFrame) -> pd.Series:
        success, best = (
            cell(records, dataset=data, learner=name, size=CLIMB).set_index(["seed", "size"])
            for name in (learner, BAYES)
        )
        return (success["success"] - best["success"]).abs().groupby("seed").mean()

    return Measure(of)


def _ranked(data: str) -> Measure:
    """Return the rank correlation of the distances to the law and to the Bayes rule's success."""

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, over=("learner",), dataset=data, size=CLIMB)
        best = trials[trials["learner"].str.startswith(BAYES)].set_index(["seed", "size"])[
            "success"
        ]
        measured = trials[trials.get("report_epsilon", trials["size"] * float("nan")).notna()]
        measured = measured.set_index(["seed", "size"])
        measured = measured.assign(away=(measured["success"] - best.reindex(measured.index)).abs())
        means = measured.groupby(["seed", "learner"])[["report_epsilon", "away"]].mean()
        return means.groupby("seed").apply(
            lambda rows: rows["report_epsilon"].corr(rows["away"], method="spearman")
        )

    return Measure(of)


def certified(records: pd.DataFrame) -> pd.DataFrame:
    """Return success of learners beside the bound at their distance to the law.

    Arguments:
        records: One row a trial.

    Returns:
        A row a trial of those that report their ``epsilon``: beside it the ``success``, the Bayes
        rule's at the same size and seed as ``best``, and the ``bound``.
    """
    key = ["dataset", "size", "seed"]
    best = pick(records, learner=BAYES).set_index(key)["success"].rename("best")
    trials = pd.concat([pick(records, learner=GENERATIVE[name]) for name in CERTIFIED])
    trials = trials[trials["report_epsilon"].notna() & (trials["size"] > 0)].join(best, on=key)
    trials = trials.rename(columns={"report_epsilon": "epsilon"})
    bounds = [
        distance_bound(parse(data, "datasets"), parse(strategy, "strategies"), size, epsilon)
        for data, strategy, size, epsilon in zip(
            trials["dataset"], trials["strategy"], trials["size"], trials["epsilon"], strict=True
        )
    ]
    return trials.assign(bound=bounds)[["learner", *key, "success", "best", "epsilon", "bound"]]


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    table = certified(records)
    return plot_certified(table), table


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
                cause=CAUSES.get(name, ""),
            )
            for name, spec in GENERATIVE.items()
            for where, data in (("moons", MOONS), ("eight gaussians", NOISY))
        ),
        *(
            Claim(
                "Learners nearer to the true law are nearer to the Bayes rule's success "
                f"({where}).",
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
            success(CLIMB, dataset=MOONS, learner=GENERATIVE["a kernel density"])
            - success(CLIMB, dataset=MOONS, learner=BAYES),
        ),
    ),
    figures={
        "moons": curves(dataset=MOONS),
        "gaussians": curves(dataset=NOISY),
        "coins": curves(dataset=COINS),
        "certified": _drawn,
    },
)
