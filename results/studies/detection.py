"""Detection: suspicion scores of a firm find some collectives, and others not.

References:
    | Spectral Signatures in Backdoor Attacks (Tran et al., 2018)
    | https://arxiv.org/abs/1811.00636
"""

from math import inf

import pandas as pd
from matplotlib.figure import Figure

from bench.detection.activation_clustering import ActivationClustering
from bench.detection.base import Score
from bench.detection.class_density import ClassDensity
from bench.detection.deep_knn import DeepKNN
from bench.detection.detect import NUMBERS, DetectionTrial
from bench.detection.loss import Loss
from bench.detection.spectral import Spectral
from bench.spec.grid import Grid, Part
from results.plots.suspicion import plot_areas
from results.stats.suspicion import mean_areas
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, success

#: The scores by the name of their column, and by their name in words.
SCORES: dict[str, Score] = {
    "spectral": Spectral(),
    "clustering": ActivationClustering(),
    "density": ClassDensity(),
    "neighbours": DeepKNN(),
    "loss": Loss(),
    "early_loss": Loss(epoch=1),
}
#: The columns of records that the claims read.
COLUMNS = tuple(f"measure_{kind}_{name}" for name in SCORES for kind in NUMBERS)
IMAGES, PLANE = "Digits", "Gaussians(dimension=10)"
DATA = ((IMAGES, "8 x 8 digits"), ("Gaussians", "Gaussian classes"))
#: Its classifiers after each epoch are those whose losses are examined.
LEARNER = "ERM(trace=True)"
PLANT, NOISE, ERASE = "FeatureLabel", "Noisy(FeatureLabel(), wrong_signal=0.5)", "Erase"
SIZES = (0.0, 0.005, 0.02, 0.05, 0.2)
FEW, SOME, MANY = 0.005, 0.05, 0.2
#: The area above which a score finds members, and that below which it does not.
FOUND, CHANCE = 0.8, 0.6


def parts(quick: bool) -> tuple[Part, ...]:
    """Planting, planting with coordination noise, and erasing, at small and large sizes."""
    return (Part((IMAGES, PLANE), (LEARNER,), (PLANT, NOISE, ERASE), SIZES, 3 if quick else 10),)


def measurements(quick: bool) -> tuple[DetectionTrial, ...]:
    """The trials of the grid, with the measures of all scores."""
    grid = Grid("detection", parts(quick)).written_out()
    return tuple(DetectionTrial(trial, tuple(SCORES.items())) for trial in grid.trials())


def _area(data: str, score: str, size: float, strategy: str = PLANT) -> Measure:
    """Return the area under the ROC curve of a score."""
    return success(size, dataset=data, strategy=strategy, value=f"measure_auc_{score}")


def _largest(data: str, size: float, strategy: str) -> Measure:
    """Return the largest area of all scores at each seed."""

    def of(records: pd.DataFrame) -> pd.Series:
        areas = [_area(data, score, size, strategy)(records) for score in SCORES]
        return pd.concat(areas, axis=1).max(axis=1, skipna=False)

    return Measure(of)


def _claims(data: str, where: str) -> tuple[Claim, ...]:
    area = "area under the ROC curve"
    return (
        *(
            Claim(
                f"{words} at {SOME:.0%} find members that plant a signal ({where}).",
                f"{area} at {SOME:.0%}; the limit of {FOUND:g} is this study's",
                _area(data, name, SOME),
                region=(FOUND, inf),
                scale="share",
            )
            for name, words in (
                ("spectral", "Spectral signatures"),
                ("clustering", "Clusters of activations"),
            )
        ),
        Claim(
            f"Spectral signatures at {FEW:.1%} do not find members that plant ({where}).",
            f"{area} at {FEW:.1%}; the limit of {FOUND:g} is this study's",
            _area(data, "spectral", FEW),
            region=(-inf, FOUND),
            scale="share",
            cause="A few members are outliers of their label as many are: the top direction "
            "of its features is theirs already.",
        ),
        Claim(
            f"Coordination noise hides members from spectral signatures ({where}).",
            f"{area} of spectral signatures at {SOME:.0%}: planting, less planting of which half "
            "of the members leave the signal out",
            _area(data, "spectral", SOME) - _area(data, "spectral", SOME, "Noisy"),
        ),
        Claim(
            f"Erasing is harder to find than planting ({where}).",
            f"{area} of spectral signatures at {SOME:.0%}: planting, less erasing",
            _area(data, "spectral", SOME) - _area(data, "spectral", SOME, ERASE),
        ),
        Claim(
            f"No score finds a large collective that erases ({where}).",
            f"largest {area} of all {len(SCORES)} scores at {MANY:.0%}; the limit of {CHANCE:g} "
            "is this study's",
            _largest(data, MANY, ERASE),
            region=(-inf, CHANCE),
            scale="share",
        ),
        Claim(
            f"The loss after the first epoch finds members that plant ({where}).",
            f"{area} of the loss after one epoch at {SOME:.0%}",
            _area(data, "early_loss", SOME),
            region=(0.5, inf),
            scale="share",
            cause="A simple signal is learnt within the first epoch: members then have smaller "
            "losses than others.",
        ),
        Claim(
            f"Once the model has learnt the signal, the loss finds fewer of them ({where}).",
            f"{area} at {SOME:.0%}: loss after one epoch, less loss of the trained model",
            _area(data, "early_loss", SOME) - _area(data, "loss", SOME),
        ),
    )


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of areas against size, and the table that it draws."""
    shown = records[records["size"] > 0]
    pieces = [
        shown.assign(
            score=repr(score), **{kind: shown[f"measure_{kind}_{name}"] for kind in NUMBERS}
        )
        for name, score in SCORES.items()
    ]
    table = mean_areas(pd.concat(pieces, ignore_index=True))
    return plot_areas(table), table


STUDY = Study(
    paper="Would the firm notice? Suspicion scores against membership, after Spectral Signatures "
    "in Backdoor Attacks (Tran et al., 2018)",
    link="https://arxiv.org/abs/1811.00636",
    parts=no_parts,
    claims=tuple(claim for data, where in DATA for claim in _claims(data, where)),
    figures={"areas": _drawn},
    measurements=measurements,
)
