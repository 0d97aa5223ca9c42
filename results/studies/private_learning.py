"""Private learning: the effect of clipping and of noise on a collective.

References:
    | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy (Solanki et al., 2025)
    | https://arxiv.org/abs/2505.05707
"""  # noqa: E501 (a title)

import numpy as np
import pandas as pd

from bench.datasets.base import has_files
from bench.spec.grid import Part
from bench.spec.parsing import parse
from results.studies.base import Claim, Study
from results.studies.claims import OverData
from results.studies.drawings import curves
from results.studies.measures import Measure, area, cell, mass, success

NOISES, CLIPS = (0.0, 0.5, 1.0, 2.0, 4.0), (0.1, 1.0, 10.0)
LOUD, QUIET = 4.0, 0.5
IMAGES, PLANE = "Digits", "Gaussians(n=4000, overlap=0.02)"
#: Images of 28 x 28 pixels, and a table about people.
FILES = ("MNIST(n=1000, n_test=1000)", "Adult(n=2000, n_test=2000)")
DATA = ("Digits", "Gaussians", "MNIST", "Adult")
#: The paper's data that are used here.
OWN = ("MNIST",)
SIZES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
#: A training without privacy that is as long as that of DP-SGD, and doesn't stop early.
PLAIN = "ERM(epochs=20, learning_rate=0.05, selection='last')"
AUDITED = 0.01
OTHERS = {"value": "success_others"}


def parts(quick: bool) -> tuple[Part, ...]:
    """Return DP-SGD's noise at one clip, its clip at two noises, neither; and audits of members.

    The quick version has no data from files.
    """
    noises = [_dp(noise) for noise in NOISES]
    clips = [_dp(noise, clip) for clip in CLIPS for noise in (0.0, 1.0)]
    learners = tuple(dict.fromkeys(["ERM", *noises, *clips]))
    audits = tuple(map(_audit, (PLAIN, *(_dp(noise) for noise in (0.0, 1.0, LOUD)))))
    files = tuple(text for text in FILES if not quick and has_files(parse(text, "datasets")))
    sizes, seeds = (SIZES[::2], 3) if quick else (SIZES, 10)
    return (
        Part((IMAGES, PLANE, *files), learners, sizes=sizes, seeds=seeds),
        Part((IMAGES, PLANE, *files), audits, sizes=(0.0, AUDITED), seeds=5 if quick else 10),
    )


def _dp(noise: float, clip: float = 1.0) -> str:
    return f"DPSGD(clip={clip}, noise={noise})"


def _audit(learner: str) -> str:
    return f"MembershipAudit(base={learner})"


def _mass(learner: str, less: str) -> OverData:
    """Return the difference of critical masses between two learners."""

    def on(data: str) -> Measure:
        one, other = (mass(0.5, dataset=data, learner=name, **OTHERS) for name in (learner, less))
        return one - other

    return OverData(on, DATA)


def _area(data: str, learner: str) -> Measure:
    return area(dataset=data, learner=learner, **OTHERS)


def _lost_area(learner: str, less: str) -> OverData:
    return OverData(lambda data: _area(data, learner) - _area(data, less), DATA)


def _noise_beyond_clipping(data: str) -> Measure:
    """Return what noise takes from clipping alone, less what clipping takes from ERM."""
    noise = _area(data, _dp(0.0)) - _area(data, _dp(LOUD))
    return noise - (_area(data, "ERM") - _area(data, _dp(0.0)))


def _paid(data: str) -> Measure:
    """Return the accuracy that privacy costs."""
    erm, private = (
        success(0.0, dataset=data, learner=learner, value="accuracy")
        for learner in ("ERM", _dp(LOUD))
    )
    return erm - private


def slope_on_epsilon(data: str) -> Measure:
    r"""Return the slope of the area under the curve on :math:`\log_{10} \varepsilon`.

    It is that of the line of least squares through the noises that are private.
    """

    def of(records: pd.DataFrame) -> pd.Series:
        x, y = {}, {}
        for noise in NOISES[1:]:
            trials = cell(records, dataset=data, learner=_dp(noise), **OTHERS)
            logs = trials.assign(logs=np.log10(trials["report_epsilon"].astype(float)))
            x[noise] = logs.groupby("seed")["logs"].mean()
            y[noise] = _area(data, _dp(noise))(records)
        steps = pd.DataFrame(x).sub(pd.DataFrame(x).mean(axis=1, skipna=False), axis=0)
        over = (steps * pd.DataFrame(y)).sum(axis=1, skipna=False)
        return over / (steps**2).sum(axis=1, skipna=False)

    return Measure(of)


def _attack(learner: str, size: float = 0.0) -> OverData:
    """Return the area of the attack on a training without privacy, less that on another."""

    def on(data: str) -> Measure:
        plain, other = (
            success(at, dataset=data, learner=_audit(name), value="report_attack_area")
            for name, at in ((PLAIN, 0.0), (learner, size))
        )
        return plain - other

    return OverData(on, DATA)


STUDY = Study(
    paper="Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy "
    "(Solanki et al., 2025)",
    link="https://arxiv.org/abs/2505.05707",
    parts=parts,
    claims=(
        Claim(
            "Private learning takes a larger collective.",
            "log10 of critical mass at .5 (others' success): DP-SGD of noise 1 and clip 1, "
            "less ERM",
            _mass(_dp(1.0), "ERM"),
            scale="decades",
            paper_data=OWN,
        ),
        Claim(
            "More noise takes a larger collective.",
            f"log10 of critical mass at .5 (others' success): noise {LOUD:g}, less noise "
            f"{QUIET:g}",
            _mass(_dp(LOUD), _dp(QUIET)),
            scale="decades",
            paper_data=OWN,
        ),
        Claim(
            "The success of a collective grows with epsilon, and falls with privacy.",
            "area under the curve (others' success): its slope on log10 of epsilon, over noises "
            f"from {QUIET:g} to {LOUD:g}",
            OverData(slope_on_epsilon, DATA),
            paper_data=OWN,
        ),
        Claim(
            "Noise changes more than clipping alone.",
            "area under the curve (others' success): what noise 4 takes from clipping alone, "
            "less what clipping takes from ERM",
            OverData(_noise_beyond_clipping, DATA),
            cause="A planted point has a large gradient until it is learnt, and clipping caps "
            "just that. On average over a batch the noise leaves the direction what it was.",
        ),
        Claim(
            "Without noise, a tighter clip holds a collective back.",
            "area under the curve (others' success), no noise: clip 10, less clip .1",
            _lost_area(_dp(0.0, 10.0), _dp(0.0, 0.1)),
            paper_data=OWN,
        ),
        Claim(
            "With noise, a looser clip holds a collective back.",
            "area under the curve (others' success), noise 1: clip 1, less clip 10",
            _lost_area(_dp(1.0, 1.0), _dp(1.0, 10.0)),
            cause="Noise of ten times the size moves all decisions about, the collective's "
            "among them; what it gains by gradients that are not clipped is more.",
            paper_data=OWN,
        ),
        Claim(
            "The firm pays for its resistance.",
            "accuracy on clean data without a collective: ERM, less DP-SGD of noise 4",
            OverData(_paid, DATA),
        ),
        Claim(
            "Private learning makes training points harder to tell from others.",
            "area under the ROC curve of the loss attack, without a collective: a training "
            "without privacy, less DP-SGD of noise 1 and clip 1, for as many epochs",
            _attack(_dp(1.0)),
        ),
        Claim(
            "Clipping alone does so, too.",
            "the same, DP-SGD without noise",
            _attack(_dp(0.0)),
        ),
        Claim(
            "A collective makes training points harder to tell from others, without privacy.",
            "area under the ROC curve of the loss attack on a training without privacy: without "
            f"a collective, less at {AUDITED:.0%} of the people",
            _attack(PLAIN, AUDITED),
        ),
    ),
    figures={
        "noise": curves(dataset="Digits", learner="DPSGD(clip=1.0)"),
        "clip": curves(dataset="Digits", learner="DPSGD(noise=1.0)"),
        "noise_plane": curves(dataset="Gaussians", learner="DPSGD(clip=1.0)", **OTHERS),
        "clip_alone": curves(dataset="Digits", learner="DPSGD(noise=0.0)"),
    },
    tables=FILES,
)
