"""Any classifier of scikit-learn, by name."""

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn.utils import all_estimators

from algorithms._estimators import fit_estimator
from algorithms.base import Fitted, Learner, TrainingSet


@cache
def classifiers() -> dict[str, type]:
    """The classifiers that scikit-learn lists, by name."""
    return dict(all_estimators(type_filter="classifier"))


@dataclass(frozen=True, init=False, repr=False)
class Sklearn(Learner):
    """A classifier that scikit-learn lists, with its own parameters.

    References:
        | Scikit-learn: Machine Learning in Python (Pedregosa et al., 2011)
        | https://jmlr.org/papers/v12/pedregosa11a.html

    Arguments:
        name: The name of a class in ``sklearn.utils.all_estimators(type_filter="classifier")``.
        params: Keyword arguments passed to that class; not ``random_state``, which is drawn.

    Example:
        >>> Sklearn("SVC", C=10)
        Sklearn('SVC', C=10)
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
        """Raise a ValueError for what scikit-learn does not have, and for a random state."""
        _known("classifier", self.name, list(classifiers()))
        known = list(classifiers()[self.name]().get_params()) if self.params else []
        for name, value in self.params:
            _known(f"parameter of {self.name}", name, known)
            if name == "random_state":
                raise ValueError(
                    f"random_state={value!r} cannot be given: each training draws it by its own "
                    "generator, which comes from the seed"
                )

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample."""
        self.validate()
        return fit_estimator(classifiers()[self.name](**dict(self.params)), sample, rng)


def _rebuild(name: str, params: tuple[tuple[str, Any], ...]) -> Sklearn:
    return Sklearn(name, **dict(params))


def _known(what: str, name: str, allowed: list[str]) -> None:
    if name not in allowed:
        near = difflib.get_close_matches(name, allowed, 1, 0.0)[0]
        raise ValueError(
            f"scikit-learn has no {what} named {name!r}; the nearest is {near!r}; "
            f"allowed are {', '.join(allowed)}"
        )
