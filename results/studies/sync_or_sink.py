"""Mistakes of members: noise against size.

References:
    | Sync or Sink: Bounds on Algorithmic Collective Action with Noise (Karan et al., 2025)
    | https://arxiv.org/abs/2510.18933
"""

from math import inf, log10

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import promises, strategies
from results.studies.measures import Measure, mass, success

TABLE, NETWORK = "EmpiricalBayes", "ERM"
CLEAN = "FeatureLabel"
NOISES = (
    "dropout=0.5",
    *(f"wrong_label={rate}" for rate in (0.1, 0.25, 0.4, 0.45)),
    "wrong_signal=0.25",
    "wrong_signal=0.5",
)
SIZES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def parts(quick: bool) -> tuple[Part, ...]:
    """Kinds and rates of noise at each size, on data that are noisy and on images."""
    strategies = (CLEAN, *(f"Noisy({noise})" for noise in NOISES))
    seeds = 5 if quick else 10
    return (
        Part(("Coins(noise=0.2)",), (TABLE, NETWORK), strategies, SIZES, seeds),
        Part(("Digits",), (NETWORK,), strategies[:-2], SIZES, seeds),
    )


def _noisy(noise: str, learner: str, size: float | tuple[float, float]) -> Measure:
    strategy = f"Noisy({noise})" if noise else CLEAN
    return success(size, dataset="Coins", learner=learner, strategy=strategy)


def _mass(noise: str, level: float = 0.5) -> Measure:
    strategy = f"Noisy({noise})" if noise else CLEAN
    return mass(level, dataset="Coins", learner=TABLE, strategy=strategy)


STUDY = Study(
    paper="Sync or Sink: Bounds on Algorithmic Collective Action with Noise (Karan et al., 2025)",
    link="https://arxiv.org/abs/2510.18933",
    parts=parts,
    claims=(
        *(
            Claim(
                f"Noise can defeat a collective that would be at its goal ({name}).",
                "success at 10 to 80 %: without noise, less with 45 % of wrong labels",
                _noisy("", name, (0.1, 0.8)) - _noisy("wrong_label=0.45", name, (0.1, 0.8)),
                region=(0.4, inf),
            )
            for name in (TABLE, NETWORK)
        ),
        *(
            Claim(
                f"A collective of {small:.0%} does better than one twice as large with four times "
                f"the noise ({name}).",
                f"success: {small:.0%} with 10 % of wrong labels, less {2 * small:.0%} with 40 %",
                _noisy("wrong_label=0.1", name, small)
                - _noisy("wrong_label=0.4", name, 2 * small),
            )
            for name in (TABLE, NETWORK)
            for small in (0.05, 0.2)
        ),
        Claim(
            "A dropout of one half costs as much as half of the members.",
            "log10 of critical mass at .5: with dropout, less without; EmpiricalBayes",
            _mass("dropout=0.5") - _mass(""),
            region=(log10(2) - 0.1, log10(2) + 0.1),
            scale="decades",
            sanity=True,
        ),
        Claim(
            "Wrong labels cost more than signals that are forgotten, at one rate.",
            "log10 of critical mass at .5: a quarter of the labels wrong, less a quarter of the "
            "signals; EmpiricalBayes",
            _mass("wrong_label=0.25") - _mass("wrong_signal=0.25"),
            scale="decades",
        ),
        Claim(
            "On 8 x 8 digits, too, noise costs success.",
            "success at 1 to 80 %: without noise, less with 45 % of wrong labels; ERM, Digits",
            success((0.01, 0.8), dataset="Digits", strategy=CLEAN)
            - success((0.01, 0.8), dataset="Digits", strategy="Noisy(wrong_label=0.45)"),
        ),
        Claim(
            "On 8 x 8 digits of ten classes it does not: wrong labels differ from each other.",
            "success at 10 to 80 % with 45 % of wrong labels; ERM, Digits",
            success((0.1, 0.8), dataset="Digits", strategy="Noisy(wrong_label=0.45)"),
            region=(0.9, inf),
            scale="share",
        ),
    ),
    figures={
        "noise": strategies(dataset="Coins"),
        "images": strategies(dataset="Digits"),
        "promises": promises(("exact",), dataset="Coins", learner=TABLE),
    },
)
