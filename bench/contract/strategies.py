"""What strategies and signals must do."""

from functools import partial
from typing import Any

import numpy as np

from algorithms.base import TrainingSet
from bench.contract.every import Check, demand
from bench.core.random_streams import stream
from bench.datasets.base import Array, Split
from bench.datasets.synthetic.coins import Coins
from bench.execution.retry import reason_of
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.signals.base import Signal
from collectives.types import MemberData

_DATA = Coins(n=400, n_test=400)


def _members(strategy: Strategy, label: int | None = None) -> tuple[Strategy, MemberData, Split]:
    split = _DATA.split(stream(0, "data"))
    part = split.part(split.train)
    filled = strategy.with_defaults(_DATA.signal, _DATA.label if label is None else label)
    pooled = MemberData(part.x, part.y, split.classes)
    return filled.bind(pooled), pooled, split


def _act(strategy: Strategy, pooled: MemberData) -> tuple[Any, Any]:
    rng = stream(0, "act")
    return strategy.act(pooled.x, pooled.y, pooled=pooled, n=len(pooled.y), rng=rng)


def hands_in_as_many_rows(strategy: Strategy) -> None:
    """Members hand in as many rows as they are, of the same shape and type, with known labels."""
    filled, pooled, _ = _members(strategy)
    x, y = _act(filled, pooled)
    for name, new, old in (("points", x, pooled.x), ("labels", y, pooled.y)):
        demand(new.shape == old.shape, f"{name} of shape {new.shape}, given {old.shape}")
        demand(new.dtype == old.dtype, f"{name} of type {new.dtype}, given {old.dtype}")
        demand(np.isfinite(new).all(), f"some {name} are not finite")
    odd = sorted(set(y[~np.isin(y, np.arange(pooled.classes))].tolist()))
    demand(not odd, f"labels {odd[:5]} are handed in, known are 0..{pooled.classes - 1}")


def leaves_its_input_alone(strategy: Strategy) -> None:
    """It returns new rows, and does not write into those that it was given."""
    filled, pooled, _ = _members(strategy)
    before = pooled.x.copy(), pooled.y.copy()
    _act(filled, pooled)
    demand(all(map(np.array_equal, before, (pooled.x, pooled.y))), "its input was changed")


def acts_by_its_generator(strategy: Strategy) -> None:
    """The generator is all its randomness: the same one gives the same rows."""
    filled, pooled, _ = _members(strategy)
    first, second = _act(filled, pooled), _act(filled, pooled)
    demand(all(map(np.array_equal, first, second)), "two acts with equal generators differ")


def acts_by_row_if_it_says_so(strategy: Strategy) -> None:
    """If it says that members act by their rows alone, it does not matter who the others are."""
    filled, pooled, split = _members(strategy)
    if filled.rowwise:
        half = len(pooled.y) // 2
        fewer = MemberData(pooled.x[:half], pooled.y[:half], split.classes)
        among = filled.act(fewer.x, fewer.y, pooled=pooled, n=len(pooled.y), rng=stream(0, "act"))
        apart = filled.act(fewer.x, fewer.y, pooled=fewer, n=half, rng=stream(1, "act"))
        demand(all(map(np.array_equal, among, apart)), "members look at the others")


def success_is_a_share(strategy: Strategy) -> None:
    """Success is one number between 0 and 1 for each test point that it is about."""
    filled, _, split = _members(strategy)
    test = split.part(split.test)
    for label in range(split.classes):
        won = filled.success(partial(_always, label), test)
        demand(won.shape == (len(test.x),), f"{won.shape} for {len(test.x)} points")
        asked = won[~np.isnan(won)]
        demand(len(asked), "there is none")
        demand(((asked >= 0) & (asked <= 1)).all(), "some are not between 0 and 1")


def _always(label: int, x: Array) -> Array:
    return np.full(len(x), label)


def numbers_help(strategy: Strategy) -> None:
    """With nearly everybody in it a collective gets further than with nobody, if it acts."""
    told = []
    # One of the two labels is what everybody answers anyway: it leaves nothing to reach.
    for label in range(2):
        acts, nobody, everybody = _reached(strategy, label)
        if not acts:
            demand(nobody == everybody, "it does nothing, yet its success changes")
        told.append(f"{nobody:.2f} alone, {everybody:.2f} with all")
        if not acts or everybody > nobody:
            return
    demand(False, f"success is {' and '.join(told)}")


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


def makes_records(strategy: Strategy) -> None:
    """Trials with it, with members and without, do not fail."""
    filled = strategy.with_defaults(_DATA.signal, _DATA.label)
    learner = parse("EmpiricalBayes", "learners")
    for record in run_trials([Trial(_DATA, learner, filled, size, 0) for size in (0.0, 0.1)]):
        reason = reason_of(record)
        demand(reason is None, f"at size {record['size']:g} a trial says: {reason}")


STRATEGY: list[Check] = [
    hands_in_as_many_rows,
    leaves_its_input_alone,
    acts_by_its_generator,
    acts_by_row_if_it_says_so,
    success_is_a_share,
    numbers_help,
    makes_records,
]


def keeps_the_shape(signal: Signal) -> None:
    """It returns points of the same shape and type, and leaves its input alone."""
    x, before = _points(), _points()
    g = _known(signal)(x)
    demand(g.shape == x.shape and g.dtype == x.dtype, f"{g.shape} {g.dtype} for {x.shape}")
    demand(np.array_equal(x, before), "its input was changed")
    demand(not np.shares_memory(g, x), "it returns a view of its input")


def is_idempotent_if_it_says_so(signal: Signal) -> None:
    """Applied twice it does what it does once, unless it says that it does not."""
    signal = _known(signal)
    g = signal(_points())
    same = np.array_equal(signal(g), g)
    demand(same == signal.idempotent, f"idempotent={signal.idempotent}, but g(g(x)) says {same}")


def _points() -> Any:
    return np.random.default_rng(0).random((5, 1, 8, 16), dtype=np.float32)


def _known(signal: Signal) -> Signal:
    return signal.learn(MemberData(_points(), np.arange(5) % 2, 2), label=1)


SIGNAL: list[Check] = [keeps_the_shape, is_idempotent_if_it_says_so]
