"""What every component must do: checks that tests run over all of them, and users over theirs."""

import inspect
import pickle
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from algorithms.base import Fitted, Learner, TrainingSet
from bench.backends import one_thread
from bench.datasets.base import Array, Dataset, Split
from bench.datasets.coins import Coins
from bench.datasets.digits import Digits
from bench.registry import kind_of
from bench.specs import parse
from bench.streams import stream
from bench.trial import Trial, recruit
from collectives.base import Pooled, Signal, Strategy
from collectives.idle import Idle

Check = Callable[[Any], None]


class Unfit(Exception):
    """A component does not do what the contract says."""


@dataclass(frozen=True)
class Verdict:
    """A check, and why it failed, if it did."""

    check: str
    says: str
    reason: str | None


def checks_for(component: Any) -> list[Check]:
    """The checks that hold for a component of its kind."""
    checks: list[Check] = [is_a_value, cites_its_source, documents_its_fields]
    if isinstance(component, Learner):
        checks += LEARNER
    if isinstance(component, Strategy):
        checks += STRATEGY
    if isinstance(component, Signal):
        checks += SIGNAL
    if isinstance(component, Dataset):
        checks += DATASET
    return checks


def verdicts(component: Any) -> Iterator[Verdict]:
    """Run all checks on a component."""
    for check in checks_for(component):
        says = (check.__doc__ or "").strip().splitlines()[0]
        try:
            with one_thread():
                check(component)
        except Unfit as unfit:
            yield Verdict(check.__name__, says, str(unfit))
        except Exception as error:
            yield Verdict(check.__name__, says, f"{type(error).__name__}: {error}")
        else:
            yield Verdict(check.__name__, says, None)


def _demand(holds: Any, reason: str) -> None:
    if not bool(holds):
        raise Unfit(reason)


# ---- every component ----------------------------------------------------------------------


def is_a_value(component: Any) -> None:
    """It is a frozen dataclass: it pickles, and its repr is a spec that reads back to it."""
    cls = type(component)
    frozen = is_dataclass(cls) and cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    _demand(frozen, f"{cls.__name__} is not decorated with @dataclass(frozen=True)")
    cls()
    _demand(pickle.loads(pickle.dumps(component)) == component, "its pickle is another")
    _demand(hash(component) == hash(pickle.loads(pickle.dumps(component))), "its hash changes")
    back = parse(repr(component), str(kind_of(cls)))
    _demand(back == component, f"{component!r} reads back as {back!r}")


def cites_its_source(component: Any) -> None:
    """Its docstring has the section References, with a title, authors, a year and a link."""
    if isinstance(component, Learner | Strategy):
        title, year, link = source(type(component))
        _demand(title and year and link, "References: lacks '| Title (Authors, year)' or '| link'")


def documents_its_fields(component: Any) -> None:
    """Its docstring, or that of a class it extends, says in Arguments what each field is."""
    text = "\n".join(cls.__doc__ or "" for cls in type(component).__mro__ if cls is not object)
    names = [f.name for f in fields(component)]
    absent = [n for n in names if not re.search(rf"^ +{n}: \S", text, re.MULTILINE)]
    _demand(not absent, f"Arguments: does not say what {', '.join(absent)} is")


def source(cls: type) -> tuple[str, str, str]:
    """Title with authors, year and link that a class cites; empty where it does not."""
    text = inspect.getdoc(cls) or ""
    found = re.search(r"\| ((?:.+\n +(?!\|))?.+ \(.*?(\d{4})\))\n +\| (https?://\S+)", text)
    return (" ".join(found[1].split()), found[2], found[3]) if found else ("", "", "")


# ---- learners -----------------------------------------------------------------------------


@cache
def _stage(name: str, noise: bool, seed: int = 0) -> tuple[TrainingSet, Split]:
    data: Dataset = (
        Digits() if name == "Digits" else Coins(n=400, test=400, overlap=0.0, noise=0.0)
    )
    split = data.split(stream(seed, "data"))
    trial = Trial(data, _NOBODY, Idle().filled(data.signal, data.label), 0.0, seed)
    sample, _ = recruit(trial, split, split.train[:400])
    sample.validation, _ = recruit(trial, split, split.validation)
    if noise:
        rng = stream(seed, "noise")
        x = sample.x + np.float32(rng.normal(size=sample.x.shape))
        y = rng.integers(split.classes, size=len(sample))
        sample = TrainingSet(x, y, None, split.classes, sample.validation, sample.law)
    return sample, split


class _Nobody(Learner):
    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Learn nothing."""
        return Fitted(lambda x: np.zeros(len(x), dtype=np.int64))


_NOBODY = _Nobody()


def _samples(learner: Learner, noise: bool) -> tuple[TrainingSet, Split]:
    """A sample that suits the learner: flat points, or images for one that takes only these."""
    sample, _ = _fresh("Coins", noise)
    try:
        learner.fit(sample, stream(0, "fit"))
    except ValueError as error:
        if "image" not in str(error):
            raise
        return _fresh("Digits", noise)
    return _fresh("Coins", noise)


def _fresh(name: str, noise: bool) -> tuple[TrainingSet, Split]:
    """A copy that a learner may ruin without a later check suffering from it."""
    kept, split = _stage(name, noise)
    return TrainingSet(kept.x, kept.y.copy(), None, kept.classes, kept.validation, kept.law), split


def predicts_labels(learner: Learner) -> None:
    """Its predictions are one known label for each point."""
    sample, split = _samples(learner, noise=False)
    labels = np.asarray(learner.fit(sample, stream(0, "fit")).predict(split.x[split.test]))
    _demand(labels.shape == (len(split.test),), f"{labels.shape} for {len(split.test)} points")
    known = np.isin(labels, np.arange(split.classes))
    _demand(known.all(), f"labels {sorted(set(labels[~known].tolist()))[:5]} are not known")


def beats_chance(learner: Learner) -> None:
    """It is right much more often than a guess on an easy sample."""
    sample, split = _samples(learner, noise=False)
    fitted = learner.fit(sample, stream(0, "fit"))
    right = float(np.mean(fitted.predict(split.x[split.test]) == split.y[split.test]))
    _demand(right > 0.5 + 0.5 / split.classes, f"it is right on {right:.0%}")


def leaves_the_sample_alone(learner: Learner) -> None:
    """It changes neither points nor labels of the sample."""
    sample, _ = _samples(learner, noise=False)
    before = sample.x.copy(), sample.y.copy(), sample.group.copy()
    learner.fit(sample, stream(0, "fit"))
    after = sample.x, sample.y, sample.group
    _demand(all(map(np.array_equal, before, after)), "the sample is another after fitting")


def repeats_itself(learner: Learner) -> None:
    """The generator is all its randomness: the same one gives the same classifier."""
    sample, _ = _samples(learner, noise=True)
    first = learner.fit(sample, stream(0, "fit")).predict(sample.x)
    # Draw from the global generators in between, so that one who uses them is found out.
    np.random.random(7), random.random(), torch.rand(7)  # noqa: NPY002
    second = learner.fit(sample, stream(0, "fit")).predict(sample.x)
    _demand(np.array_equal(first, second), "two fits with equal generators differ")


def uses_its_generator(learner: Learner) -> None:
    """It draws from its generator, or the order of people makes no difference to it."""
    sample, _ = _samples(learner, noise=True)
    rng = stream(0, "fit")
    before = rng.bit_generator.state
    first = learner.fit(sample, rng).predict(sample.x)
    if rng.bit_generator.state != before:
        return
    turn = stream(0, "turn").permutation(len(sample))
    turned = TrainingSet(
        sample.x[turn], sample.y[turn], None, sample.classes, sample.validation, sample.law
    )
    second = learner.fit(turned, stream(0, "fit")).predict(sample.x)
    _demand(
        np.mean(first == second) > 0.99,
        "it never draws from rng, yet has randomness of its own: with people in another order "
        "its classifier is another",
    )


def leaves_global_randomness_alone(learner: Learner) -> None:
    """It neither seeds nor uses the global generators of random, numpy and torch."""
    sample, _ = _samples(learner, noise=True)
    before = _global_states()
    learner.fit(sample, stream(0, "fit"))
    used = [name for name, state in _global_states().items() if state != before[name]]
    _demand(not used, f"the global generator of {', '.join(used)} is in another state afterwards")


def _global_states() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    return {
        "random": random.getstate(),
        "numpy": (state["key"].tobytes(), state["pos"]),
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def trains_many_alike(learner: Learner) -> None:
    """What is trained beside a sample does not change what is learnt from it."""
    sample, _ = _samples(learner, noise=True)
    other = TrainingSet(
        sample.x, sample.y[::-1].copy(), None, sample.classes, sample.validation, sample.law
    )
    alone = learner.fit(sample, stream(0, "fit")).predict(sample.x)
    rngs = [stream(1, "fit"), stream(0, "fit"), stream(2, "fit")]
    many = learner.fit_many([other, sample, other], rngs)
    _demand(len(many) == 3, f"fit_many returned {len(many)} classifiers for 3 samples")
    together = many[1]
    if isinstance(together, Exception):
        raise together
    _demand(np.array_equal(alone, together.predict(sample.x)), "fit and fit_many differ")


def weighs_its_samples(learner: Learner) -> None:
    """Its weights, if it has some, are one finite number above or at zero for each sample."""
    sample, _ = _samples(learner, noise=False)
    weights = learner.fit(sample, stream(0, "fit")).weights
    if weights is not None:
        _demand(weights.shape == (len(sample),), f"{weights.shape} for {len(sample)} samples")
        _demand(np.isfinite(weights).all() and (weights >= 0).all(), "some are not at or above 0")
        _demand(weights.sum() > 0, "all are zero")


LEARNER: list[Check] = [
    predicts_labels,
    beats_chance,
    leaves_the_sample_alone,
    repeats_itself,
    uses_its_generator,
    leaves_global_randomness_alone,
    trains_many_alike,
    weighs_its_samples,
]

# ---- strategies and signals ---------------------------------------------------------------


def _members(strategy: Strategy, label: int | None = None) -> tuple[Strategy, Pooled, Split]:
    data = Coins(n=400, test=400)
    split = data.split(stream(0, "data"))
    part = split.part(split.train)
    filled = strategy.filled(data.signal, data.label if label is None else label)
    return filled, Pooled(part.x, part.y, split.classes), split


def _act(strategy: Strategy, pooled: Pooled) -> tuple[Any, Any]:
    rng = stream(0, "act")
    return strategy.act(pooled.x, pooled.y, pooled=pooled, n=len(pooled.y), rng=rng)


def hands_in_as_many_rows(strategy: Strategy) -> None:
    """Members hand in as many rows as they are, of the same shape and type, all finite."""
    filled, pooled, _ = _members(strategy)
    x, y = _act(filled, pooled)
    for name, new, old in (("points", x, pooled.x), ("labels", y, pooled.y)):
        _demand(new.shape == old.shape, f"{name} of shape {new.shape}, given {old.shape}")
        _demand(new.dtype == old.dtype, f"{name} of type {new.dtype}, given {old.dtype}")
        _demand(np.isfinite(new).all(), f"some {name} are not finite")


def leaves_its_input_alone(strategy: Strategy) -> None:
    """It returns new rows, and does not write into those that it was given."""
    filled, pooled, _ = _members(strategy)
    before = pooled.x.copy(), pooled.y.copy()
    _act(filled, pooled)
    _demand(all(map(np.array_equal, before, (pooled.x, pooled.y))), "its input was changed")


def acts_by_its_generator(strategy: Strategy) -> None:
    """The generator is all its randomness: the same one gives the same rows."""
    filled, pooled, _ = _members(strategy)
    first, second = _act(filled, pooled), _act(filled, pooled)
    _demand(all(map(np.array_equal, first, second)), "two acts with equal generators differ")


def success_is_a_share(strategy: Strategy) -> None:
    """Success is one number between 0 and 1 for each test point that it is about."""
    filled, _, split = _members(strategy)
    test = split.part(split.test)
    for label in range(split.classes):
        won = filled.success(partial(_always, label), test)
        _demand(won.shape == (len(test.x),), f"{won.shape} for {len(test.x)} points")
        asked = won[~np.isnan(won)]
        _demand(len(asked), "there is none")
        _demand(((asked >= 0) & (asked <= 1)).all(), "some are not between 0 and 1")


def _always(label: int, x: Array) -> Array:
    return np.full(len(x), label)


def numbers_help(strategy: Strategy) -> None:
    """With nearly everybody in it a collective gets further than with nobody, if it acts."""
    told = []
    # One of the two labels is what everybody answers anyway: it leaves nothing to reach.
    for label in range(2):
        acts, nobody, everybody = _reached(strategy, label)
        if not acts:
            _demand(nobody == everybody, "it does nothing, yet its success changes")
        told.append(f"{nobody:.2f} alone, {everybody:.2f} with all")
        if not acts or everybody > nobody:
            return
    _demand(False, f"success is {' and '.join(told)}")


def _reached(strategy: Strategy, label: int) -> tuple[bool, float, float]:
    """Whether it acts, its success with nobody in it, and with nearly everybody."""
    filled, pooled, split = _members(strategy, label)
    x, y = _act(filled, pooled)
    test = split.part(split.test)

    def reached(size: float) -> float:
        many = round(size * len(y))
        a, b = np.r_[x[:many], pooled.x[many:]], np.r_[y[:many], pooled.y[many:]]
        learner = parse("EmpiricalBayes", "learners")
        fitted = learner.fit(TrainingSet(a, b, None, split.classes), stream(0, "fit"))
        return float(np.nanmean(filled.success(fitted.predict, test)))

    acts = not (np.array_equal(x, pooled.x) and np.array_equal(y, pooled.y))
    return acts, reached(0.0), reached(0.95)


STRATEGY: list[Check] = [
    hands_in_as_many_rows,
    leaves_its_input_alone,
    acts_by_its_generator,
    success_is_a_share,
    numbers_help,
]


def keeps_the_shape(signal: Signal) -> None:
    """It returns points of the same shape and type, and leaves its input alone."""
    x, before = _points(), _points()
    g = signal(x)
    _demand(g.shape == x.shape and g.dtype == x.dtype, f"{g.shape} {g.dtype} for {x.shape}")
    _demand(np.array_equal(x, before), "its input was changed")
    _demand(not np.shares_memory(g, x), "it returns a view of its input")


def is_idempotent_if_it_says_so(signal: Signal) -> None:
    """Applied twice it does what it does once, unless it says that it does not."""
    g = signal(_points())
    same = np.array_equal(signal(g), g)
    _demand(same == signal.idempotent, f"idempotent={signal.idempotent}, but g(g(x)) says {same}")


def _points() -> Any:
    return np.random.default_rng(0).random((5, 1, 8, 16), dtype=np.float32)


SIGNAL: list[Check] = [keeps_the_shape, is_idempotent_if_it_says_so]

# ---- datasets -----------------------------------------------------------------------------


def splits_by_its_generator(dataset: Dataset) -> None:
    """The generator is all its randomness, and it uses it."""
    first, again, other = (dataset.split(stream(seed, "data")) for seed in (0, 0, 1))
    for name in ("train", "validation", "test"):
        index = getattr(first, name)
        _demand(np.array_equal(index, getattr(again, name)), f"two equal splits differ: {name}")
        _demand(np.array_equal(first.x[index], again.x[index]), "two equal splits differ: x")
    test, elsewhere = first.x[first.test], other.x[other.test]
    _demand(not np.array_equal(test, elsewhere), "two seeds have the same test data")


def separates_its_parts(dataset: Dataset) -> None:
    """No row is in two of training, validation and test data, and none is empty."""
    split = dataset.split(stream(0, "data"))
    rows = np.concatenate([split.train, split.validation, split.test])
    _demand(len(set(rows.tolist())) == len(rows), "some rows are in two parts")
    empty = not (len(split.train) and len(split.validation) and len(split.test))
    _demand(not empty, "a part is empty")


def has_plain_types(dataset: Dataset) -> None:
    """Points are float32, labels are 0..K-1, and its default signal fits its points."""
    split = dataset.split(stream(0, "data"))
    _demand(split.x.dtype == np.float32, f"points are {split.x.dtype}")
    _demand(np.isfinite(split.x).all(), "some points are not finite")
    _demand(set(split.y.tolist()) <= set(range(split.classes)), "labels are not 0..K-1")
    _demand(dataset.label in range(split.classes), f"there is no label {dataset.label}")
    planted = dataset.signal(split.x[split.test])
    _demand(not np.array_equal(planted, split.x[split.test]), "its signal changes nothing")


DATASET: list[Check] = [splits_by_its_generator, separates_its_parts, has_plain_types]
