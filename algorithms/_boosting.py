"""Classifiers of libraries for gradient-boosted trees as learners."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from algorithms._estimators import fit_estimator
from algorithms.base import Array, Fitted, Learner, TrainingSet
from algorithms.runtime.paths import require_library


class BoostingLearner(Learner):
    """A learner that fits the classifier of an optional library. Abstract.

    The library is imported at the first training, so that the other learners work without it.
    """

    #: The name by which the library is imported.
    library: ClassVar[str]

    @abstractmethod
    def estimator(self) -> Any:
        """Return the unfitted classifier, which has a parameter ``random_state``."""

    def files(self) -> tuple[Path, ...]:
        """Return no files.

        Raises:
            Absent: If the library is not installed.
        """
        require_library(self.library, "boosting", type(self).__name__)
        return ()

    def fit(self, sample: TrainingSet, rng: np.random.Generator) -> Fitted:
        """Train on a sample.

        Raises:
            Absent: If the library is not installed.
        """
        self.files()
        # Not all of these libraries accept that a label is missing.
        labels, y = np.unique(sample.y, return_inverse=True)
        present = TrainingSet(sample.x, y, classes=len(labels))
        fitted = fit_estimator(self.estimator(), present, rng)
        of_present = fitted.predict_proba
        assert of_present is not None

        def predict(x: Array) -> Array:
            return labels[np.ravel(fitted.predict(x))]

        def predict_proba(x: Array) -> Array:
            probabilities = np.zeros((len(x), sample.classes))
            probabilities[:, labels] = of_present(x)
            return probabilities

        return Fitted(predict, predict_proba)
