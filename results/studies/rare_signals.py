"""Whether a collective that knows the density of people needs fewer members.

Members draw several signals, each of random columns with values of random people, learn the
density of people, and plant the signal whose points have the least density
(:class:`collectives.signals.rare.Rare`). The paper is about the density model, and has no
collectives.

References:
    | LED: Latent Variable-based Estimation of Density (Ben-Dov et al., 2022)
    | https://arxiv.org/abs/2206.11563
"""

import pandas as pd
from matplotlib.figure import Figure

from bench.spec.grid import Part
from results.studies.base import Claim, Drawing, Study
from results.studies.claims import OverData, where_there
from results.studies.drawings import strategies
from results.studies.measures import Measure, mass, matches, success

CLASSES, IMAGES = "Gaussians(n=2000, dimension=8, overlap=0.0)", "Digits"
DATA = {CLASSES: "two Gaussian classes", "Slabs": "slabs", IMAGES: "8 x 8 digits"}
LEARNERS = ("ERM", "RandomForest")
#: The density by which members rank signals: a name, and the spec of its model.
MODELS = {
    "a normal law": "GaussianMixture(components=(1,))",
    "a kernel density": "KDE()",
    "LED": "LED(steps=1000, batch_size=64, proposals=128, final=4096)",
}
SIZES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
#: Where curves climb.
CLIMB = (0.005, 0.05)


def _strategy(model: str | None) -> str:
    return f"FeatureLabel(signal=Rare(model={model}, rows=500))"


def parts(quick: bool) -> tuple[Part, ...]:
    """Return random signals and those of three densities; without images in the quick version."""
    ways = tuple(_strategy(model) for model in (None, *MODELS.values()))
    sizes, seeds = (SIZES[::2], 3) if quick else (SIZES, 10)
    data = tuple(text for text in DATA if not (quick and text == IMAGES))
    return (Part(data, LEARNERS, ways, (*sizes[:-1], SIZES[-1]), seeds),)


def _mass(data: str, learner: str, model: str | None) -> Measure:
    return mass(
        0.5, value="success_others", dataset=data, learner=learner, strategy=_strategy(model)
    )


def _success(data: str, learner: str, model: str | None) -> Measure:
    """Return the success on the climb less that without members, by the planted signal alone."""
    cells = {"dataset": data, "learner": learner, "strategy": _strategy(model)}
    planted, control = (success(size, value="success_others", **cells) for size in (CLIMB, 0.0))
    return planted - control


def _on(data: str, measure: Measure) -> OverData | Measure:
    """Return a measure on one data set; that of images is for a claim that may be left out."""
    return where_there(measure, data) if data == IMAGES else measure


def _drawn(learner: str) -> Drawing:
    """Return the drawing of success on images, or on classes where images are left out."""

    def draw(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
        there = any(matches(text, IMAGES) for text in records["dataset"].unique())
        data = IMAGES if there else CLASSES
        return strategies(dataset=data, learner=learner, value="success_others")(records)

    return draw


STUDY = Study(
    paper="Rare signals by a density, after LED: Latent Variable-based Estimation of Density "
    "(Ben-Dov et al., 2022)",
    link="https://arxiv.org/abs/2206.11563",
    parts=parts,
    claims=(
        *(
            Claim(
                f"The rarest of 32 signals by {name} takes fewer members than a random one "
                f"({where}, {learner}).",
                "log10 of critical mass at .5: random signal, less rarest one",
                _on(data, _mass(data, learner, None) - _mass(data, learner, model)),
                scale="decades",
            )
            for data, where in DATA.items()
            for learner in LEARNERS
            for name, model in MODELS.items()
        ),
        *(
            Claim(
                f"The rarest signal by LED has more success than the rarest by a normal law "
                f"({where}, ERM).",
                "success at .5 to 5 % less that without members: rarest by LED, less rarest by a "
                "normal law",
                _on(
                    data,
                    _success(data, "ERM", MODELS["LED"])
                    - _success(data, "ERM", MODELS["a normal law"]),
                ),
                cause="LED starts from the normal law of its reference, whose covariance is not "
                "shrunk here: on 64 pixels and 500 people it is nearly singular, and directions "
                "without variation decide the ranking.",
            )
            for data, where in DATA.items()
        ),
    ),
    figures={"networks": _drawn("ERM"), "forests": _drawn("RandomForest")},
)
