"""Decision regions: predictions of the classifiers of repeated trials on a grid in a plane."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.datasets.base import Array
from bench.experiment.evaluation import evaluate
from bench.experiment.run import train_firm
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Trial
from collectives.signals.base import Signal

#: The margin around the points on each side, as a share of their range.
MARGIN = 0.05


@dataclass(frozen=True, eq=False)
class Plane:
    """A plane of two columns; the other columns have their medians.

    Arguments:
        columns: The two columns.
        usual: The medians of all columns, (d,).
        low: The lower left corner, (2,).
        high: The upper right corner, (2,).
    """

    columns: tuple[int, int]
    usual: Array
    low: Array
    high: Array

    @classmethod
    def through(cls, x: Array, columns: tuple[int, int]) -> "Plane":
        """Return the plane of two columns that covers points (n, d)."""
        if x.ndim != 2 or x.shape[1] < 2:
            raise BenchError(f"points of shape {x.shape[1:]} are in no plane")
        if len(set(columns)) != 2 or not set(columns) <= set(range(x.shape[1])):
            raise BenchError(f"{columns} are not two of the columns 0 to {x.shape[1] - 1}")
        low, high = x[:, columns].min(axis=0), x[:, columns].max(axis=0)
        margin = MARGIN * (high - low)
        return cls(columns, np.median(x, axis=0), low - margin, high + margin)

    def nodes(self, count: int) -> Array:
        """Return the middles of count x count cells by rows from the lower left, (count^2, d)."""
        share = (np.arange(count) + 0.5) / count
        across, up = (a + share * (b - a) for a, b in zip(self.low, self.high, strict=True))
        x = np.tile(self.usual, (count**2, 1)).astype(np.float32)
        x[:, self.columns[0]] = np.tile(across, count)
        x[:, self.columns[1]] = np.repeat(up, count)
        return x

    def leaves(self, signal: Signal, x: Array) -> bool:
        """Return whether a signal changes no column of the plane."""
        return bool((signal(x)[:, self.columns] == x[:, self.columns]).all())


def look(
    trials: Iterable[Trial],
    columns: tuple[int, int] = (0, 1),
    nodes: int = 100,
    shown: int = 60,
    watch: Callable[[], None] = lambda: None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Run trials of one dataset, strategy and seed again, and evaluate their classifiers.

    If the signal is in columns outside the plane, there are two planes: of points "without"
    it, and "with" it. Otherwise there is one plane, of "all" points.

    Arguments:
        trials: The trials.
        columns: The columns of the plane.
        nodes: The number of nodes along each side.
        shown: The largest number of members, and of others, in each plane at each size.
        watch: Function that is called after each trial.

    Returns:
        Three frames. A row a trial: ``learner``, ``size``, ``seed``, the collective's
        ``target``, ``success`` and ``accuracy``. A row a node: ``learner``, ``size``, ``plane``,
        ``x``, ``y``, the predicted ``label``, the learnt ``log_density`` and its ``truth``,
        NaN where there is none. A row a person of the training set:
        ``size``, ``plane``, ``x``, ``y``, ``label``, ``member``.
    """
    outcomes, predictions, people = [], [], dict[float, pd.DataFrame]()
    truths: dict[tuple[float, str], Array] = {}
    with one_thread():
        for requested in trials:
            trial, setup, fitted = train_firm(requested)
            plane = Plane.through(setup.context.test.x, columns)
            planes = _planes(trial, plane, nodes)
            cell = {"learner": repr(trial.learner), "size": trial.size}
            measures = evaluate(trial, setup, fitted)
            kept = {name: measures[name] for name in ("success", "accuracy")}
            target = trial.strategy.target
            outcomes.append({**cell, "seed": trial.seed, "target": target, **kept})
            learnt = fitted.log_density or (lambda x: np.full(len(x), np.nan))
            for name, x in planes.items():
                # The sample of a seed and size, and so its law, doesn't depend on the learner.
                if (trial.size, name) not in truths:
                    truths[trial.size, name] = _truth(setup, x)
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
                predictions.append(frame)
            if trial.size not in people:
                people[trial.size] = _people(trial, setup, plane, "all" in planes, shown)
            watch()
    if not predictions:
        raise BenchError("there are no trials to evaluate")
    persons = pd.concat(people.values(), ignore_index=True)
    return pd.DataFrame(outcomes), pd.concat(predictions, ignore_index=True), persons


def _planes(trial: Trial, plane: Plane, nodes: int) -> dict[str, Array]:
    """Return the nodes of each plane."""
    x, signals = plane.nodes(nodes), trial.strategy.signals
    if signals and plane.leaves(signals[0], x):
        return {"without": x, "with": signals[0](x)}
    return {"all": x}


def _truth(setup: TrainingSetup, x: Array) -> Array:
    """Return the log-density of the sample's law; NaN where it is not known."""
    if setup.sample.law is None:
        return np.full(len(x), np.nan)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(setup.sample.law.joint(x).sum(axis=1)))


def _people(
    trial: Trial, setup: TrainingSetup, plane: Plane, whole: bool, shown: int
) -> pd.DataFrame:
    """Return some rows of the training set after the collective's changes."""
    x, member = setup.sample.x, np.zeros(len(setup.sample), dtype=bool)
    member[setup.members] = True
    carried = np.zeros(len(x), dtype=bool) if whole else trial.strategy.signals[0].carried_by(x)
    names = np.where(carried, "with", "all" if whole else "without")
    table = pd.DataFrame(
        {
            "size": trial.size,
            "plane": names,
            "x": x[:, plane.columns[0]],
            "y": x[:, plane.columns[1]],
            "label": setup.sample.y,
            "member": member,
        }
    )
    return table.groupby(["plane", "member"], sort=False).head(shown)
