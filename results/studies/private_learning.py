"""Private learning: the effect of clipping and of noise on a collective.

References:
    | Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy (Solanki et al., 2025)
    | https://arxiv.org/abs/2505.05707
"""  # noqa: E501 (a title)

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.drawings import curves
from results.studies.measures import Measure, area, mass, success

NOISES, CLIPS = (0.0, 0.5, 1.0, 2.0, 4.0), (0.1, 1.0, 10.0)
LOUD, QUIET = 4.0, 0.5
IMAGES, PLANE = "Digits", "Gaussians(n=4000, overlap=0.02)"


def parts(quick: bool) -> tuple[Part, ...]:
    """DP-SGD's noise at one clip, and its clip at two noises; and the same without either."""
    sizes = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
    noises = [f"DPSGD(clip=1.0, noise={noise})" for noise in NOISES]
    clips = [f"DPSGD(clip={clip}, noise={noise})" for clip in CLIPS for noise in (0.0, 1.0)]
    learners = tuple(dict.fromkeys(["ERM", *noises, *clips]))
    return (Part((IMAGES, PLANE), learners, sizes=sizes, seeds=5 if quick else 10),)


def _dp(noise: float, clip: float = 1.0) -> str:
    return f"DPSGD(clip={clip}, noise={noise})"


def _mass(data: str, learner: str) -> Measure:
    return mass(0.5, dataset=data, learner=learner, value="success_others")


def _area(data: str, learner: str) -> Measure:
    return area(dataset=data, learner=learner, value="success_others")


STUDY = Study(
    paper="Crowding Out The Noise: Algorithmic Collective Action Under Differential Privacy "
    "(Solanki et al., 2025)",
    link="https://arxiv.org/abs/2505.05707",
    parts=parts,
    claims=tuple(
        claim
        for data, where in ((IMAGES, "8 x 8 digits"), ("Gaussians", "Gaussian classes"))
        for claim in (
            Claim(
                f"Private learning takes a larger collective ({where}).",
                "log10 of critical mass at .5 (others' success): DP-SGD of noise 1 and clip 1, "
                "less ERM",
                _mass(data, _dp(1.0)) - _mass(data, "ERM"),
                scale="decades",
            ),
            Claim(
                f"More noise takes a larger collective ({where}).",
                f"log10 of critical mass at .5 (others' success): noise {LOUD:g}, less noise "
                f"{QUIET:g}",
                _mass(data, _dp(LOUD)) - _mass(data, _dp(QUIET)),
                scale="decades",
            ),
            Claim(
                f"Noise changes more than clipping alone ({where}).",
                "area under the curve (others' success): what noise 4 takes from clipping alone, "
                "less what clipping takes from ERM",
                (_area(data, _dp(0.0)) - _area(data, _dp(LOUD)))
                - (_area(data, "ERM") - _area(data, _dp(0.0))),
                cause="A planted point has a large gradient until it is learnt, and clipping caps "
                "just that. On average over a batch the noise leaves the direction what it was.",
            ),
            Claim(
                f"Without noise, a tighter clip holds a collective back ({where}).",
                "area under the curve (others' success), no noise: clip 10, less clip .1",
                _area(data, _dp(0.0, 10.0)) - _area(data, _dp(0.0, 0.1)),
            ),
            Claim(
                f"With noise, a looser clip holds a collective back ({where}).",
                "area under the curve (others' success), noise 1: clip 1, less clip 10",
                _area(data, _dp(1.0, 1.0)) - _area(data, _dp(1.0, 10.0)),
                cause="Noise of ten times the size moves all decisions about, the collective's "
                "among them; what it gains by gradients that are not clipped is more.",
            ),
            Claim(
                f"The firm pays for its resistance ({where}).",
                "accuracy on clean data without a collective: ERM, less DP-SGD of noise 4",
                success(0.0, dataset=data, learner="ERM", value="accuracy")
                - success(0.0, dataset=data, learner=_dp(LOUD), value="accuracy"),
            ),
        )
    ),
    figures={
        "noise": curves(dataset="Digits", learner="DPSGD(clip=1.0)"),
        "clip": curves(dataset="Digits", learner="DPSGD(noise=1.0)"),
        "noise_plane": curves(
            dataset="Gaussians", learner="DPSGD(clip=1.0)", value="success_others"
        ),
        "clip_alone": curves(dataset="Digits", learner="DPSGD(noise=0.0)"),
    },
)
