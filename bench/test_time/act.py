r"""Collective action at test time against a firm that was trained on clean data.

The firm trains once. Members own some points with labels that they know, and pool Q queries: some
of their points with the firm's answers. They fit a proxy, compute one perturbation
:math:`\delta_y` for each class, and add it to points that they show to the firm. With the firm's
classifier f and the target label :math:`y^*`,

.. math:: S = P\big[f(x + \delta_y) = y^* \mid y \ne y^*\big]

over points of members that took no part in any of this.

This follows the idea of Bhange et al. (2026), https://arxiv.org/abs/2605.27689: pooled queries, a
proxy, and one perturbation a class. It is no replication: the linear proxy, the bound on the norm
and labels as answers are choices of this program.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from algorithms.base import Array, Classifier, Fitted
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.experiment.evaluation import evaluate
from bench.experiment.outputs import checked
from bench.experiment.run import train_firm
from bench.experiment.setup import TrainingSetup
from bench.experiment.trial import Key, Record, Trial
from bench.test_time.perturbation import random_direction, universal
from bench.test_time.proxy import answers_of, fit_proxy

#: The ways in which members change their points.
WAYS = ("universal", "random", "none")


@dataclass(frozen=True, eq=False)
class Members:
    """The points of members, half of which are held out.

    Arguments:
        known: Points that members may query and compute perturbations from, (m, ...). A budget of
            Q queries takes the first Q of them.
        labels: Their labels, which members know, (m,).
        held_out: Points on which success is measured, (h, ...).
        held_out_labels: Their labels, (h,).
        classes: The number K of labels.
        target: The target label.
    """

    known: Array
    labels: Array
    held_out: Array
    held_out_labels: Array
    classes: int
    target: int

    def spread(self) -> float:
        """Return the root mean square distance of the known points from their mean."""
        flat = _flat(self.known)
        return float(np.sqrt(((flat - flat.mean(axis=0)) ** 2).sum(axis=1).mean()))


def act_at_test_time(
    trial: Trial, budgets: Sequence[int], radius: float, ways: Sequence[str] = WAYS
) -> list[Record]:
    """Train the firm of a trial without a collective, and let members act at test time.

    Arguments:
        trial: The trial. Its size does not matter, since training data stay as they are. The
            target is that of its strategy.
        budgets: Numbers Q of queries.
        radius: The bound on the norm of perturbations, as a multiple of
            :meth:`Members.spread`.
        ways: Which of :data:`WAYS` to measure.

    Returns:
        A record for each budget and way: the fields of the trial's key, ``budget``, ``way``,
        ``success``; and the proxy's ``agreement`` with the firm on held-out points, for the way
        "universal".

    Raises:
        BenchError: If the strategy has no target, a budget exceeds the members' points, or the
            trial fails.
    """
    clean = replace(trial, size=0.0)
    _, setup, fitted = train_firm(clean)
    outcomes = _outcomes(clean, setup, fitted, budgets, radius, ways)
    return [{**clean.key._asdict(), **outcome} for outcome in outcomes]


@dataclass(frozen=True)
class ActionTrial:
    """A trial without a collective in training, whose record has the success at test time.

    Arguments:
        trial: The trial; its size does not matter.
        budgets: Numbers Q of queries.
        radius: As of :func:`act_at_test_time`.
    """

    trial: Trial
    budgets: tuple[int, ...]
    radius: float

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        return replace(self.trial, size=0.0).key

    def measure(self) -> Record:
        """Train the firm, and return the fields of the trial's record with further measures.

        ``measures`` has the success of the ways "none" and "random", ``universal_Q`` for each
        budget, and ``agreement_Q``, the agreement of the proxy with the firm.
        """
        bound, setup, fitted = train_firm(replace(self.trial, size=0.0))
        record = evaluate(bound, setup, fitted)
        outcomes = _outcomes(bound, setup, fitted, self.budgets, self.radius, WAYS)
        for outcome in outcomes:
            way, budget = outcome["way"], outcome["budget"]
            name = f"{way}_{budget}" if way == "universal" else way
            record["measures"][name] = outcome["success"]
            if way == "universal":
                record["measures"][f"agreement_{budget}"] = outcome["agreement"]
        return {"n": len(setup.sample), "members": 0} | record


def _outcomes(
    trial: Trial,
    setup: TrainingSetup,
    fitted: Fitted,
    budgets: Sequence[int],
    radius: float,
    ways: Sequence[str],
) -> list[Record]:
    """Return the outcome of each budget and way against a firm that is trained."""
    target, test = trial.strategy.target, setup.context.test
    if target is None:
        raise BenchError(f"{trial.strategy!r} has no target label: use one that has, such as Idle")
    order = stream(trial.seed, "queries").permutation(len(test.x))
    known, held_out = np.array_split(order, 2)
    members = Members(
        test.x[known],
        test.y[known],
        test.x[held_out],
        test.y[held_out],
        setup.sample.classes,
        target,
    )
    firm = checked(fitted, members.classes)
    rng = stream(trial.seed, "perturbation")
    drawn = random_perturbations(members, radius * members.spread(), rng)
    return [
        {"budget": budget, "way": way, **_outcome(firm, members, budget, radius, way, drawn)}
        for budget in budgets
        for way in ways
    ]


def _outcome(
    firm: Classifier, members: Members, budget: int, radius: float, way: str, drawn: Array
) -> Record:
    """Return the success of a way, and the agreement of the proxy where there is one."""
    if way == "none":
        return {"success": success(firm, members, np.zeros_like(drawn))}
    if way == "random":
        return {"success": success(firm, members, drawn)}
    theta = query(firm, members, budget)
    agree = answers_of(theta, _flat(members.held_out)) == firm(members.held_out)
    found = universal_perturbations(theta, members, radius * members.spread())
    return {"success": success(firm, members, found), "agreement": float(agree.mean())}


def query(firm: Classifier, members: Members, budget: int) -> Array:
    """Return the proxy that members fit to the firm's answers to their queries, (K, d + 1).

    Arguments:
        firm: The firm's classifier.
        members: The members' points.
        budget: The number Q of queries.

    Raises:
        BenchError: If members have fewer points.
    """
    if not 1 <= budget <= len(members.known):
        raise BenchError(
            f"a budget of {budget} queries is not between 1 and {len(members.known)}, the number "
            f"of points that members own, which is half of the test points: take a smaller "
            f"budget, or data with more test points"
        )
    asked = members.known[:budget]
    return fit_proxy(_flat(asked), firm(asked), members.classes)


def universal_perturbations(theta: Array, members: Members, norm: float) -> Array:
    """Return the perturbation of each class by a proxy, (K, d).

    The class of the target, and one of which members know no points, have none.

    Arguments:
        theta: The parameters of the proxy, (K, d + 1).
        members: The members' points.
        norm: The largest norm of a perturbation, in the units of points.
    """
    flat = _flat(members.known)
    found = np.zeros((members.classes, flat.shape[1]))
    for label in np.setdiff1d(members.labels, members.target):
        found[label] = universal(theta, flat[members.labels == label], members.target, norm)
    return found


def random_perturbations(members: Members, norm: float, rng: np.random.Generator) -> Array:
    """Return a perturbation of a norm in a random direction for each class, (K, d)."""
    dimension = _flat(members.known).shape[1]
    return np.stack([random_direction(dimension, norm, rng) for _ in range(members.classes)])


def success(firm: Classifier, members: Members, perturbations: Array) -> float:
    """Return the share of held-out points of other classes that the firm calls the target.

    Arguments:
        firm: The firm's classifier.
        members: The members' points.
        perturbations: The perturbation of each class, (K, d).

    Raises:
        BenchError: If all held-out points are of the target's class.
    """
    others = members.held_out_labels != members.target
    if not others.any():
        raise BenchError("all held-out points have the target label: choose another target")
    x, labels = members.held_out[others], members.held_out_labels[others]
    moved = x + perturbations[labels].reshape(x.shape).astype(x.dtype)
    return float((firm(moved) == members.target).mean())


def _flat(x: Array) -> Array:
    """Return points (m, ...) as vectors, float64, (m, d)."""
    return x.reshape(len(x), -1).astype(np.float64)
