"""Trained replicas as classifiers."""

from collections.abc import Hashable, Sequence
from functools import partial

from torch import Tensor

from algorithms.base import Array, Epoch, Fitted, Predict, TrainingSet
from algorithms.engine.inference import BatchedPredictor, probabilities
from algorithms.engine.loop import Outcome, Trained
from algorithms.networks import Network
from algorithms.scaling import Scaler


def classifiers(
    network: Network, outcomes: Sequence[Outcome], samples: Sequence[TrainingSet]
) -> list[Fitted | Exception]:
    """Return trained replicas as classifiers. Those of one seed share a predictor.

    Arguments:
        network: The architecture.
        outcomes: R results of training.
        samples: The training set of each of them.
    """
    predictors: dict[int, Predict] = {}
    by_seed: dict[Hashable, dict[int, list[Tensor]]] = {}
    scalers = [sample.rows.scaler for sample in samples]
    for i, (outcome, sample) in enumerate(zip(outcomes, samples, strict=True)):
        if isinstance(outcome, Trained):
            predictors[i] = partial(probabilities, network, outcome.parameters, scaler=scalers[i])
            if len(outcome.parameters[0]) == 1:
                seed = id(sample.rows.pool), id(sample.rows.index)
                by_seed.setdefault(seed, {})[i] = outcome.parameters
    for networks in by_seed.values():
        shared = BatchedPredictor(network, [*networks.values()], [scalers[i] for i in networks])
        predictors |= {i: partial(shared.probabilities, k) for k, i in enumerate(networks)}
    return [
        o if isinstance(o, Exception) else _classifier(network, o, predictors[i], scalers[i])
        for i, o in enumerate(outcomes)
    ]


def _classifier(
    network: Network, trained: Trained, predict_proba: Predict, scaler: Scaler | None
) -> Fitted:
    """Return a trained replica as a classifier with these probabilities."""

    def predict(x: Array) -> Array:
        return predict_proba(x).argmax(1)

    networks = [snapshot.parameters for snapshot in trained.path]
    shared = BatchedPredictor(network, networks, [scaler] * len(networks))
    path = [
        Epoch(
            partial(shared.predict, k),
            partial(shared.probabilities, k),
            snapshot.weights,
            snapshot.metrics,
        )
        for k, snapshot in enumerate(trained.path)
    ]
    report = {"loss": float(trained.losses[-1])} if len(trained.losses) else {}
    return Fitted(
        predict, predict_proba, trained.weights, report | trained.report, path, trained.flagged
    )
