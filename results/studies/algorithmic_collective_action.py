"""Three strategies, the bounds on their success, and conditions that favour them.

References:
    | Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)
    | https://arxiv.org/abs/2302.04262
"""

from collections.abc import Callable
from math import inf

from bench.datasets.base import has_files
from bench.spec.grid import Part
from bench.spec.parsing import parse
from results.studies.base import Claim, Study
from results.studies.claims import OverData
from results.studies.drawings import curves, epochs, promises, strategies
from results.studies.measures import Measure, mass, slack, success

COINS = "Coins(gap=0.8, noise=0.2)"
NOISES = (0.0, 0.1, 0.3)
EARLY, LATE = 3, 40
STRATEGIES = {"feature and label": "FeatureLabel", "feature only": "FeatureOnly"}
#: Corpora of texts, by preference: the paper's kind of data, a text a person, and short messages.
CORPORA = ("TextFolder", "SMSSpam")
#: A size, and one at which no fewer members have the target label, if a tenth of the people do.
FEW, TENFOLD = 0.01, 0.1


def parts(quick: bool) -> tuple[Part, ...]:
    """Strategies on a known law; a traced training; three levels of label noise."""
    seeds = 5 if quick else 10
    sizes = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)
    texts = [text for text in CORPORA if has_files(parse(text, "datasets"))][:1]
    planted = tuple(STRATEGIES.values())
    return (
        *(Part((text,), ("HashedBag",), planted, (*sizes, 0.2), seeds) for text in texts),
        Part(
            (COINS,),
            ("BayesOptimal", "EmpiricalBayes", "ERM", "RandomForest"),
            ("FeatureLabel", "FeatureOnly", "Erase"),
            (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6),
            seeds,
        ),
        Part(
            ("Digits",),
            (f"ERM(epochs={LATE}, selection='last', trace=True)",),
            sizes=sizes,
            seeds=seeds,
        ),
        Part(
            tuple(f"Gaussians(n=4000, overlap=0.02, noise={noise})" for noise in NOISES),
            ("ERM", "LogisticRegression"),
            sizes=(0.0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1),
            seeds=seeds,
        ),
    )


def _noisy(learner: str, noise: float) -> Measure:
    data = f"Gaussians(noise={noise})"
    return mass(0.5, value="success_others", dataset=data, learner=learner)


def _on_texts(size: float, strategy: str) -> Callable[[str], Measure]:
    """Return the success on others' texts by the corpus."""
    return lambda data: success(size, dataset=data, strategy=strategy, value="success_others")


def _texts(of: Callable[[str], Measure]) -> OverData:
    return OverData(of, CORPORA, optional=True)


def _text_claims() -> list[Claim]:
    return [
        Claim(
            "Half a per cent of the people reach a success of .9 on texts.",
            "others' success at .5 % of the people, a token every few words; HashedBag",
            _texts(_on_texts(0.005, "FeatureLabel")),
            region=(0.9, inf),
            scale="share",
            cause="Per head it may hold where per share it does not: the paper's collective of "
            "half a per cent is a hundred people and more.",
            paper_data=("TextFolder",),
        ),
        Claim(
            "On texts, too, a collective that cannot change labels needs more members.",
            "log10 of critical mass at .5 (others' success): feature only, less feature and "
            "label; HashedBag",
            _texts(
                lambda data: _text_mass(data, "FeatureOnly") - _text_mass(data, "FeatureLabel")
            ),
            scale="decades",
            paper_data=("TextFolder",),
        ),
        Claim(
            "That is not for want of people who carry the token: ten times as many members have "
            "less success without a change of labels.",
            f"others' success: feature and label at {FEW:.0%}, less feature only at "
            f"{TENFOLD:.0%}, where at least as many carry the token if a tenth of the people "
            "have the target label",
            _texts(
                lambda data: (
                    _on_texts(FEW, "FeatureLabel")(data) - _on_texts(TENFOLD, "FeatureOnly")(data)
                )
            ),
        ),
    ]


def _text_mass(data: str, strategy: str) -> Measure:
    return mass(0.5, value="success_others", dataset=data, strategy=strategy)


STUDY = Study(
    paper="Algorithmic Collective Action in Machine Learning (Hardt et al., 2023)",
    link="https://arxiv.org/abs/2302.04262",
    parts=parts,
    claims=(
        *(
            Claim(
                f"A firm that is optimal for the law keeps what is promised to {what}.",
                "success less the exact bound, the least over sizes, BayesOptimal; up to the "
                "error of a test sample",
                slack(
                    "exact",
                    least=True,
                    dataset="Coins",
                    learner="BayesOptimal",
                    strategy=strategy,
                ),
                region=(-0.02, inf),
            )
            for what, strategy in (*STRATEGIES.items(), ("erasing", "Erase"))
        ),
        *(
            Claim(
                f"A firm that estimates the law keeps what is promised to {what}, nearly.",
                "success less the exact bound, mean over sizes, EmpiricalBayes",
                slack("exact", dataset="Coins", learner="EmpiricalBayes", strategy=strategy),
                region=(-0.02, inf),
                cause="The bound is for a firm that knows the law. This one counts some hundred "
                "people at each point, and near a step of the staircase their majority is "
                "another one than the law's.",
            )
            for what, strategy in (*STRATEGIES.items(), ("erasing", "Erase"))
        ),
        Claim(
            "A network keeps what is promised to feature and label, nearly.",
            "success less the exact bound, mean over sizes, ERM, planting feature and label",
            slack("exact", dataset="Coins", learner="ERM", strategy="FeatureLabel"),
            region=(-0.02, inf),
        ),
        Claim(
            "A collective that cannot change labels needs more members.",
            "log10 of critical mass at .9: feature only, less feature and label; EmpiricalBayes",
            mass(0.9, dataset="Coins", learner="EmpiricalBayes", strategy="FeatureOnly")
            - mass(0.9, dataset="Coins", learner="EmpiricalBayes", strategy="FeatureLabel"),
            scale="decades",
        ),
        Claim(
            "A signal can be erased.",
            "success of erasing: at 60 % of the people, less without a collective; EmpiricalBayes",
            success(0.6, dataset="Coins", learner="EmpiricalBayes", strategy="Erase")
            - success(0.0, dataset="Coins", learner="EmpiricalBayes", strategy="Erase"),
        ),
        Claim(
            "To erase a signal takes more members than to plant one.",
            "log10 of critical mass at .9: erasing, less planting; EmpiricalBayes",
            mass(0.9, dataset="Coins", learner="EmpiricalBayes", strategy="Erase")
            - mass(0.9, dataset="Coins", learner="EmpiricalBayes", strategy="FeatureLabel"),
            scale="decades",
        ),
        Claim(
            "More training lowers the critical mass.",
            f"log10 of critical mass at .5: after {EARLY} epochs, less after {LATE}; ERM, Digits",
            mass(0.5, dataset="Digits", epoch=EARLY) - mass(0.5, dataset="Digits", epoch=LATE),
            scale="decades",
        ),
        Claim(
            "More training makes the curve steeper.",
            "log10 of critical mass at .9 by that at .25 (how far the climb stretches): after "
            f"{EARLY} epochs, less after {LATE}; ERM, Digits",
            (mass(0.9, dataset="Digits", epoch=EARLY) - mass(0.25, dataset="Digits", epoch=EARLY))
            - (mass(0.9, dataset="Digits", epoch=LATE) - mass(0.25, dataset="Digits", epoch=LATE)),
            scale="decades",
            cause="More training shifts the curve to sizes of a few people, where a decade is a "
            "handful of members and some seeds catch on before others; over size itself, not its "
            "logarithm, it is steeper.",
        ),
        *(
            Claim(
                f"Noisy labels of the others lower the critical mass ({learner}).",
                "log10 of critical mass at .5 (others' success): no label noise, less 30 %",
                _noisy(learner, 0.0) - _noisy(learner, 0.3),
                scale="decades",
            )
            for learner in ("ERM", "LogisticRegression")
        ),
        Claim(
            "Half a per cent of the people reach a success of .9, where no other point has the "
            "signal.",
            "success at .5 %; ERM, Digits",
            success(0.005, dataset="Digits"),
            region=(0.9, inf),
            scale="share",
            cause="Half a per cent of some thousand digits are five people. The finding is of "
            "twenty thousand texts, where they are a hundred.",
        ),
        *_text_claims(),
    ),
    figures={
        "promises": promises(("exact",), dataset="Coins"),
        "strategies": strategies(dataset="Coins"),
        "epochs": epochs((1, EARLY, 10, LATE), dataset="Digits"),
        "noise": curves(dataset="Gaussians", value="success_others"),
    },
    tables=CORPORA,
)
