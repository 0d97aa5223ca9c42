"""Density models with a generator that needs no inverse: samples, convergence and likelihoods.

The claims are those of the abstracts of the reference and of its predecessor, *LED: Latent
Variable-based Estimation of Density* (Ben-Dov et al., 2022). The abstracts give no numbers, so
that all limits are this study's. Networks are small, trainings short, and the generator of images
has noise in all pixels in place of a flow: all claims are analogies. Models of images have the
same networks, batches and steps. The hyper-parameters of ConvLED and ConvWGAN are the best of
four settings each on training images of MNIST that were held out.

References:
    | Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2307.09882
"""

from collections.abc import Iterator
from dataclasses import replace
from math import inf, log, log10

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bench.datasets.base import has_files
from bench.density.images.data import IMAGES
from bench.density.images.trial import ImageTrial
from bench.density.law_trial import LawTrial
from bench.execution.measurements import Measurement
from bench.spec.parsing import parse
from results.plots.snapshots import plot_snapshots
from results.stats.snapshots import at_seconds, mean_snapshots
from results.studies.base import Claim, Study, no_parts
from results.studies.claims import where_there
from results.studies.measures import Measure, cell, success

#: The set of images -> the spec of its data in claims, and its name in words.
SETS = {
    "digits": ("Digits", "8 x 8 digits"),
    "mnist": ("MNIST", "MNIST"),
    "fashion_mnist": ("FashionMNIST", "Fashion-MNIST"),
}
#: The planar laws -> their names in words.
LAWS = {"8gaussians": "eight Gaussians", "moons": "moons"}
IMAGE_MODELS = ("ConvLED(adversarial=30.0)", "ConvWGAN(penalty=1.0)", "ConvMEG")
#: Models of planar laws -> their steps, relative to each other, for about equal times of training.
LAW_MODELS = {"PathLED(bank=10000)": 0.75, "LED": 1.4, "Flow": 1.5}
RATE = 0.002
#: The classes of all sets of images.
CLASSES = 10
#: Figures of merit that are drawn against the share of the steps.
DRAWN = ("coverage", "recall", "precision", "frechet")
#: Differences that are too small to matter: of shares, and in decades.
CLOSE, NEAR = 0.05, 0.04
#: The least effective share of usable weights; the least share of classes or modes that a model
#: covers that drops hardly any; and the error of log Z of a good estimate, in nats.
USABLE, MOST, ERROR = 0.1, 0.9, 0.02
WEIGHTS = "effective share of the weights"
MODES = "share of the modes with a quarter of their samples or more"
#: The largest ratio of the densities of training and of test images without over-fitting, and
#: that of the distances of test images and of samples to training images without copies, decades.
FITTED, COPIED = 1.0, 0.1
#: Numbers below these count as these where logarithms are taken: nats, or Fréchet distances.
LEAST = 1e-3


def measurements(quick: bool) -> tuple[Measurement, ...]:
    """Return the trials of models of images and of laws; of digits and short trainings if quick.

    Sets of images whose files are missing are left out.
    """
    found: list[Measurement] = []
    for name in SETS:
        large = name != "digits"
        if large and (quick or not has_files(IMAGES[name][0])):
            continue
        steps, seeds = 300 if quick else 250 if large else 500, 3 if quick else 5 if large else 10
        models = [
            replace(parse(text, "image_densities"), steps=steps, learning_rate=RATE)
            for text in IMAGE_MODELS
        ]
        found += [ImageTrial(name, model, s) for s in range(seeds) for model in models]
    steps, seeds, n = (100, 3, 5_000) if quick else (400, 10, 20_000)
    for law in LAWS:
        found += [
            LawTrial(law, replace(parse(text, "densities"), steps=round(ratio * steps)), seed, n)
            for seed in range(seeds)
            for text, ratio in LAW_MODELS.items()
        ]
    return tuple(found)


def _value(data: str, model: str, name: str, factor: float = 1.0) -> Measure:
    of = success(0.0, dataset=data, learner=model, value=f"measure_{name}")
    return Measure(lambda records: of(records) * factor)


def _log10(measure: Measure) -> Measure:
    """Return the decimal logarithm of a measure, or that of the least number if it is below."""
    return Measure(lambda records: np.log10(measure(records).clip(LEAST)))


def _against(data: str, name: str, other: str = "ConvWGAN") -> Measure:
    """Return a figure of merit of ConvLED less that of another model."""
    return _value(data, "ConvLED", name) - _value(data, other, name)


def _below(data: str, name: str, model: str = "ConvLED", other: str = "ConvWGAN") -> Measure:
    """Return by how many decades a number of a model is below that of another model."""
    return _log10(_value(data, other, name)) - _log10(_value(data, model, name))


def _at_equal_seconds(data: str) -> Measure:
    """Return the coverage of ConvLED at the time of the GAN's first snapshot, less the GAN's."""
    seconds, coverage = (_value(data, "ConvWGAN", f"{n}_at_1") for n in ("seconds", "coverage"))

    def of(records: pd.DataFrame) -> pd.Series:
        trials = cell(records, dataset=data, learner="ConvLED")
        return at_seconds(trials, "coverage", seconds(records)) - coverage(records)

    return Measure(of)


def _image_claims(key: str) -> Iterator[Claim]:
    """Yield the claims about one set of images, which are left out where it has no records."""
    data, where = SETS[key]
    for claims in (_samples, _modes, _likelihoods, _latents):
        found = claims(data, where)
        yield from found if key == "digits" else (_optional(claim, data) for claim in found)


def _optional(claim: Claim, data: str) -> Claim:
    """Return a claim about one data set that is left out where the data set has no records."""
    measure = claim.measure
    assert isinstance(measure, Measure)
    return replace(claim, measure=where_there(measure, data))


def _samples(data: str, where: str) -> Iterator[Claim]:
    """Yield the claims about the quality of samples, and about its growth during training."""
    for name in ("coverage", "precision"):
        yield Claim(
            f"Samples have no lower {name} than those of a GAN of equal networks ({where}).",
            f"{name}: ConvLED less ConvWGAN; the limit of {CLOSE:g} is this study's",
            _against(data, name),
            region=(-CLOSE, inf),
        )
    yield Claim(
        f"Their Fréchet distance is no larger than that of the GAN ({where}).",
        f"log10 of it: ConvWGAN less ConvLED; the limit of {NEAR:g} is this study's",
        _below(data, "frechet"),
        region=(-NEAR, inf),
        scale="decades",
    )
    for unit, measure in (
        ("steps", _against(data, "coverage_at_1")),
        ("processor seconds", _at_equal_seconds(data)),
    ):
        yield Claim(
            f"ConvLED converges faster than the GAN, by {unit} ({where}).",
            f"coverage at the {unit} of a fifth of the GAN's training: ConvLED less ConvWGAN",
            measure,
        )


def _modes(data: str, where: str) -> Iterator[Claim]:
    """Yield the claims about modes."""
    yield Claim(
        f"ConvLED covers more of the distribution than the GAN ({where}).",
        "recall of test images: ConvLED less ConvWGAN",
        _against(data, "recall"),
    )
    yield Claim(
        f"ConvLED covers the classes ({where}).",
        f"{MODES}, classes as modes; the limit of {MOST:g} is this study's",
        _value(data, "ConvLED", "classes", 1 / CLASSES),
        region=(MOST, inf),
        scale="share",
    )
    yield Claim(
        f"Its classes are more equally frequent than those of the GAN ({where}).",
        "log10 of the divergence of frequencies from equal ones: ConvWGAN less ConvLED",
        _below(data, "class_kl"),
        scale="decades",
    )
    yield Claim(
        f"ConvLED has no lower coverage than a maximum-entropy generator ({where}).",
        f"coverage of test images: ConvLED less ConvMEG; the limit of {CLOSE:g} is this study's",
        _against(data, "coverage", "ConvMEG"),
        region=(-CLOSE, inf),
    )


def _likelihoods(data: str, where: str) -> Iterator[Claim]:
    """Yield the claims about weights, and about over-fitting."""
    share = f"{WEIGHTS}; the limit of {USABLE:g} is this study's"
    yield Claim(
        f"The density of ConvLED is usable: its weights are even ({where}).",
        f"{share}. A share r limits the nats that the energy adds to about log 1 / r",
        _value(data, "ConvLED", "effective"),
        region=(USABLE, inf),
        scale="share",
    )
    yield Claim(
        f"The critic of the GAN gives no usable density ({where}).",
        share,
        _value(data, "ConvWGAN", "effective"),
        region=(-inf, USABLE),
        scale="share",
    )
    yield Claim(
        f"ConvLED does not over-fit: test images are as likely as training images ({where}).",
        "log10 of the bound of the density of ConvLED: mean over training images, less that over "
        f"test images; the limit of {FITTED:g} for each image is this study's",
        _value(data, "ConvLED", "gap", 1 / log(10)),
        region=(-inf, FITTED),
        scale="decades",
    )
    yield Claim(
        f"Its samples are no copies of training images ({where}).",
        "log10 of the median distance to the nearest training image: samples of ConvLED less test "
        f"images; the limit of {COPIED:g} is this study's",
        _log10(_value(data, "ConvLED", "copies")),
        region=(-COPIED, inf),
        scale="decades",
    )


def _latents(data: str, where: str) -> Iterator[Claim]:
    """Yield the claims about smooth latents."""
    for name, words in (
        ("detour", "length of the path of features along latent lines, over the distance of ends"),
        ("jump", "largest step of features along latent lines, over the mean step"),
    ):
        yield Claim(
            f"Latents are as smooth as those of the GAN, by their {name} ({where}).",
            f"log10 of the {words}: ConvWGAN less ConvLED; the limit of {NEAR:g} is this study's",
            _below(data, name),
            region=(-NEAR, inf),
            scale="decades",
        )


def _law_claims(law: str) -> Iterator[Claim]:
    """Yield the claims about the densities of one planar law."""
    data = f"Planar(shape={law!r})"
    for model in ("PathLED", "LED"):
        where = f"{model}, {LAWS[law]}"
        yield Claim(
            f"The density is no less accurate than that of an invertible flow ({where}).",
            "log10 of the nats by which test points are less likely than under the law: Flow less "
            f"{model}, about equal times of training; less than {LEAST:g} nats count as {LEAST:g}",
            _below(data, "above", model, "Flow"),
            scale="decades",
            cause="The training is too short for the energy: with more steps it gets nearer.",
        )
        yield Claim(
            f"The estimate of log Z is right to {ERROR:g} nats ({where}).",
            f"log10 of {ERROR:g} by the absolute log of the integral of the density; less than "
            f"{LEAST:g} counts as {LEAST:g}",
            _precise(_value(data, model, "mass")),
            scale="decades",
        )
        for name, says, share, limit in (
            ("effective", "The weights of the generator's proposals are usable", WEIGHTS, USABLE),
            ("covered", "Samples cover the modes", MODES, MOST),
        ):
            yield Claim(
                f"{says} ({where}).",
                f"{share}; the limit of {limit:g} is this study's",
                _value(data, model, name),
                region=(limit, inf),
                scale="share",
            )


def _precise(measure: Measure) -> Measure:
    """Return by how many decades an absolute error of log Z is below the limit."""
    size = _log10(Measure(lambda records: measure(records).abs()))
    return Measure(lambda records: log10(ERROR) - size(records))


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of quality during training, and the table that it draws."""
    table = mean_snapshots(records, DRAWN)
    return plot_snapshots(table), table


STUDY = Study(
    paper="Adversarial Likelihood Estimation With One-Way Flows (Ben-Dov et al., 2024)",
    link="https://arxiv.org/abs/2307.09882",
    parts=no_parts,
    claims=(
        *(claim for key in SETS for claim in _image_claims(key)),
        *(claim for law in LAWS for claim in _law_claims(law)),
    ),
    figures={"training": _drawn},
    tables=tuple(repr(IMAGES[key][0]) for key in SETS),
    measurements=measurements,
)
