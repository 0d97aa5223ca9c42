"""A trial: the sentence of the benchmark."""

import resource
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np

from algorithms.base import Fitted, Learner, Rows, TrainingSet
from bench.datasets.base import Array, Dataset, Part, Split, TraceableLaw
from bench.memo import Once
from bench.mixture import Mixture
from bench.promises import promises
from bench.streams import stream
from collectives.base import Pooled, Strategy

Validation = Literal["clean", "contaminated"]
Groups = Literal["given", "own", "unknown"]
Record = dict[str, Any]
#: The spec of a component.
spec = Once(repr)


class Key(NamedTuple):
    """What a trial is, in words: no path, no job, no host."""

    dataset: str
    learner: str
    strategy: str
    size: float
    seed: int
    validation: str
    groups: str


@dataclass(frozen=True)
class Trial:
    r"""One learner meets one collective: a point of the grid.

    Arguments:
        dataset: Where people come from.
        learner: What the firm does.
        strategy: What members do.
        size: The share alpha of members among the people of the training set.
        seed: The seed of all streams.
        validation: Whether members are in the firm's validation data too.
        groups: Which groups the firm knows: those of the data (labels, if they have none), with
            members spread over them as their rows say; the same, but members are one of their
            own; or none.
    """

    dataset: Dataset
    learner: Learner
    strategy: Strategy
    size: float
    seed: int
    validation: Validation = "clean"
    groups: Groups = "given"

    @property
    def key(self) -> Key:
        """The identity of the trial's record."""
        return Key(
            spec(self.dataset),
            spec(self.learner),
            spec(self.strategy),
            self.size,
            self.seed,
            self.validation,
            self.groups,
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """What a trial's firm trains on, and what it is judged on."""

    sample: TrainingSet
    members: Array
    test: Part
    split: Split | None = None


def enlist(n: int, size: float, rng: np.random.Generator) -> Array:
    """The members: the first of one permutation, so that collectives of one seed are nested."""
    return rng.permutation(n)[: round(size * n)]


def recruit(trial: Trial, split: Split, index: Array, *purpose: str) -> tuple[TrainingSet, Array]:
    """The rows of an index, after a collective among them has acted; and who its members are."""
    rows, y = Rows(split.x, index), split.y[index]
    members = enlist(len(index), trial.size, stream(trial.seed, "members", *purpose))
    part = split.part(index[members])
    pooled = Pooled(part.x, part.y, split.classes)
    if len(members):
        rng = stream(trial.seed, "act", *purpose)
        moved, told = trial.strategy.act(part.x, part.y, pooled=pooled, n=len(index), rng=rng)
        for new, old in ((moved, part.x), (told, part.y)):
            if new.shape != old.shape:
                raise ValueError(f"act returned rows of shape {new.shape} for {old.shape}")
        rows, y[members] = rows.replace(members, moved), told
    group = None if split.group is None else split.group[index]
    law = mixture(trial, len(members) / len(index), pooled, len(index))
    sample = TrainingSet(rows, y, group, split.classes, law=law)
    return regrouped(sample, members, trial.groups), members


def regrouped(sample: TrainingSet, members: Array, groups: Groups) -> TrainingSet:
    """A sample with the groups that the firm knows of."""
    if groups == "unknown":
        sample.group, sample.groups = np.zeros(len(sample), dtype=np.int64), 1
    elif groups == "own":
        sample.group = sample.group.copy()
        sample.group[members] = sample.groups
        sample.groups += 1
    return sample


def mixture(trial: Trial, share: float, pooled: Pooled, n: int) -> Mixture | None:
    """The law that the rows follow, where it is known.

    On a finite domain that takes a strategy that says what its members may do; on others, too, no
    signal but the default one, whose ways are known.
    """
    law, strategy = trial.dataset.law, trial.strategy
    if law is None or not strategy.traceable:
        return None
    if law.support is None:
        usual = set(strategy.signals) <= {trial.dataset.signal} and strategy.local
        if not (usual and isinstance(law, TraceableLaw)):
            return None
    return Mixture(law, strategy, share, pooled, n)


def stage(trial: Trial, split: Split, test: Part | None = None) -> Scene:
    """Let the collective act on a split, whose test part may be given if it is at hand."""
    sample, members = recruit(trial, split, split.train)
    firm = trial if trial.validation == "contaminated" else replace(trial, size=0.0)
    sample.validation, _ = recruit(firm, split, split.validation, "validation")
    return Scene(sample, members, test or split.part(split.test), split)


def judge(trial: Trial, scene: Scene, fitted: Fitted) -> Record:
    """What a trained classifier means for the collective and for everybody else."""
    test = scene.test
    clean = _labels(fitted, test.x)

    def predict(x: Array) -> Array:
        return clean if x is test.x else _labels(fitted, x)

    won = np.asarray(trial.strategy.success(predict, test), dtype=float)
    asked = ~np.isnan(won)
    if won.shape != clean.shape or not ((won >= 0) & (won <= 1))[asked].all():
        raise ValueError(f"success is not a share for each of {len(clean)} points")
    if not asked.any():
        raise ValueError("success is not a share for any of the test points")
    right = clean == test.y
    target = trial.strategy.target
    others = won[asked & (test.y != target)] if target is not None else won[:0]
    groups = [] if test.group is None else [right[test.group == g] for g in set(test.group)]
    return {
        "success": float(won[asked].mean()),
        "won": float(won[asked].sum()),
        "tested": int(asked.sum()),
        "success_others": float(others.mean()) if len(others) else None,
        "accuracy": float(right.mean()),
        "worst_group": float(min(g.mean() for g in groups)) if groups else None,
        "effective_size": _effective_size(fitted.weights, scene),
        **_firm(fitted, scene),
        **_suspicion(fitted.suspects, scene),
        "report": _numbers(fitted.report),
        "measures": _numbers(trial.strategy.measures(predict, test)),
        "signal": _seen(trial.strategy, test.x),
        "bounds": _numbers(
            promises(trial, scene.sample, scene.members, fitted.weights, test.x, _own(scene))
        ),
        "epochs": _epochs(trial, scene, fitted),
    }


def _numbers(given: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: what is not finite is None."""
    return {k: float(v) if np.isfinite(v) else None for k, v in given.items()}


def _own(scene: Scene) -> Pooled | None:
    """The members' rows before they acted."""
    if scene.split is None:
        return None
    part = scene.split.part(scene.split.train[scene.members])
    return Pooled(part.x, part.y, scene.split.classes)


def _seen(strategy: Strategy, x: Array) -> Record:
    """How many points carry the strategy's first signal already, and how much it changes them."""
    if not strategy.signals:
        return {}
    signal = strategy.signals[0]
    return _numbers({"overlap": signal.overlap(x), "visibility": signal.visibility(x)})


def _firm(fitted: Fitted, scene: Scene) -> Record:
    """What the firm sees on its own validation data, members' rows in it included."""
    held = scene.sample.validation
    if held is None:
        return {}
    x = held.x
    right = _labels(fitted, x) == held.y
    loss = None
    if fitted.predict_proba is not None:
        p = fitted.predict_proba(x)[np.arange(len(held)), held.y]
        loss = float(-np.log(np.maximum(p, 1e-12)).mean())
    return {
        "firm_accuracy": float(right.mean()),
        "firm_worst_group": float(min(right[held.group == g].mean() for g in set(held.group))),
        "firm_loss": loss,
    }


def _suspicion(suspects: Array | None, scene: Scene) -> Record:
    """Whom training set apart: their share, members among them, and them among members."""
    if suspects is None:
        return {}
    caught, found = int(suspects[scene.members].sum()), int(suspects.sum())
    return {
        "suspected": found / len(suspects),
        "precision": caught / found if found else None,
        "recall": caught / len(scene.members) if len(scene.members) else None,
    }


def _epochs(trial: Trial, scene: Scene, fitted: Fitted) -> dict[str, list[float]] | None:
    """What the classifier meant after each epoch, where the learner kept them."""
    if not fitted.path:
        return None
    told: dict[str, list[float]] = {}
    for epoch in fitted.path:
        then = Fitted(epoch.predict)
        right = _labels(then, scene.test.x) == scene.test.y
        won = trial.strategy.success(partial(_labels, then), scene.test)
        row = {"success": np.nanmean(won), "accuracy": np.mean(right)}
        row |= {f"firm_{name}": value for name, value in epoch.metrics.items()}
        if epoch.weights is not None and epoch.weights.sum() > 0:
            row["effective_size"] = _effective_size(epoch.weights, scene)
        for name, value in row.items():
            told.setdefault(name, []).append(float(f"{value:.6g}"))
    return told


def _effective_size(weights: Array | None, scene: Scene) -> float | None:
    """The members' share of all weights."""
    if weights is None:
        return None
    n, total = len(scene.sample), weights.sum()
    if weights.shape != (n,) or not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ValueError(f"weights are not {n} finite numbers, none below and some above zero")
    return float(weights[scene.members].sum() / total)


def _labels(fitted: Fitted, x: Array) -> Array:
    labels = np.asarray(fitted.predict(x))
    if labels.shape != (len(x),):
        raise ValueError(f"predict returned {labels.shape} for {len(x)} points")
    return labels


def run_trials(trials: Sequence[Trial]) -> list[Record]:
    """Run trials of one dataset and of learners alike; each leaves one record in any case.

    Splits are drawn once a seed, and all trainings are handed to the learner at once.
    """
    started = time.perf_counter()
    splits: dict[int, tuple[Split, Part]] = {}
    scenes: list[Scene | Exception] = []
    for trial in trials:
        try:
            if trial.seed not in splits:
                split = trial.dataset.split(stream(trial.seed, "data"))
                splits[trial.seed] = split, split.part(split.test)
            scenes.append(stage(trial, *splits[trial.seed]))
        except Exception as error:
            scenes.append(error)
    staged = [(t, s.sample) for t, s in zip(trials, scenes, strict=True) if isinstance(s, Scene)]
    fitted = iter(_fit([t for t, _ in staged], [s for _, s in staged]))
    records = []
    for trial, scene in zip(trials, scenes, strict=True):
        record: Record = {**trial.key._asdict(), "status": "ok", "error": None}
        try:
            if isinstance(scene, Exception):
                raise scene
            record |= {"members": len(scene.members), "n": len(scene.sample)}
            outcome = next(fitted)
            if not isinstance(outcome, Fitted):
                raise _no_classifier(outcome)
            record |= judge(trial, scene, outcome)
        except Exception as error:
            last = traceback.format_exception(error)[-2:]
            record |= {"status": "failed", "error": "".join(last).strip()}
        records.append(record)
    seconds = (time.perf_counter() - started) / len(trials)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [r | {"seconds": seconds, "memory": memory} for r in records]


def _no_classifier(outcome: Any) -> Exception:
    if isinstance(outcome, Exception):
        return outcome
    return TypeError(f"the learner returned {type(outcome).__name__} in place of Fitted")


def _fit(trials: Sequence[Trial], samples: Sequence[TrainingSet]) -> list[Any]:
    """What the learners make of their samples: all at once, or one by one if that fails."""
    if not samples:
        return []
    learners, rngs = [t.learner for t in trials], [stream(t.seed, "fit") for t in trials]
    try:
        outcomes = list(learners[0].fit_alike(learners, samples, rngs))
        if len(outcomes) != len(samples):
            raise ValueError(f"fit_many returned {len(outcomes)} for {len(samples)} samples")
    except Exception as error:
        if len(samples) == 1:
            return [error]
        return [_fit([t], [s])[0] for t, s in zip(trials, samples, strict=True)]
    return outcomes
