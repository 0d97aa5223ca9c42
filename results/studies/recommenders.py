"""Recommenders: a collective promotes a song by its place in the members' playlists.

References:
    | Algorithmic Collective Action in Recommender Systems: Promoting Songs by Reordering Playlists
    | (Baumann and Mendler-Duenner, 2024)
    | https://arxiv.org/abs/2404.04269
"""

from collections.abc import Sequence
from math import inf

import pandas as pd
from matplotlib.figure import Figure

from bench.recommenders.trial import PlaylistTrial, playlist_trials
from bench.spec.parsing import parse
from results.plots.amplification import plot_amplification
from results.stats.amplification import PROPORTIONAL, amplification_curves
from results.studies.base import Claim, Study, no_parts
from results.studies.measures import Measure, success

CATALOGUE = "Genres"
#: Firms that see the order of songs, and firms that do not.
ORDERED = ("MarkovChain", "SelfAttention")
UNORDERED = ("ItemKNN", "MatrixFactorisation")
RECOMMENDERS = (*ORDERED, *UNORDERED, "Popularity", "Proportional")
ANYWHERE, END = "AtRandom", "AtEnd"
RARE, FREQUENT = "Beside(song='rarest')", "Beside(song='commonest')"
NOBODY = "Unplaced"
QUICK, WHOLE = (0.01, 0.03, 0.1), (0.003, 0.01, 0.03, 0.05, 0.1)
SMALL, MOST = 0.01, 0.1
#: Differences of shares that are too small to matter.
CLOSE = 0.02


def measurements(quick: bool) -> Sequence[PlaylistTrial]:
    """Return all recommenders against four placements."""
    return playlist_trials(
        [parse(CATALOGUE, "catalogues")],
        [parse(name, "recommenders") for name in RECOMMENDERS],
        [parse(name, "placements") for name in (ANYWHERE, END, RARE, FREQUENT)],
        QUICK if quick else WHOLE,
        5 if quick else 10,
    )


def _won(firm: str, placement: str, size: float, value: str = "success") -> Measure:
    """Return the share of listeners to whom a firm recommends the song, or another value."""
    return success(size, learner=firm, strategy=placement, value=value)


def _excess(firm: str, placement: str, size: float) -> Measure:
    """Return the listeners won less those that the song's share of the training data gives."""
    return _won(firm, placement, size) - _won(firm, placement, size, PROPORTIONAL)


def _claims_on_order(firm: str) -> tuple[Claim, ...]:
    at = f"listeners won, {MOST:.0%} of the people are members: "
    return (
        Claim(
            f"The place of the song matters to a firm that models sequences ({firm}).",
            f"{at}behind each member's most frequent song, less at random places",
            _won(firm, FREQUENT, MOST) - _won(firm, ANYWHERE, MOST),
        ),
        Claim(
            f"A chosen place wins more than the song's share of the data gives ({firm}).",
            f"{at}behind each member's most frequent song, less in proportion to counts",
            _excess(firm, FREQUENT, MOST),
        ),
        Claim(
            f"Places behind rare songs serve small collectives better than places behind frequent "
            f"ones ({firm}).",
            f"listeners won, {SMALL:.0%} of the people are members: behind each member's rarest "
            "song, less behind the most frequent one",
            _won(firm, RARE, SMALL) - _won(firm, FREQUENT, SMALL),
        ),
        Claim(
            f"Places behind frequent songs serve large collectives better than places behind rare "
            f"ones ({firm}).",
            f"{at}behind each member's most frequent song, less behind the rarest one",
            _won(firm, FREQUENT, MOST) - _won(firm, RARE, MOST),
        ),
        Claim(
            f"The firm recommends as well as without a collective ({firm}).",
            f"share of listeners whose next song is recommended: {MOST:.0%} of the people are "
            f"members, less without members; the limit of {CLOSE:g} is this study's",
            _won(firm, FREQUENT, MOST, "accuracy") - _won(firm, NOBODY, 0.0, "accuracy"),
            region=(-CLOSE, inf),
        ),
    )


CLAIMS = (
    Claim(
        "A firm that recommends songs in proportion to their counts amplifies no song.",
        f"listeners won, {MOST:.0%} of the people are members, less in proportion to counts",
        _excess("Proportional", ANYWHERE, MOST),
        region=(-CLOSE, CLOSE),
        sanity=True,
    ),
    Claim(
        "A firm that recommends the most frequent songs gives a collective nothing.",
        f"listeners won, {MOST:.0%} of the people are members",
        _won("Popularity", ANYWHERE, MOST),
        region=(-inf, CLOSE),
        scale="share",
    ),
    *(claim for firm in ORDERED for claim in _claims_on_order(firm)),
    *(
        Claim(
            f"The place of the song does not matter to a firm that ignores the order ({firm}).",
            f"listeners won, {MOST:.0%} of the people are members: behind each member's most "
            "frequent song, less at random places",
            _won(firm, FREQUENT, MOST) - _won(firm, ANYWHERE, MOST),
            region=(-CLOSE, CLOSE),
            sanity=True,
        )
        for firm in UNORDERED
    ),
    *(
        Claim(
            f"A song at random places wins more listeners than its share of the data gives "
            f"({firm}).",
            f"listeners won, {MOST:.0%} of the people are members, less in proportion to counts",
            _excess(firm, ANYWHERE, MOST),
        )
        for firm in (*UNORDERED, *ORDERED)
    ),
)


def _amplification(records: pd.DataFrame) -> tuple[Figure, pd.DataFrame]:
    """Return the figure of amplification against size, and the table that it draws."""
    curves = amplification_curves(records)
    return plot_amplification(curves), curves


STUDY = Study(
    paper="Algorithmic Collective Action in Recommender Systems: Promoting Songs by Reordering "
    "Playlists (Baumann and Mendler-Duenner, 2024)",
    link="https://arxiv.org/abs/2404.04269",
    parts=no_parts,
    claims=CLAIMS,
    figures={"amplification": _amplification},
    measurements=measurements,
)
