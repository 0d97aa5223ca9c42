"""A firm that updates its model in rounds, and a collective that acts in some of them."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge

from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Dataset
from bench.datasets.synthetic.gaussians import Gaussians
from bench.experiment.outputs import checked, success
from bench.experiment.setup import SeedContext, set_up
from bench.experiment.trial import Key, Record, Trial
from bench.rounds.base import UpdateRule
from bench.rounds.warm_start import WarmStart
from collectives.base import Strategy
from collectives.planting import FeatureLabel


@dataclass(frozen=True)
class Campaign:
    """The rounds in which a collective acts.

    Arguments:
        strategy: What members do in a round in which they act.
        first: The first round in which they act, counted from 1.
        last: The last one.
        growth: The number of rounds in which the collective reaches its size: in the k-th one of
            them it has the share k / growth of its members.

    Example:
        >>> [Campaign(first=2, last=5, growth=2).size(t, 0.1) for t in range(1, 7)]
        [0.0, 0.05, 0.1, 0.1, 0.1, 0.0]
    """

    strategy: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    first: Annotated[int, Ge(1)] = 3
    last: Annotated[int, Ge(1)] = 6
    growth: Annotated[int, Ge(1)] = 1

    def size(self, number: int, full: float) -> float:
        """Return the share of members in a round.

        Arguments:
            number: The number of the round, counted from 1.
            full: The share of members at full size.
        """
        if not self.first <= number <= self.last:
            return 0.0
        return full * min(1.0, (number - self.first + 1) / self.growth)


@dataclass(frozen=True)
class RoundsTrial:
    """One update rule against one collective, over rounds with new people.

    In each round the dataset draws a training set, validation data and test data anew. Members
    act, the firm updates its model, and the model is tested on the test data of the round. With
    a dataset that is a finite file, people of different rounds may be the same.

    Arguments:
        dataset: The source of the people of each round.
        rule: How the firm updates its model.
        campaign: What the collective does, and when.
        size: The share of members, at full size, in the rounds in which they act.
        seed: The seed of all random streams.
        rounds: The number of rounds.
    """

    dataset: Dataset = Gaussians()  # noqa: RUF009 (frozen)
    rule: UpdateRule = WarmStart()  # noqa: RUF009 (frozen)
    campaign: Campaign = Campaign()
    size: float = 0.05
    seed: int = 0
    rounds: Annotated[int, Ge(1)] = 10

    def validate(self) -> None:
        """Refuse a campaign that lies outside of the rounds.

        Raises:
            ValueError: If its last round is before its first one, or after the last round.
        """
        if not self.campaign.first <= self.campaign.last <= self.rounds:
            raise ValueError(
                f"first={self.campaign.first}, last={self.campaign.last}: a campaign lies between "
                f"round 1 and round {self.rounds}, and ends no earlier than it begins"
            )

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        strategy = f"Rounds(number={self.rounds}, campaign={self.campaign!r})"
        names = repr(self.dataset), repr(self.rule), strategy
        return Key(*names, self.size, self.seed, "clean", "given", "uniform")

    def measure(self) -> Record:
        """Run all rounds.

        Returns:
            The fields of the record that describe the result. ``success`` is that in the last
            round in which members act, ``accuracy`` the mean over rounds. ``measures`` has
            ``success_round_1``, ``accuracy_round_1`` and so on.
        """
        self.validate()
        strategy = self.campaign.strategy.with_defaults(self.dataset.signal, self.dataset.label)
        state: Any = None
        won, right, members, tested, n = [], [], 0, 0, 0
        with one_thread():
            for number in range(1, self.rounds + 1):
                context = SeedContext(self.dataset.split(stream(self.seed, "data", str(number))))
                size = self.campaign.size(number, self.size)
                # Setting a trial up does not read its learner.
                trial = Trial(self.dataset, self.rule.learner, strategy, size, self.seed)
                trial = context.bind(trial)
                setup = set_up(trial, context)
                rng = stream(self.seed, "fit", str(number))
                state, fitted = self.rule.update(state, setup.sample.copy(), rng)
                classifier = checked(fitted, setup.sample.classes)
                counted = success(trial.strategy, classifier, context.test)
                won.append(float(np.nanmean(counted)))
                right.append(float(np.mean(classifier(context.test.x) == context.test.y)))
                members, n = max(members, len(setup.members)), len(setup.sample)
                tested = int(np.count_nonzero(~np.isnan(counted)))
        return {
            "members": members,
            "n": n,
            "success": won[self.campaign.last - 1],
            "tested": tested,
            "accuracy": float(np.mean(right)),
            "measures": {f"success_round_{t}": value for t, value in enumerate(won, 1)}
            | {f"accuracy_round_{t}": value for t, value in enumerate(right, 1)},
        }
