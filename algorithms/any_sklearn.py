"""Any classifier of scikit-learn, by name."""

import difflib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.utils import all_estimators, get_tags

from algorithms._estimators import EstimatorLearner
from algorithms.base import Fitted, TrainingSet


@cache
def classifiers() -> dict[str, type]:
    """Return the classifiers that scikit-learn lists, by name."""
    return dict(all_estimators(type_filter="classifier"))


@dataclass(frozen=True, init=False, repr=False)
class Sklearn(EstimatorLearner):
    """A classifier that scikit-learn lists, with its own parameters.

    A parameter that is an estimator takes another ``Sklearn(...)``, or a learner of this project
    that fits an estimator of scikit-learn, such as ``KNN()``. A list of estimators is a tuple of
    these. Each ``random_state``, those of nested estimators too, is drawn by the training.

    References:
        | Scikit-learn: Machine Learning in Python (Pedregosa et al., 2011)
        | https://jmlr.org/papers/v12/pedregosa11a.html

    Arguments:
        name: The name of a class in ``sklearn.utils.all_estimators(type_filter="classifier")``.
        params: Keyword arguments passed to that class, without ``random_state``.

    Example:
        >>> Sklearn("SVC", C=10)
        Sklearn('SVC', C=10)
        >>> vote = Sklearn("VotingClassifier", estimators=(Sklearn("SVC"), Sklearn("GaussianNB")))
        >>> sample = TrainingSet(np.float32([[0], [1], [4], [5]]), [0, 0, 1, 1])
        >>> vote.fit(sample, np.random.default_rng(0)).predict(np.float32([[0.5], [4.5]]))
        array([0, 1])
    """

    name: str = "SVC"
    params: tuple[tuple[str, Any], ...] = ()

    def __init__(self, name: str = "SVC", **params: Any) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "params", tuple(sorted(params.items())))

    def __repr__(self) -> str:
        arguments = [repr(self.name), *(f"{k}={v!r}" for k, v in self.params)]
        return f"Sklearn({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.name, self.params)

    def validate(self) -> None:
        """Check the names of classifier and parameters, and that estimators are given.

        Raises:
            ValueError: If scikit-learn has no such classifier or parameter, if a random state is
                given, if an estimator is lacking, or if the classifier cannot predict one label.
        """
        _check_name("classifier", self.name, list(classifiers()))
        allowed = inspect.signature(classifiers()[self.name]).parameters
        given = dict(self.params)
        for name, value in given.items():
            _check_name(f"parameter of {self.name}", name, list(allowed))
            if name == "random_state":
                raise ValueError(
                    f"random_state={value!r} cannot be given: each training draws it by its own "
                    "generator, which comes from the seed"
                )
            for nested in value if isinstance(value, tuple) else (value,):
                if isinstance(nested, Sklearn):
                    nested.validate()
        lacking = [k for k, p in allowed.items() if p.default is p.empty and k not in given]
        if not lacking and not _has_tags(self):
            # Its tags are those of its estimator, which is None by default.
            lacking = ["estimator"]
        working = Sklearn(self.name, **given, **{name: _example(name) for name in lacking})
        target = get_tags(working.estimator(n=1)).target_tags
        if target.multi_output and not target.single_output:
            raise ValueError(
                f"{self.name} predicts several labels of each point, but a learner predicts one; "
                f"give an estimator alone, such as {_example('estimator')!r}"
            )
        if lacking:
            raise ValueError(
                f"{self.name} needs the parameter {' and '.join(lacking)}; a spec that works is "
                f"{working!r}"
            )

    def estimator(self, n: int) -> Any:
        """Return the unfitted classifier for n points."""
        params = {name: _estimators(value, n) for name, value in self.params}
        return classifiers()[self.name](**params)

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        self.validate()
        return super().fit(sample, rng)


def _example(name: str) -> Sklearn | tuple[Sklearn, ...]:
    """Return a value for a parameter that is an estimator or a list of estimators."""
    tree = Sklearn("DecisionTreeClassifier")
    return (Sklearn("GaussianNB"), tree) if name == "estimators" else tree


def _has_tags(learner: Sklearn) -> bool:
    try:
        get_tags(learner.estimator(n=1))
    except AttributeError:
        return False
    return True


def _estimators(value: Any, n: int) -> Any:
    """Return a parameter's value with estimators in place of learners."""
    if isinstance(value, EstimatorLearner):
        return value.estimator(n)
    if isinstance(value, tuple) and any(isinstance(v, EstimatorLearner) for v in value):
        return [(f"estimator{i}", _estimators(v, n)) for i, v in enumerate(value)]
    return value


def _rebuild(name: str, params: tuple[tuple[str, Any], ...]) -> Sklearn:
    return Sklearn(name, **dict(params))


def _check_name(kind: str, name: str, allowed: Sequence[str]) -> None:
    if name not in allowed:
        nearest = difflib.get_close_matches(name, allowed, 1, 0.0)[0]
        raise ValueError(
            f"scikit-learn has no {kind} named {name!r}; the nearest is {nearest!r}; "
            f"allowed are {', '.join(allowed)}"
        )
