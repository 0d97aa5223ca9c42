"""Contract of strategies and signals."""

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
    """Members hand in one row each, of the same shape and type, with a label of the data."""
    filled, pooled, _ = _members(strategy)
    x, y = _act(filled, pooled)
    for name, new, old in (("points", x, pooled.x), ("labels", y, pooled.y)):
        demand(new.shape == old.shape, f"{name} of shape {new.shape}, given {old.shape}")
        demand(new.dtype == old.dtype, f"{name} of type {new.dtype}, given {old.dtype}")
        demand(np.isfinite(new).all(), f"some {name} are not finite")
    unknown = sorted(set(y[~np.isin(y, np.arange(pooled.classes))].tolist()))
    demand(not unknown, f"labels {unknown[:5]} are handed in, known are 0..{pooled.classes - 1}")


def leaves_its_input_alone(strategy: Strategy) -> None:
    """It returns new rows and does not write into its input."""
    filled, pooled, _ = _members(strategy)
    before = pooled.x.copy(), pooled.y.copy()
    _act(filled, pooled)
    demand(all(map(np.array_equal, before, (pooled.x, pooled.y))), "its input was changed")


def acts_by_its_generator(strategy: Strategy) -> None:
    """The generator is its only source of randomness: the same one gives the same rows."""
    filled, pooled, _ = _members(strategy)
    first, second = _act(filled, pooled), _act(filled, pooled)
    demand(all(map(np.array_equal, first, second)), "two acts with equal generators differ")


def acts_on_rows_if_it_says_so(strategy: Strategy) -> None:
    """With ``acts_on = "row"`` a member's new row does not depend on the other members."""
    filled, pooled, split = _members(strategy)
    if filled.acts_on == "row":
        half = len(pooled.y) // 2
        fewer = MemberData(pooled.x[:half], pooled.y[:half], split.classes)
        together = filled.act(
            fewer.x, fewer.y, pooled=pooled, n=len(pooled.y), rng=stream(0, "act")
        )
        apart = filled.act(fewer.x, fewer.y, pooled=fewer, n=half, rng=stream(1, "act"))
        demand(
            all(map(np.array_equal, together, apart)),
            "acts_on='row', but rows depend on each other",
        )


def acts_without_chance_if_it_says_so(strategy: Strategy) -> None:
    """A traceable strategy with one action takes that action with every generator."""
    filled, pooled, _ = _members(strategy)
    x, y, n = pooled.x, pooled.y, len(pooled.y)
    if filled.traceable:
        actions = filled.action_distribution(x, y, pooled=pooled, n=n)
        total = sum(probability for probability, _, _ in actions)
        demand(abs(total - 1) < 1e-9, f"the probabilities of its actions sum to {total}")
        if len(actions) == 1:
            acted = filled.act(x, y, pooled=pooled, n=n, rng=stream(1, "act"))
            same = all(map(np.array_equal, acted, actions[0][1:]))
            demand(same, f"acts_on={filled.acts_on!r}, but its rows depend on chance")


def success_is_a_share(strategy: Strategy) -> None:
    """Success is a number between 0 and 1 at each test point, or NaN at some of them."""
    filled, _, split = _members(strategy)
    test = split.part(split.test)
    for label in range(split.classes):
        success = filled.success(partial(_always, label), test)
        demand(success.shape == (len(test.x),), f"{success.shape} for {len(test.x)} points")
        defined = success[~np.isnan(success)]
        demand(len(defined), "success is NaN at all points")
        demand(((defined >= 0) & (defined <= 1)).all(), "some are not between 0 and 1")


def _always(label: int, x: Array) -> Array:
    return np.full(len(x), label)


def numbers_help(strategy: Strategy) -> None:
    """A strategy that changes rows has more success with nearly everybody than without members."""
    results = []
    # The majority label is predicted anyway, so it leaves no success to gain.
    for label in range(2):
        acts, nobody, everybody = _successes(strategy, label)
        if not acts:
            demand(nobody == everybody, "it does nothing, yet its success changes")
        results.append(f"{nobody:.2f} without members, {everybody:.2f} with all")
        if not acts or everybody > nobody:
            return
    demand(False, f"success is {' and '.join(results)}")


def _successes(strategy: Strategy, label: int) -> tuple[bool, float, float]:
    """Return whether it changes rows, its success without members, and with nearly everybody."""
    filled, pooled, split = _members(strategy, label)
    x, y = _act(filled, pooled)
    test = split.part(split.test)

    def success(size: float) -> float:
        many = round(size * len(y))
        a, b = np.r_[x[:many], pooled.x[many:]], np.r_[y[:many], pooled.y[many:]]
        learner = parse("EmpiricalBayes", "learners")
        fitted = learner.fit(TrainingSet(a, b, None, split.classes), stream(0, "fit"))
        return float(np.nanmean(filled.success(fitted.predict, test)))

    acts = not (np.array_equal(x, pooled.x) and np.array_equal(y, pooled.y))
    return acts, success(0.0), success(0.95)


def makes_records(strategy: Strategy) -> None:
    """Trials with it do not fail, with members and without."""
    filled = strategy.with_defaults(_DATA.signal, _DATA.label)
    learner = parse("EmpiricalBayes", "learners")
    for record in run_trials([Trial(_DATA, learner, filled, size, 0) for size in (0.0, 0.1)]):
        reason = reason_of(record)
        demand(reason is None, f"at size {record['size']:g} a trial says: {reason}")


STRATEGY: list[Check] = [
    hands_in_as_many_rows,
    leaves_its_input_alone,
    acts_by_its_generator,
    acts_on_rows_if_it_says_so,
    acts_without_chance_if_it_says_so,
    success_is_a_share,
    numbers_help,
    makes_records,
]


def keeps_the_shape(signal: Signal) -> None:
    """It returns new points of the same shape and type and does not write into its input."""
    x, before = _points(), _points()
    g = _learned(signal)(x)
    demand(g.shape == x.shape and g.dtype == x.dtype, f"{g.shape} {g.dtype} for {x.shape}")
    demand(np.array_equal(x, before), "its input was changed")
    demand(not np.shares_memory(g, x), "it returns a view of its input")


def is_idempotent_if_it_says_so(signal: Signal) -> None:
    """``idempotent`` says whether applying it twice is the same as applying it once."""
    signal = _learned(signal)
    g = signal(_points())
    same = np.array_equal(signal(g), g)
    demand(same == signal.idempotent, f"idempotent={signal.idempotent}, but g(g(x)) says {same}")


def _points() -> Any:
    return np.random.default_rng(0).random((5, 1, 8, 16), dtype=np.float32)


def _learned(signal: Signal) -> Signal:
    return signal.learn(MemberData(_points(), np.arange(5) % 2, 2), label=1)


SIGNAL: list[Check] = [keeps_the_shape, is_idempotent_if_it_says_so]
