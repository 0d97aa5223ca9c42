"""An update rule that goes on from the parameters of the round before."""

from dataclasses import dataclass
from operator import methodcaller
from typing import Annotated, Any, NamedTuple

import numpy as np
from annotated_types import Ge
from torch import Tensor

from algorithms.base import Fitted, TrainingSet
from algorithms.encoding import encode_sample
from algorithms.engine import GradientLearner
from algorithms.engine.classifiers import classifiers
from algorithms.erm import ERM
from algorithms.scaling import Scaler
from bench.rounds.base import UpdateRule


class Model(NamedTuple):
    """The state of a firm that goes on training.

    Arguments:
        parameters: The parameters of its network, each (1, ...).
        scaler: The map of points to which they belong, if there is one.
    """

    parameters: list[Tensor]
    scaler: Scaler | None


@dataclass(frozen=True)
class WarmStart(UpdateRule):
    r"""Training that goes on, with the people of the round, from the parameters of the last model.

    .. math:: \theta_t = \text{descent of some passes on round } t \text{ from } \theta_{t-1}

    The first round trains as the learner does. The optimiser's memory is not kept between rounds.
    Points stay standardised by the people of the first round, to which the parameters belong.

    A model that fits earlier people resists a collective at first, and keeps its signal when
    the collective stops, until other people have overwritten it.

    References:
        | On Warm-Starting Neural Network Training (Ash and Adams, 2020)
        | https://arxiv.org/abs/1910.08475

    Arguments:
        learner: A learner that trains a network once, by gradients, such as ``ERM()``.
        passes: The largest number of passes over the people of a round, from the second on.

    Example:
        >>> rule, rng = WarmStart(ERM(epochs=20), passes=1), np.random.default_rng(0)
        >>> sample = TrainingSet(np.linspace(-1, 1, 40)[:, None], np.repeat([0, 1], 20))
        >>> state, fitted = rule.update(None, sample, rng)
        >>> state, fitted = rule.update(state, sample, rng)
        >>> fitted.predict(np.array([[-1.0], [1.0]]))
        array([0, 1])
    """

    learner: GradientLearner = ERM()  # noqa: RUF009 (frozen)
    passes: Annotated[int, Ge(1)] = 5

    def validate(self) -> None:
        """Refuse learners that have more than one training.

        Raises:
            ValueError: If the learner overrides :meth:`GradientLearner.replicas`.
        """
        cls = type(self.learner)
        if (
            cls.replicas is not GradientLearner.replicas
            or cls.fit_many is not GradientLearner.fit_many
        ):
            raise ValueError(
                f"{cls.__name__} has trainings of its own, which cannot go on from earlier "
                f"parameters; allowed are learners that train a network once, such as ERM"
            )

    def update(
        self, state: Model | None, sample: TrainingSet, rng: np.random.Generator
    ) -> tuple[Model, Fitted]:
        """Train on the round's sample, from the parameters of the round before."""
        self.validate()
        learner = self.learner
        scaler = None if state is None else state.scaler
        if state is None and learner.scaling == "standard":
            scaler = sample.rows.fit_scaler()
        scaled = encode_sample(sample, methodcaller("scaled", scaler))
        options: dict[str, Any] = (
            {} if state is None else {"start": state.parameters, "epochs": self.passes}
        )
        hyperparams = {name: [value] for name, value in learner.hyperparams().items()}
        (outcome,) = learner.descend([scaled], [rng], hyperparams, **options)
        if isinstance(outcome, Exception):
            raise outcome
        (fitted,) = classifiers(learner.network, [outcome], [scaled])
        if isinstance(fitted, Exception):
            raise fitted
        return Model(outcome.parameters, scaler), fitted
