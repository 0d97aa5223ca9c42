"""Which block of a point a network looks at, with and without a collective.

The paper trains networks on points with a simple and a complex block, each of which is enough,
and randomises one of them in the test points. It has no collectives. Theirs is the question of
Ben-Dov et al. (2024), of which the study ``role-of-learning-algorithms`` is: whether a signal in
a part that the learner overlooks takes fewer members.

References:
    | The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)
    | https://arxiv.org/abs/2006.07710
"""

from collections.abc import Iterator
from math import inf

import pandas as pd
from matplotlib.figure import Figure

from bench.datasets.base import has_files
from bench.randomised_blocks.trial import Block, BlocksTrial
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from results.plots.blocks import plot_blocks
from results.stats.blocks import mean_accuracies
from results.studies.base import Claim, Study, no_parts
from results.studies.claims import OverData, where_there
from results.studies.measures import Measure, success

SLABS = "Slabs"
#: In training both images go with the label, as in the paper.
DIGITS = "Dominoes(kind='digits', aligned=1.0)"
IMAGES = "Dominoes(kind='mnist-cifar', aligned=1.0)"
#: The name of each of the data sets in claims.
NAMES = {SLABS: "slabs", DIGITS: "8 x 8 digits", IMAGES: "MNIST over CIFAR-10"}
#: The simple and the complex block. The upper image is the simple one.
BLOCKS = {
    SLABS: (Block("simple", 0, 1), Block("complex", 1, None)),
    DIGITS: (Block("simple", 0, 8, axis=1), Block("complex", 8, 16, axis=1)),
    IMAGES: (Block("simple", 0, 32, axis=1), Block("complex", 32, 64, axis=1)),
}
#: The groups in which the upper image goes with the label, as in training.
ALIGNED = (0, 3)
FEW, MANY = 0.05, 0.2
CHANCE, AROUND, SAME = 0.5, 0.1, 0.05


def measurements(quick: bool) -> tuple[BlocksTrial, ...]:
    """Return the trials on all data sets whose files are there; without photographs if quick."""
    found: list[BlocksTrial] = []
    for data in (SLABS, DIGITS, IMAGES):
        if data == IMAGES and (quick or not has_files(parse(IMAGES, "datasets"))):
            continue
        network = None if data == SLABS else "ConvNet()"
        sizes, seeds = (0.0, FEW, MANY), 5 if quick or data == IMAGES else 20
        part = Part((data,), ("ERM",), ("FeatureLabel",), sizes, seeds, network=network)
        groups = () if data == SLABS else ALIGNED
        grid = Grid("simplicity-bias", (part,)).written_out()
        found += [BlocksTrial(trial, BLOCKS[data], groups) for trial in grid.trials()]
    return tuple(found)


def _value(data: str, name: str, size: float) -> Measure:
    return success(size, dataset=data, value=name)


def _lost(data: str, block: str, size: float) -> Measure:
    """Return the accuracy that is lost when a block is randomised."""
    intact = _value(data, "measure_intact", size)
    return intact - _value(data, f"measure_randomised_{block}", size)


def _claims(data: str, name: str) -> Iterator[Claim]:
    """Yield the claims about one data set."""
    own = ("Slabs",) if data == SLABS else ("Dominoes",) if data == IMAGES else ()

    def on(measure: Measure) -> OverData | Measure:
        return where_there(measure, data) if data == IMAGES else measure

    yield Claim(
        f"A network whose simple block is randomised is as good as chance ({name}).",
        "accuracy without a collective, simple block randomised; the limits are this study's",
        on(_value(data, "measure_randomised_simple", 0.0)),
        region=(CHANCE - AROUND, CHANCE + AROUND),
        scale="share",
        paper_data=own,
    )
    yield Claim(
        f"It is as good as before when the complex block is randomised ({name}).",
        f"accuracy without a collective: points as they are, less complex block randomised; the "
        f"limit of {SAME:g} is this study's",
        on(_lost(data, "complex", 0.0)),
        region=(-inf, SAME),
        paper_data=own,
    )
    yield Claim(
        f"A collective of {FEW:.0%} that plants its signal in the complex block has success "
        f"({name}).",
        f"success on test points of other labels at {FEW:.0%}, less that without a collective",
        on(_value(data, "success_others", FEW) - _value(data, "success_others", 0.0)),
    )
    for size in (FEW, MANY):
        yield Claim(
            f"For people without the signal, the network looks no more at the complex block than "
            f"without the collective of {size:.0%} ({name}).",
            f"accuracy that is lost when the complex block is randomised: at {size:.0%}, less "
            f"without a collective; the limit of {SAME:g} is this study's",
            on(_lost(data, "complex", size) - _lost(data, "complex", 0.0)),
            region=(-inf, SAME),
            cause="Many points have the signal in the complex block, under one label: the network "
            "learns the part of the block that it is in, where others are by nature.",
        )


def _drawn(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of accuracies by size, and the table that it draws."""
    table = mean_accuracies(records)
    return plot_blocks(table, CHANCE), table


STUDY = Study(
    paper="The Pitfalls of Simplicity Bias in Neural Networks (Shah et al., 2020)",
    link="https://arxiv.org/abs/2006.07710",
    parts=no_parts,
    claims=tuple(claim for data, name in NAMES.items() for claim in _claims(data, name)),
    figures={"blocks": _drawn},
    tables=(IMAGES,),
    measurements=measurements,
)
