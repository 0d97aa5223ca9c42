"""The tuning stage of a grid: which settings are tried, in which trials."""

from bench.experiment.recruitment import Recruitment
from bench.experiment.trial import Groups
from bench.spec.grid import Grid
from bench.spec.part import Part, Settings
from bench.spec.search import settings
from bench.spec.shard import Shard
from collectives.base import Strategy
from collectives.planting import FeatureLabel

#: Seeds and sizes of tuning trials. Their seeds are those of no grid.
FIRST_SEED, SEEDS = 1_000_000, 3
SIZES = (0.0, 0.01)


def candidates(grid: Grid, draws: int, shard: Shard | None = None) -> Settings:
    """Return the settings that are tried for each entry of a grid, the learner as named first.

    All learners have the same number of settings, or as many as their search space has. A learner
    without a search space has one.

    Arguments:
        grid: The grid.
        draws: The number of settings of a learner.
        shard: The share of the entries; all if None. An entry is tuned where it is run.
    """
    return {
        entry: [repr(setting) for setting in settings(learner, draws)]
        for entry, learner in grid.entries().items()
        if shard is None or entry in shard
    }


def tuning_grid(grid: Grid, tried: Settings) -> Grid:
    """Return the grid of tuning trials, with all specs written out.

    On each dataset the collective follows the first strategy of the grid that is a FeatureLabel,
    or else the first strategy; the firm knows the first kind of groups, and members are recruited
    in the first way.

    Arguments:
        grid: The grid whose learners are tuned.
        tried: The settings of each entry; entries with one setting need no trials.
    """
    specs: dict[tuple[str, str], dict[str, None]] = {}
    for entry, tried_specs in tried.items():
        if len(tried_specs) > 1:
            specs.setdefault((entry.dataset, entry.validation), {}).update(
                dict.fromkeys(tried_specs)
            )
    firms = _firms(grid)
    parts = [
        Part(
            (dataset,),
            tuple(learners),
            (repr(firms[dataset][0]),),
            SIZES,
            SEEDS,
            (validation,),  # type: ignore[arg-type]
            (firms[dataset][1],),
            (firms[dataset][2],),
            FIRST_SEED,
        )
        for (dataset, validation), learners in specs.items()
    ]
    return Grid(grid.name, tuple(parts))


def _firms(grid: Grid) -> dict[str, tuple[Strategy, Groups, Recruitment]]:
    """Return strategy, groups and recruitment of the tuning trials on each dataset."""
    found: dict[str, list[tuple[Strategy, Groups, Recruitment]]] = {}
    for part in grid.parts:
        for data in part.sources():
            ways = part.groups[0], part.recruitment[0]
            found.setdefault(repr(data), []).extend(
                (strategy, *ways) for strategy in part.strategies_on(data)
            )
    return {
        dataset: next((one for one in several if isinstance(one[0], FeatureLabel)), several[0])
        for dataset, several in found.items()
    }
