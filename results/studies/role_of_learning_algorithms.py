"""The effective size of a collective, which depends on the learner.

References:
    | The Role of Learning Algorithms in Collective Action (Ben-Dov et al., 2024)
    | https://arxiv.org/abs/2405.06582
"""

from functools import partial
from itertools import pairwise

from bench.datasets.base import has_files
from bench.experiment.trial import Groups, Validation
from bench.spec.grid import Part
from bench.spec.parsing import parse
from results.studies.base import Claim, Study
from results.studies.claims import OverData
from results.studies.drawings import curves, effective_sizes, epochs, strategies
from results.studies.explained_variance import explained_beyond_chance, permutation_p
from results.studies.gate import gated
from results.studies.measures import Measure, effective, mass, success

SIZES = (0.0, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
#: The sizes on photographs, whose networks take seconds.
ENDS = (0.0, 0.005, 0.01, 0.2, 0.4)
#: One per cent and less of the people are few, a fifth and more of them are many.
FEW, SOME, MANY = (0.0025, 0.01), (0.01, 0.1), (0.2, 0.4)
REWEIGHTING = ("JTT", "LfF", "CVaRDRO", "Chi2DRO")
#: People who carry the signal by nature, and speak against the collective.
PEOPLE, IMAGES = "Coins", "Digits(overlap=0.02)"
PLANE, SLABS = "Gaussians(n=4000, overlap=0.02)", "Slabs(n=4000)"
TABLES = ("Adult(n=2000, n_test=2000)", "Compas(n=2000, n_test=1000)")
#: Dominoes without files, and with those of MNIST and CIFAR-10.
SMALL_DOMINOES, DOMINOES = "Dominoes", "Dominoes(kind='mnist-cifar')"
PHOTOGRAPHS = (
    "CIFAR10(n=1000, n_test=500)",
    "Backgrounds(n=1000, n_test=500)",
    "Waterbirds(n=1000, n_test=500)",
)
#: Data that carry the claims about re-weighting, about validation data, and about groups.
CHOSEN_ON = ("Coins", "Adult", "Compas", "Dominoes")
GROUPED = (*CHOSEN_ON, "Backgrounds", "Waterbirds")
ALL = ("Coins", "Digits", *CHOSEN_ON[1:], "CIFAR10", *GROUPED[-2:])
IGNORED = "FeatureLabel(signal=SetFeature(column=-1, value=0.44))"
AGAINST = "FeatureLabel(signal=SetFeature(column=0, value=-0.55))"
SIDE, MIDDLE = (f"FeatureLabel(signal=SetFeature(column=-1, value={v}))" for v in (0.88, 0.0))
CLEAN = {"validation": "clean", "groups": "given"}
#: Lengths of training, in epochs.
LENGTHS = (5, 20, 60, 100)
TRACED = f"ERM(epochs={LENGTHS[-1]}, selection='last', trace=True)"


def parts(quick: bool) -> tuple[Part, ...]:
    """Re-weighting on each data set, groups, contaminated validation, places and lengths."""
    seeds = 3 if quick else 10
    planted, firms, convs = ("FeatureLabel",), ("ERM", *REWEIGHTING), "ConvNet()"
    sizes = (0.0, 0.005, 0.01, 0.05, 0.2, 0.4) if quick else SIZES
    some = tuple(size for size in SIZES if not size or SOME[0] <= size <= SOME[1])
    fine = sizes if quick else (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
    tables, pairs, photographs = _available(quick)
    choosing = tuple(f"{name}(selection='accuracy')" for name in ("ERM", "CVaRDRO"))
    both: tuple[Validation, ...] = ("clean", "contaminated")
    own: tuple[Groups, ...] = ("given", "own")
    grids = [
        Part((PEOPLE,), firms, planted, sizes, seeds),
        Part((IMAGES,), firms, planted, sizes, seeds, network=convs),
        Part((PLANE,), firms, planted, sizes, seeds, network="Linear()"),
        Part((PEOPLE,), ("GroupDRO",), planted, sizes, seeds, groups=own),
        Part((PEOPLE,), choosing, planted, sizes, seeds, both),
        Part((SLABS,), ("ERM",), (IGNORED, AGAINST, SIDE, MIDDLE), fine, seeds),
        Part((SLABS,), (TRACED,), (IGNORED, AGAINST), fine, seeds),
    ]
    pair_sizes = ENDS if quick or DOMINOES in pairs else sizes
    pair_seeds = 5 if DOMINOES in pairs else seeds
    for data, network, at, number in (
        (tables, None, sizes, seeds),
        (pairs, convs, pair_sizes, pair_seeds),
    ):
        if data:
            grids += [
                Part(data, firms, planted, at, number, network=network),
                Part(data, choosing, planted, some, number, both, network=network),
                Part(data, ("GroupDRO",), planted, ENDS, number, groups=own, network=network),
            ]
    if photographs:
        grids.append(Part(photographs, firms, planted, ENDS, 5, network=convs))
    if grouped := tuple(text for text in photographs if text.split("(")[0] in GROUPED):
        grids.append(Part(grouped, ("GroupDRO",), planted, ENDS, 5, groups=own, network=convs))
    return tuple(grids)


def _available(quick: bool) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the tables, the dominoes and the photographs whose files are there."""
    there = {
        text for text in (*TABLES, *PHOTOGRAPHS, DOMINOES) if has_files(parse(text, "datasets"))
    }
    tables = tuple(text for text in TABLES if text in there)
    pairs = (DOMINOES if DOMINOES in there and not quick else SMALL_DOMINOES,)
    photographs = () if quick else tuple(text for text in PHOTOGRAPHS if text in there)
    return tables, pairs, photographs


def _over_erm(learner: str, size: tuple[float, float]) -> OverData:
    """Return the success of a learner less that of ERM, where it is as accurate."""

    def on(data: str) -> Measure:
        firm, erm = (
            success(size, dataset=data, learner=f"{name}(selection='loss')")
            for name in (learner, "ERM")
        )
        return gated(firm - erm, data, f"{learner}(selection='loss')")

    return OverData(on, ALL)


def _negative(over: OverData) -> OverData:
    return OverData(lambda data: -over.of(data), over.data)


def _reweighting() -> list[Claim]:
    claims = []
    for name in REWEIGHTING:
        claims += [
            Claim(
                f"{name} strengthens small collectives.",
                f"success at .25 to 1 % of the people: {name} less ERM",
                _over_erm(name, FEW),
                paper_data=("CIFAR10", "Waterbirds"),
            ),
            Claim(
                f"{name} weakens large collectives.",
                f"success at 20 to 40 % of the people: ERM less {name}",
                _negative(_over_erm(name, MANY)),
                paper_data=("CIFAR10", "Waterbirds"),
            ),
        ]
    return claims


def _chosen(learner: str, data: str) -> Measure:
    """Return what members in the validation data add to the success on a firm."""
    cells = {"dataset": data, "learner": f"{learner}(selection='accuracy')"}
    with_members = success(SOME, validation="contaminated", **cells)
    return with_members - success(SOME, validation="clean", **cells)


def _own_group(data: str) -> Measure:
    """Return what a group of their own adds to the success of few members."""
    cells = {"dataset": data, "learner": "GroupDRO"}
    own = success(FEW, groups="own", **cells) - success(FEW, groups="given", **cells)
    return gated(own, data, "GroupDRO")


def _place(strategy: str) -> Measure:
    learner = "ERM(selection='loss')"
    return mass(0.5, value="success_others", dataset="Slabs", strategy=strategy, learner=learner)


def _after(epoch: int, strategy: str) -> Measure:
    """Return the critical mass after some epochs of a training that doesn't stop early."""
    learner = "ERM(selection='last')"
    return mass(0.5, dataset="Slabs", strategy=strategy, learner=learner, epoch=epoch)


def _lengths() -> list[Claim]:
    """Return claims about the dependence on the length of training."""
    return [
        *(
            Claim(
                f"From {early} to {late} epochs, the critical mass of a signal in a coordinate "
                "that the network ignores falls.",
                f"log10 of critical mass at .5: after {early} epochs, less after {late}",
                _after(early, IGNORED) - _after(late, IGNORED),
                scale="decades",
            )
            for early, late in pairwise(LENGTHS)
        ),
        *(
            Claim(
                f"After {length} epochs, such a signal takes fewer members than one against the "
                "coordinate that the network uses.",
                "log10 of critical mass at .5: signal on the wrong side of the simple coordinate, "
                "less signal in a complex one",
                _after(length, AGAINST) - _after(length, IGNORED),
                scale="decades",
            )
            for length in LENGTHS
        ),
    ]


STUDY = Study(
    paper="The Role of Learning Algorithms in Collective Action (Ben-Dov et al., 2024)",
    link="https://arxiv.org/abs/2405.06582",
    parts=parts,
    claims=(
        *_reweighting(),
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
                ("Where some points carry the signal by nature", PEOPLE, CLEAN),
                ("On 8 x 8 digits", IMAGES, {}),
                ("On two Gaussian classes", "Gaussians", {"value": "success_others"}),
            )
        ),
        Claim(
            "With a firm that protects the worst group, a small collective that is a group of its "
            "own succeeds more than one that is spread over the groups.",
            "success at .25 to 1 %: GroupDRO, members a group of their own, less spread",
            OverData(_own_group, GROUPED),
        ),
        Claim(
            "Members in the validation data change what CVaR-DRO makes of a collective, to its "
            "gain.",
            "success at 1 to 10 %, epochs chosen by validation accuracy: with members in the "
            "validation data, less without",
            OverData(partial(_chosen, "CVaRDRO"), CHOSEN_ON),
        ),
        Claim(
            "Members in the validation data change CVaR-DRO more than ERM.",
            "the same difference: CVaRDRO less ERM",
            OverData(lambda data: _chosen("CVaRDRO", data) - _chosen("ERM", data), CHOSEN_ON),
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
        *_lengths(),
    ),
    figures={
        "success": curves(strategy="FeatureLabel", dataset=PEOPLE, validation="clean"),
        "images": curves(dataset=IMAGES),
        "effective_size": effective_sizes(dataset="Gaussians"),
        "validation": curves(
            dataset=PEOPLE, learner="CVaRDRO(selection='accuracy')", strategy="FeatureLabel"
        ),
        "places": strategies(
            dataset="Slabs", learner="ERM(selection='loss')", value="success_others"
        ),
        "lengths": epochs(
            LENGTHS, dataset="Slabs", learner="ERM(selection='last')", strategy=IGNORED
        ),
    },
    tables=(*TABLES, DOMINOES, *PHOTOGRAPHS),
)
