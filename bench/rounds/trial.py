"""A firm that updates its model in rounds, and a collective that acts in some of them."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

import numpy as np
from annotated_types import Interval

from algorithms.base import TrainingSet
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Dataset
from bench.datasets.synthetic.gaussians import Gaussians
from bench.experiment.outputs import checked, success
from bench.experiment.recruitment import enlist
from bench.experiment.setup import SeedContext, TrainingSetup, set_up
from bench.experiment.trial import Key, Record, Trial
from bench.rounds.base import UpdateRule
from bench.rounds.drift import Drift, Stationary
from bench.rounds.warm_start import WarmStart
from collectives.base import Strategy
from collectives.planting import FeatureLabel

Leavers = Literal["stay", "leave"]


@dataclass(frozen=True)
class Campaign:
    """The members of a collective, round by round.

    Members who leave, and people who join, change the share of members. All people of a round are
    new, so that a share is all that a round has of its collective.

    Arguments:
        strategy: What members do in a round in which they act.
        shares: The share of the full collective that acts in each round. There are as many
            rounds as shares.
        leavers: What happens to people who were members in an earlier round and no longer are.
            "stay": they are in the population, and do not act. "leave": they are missing from
            it, and the firm has fewer people to learn from.

    Example:
        >>> campaign = Campaign(shares=(0.0, 0.5, 1.0, 0.25))
        >>> [campaign.gone(t) for t in range(1, 5)]
        [0.0, 0.0, 0.0, 0.75]
        >>> campaign.last
        4
    """

    strategy: Strategy = FeatureLabel()  # noqa: RUF009 (frozen)
    shares: tuple[Annotated[float, Interval(ge=0, le=1)], ...] = (0.0, 0.0, 1.0, 1.0, 1.0, 0.0)
    leavers: Leavers = "stay"

    @property
    def last(self) -> int:
        """The last round in which members act, counted from 1."""
        return max(number for number, share in enumerate(self.shares, 1) if share > 0)

    def gone(self, number: int) -> float:
        """Return the share of the full collective that acted before a round and no longer does.

        Arguments:
            number: The number of the round, counted from 1.
        """
        return max(self.shares[:number]) - self.shares[number - 1]

    def validate(self) -> None:
        """Refuse a campaign in which no member acts, and shares that are none.

        Raises:
            ValueError: If no share is above 0, or one is not between 0 and 1.
        """
        if not all(0 <= share <= 1 for share in self.shares) or not any(self.shares):
            raise ValueError(
                f"shares={self.shares}: a campaign has a share between 0 and 1 for each round, "
                f"and one of them is above 0"
            )
        if self.leavers not in get_args(Leavers):
            allowed = " or ".join(map(repr, get_args(Leavers)))
            raise ValueError(f"leavers={self.leavers!r}: allowed are {allowed}")


@dataclass(frozen=True)
class RoundsTrial:
    """One update rule against one collective, over rounds with new people.

    In each round the dataset draws a training set, validation data and test data anew. Members
    act, the firm updates its model, and the model is tested on the test data of the round. With
    a dataset that is a finite file, people of different rounds may be the same.

    Arguments:
        dataset: The source of the people of the first round.
        rule: How the firm updates its model.
        campaign: What the collective does, and how many members act in each round.
        size: The share of members when all of them act.
        seed: The seed of all random streams.
        drift: How the population's law changes between rounds.
    """

    dataset: Dataset = Gaussians()  # noqa: RUF009 (frozen)
    rule: UpdateRule = WarmStart()  # noqa: RUF009 (frozen)
    campaign: Campaign = Campaign()
    size: float = 0.05
    seed: int = 0
    drift: Drift = Stationary()  # noqa: RUF009 (frozen)

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        strategy = f"Rounds(campaign={self.campaign!r}, drift={self.drift!r})"
        names = repr(self.dataset), repr(self.rule), strategy
        return Key(*names, self.size, self.seed, "clean", "given", "uniform")

    def measure(self) -> Record:
        """Run all rounds.

        Returns:
            The fields of the record that describe the result. ``success`` is that in the last
            round in which members act, ``accuracy`` the mean over rounds. ``measures`` has
            ``success_round_1``, ``accuracy_round_1`` and so on; and ``success_others_round_1``,
            success on test points whose own label is not the target, for strategies with one.

        Raises:
            ValueError: If the campaign has no shares of members.
        """
        self.campaign.validate()
        state: Any = None
        columns: dict[str, list[float]] = {"success": [], "success_others": [], "accuracy": []}
        members, tested, n = 0, 0, 0
        with one_thread():
            for number in range(1, len(self.campaign.shares) + 1):
                setup, strategy = self._set_up(number)
                test, sample = setup.context.test, self._present(setup, number)
                rng = stream(self.seed, "fit", str(number))
                state, fitted = self.rule.update(state, sample.copy(), rng)
                classifier = checked(fitted, sample.classes)
                counted = success(strategy, classifier, test)
                columns["success"].append(float(np.nanmean(counted)))
                others = counted[~np.isnan(counted) & (test.y != strategy.target)]
                if strategy.target is not None and len(others):
                    columns["success_others"].append(float(others.mean()))
                columns["accuracy"].append(float(np.mean(classifier(test.x) == test.y)))
                members, n = max(members, len(setup.members)), max(n, len(sample))
                tested = int(np.count_nonzero(~np.isnan(counted)))
        return {
            "members": members,
            "n": n,
            "success": columns["success"][self.campaign.last - 1],
            "tested": tested,
            "accuracy": float(np.mean(columns["accuracy"])),
            "measures": {
                f"{name}_round_{t}": value
                for name, values in columns.items()
                for t, value in enumerate(values, 1)
            },
        }

    def _set_up(self, number: int) -> tuple[TrainingSetup, Strategy]:
        """Return the setup of a round after members have acted, and the strategy on its data."""
        rounds = len(self.campaign.shares)
        dataset = self.drift.at(self.dataset, (number - 1) / max(rounds - 1, 1))
        context = SeedContext(dataset.split(stream(self.seed, "data", str(number))))
        strategy = self.campaign.strategy.with_defaults(self.dataset.signal, self.dataset.label)
        size = self.size * self.campaign.shares[number - 1]
        # Setting a trial up does not read its learner.
        trial = context.bind(Trial(dataset, self.rule.learner, strategy, size, self.seed))
        return set_up(trial, context), trial.strategy

    def _present(self, setup: TrainingSetup, number: int) -> TrainingSet:
        """Return the people of a round, without those who have left the population.

        Collectives of one seed are nested, so that those who have left follow the members in the
        order of recruitment.
        """
        gone = self.campaign.gone(number)
        if self.campaign.leavers == "stay" or not gone:
            return setup.sample
        ever = self.size * (self.campaign.shares[number - 1] + gone)
        split = setup.context.split
        left = enlist(split, split.train, ever, "uniform", self.seed)[len(setup.members) :]
        return setup.sample.take(np.setdiff1d(np.arange(len(setup.sample)), left))
