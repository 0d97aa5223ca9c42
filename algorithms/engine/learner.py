"""The base class of learners that train networks by gradients."""

import dataclasses
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Annotated, Any, ClassVar, Literal, get_args

import numpy as np
from annotated_types import Ge, Gt

from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.encoding import standardise
from algorithms.engine.classifiers import classifiers
from algorithms.engine.hooks import Hooks, Samples
from algorithms.engine.loop import Outcome, train
from algorithms.engine.model_selection import Rule, Selection
from algorithms.networks import MLP, Network
from algorithms.runtime.device import device
from algorithms.scaling import Scaling

#: The numeric fields of R learners by name, R values each.
Hyperparams = dict[str, list[float]]

#: The learning rate of each optimiser.
LEARNING_RATES = {"sgd": 0.01, "adam": 0.001}
#: The number of epochs without a better one after which training stops.
PATIENCE = 10
#: A stack's parameters and activations should stay in the processor's cache.
CACHE_BYTES = 10_000_000
WIDEST = 128


@dataclass(frozen=True)
class GradientLearner(Learner):
    """A network trained by stochastic gradients. Abstract: a subclass defines :meth:`hooks`.

    Training stops when the loss on the validation data has not improved for some epochs, and the
    epoch with the smallest loss is kept. The report has the number of epochs of the training.

    A method with several trainings overrides :meth:`replicas`, too, and calls :meth:`descend` and
    :meth:`retrain` there.

    Arguments:
        network: The architecture.
        scaling: "standard" standardises points by the training rows, members' rows included:
            each column of vectors, each channel of images. "none" leaves points as they are.
        epochs: The largest number of passes over the training data.
        batch_size: Samples in a step.
        optimiser: Stochastic gradient descent with momentum, or Adam.
        learning_rate: The learning rate; None is 0.01 for "sgd" and 0.001 for "adam".
        momentum: The momentum of "sgd".
        weight_decay: Weight decay, added to the gradient.
        selection: Which epoch's parameters are kept: the last one's, or those that are best on
            the validation data in loss, in accuracy, or in the worst group's accuracy. Without
            validation data, "loss" trains for all epochs and keeps the last one.
        patience: Stop after this number of epochs without a better one by the selection; 0 never
            stops. None is 10, or 0 for selection="last".
        trace: Whether to keep the classifier after each epoch, too.

    Example:
        A learner of one's own that gives each sample's loss the weight of its own size:

        >>> from algorithms.engine import GradientLearner, Hooks
        >>> def by_size(losses, index, replicas):
        ...     return losses / losses.sum(1, keepdim=True)
        >>> @dataclass(frozen=True)
        ... class SizeWeighted(GradientLearner):
        ...     def hooks(self, samples):
        ...         return Hooks(loss_weights=by_size)
        >>> sample = TrainingSet(np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1]))
        >>> SizeWeighted().fit(sample, np.random.default_rng(0)).predict(sample.x).tolist()
        [0, 0, 1, 1]
    """

    space: ClassVar[dict[str, Any]] = {
        "optimiser, learning_rate": [
            ("sgd", 0.01),
            ("sgd", 0.05),
            ("sgd", 0.2),
            ("adam", 0.0005),
            ("adam", 0.002),
            ("adam", 0.01),
        ],
        "weight_decay": [0.0, 1e-4, 1e-3],
    }

    chunk: ClassVar[int] = 64
    #: The number of networks that a replica trains side by side.
    networks_per_replica: ClassVar[int] = 1

    network: Network = MLP()  # noqa: RUF009 (frozen)
    scaling: Scaling = "standard"
    epochs: Annotated[int, Ge(1)] = 100
    batch_size: Annotated[int, Ge(1)] = 64
    optimiser: Literal["sgd", "adam"] = "sgd"
    learning_rate: Annotated[float, Gt(0)] | None = None
    momentum: Annotated[float, Ge(0)] = 0.9
    weight_decay: Annotated[float, Ge(0)] = 0.0
    selection: Rule = "loss"
    patience: Annotated[int, Ge(0)] | None = None
    trace: bool = False

    def validate(self) -> None:
        """Refuse patience if no epoch is better than another.

        Raises:
            ValueError: If there is patience without a selection.
        """
        if self.patience and self.selection == "last":
            better = ", ".join(map(repr, get_args(Rule)[1:]))
            raise ValueError(
                f"patience={self.patience} waits for a better epoch, but by selection='last' none "
                f"is better than another; allowed are patience=0, or a selection by {better}"
            )

    def hyperparams(self) -> dict[str, float]:
        """Return the hyper-parameters in which the replicas of a stack may differ, by name.

        These are the fields that are real numbers, and the learning rate.
        """
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, float)}
        return {"learning_rate": LEARNING_RATES[self.optimiser]} | numbers

    @abstractmethod
    def hooks(self, samples: Samples) -> Hooks:
        """Return the differences of training from empirical risk minimisation.

        Numeric hyper-parameters are not read from ``self`` here, because the replicas of a stack
        differ in them: hooks read :attr:`Replicas.hyperparams`.

        Arguments:
            samples: The R training sets of a stack.
        """

    def replicas(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
    ) -> list[Outcome]:
        """Train a stack of replicas.

        Arguments:
            samples: R training sets of equal size and shape.
            rngs: A generator for each of them.
            hyperparams: The learner's numeric fields by name, one value for each replica.

        Returns:
            The result of training, or the exception that ended it, for each replica.
        """
        return self.descend(samples, rngs, hyperparams)

    def _patience(self) -> int:
        if self.patience is None:
            return 0 if self.selection == "last" else PATIENCE
        return self.patience

    def descend(
        self,
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
        hyperparams: Hyperparams,
        hooks: Hooks | None = None,
        **options: Any,
    ) -> list[Outcome]:
        """Run the training loop once with this learner's fields.

        Arguments:
            samples: R training sets of equal size and shape.
            rngs: A generator for each of them.
            hyperparams: The learner's numeric fields by name, one value for each replica.
            hooks: Hooks of this training; those of :meth:`hooks`, if None.
            options: Further arguments of :func:`train`, in place of fields.
        """
        options = {
            "epochs": self.epochs,
            "selection": Selection(self.selection, self._patience()),
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
            hooks=hooks or self.hooks(samples),
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
        """Train those replicas from scratch whose first training did not fail.

        Arguments:
            outcomes: The results of the first training, R of them.
            samples: R training sets. Those of equal size are stacked.
            rngs: A generator for each of them.
            hyperparams: The learner's numeric fields by name, one value for each replica.
            hooks: Hooks of this training; those of :meth:`hooks`, if None.
            options: Further arguments of :func:`train`, in place of fields.

        Returns:
            The new results; the exception of the first training where that failed.
        """
        results = list(outcomes)
        by_size: dict[int, list[int]] = {}
        for r, outcome in enumerate(outcomes):
            if not isinstance(outcome, Exception):
                by_size.setdefault(len(samples[r]), []).append(r)
        for positions in by_size.values():
            trained = self.descend(
                [samples[r] for r in positions],
                [rngs[r] for r in positions],
                {name: [values[r] for r in positions] for name, values in hyperparams.items()},
                hooks,
                **options,
            )
            for r, outcome in zip(positions, trained, strict=True):
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
        """Train from scratch, as :meth:`retrain`, on a part of each sample.

        The samples in that part have weight one, all others have weight zero and are flagged.

        Arguments:
            outcomes: The results of the first training, R of them.
            samples: R training sets.
            kept: The positions of the part in each of them.
            rngs: A generator for each of them.
            hyperparams: The learner's numeric fields by name, one value for each replica.
            options: Further arguments of :func:`train`, in place of fields.
        """
        parts = [s.take(k) for s, k in zip(samples, kept, strict=True)]
        results = self.retrain(outcomes, parts, rngs, hyperparams, **options)
        for r, (outcome, sample, positions) in enumerate(zip(results, samples, kept, strict=True)):
            if not isinstance(outcome, Exception):
                weights = np.zeros(len(sample), dtype=np.float32)
                weights[positions] = 1
                results[r] = dataclasses.replace(outcome, weights=weights, flagged=weights == 0)
        return results

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        return self.fit_alone(sample, rng)

    def fit_many(
        self, samples: Sequence[TrainingSet], rngs: Sequence[np.random.Generator]
    ) -> list[Fitted | Exception]:
        """Train on many samples, stacked."""
        return fit_in_stacks([self] * len(samples), samples, rngs)

    def stacking_key(self) -> Hashable:
        """Return the class and all fields but those of :meth:`hyperparams`."""
        if type(self).fit_many is not GradientLearner.fit_many:
            return self
        numeric = self.hyperparams()
        fixed = [(name, value) for name, value in vars(self).items() if name not in numeric]
        return type(self), *fixed

    @staticmethod
    def fit_stacked(
        learners: Sequence[Learner],
        samples: Sequence[TrainingSet],
        rngs: Sequence[np.random.Generator],
    ) -> list[Fitted | Exception]:
        """Train learners of one :meth:`stacking_key`, each on its sample, stacked."""
        stackable = [learner for learner in learners if isinstance(learner, GradientLearner)]
        if stackable and type(stackable[0]).fit_many is GradientLearner.fit_many:
            return fit_in_stacks(stackable, samples, rngs)
        return Learner.fit_stacked(learners, samples, rngs)


def fit_in_stacks(
    learners: Sequence[GradientLearner],
    samples: Sequence[TrainingSet],
    rngs: Sequence[np.random.Generator],
) -> list[Fitted | Exception]:
    """Train learners that differ at most in numeric fields, a stack at a time.

    Arguments:
        learners: R learners.
        samples: A training set for each of them; their sizes and shapes may differ.
        rngs: A generator for each of them.
    """
    results: dict[int, Fitted | Exception] = {}
    for positions in _stacks(learners[0], samples) if samples else ():
        first = learners[positions[0]]
        first.validate()
        values = [learners[i].hyperparams() for i in positions]
        hyperparams = {name: [table[name] for table in values] for name in values[0]}
        stacked = [samples[i] for i in positions]
        if first.scaling == "standard":
            stacked = standardise(stacked)
        outcomes = first.replicas(stacked, [rngs[i] for i in positions], hyperparams)
        fitted = classifiers(first.network, outcomes, stacked)
        results |= dict(zip(positions, fitted, strict=True))
    return [results[i] for i in range(len(samples))]


def _stacks(learner: GradientLearner, samples: Sequence[TrainingSet]) -> list[list[int]]:
    """Return positions of samples of equal size and shape, in stacks that fit the cache."""
    stacks: list[list[int]] = []
    open_stacks: dict[Hashable, list[int]] = {}
    for i, sample in enumerate(samples):
        validation = None if sample.validation is None else len(sample.validation)
        points = sample.rows.pool.shape[1:]
        key = len(sample), points, sample.classes, sample.groups, validation
        if len(open_stacks.get(key, ())) % stack_size(learner, sample) == 0:
            open_stacks[key] = []
            stacks.append(open_stacks[key])
        open_stacks[key].append(i)
    return stacks


def stack_size(learner: GradientLearner, sample: TrainingSet) -> int:
    """Return the number of replicas whose training fits the cache. It must not change results.

    An accelerator has no cache of this kind, and is the faster the more replicas there are.
    """
    if device().type != "cpu":
        return WIDEST
    points = sample.rows.pool.shape[1:]
    weights = sum(prod(p.shape) for p in learner.network.parameters(points, sample.classes))
    units = learner.network.footprint(points, sample.classes)
    step = 4 * learner.networks_per_replica * (3 * weights + learner.batch_size * units)
    return max(1, min(WIDEST, CACHE_BYTES // step))
