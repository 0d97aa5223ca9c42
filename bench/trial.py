"""A trial: the sentence of the benchmark."""

import resource
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Literal, NamedTuple

import numpy as np

from algorithms.base import Fitted, Learner, Rows, TrainingSet
from bench.datasets.base import Array, Dataset, GatheringLaw, Split, TraceableLaw
from bench.errors import BenchError
from bench.memo import Once
from bench.mixture import Mixture, followed
from bench.promises import promises
from bench.recruitment import Recruitment, enlist
from bench.streams import stream
from collectives.base import Deployed, Pooled, Predict, Signal, Strategy

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
    recruitment: str


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
        recruitment: Who the members are: anybody, or people of a class, of a group, or near to
            each other.
    """

    dataset: Dataset
    learner: Learner
    strategy: Strategy
    size: float
    seed: int
    validation: Validation = "clean"
    groups: Groups = "given"
    recruitment: Recruitment = "uniform"

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
            self.recruitment,
        )


def recruit(
    trial: Trial, split: Split, index: Array, *purpose: str, seen: tuple[Predict, ...] = ()
) -> tuple[TrainingSet, Array]:
    """The rows of an index, after a collective among them has acted; and who its members are."""
    rows, y = Rows(split.x, index, words=split.words), split.y[index]
    members = enlist(split, index, trial.size, trial.recruitment, trial.seed, *purpose)
    part = split.part(index[members])
    pooled = Pooled(part.x, part.y, split.classes, seen=seen)
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
    signal but the default one, whose ways are known, or what it gathers. Members who found
    themselves are unlike the others, in a way that the law does not tell.
    """
    law, strategy = trial.dataset.law, trial.strategy
    if law is None or not strategy.traceable:
        return None
    if share and trial.recruitment != "uniform":
        return None
    if law.support is None:
        if not set(strategy.signals) <= {trial.dataset.signal}:
            return None
        if isinstance(law, GatheringLaw):
            told = followed(strategy.habits(pooled.classes))
        else:
            told = strategy.local and isinstance(law, TraceableLaw)
        if not told:
            return None
    return Mixture(law, strategy, share, pooled, n)


class World:
    """A split, and what of it is the same for all collectives at one seed.

    Arguments:
        split: The split.
    """

    def __init__(self, split: Split) -> None:
        self.split, self.test = split, split.part(split.test)
        self._clean: dict[Groups, TrainingSet] = {}
        self._signals: dict[Signal, Record] = {}
        self._prepared = Once(lambda strategy: strategy.prepared(self.people))

    @cached_property
    def people(self) -> Pooled:
        """The rows of the training set before anybody acts."""
        part = self.split.part(self.split.train)
        return Pooled(part.x, part.y, self.split.classes)

    def played(self, trial: Trial) -> Trial:
        """A trial with what its strategy learns from people before anybody acts."""
        if not trial.strategy.learns:
            return trial
        return replace(trial, strategy=self._prepared(trial.strategy))

    def clean(self, trial: Trial) -> TrainingSet:
        """What the firm of a trial holds out, without members in it; nobody changes it."""
        if trial.groups not in self._clean:
            alone, at = replace(trial, size=0.0), self.split.validation
            self._clean[trial.groups], _ = recruit(alone, self.split, at, "validation")
        return self._clean[trial.groups]

    def told(self, strategy: Strategy) -> Record:
        """How many test points carry the strategy's first signal, and how much it changes them."""
        if not strategy.signals:
            return {}
        signal, x = strategy.signals[0], self.test.x
        if signal not in self._signals:
            share, change = signal.overlap(x), signal.visibility(x)
            self._signals[signal] = _numbers({"overlap": share, "visibility": change})
        return self._signals[signal]


@dataclass(frozen=True, eq=False)
class Scene:
    """What a trial's firm trains on, what it is judged on, and what it deployed before."""

    sample: TrainingSet
    members: Array
    world: World
    seen: tuple[Predict, ...] = ()


def stage(trial: Trial, world: World, seen: tuple[Predict, ...] = ()) -> Scene:
    """Let the collective act.

    Arguments:
        trial: The trial.
        world: What there is at its seed.
        seen: The classifiers that members have seen, if they act again.
    """
    split = world.split
    sample, members = recruit(trial, split, split.train, seen=seen)
    if trial.validation == "contaminated":
        sample.validation, _ = recruit(trial, split, split.validation, "validation", seen=seen)
    else:
        sample.validation = world.clean(trial)
    return Scene(sample, members, world, seen)


def judge(trial: Trial, scene: Scene, fitted: Fitted) -> Record:
    """What a trained classifier means for the collective and for everybody else."""
    test = scene.world.test
    clean = _labels(fitted, test.x)

    def predict(x: Array) -> Array:
        return clean if x is test.x else _labels(fitted, x)

    deployed = Deployed(predict, fitted.predict_proba)
    won = np.asarray(trial.strategy.success(deployed, test), dtype=float)
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
        "constant": float(np.bincount(test.y).max() / len(test.y)),
        "worst_group": float(min(g.mean() for g in groups)) if groups else None,
        "effective_size": _effective_size(fitted.weights, scene),
        **_firm(fitted, scene),
        **_suspicion(fitted.suspects, scene),
        "report": _numbers(fitted.report),
        "measures": _numbers({**trial.strategy.measures(deployed, test), **_rounds(trial, scene)}),
        "signal": scene.world.told(trial.strategy),
        "bounds": _numbers(
            promises(
                trial, scene.sample, scene.members, fitted.weights, test.x, _own(trial, scene)
            )
        ),
        "epochs": _epochs(trial, scene, fitted),
    }


def _numbers(given: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: what is not finite is None."""
    return {k: float(v) if np.isfinite(v) else None for k, v in given.items()}


def _own(trial: Trial, scene: Scene) -> Pooled | None:
    """The members' rows before they acted, if these stand for everybody's."""
    if trial.recruitment != "uniform":
        return None
    split = scene.world.split
    part = split.part(split.train[scene.members])
    return Pooled(part.x, part.y, split.classes)


def _rounds(trial: Trial, scene: Scene) -> dict[str, float]:
    """The success that each earlier classifier meant."""
    won = (np.nanmean(trial.strategy.success(f, scene.world.test)) for f in scene.seen)
    return {f"success_round_{i}": float(share) for i, share in enumerate(won, 1)}


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
        right = _labels(then, scene.world.test.x) == scene.world.test.y
        won = trial.strategy.success(partial(_labels, then), scene.world.test)
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


@dataclass
class _Play:
    """A trial on its way: what was staged last, and what the firm made of that."""

    trial: Trial
    scene: Scene | None = None
    fitted: Fitted | None = None
    error: Exception | None = None
    seen: tuple[Predict, ...] = ()

    @property
    def goes_on(self) -> bool:
        """Whether there is another round; who has no members, has seen all after the first."""
        alone = self.scene is not None and not len(self.scene.members)
        rounds = 1 if alone else self.trial.strategy.rounds
        return self.error is None and len(self.seen) < rounds

    def prepare(self, worlds: dict[int, World]) -> bool:
        """Let the collective act, by what it has seen; say whether that went well."""
        seed = self.trial.seed
        try:
            if seed not in worlds:
                worlds[seed] = World(self.trial.dataset.split(stream(seed, "data")))
            self.trial = worlds[seed].played(self.trial)
            self.scene = stage(self.trial, worlds[seed], self.seen)
        except Exception as error:
            self.error = error
        return self.error is None

    def hear(self, outcome: Any) -> None:
        """Keep what the firm has deployed."""
        if isinstance(outcome, Fitted):
            shown = Deployed(partial(_labels, outcome), outcome.predict_proba)
            self.fitted, self.seen = outcome, (*self.seen, shown)
        else:
            self.error = _no_classifier(outcome)

    def record(self) -> Record:
        """What is said of the last round."""
        told: Record = {}
        if self.scene is not None:
            told |= {"members": len(self.scene.members), "n": len(self.scene.sample)}
        try:
            if self.error is not None or self.scene is None or self.fitted is None:
                raise self.error or AssertionError("nothing was staged")
            return told | judge(self.trial, self.scene, self.fitted)
        except Exception as error:
            last = traceback.format_exception(error)[-2:]
            return told | {"status": "failed", "error": "".join(last).strip()}


def firm(trial: Trial) -> tuple[Trial, Scene, Fitted]:
    """What the firm of a trial trains on at last, and what it makes of it: as :func:`run_trials`.

    Returns:
        The trial with what its strategy has learnt, the scene and the classifier.

    Raises:
        BenchError: If the trial fails.
    """
    play, worlds = _Play(trial), dict[int, World]()
    while play.goes_on and play.prepare(worlds) and play.scene is not None:
        (outcome,) = _fit([trial], [play.scene.sample])
        play.hear(outcome)
    if play.error is not None or play.scene is None or play.fitted is None:
        raise BenchError(f"{trial.learner!r} at size {trial.size:g} failed: {play.error}")
    return play.trial, play.scene, play.fitted


def run_trials(trials: Sequence[Trial]) -> list[Record]:
    """Run trials of one dataset and of learners alike; each leaves one record in any case.

    Splits are drawn once a seed, and all trainings of a round are handed to the learner at once.
    """
    started = time.perf_counter()
    worlds: dict[int, World] = {}
    plays = [_Play(trial) for trial in trials]
    while acting := [play for play in plays if play.goes_on]:
        ready = [play for play in acting if play.prepare(worlds)]
        samples = [play.scene.sample for play in ready if play.scene is not None]
        for play, outcome in zip(ready, _fit([p.trial for p in ready], samples), strict=True):
            play.hear(outcome)
    records = [
        {**trial.key._asdict(), "status": "ok", "error": None} | play.record()
        for trial, play in zip(trials, plays, strict=True)
    ]
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
