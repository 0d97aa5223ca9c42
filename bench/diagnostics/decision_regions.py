"""What classifiers look like in a plane: trials are run again, and asked at nodes of a grid."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.execution.backends import one_thread
from bench.experiment.evaluation import evaluate
from bench.experiment.run import train_firm
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Trial
from collectives.signals.base import Signal

#: What of the plane is beyond the points, on each side.
ROOM = 0.05


@dataclass(frozen=True, eq=False)
class Plane:
    """Two columns of points; the others are held where half of the points are below.

    Arguments:
        columns: The two.
        usual: A point, (d,): what the other columns are held at.
        low: The lower left corner, (2,).
        high: The upper right corner, (2,).
    """

    columns: tuple[int, int]
    usual: Array
    low: Array
    high: Array

    @classmethod
    def through(cls, x: Array, columns: tuple[int, int]) -> "Plane":
        """The plane of two columns that holds all of some points (n, d)."""
        if x.ndim != 2 or x.shape[1] < 2:
            raise BenchError(f"points of shape {x.shape[1:]} are in no plane")
        if len(set(columns)) != 2 or not set(columns) <= set(range(x.shape[1])):
            raise BenchError(f"{columns} are not two of the columns 0 to {x.shape[1] - 1}")
        low, high = x[:, columns].min(axis=0), x[:, columns].max(axis=0)
        room = ROOM * (high - low)
        return cls(columns, np.median(x, axis=0), low - room, high + room)

    def nodes(self, count: int) -> Array:
        """The middles of count x count cells, row by row from the lower left one, (count^2, d)."""
        share = (np.arange(count) + 0.5) / count
        across, up = (a + share * (b - a) for a, b in zip(self.low, self.high, strict=True))
        x = np.tile(self.usual, (count**2, 1)).astype(np.float32)
        x[:, self.columns[0]] = np.tile(across, count)
        x[:, self.columns[1]] = np.repeat(up, count)
        return x

    def leaves(self, signal: Signal, x: Array) -> bool:
        """Whether a signal moves points only in columns that are not of the plane."""
        return bool((signal(x)[:, self.columns] == x[:, self.columns]).all())


def look(
    trials: Iterable[Trial],
    columns: tuple[int, int] = (0, 1),
    nodes: int = 100,
    shown: int = 60,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Run trials of one dataset, strategy and seed again, and ask their classifiers everywhere.

    Where the signal is in a column beside the plane, there are two planes: of points "without"
    it, and "with" it; else there is one, of "all" points.

    Arguments:
        trials: The trials.
        columns: Those that span the plane.
        nodes: How many along each side.
        shown: How many members and others are kept of each plane at each size, at most.

    Returns:
        Three frames. A row a trial: ``learner``, ``size``, ``seed``, the collective's
        ``target``, ``success`` and ``accuracy``. A row a node: ``learner``, ``size``, ``plane``,
        ``x``, ``y``, the ``label`` that is predicted there, the ``log_density`` that was learnt
        and the ``truth`` of it, NaN where there is none. A row a person of the training set:
        ``size``, ``plane``, ``x``, ``y``, ``label``, ``member``.
    """
    outcomes, asked, people = [], [], dict[float, pd.DataFrame]()
    truths: dict[tuple[float, str], Array] = {}
    with one_thread():
        for given in trials:
            trial, scene, fitted = train_firm(given)
            plane = Plane.through(scene.context.test.x, columns)
            planes = _planes(trial, plane, nodes)
            cell = {"learner": repr(trial.learner), "size": trial.size}
            told = evaluate(trial, scene, fitted)
            kept = {name: told[name] for name in ("success", "accuracy")}
            target = trial.strategy.target
            outcomes.append({**cell, "seed": trial.seed, "target": target, **kept})
            learnt = fitted.log_density or (lambda x: np.full(len(x), np.nan))
            for name, x in planes.items():
                # Whoever learns, the sample of a seed and size is the same, and so is its law.
                if (trial.size, name) not in truths:
                    truths[trial.size, name] = _truth(scene, x)
                frame = pd.DataFrame(
                    {
                        **cell,
                        "plane": name,
                        "x": x[:, columns[0]],
                        "y": x[:, columns[1]],
                        "label": fitted.predict(x),
                        "log_density": learnt(x),
                        "truth": truths[trial.size, name],
                    }
                )
                asked.append(frame)
            if trial.size not in people:
                people[trial.size] = _people(trial, scene, plane, "all" in planes, shown)
    if not asked:
        raise BenchError("there are no trials to look at")
    persons = pd.concat(people.values(), ignore_index=True)
    return pd.DataFrame(outcomes), pd.concat(asked, ignore_index=True), persons


def _planes(trial: Trial, plane: Plane, nodes: int) -> dict[str, Array]:
    """The nodes of each plane."""
    x, signals = plane.nodes(nodes), trial.strategy.signals
    if signals and plane.leaves(signals[0], x):
        return {"without": x, "with": signals[0](x)}
    return {"all": x}


def _truth(scene: TrainingSetup, x: Array) -> Array:
    """The log-density of the law that the sample was drawn from; NaN, where it is not known."""
    if scene.sample.law is None:
        return np.full(len(x), np.nan)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(scene.sample.law.joint(x).sum(axis=1)))


def _people(
    trial: Trial, scene: TrainingSetup, plane: Plane, whole: bool, shown: int
) -> pd.DataFrame:
    """Some of the training set, as the firm saw it."""
    x, member = scene.sample.x, np.zeros(len(scene.sample), dtype=bool)
    member[scene.members] = True
    carried = np.zeros(len(x), dtype=bool) if whole else trial.strategy.signals[0].carried(x)
    names = np.where(carried, "with", "all" if whole else "without")
    table = pd.DataFrame(
        {
            "size": trial.size,
            "plane": names,
            "x": x[:, plane.columns[0]],
            "y": x[:, plane.columns[1]],
            "label": scene.sample.y,
            "member": member,
        }
    )
    return table.groupby(["plane", "member"], sort=False).head(shown)
