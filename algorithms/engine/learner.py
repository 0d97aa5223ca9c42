"""What learners trained by gradients share: their fields, and how they become replicas."""

import dataclasses
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from annotated_types import Ge, Gt
from torch import Tensor

from algorithms.base import Array, Epoch, Fitted, Learner, Predict, TrainingSet
from algorithms.engine.hooks import Hooks
from algorithms.engine.inference import BatchedPredictor, probabilities
from algorithms.engine.loop import Trained, train
from algorithms.engine.model_selection import Rule, Selection
from algorithms.networks import MLP, Network
from algorithms.runtime.device import device

Hyperparams = dict[str, list[float]]
Outcome = Trained | Exception

#: A stack's parameters and activations should stay in the processor's cache.
CACHE_BYTES = 10_000_000
WIDEST = 128


@dataclass(frozen=True)
class GradientLearner(Learner):
    """A network trained by stochastic gradients. A subclass says how in :meth:`replicas`.

    Arguments:
        network: The architecture.
        epochs: Passes over the training data.
        batch_size: Samples a step.
        optimiser: Stochastic gradient descent with momentum, or Adam.
        learning_rate: The learning rate.
        momentum: The momentum of "sgd".
        weight_decay: Weight decay, added to the gradient.
        selection: Which epoch's parameters are kept: the last one's, or those that are best on
            the validation data in accuracy, in the worst group's accuracy, or in loss.
        patience: Stop after so many epochs without one that is better by the selection; 0 never
            stops.
        trace: Whether to record each epoch too.
    """

    chunk: ClassVar[int] = 64
    #: How many networks a replica trains side by side.
    nets: ClassVar[int] = 1

    network: Network = MLP()  # noqa: RUF009 (frozen)
    epochs: Annotated[int, Ge(1)] = 20
    batch_size: Annotated[int, Ge(1)] = 64
    optimiser: Literal["sgd", "adam"] = "sgd"
    learning_rate: Annotated[float, Gt(0)] = 0.05
    momentum: Annotated[float, Ge(0)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 0.0
    selection: Rule = "last"
    patience: Annotated[int, Ge(0)] = 0
    trace: bool = False

    def validate(self) -> None:
        """Refuse patience where no epoch is better than another."""
        if self.patience and self.selection == "last":
            better = ", ".join(map(repr, get_args(Rule)[1:]))
            raise ValueError(
                f"patience={self.patience} waits for a better epoch, but by selection='last' none "
                f"is better than another; allowed are patience=0, or a selection by {better}"
            )

    @abstractmethod
    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train on samples of equal size; ``hyperparams`` holds each replica's numeric fields."""

    def descend(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
        hooks: Hooks | None = None,
        **options: Any,
    ) -> list[Outcome]:
        """The shared loop with this learner's fields and hooks; options go to :func:`train`."""
        options = {
            "epochs": self.epochs,
            "selection": Selection(self.selection, self.patience),
            "trace": self.trace,
            **options,
        }
        return train(
            self.network,
            samples,
            rngs,
            hyperparams=hyperparams,
            batch_size=self.batch_size,
            optimiser=self.optimiser,
            hooks=hooks,
            **options,
        )

    def retrain(
        self,
        outcomes: Sequence[Outcome],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
        hooks: Hooks | None = None,
        **options: Any,
    ) -> list[Outcome]:
        """Train once more, afresh, those replicas that came through a first training.

        Their samples need not be of equal size: those that are, are stacked.
        """
        results = list(outcomes)
        stacks: dict[int, list[int]] = {}
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                stacks.setdefault(len(samples[r]), []).append(r)
        for stack in stacks.values():
            trained = self.descend(
                [samples[r] for r in stack],
                [rngs[r] for r in stack],
                {name: [values[r] for r in stack] for name, values in hyperparams.items()},
                hooks,
                **options,
            )
            for r, outcome in zip(stack, trained, strict=True):
                results[r] = outcome
        return results

    def retrain_on(
        self,
        outcomes: Sequence[Outcome],
        samples: Sequence[TrainingSet],
        kept: Sequence[Array],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
        **options: Any,
    ) -> list[Outcome]:
        """The same on the people at some positions of each sample, whose weight is one."""
        parts = [s.take(k) for s, k in zip(samples, kept, strict=True)]
        results = self.retrain(outcomes, parts, rngs, hyperparams, **options)
        for r, (outcome, sample, own) in enumerate(zip(results, samples, kept, strict=True)):
            if not isinstance(outcome, Exception):
                weights = np.zeros(len(sample), dtype=np.float32)
                weights[own] = 1
                results[r] = dataclasses.replace(outcome, weights=weights, suspects=weights == 0)
        return results

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples, stacked."""
        return fit_together([self] * len(samples), samples, rngs)

    def alike(self) -> Hashable:
        """What learners have to have in common to be trained together: all but numbers."""
        if type(self).fit_many is not GradientLearner.fit_many:
            return self
        fields = dataclasses.fields(self)
        fixed = [(f.name, getattr(self, f.name)) for f in fields if not _is_knob(self, f.name)]
        return type(self), *fixed

    @staticmethod
    def fit_alike(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners that are alike, each on its sample, stacked."""
        own = [learner for learner in learners if isinstance(learner, GradientLearner)]
        if own and type(own[0]).fit_many is GradientLearner.fit_many:
            return fit_together(own, samples, rngs)
        return Learner.fit_alike(learners, samples, rngs)


def fit_together(
    learners: Sequence[GradientLearner],
    samples: Sequence[TrainingSet],
    rngs: Sequence[np.random.Generator],
) -> list[Fitted | Exception]:
    """Train learners that differ in numeric fields at most, a stack at a time."""
    results: dict[int, Fitted | Exception] = {}
    for chosen in _stacks(learners[0], samples) if samples else ():
        first = learners[chosen[0]]
        first.validate()
        numeric = [f.name for f in dataclasses.fields(first) if _is_knob(first, f.name)]
        hyperparams = {
            name: [float(getattr(learners[i], name)) for i in chosen] for name in numeric
        }
        outcomes = first.replicas(
            [samples[i] for i in chosen], [rngs[i] for i in chosen], hyperparams
        )
        made = classifiers(first.network, outcomes, [samples[i] for i in chosen])
        results |= dict(zip(chosen, made, strict=True))
    return [results[i] for i in range(len(samples))]


def _is_knob(learner: GradientLearner, name: str) -> bool:
    return isinstance(getattr(learner, name), float)


def _stacks(learner: GradientLearner, samples: Sequence[TrainingSet]) -> list[list[int]]:
    """Samples whose sizes and shapes are equal, in stacks that the cache holds."""
    stacks: list[list[int]] = []
    filling: dict[Hashable, list[int]] = {}
    for i, sample in enumerate(samples):
        held = None if sample.validation is None else len(sample.validation)
        alike = len(sample), sample.rows.pool.shape[1:], sample.classes, sample.groups, held
        if len(filling.get(alike, ())) % width(learner, sample) == 0:
            filling[alike] = []
            stacks.append(filling[alike])
        filling[alike].append(i)
    return stacks


def width(learner: GradientLearner, sample: TrainingSet) -> int:
    """How many replicas to stack: as many as the cache holds. It may not change results.

    An accelerator has no cache that would hold so little, and is the faster the more it does.
    """
    if device().type != "cpu":
        return WIDEST
    points = sample.rows.pool.shape[1:]
    weights = sum(prod(p.shape) for p in learner.network.parameters(points, sample.classes))
    units = learner.network.footprint(points, sample.classes)
    step = 4 * learner.nets * (3 * weights + learner.batch_size * units)
    return max(1, min(WIDEST, CACHE_BYTES // step))


def classifiers(
    network: Network, outcomes: Sequence[Outcome], samples: Sequence[TrainingSet]
) -> list[Fitted | Exception]:
    """Trained replicas as classifiers; those of one seed are asked alike, and answer together."""
    tell: dict[int, Predict] = {}
    alike: dict[Hashable, dict[int, list[Tensor]]] = {}
    for i, (outcome, sample) in enumerate(zip(outcomes, samples, strict=True)):
        if isinstance(outcome, Trained):
            tell[i] = partial(probabilities, network, outcome.parameters)
            if len(outcome.parameters[0]) == 1:
                seed = id(sample.rows.pool), id(sample.rows.index)
                alike.setdefault(seed, {})[i] = outcome.parameters
    for own in alike.values():
        chorus = BatchedPredictor(network, [*own.values()])
        tell |= {i: partial(chorus.probabilities, voice) for voice, i in enumerate(own)}
    return [
        o if isinstance(o, Exception) else _classifier(network, o, tell[i])
        for i, o in enumerate(outcomes)
    ]


def _classifier(network: Network, trained: Trained, predict_proba: Predict) -> Fitted:
    """A trained replica as a classifier that tells these probabilities."""

    def predict(x: Array) -> Array:
        return predict_proba(x).argmax(1)

    chorus = BatchedPredictor(network, [snapshot.parameters for snapshot in trained.path])
    path = [
        Epoch(
            partial(chorus.predict, e),
            snapshot.weights,
            snapshot.metrics,
            partial(chorus.probabilities, e),
        )
        for e, snapshot in enumerate(trained.path)
    ]
    report = {"loss": float(trained.losses[-1])} if len(trained.losses) else {}
    return Fitted(
        predict, predict_proba, trained.weights, report | trained.report, path, trained.suspects
    )
