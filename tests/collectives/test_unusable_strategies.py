"""Strategies that make no sense with a signal or with the data are refused."""

import pytest

from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Strike
from collectives.planting import FeatureOnlyPlus
from collectives.relabelling import MinorityRelabel
from collectives.signals.tabular import Offset
from collectives.unplanting import Unplant
from tests.helpers.acting import act, drawn


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (FeatureOnlyPlus(Offset(), 1), "idempotent"),
        (Unplant(Offset(), 1, "naive"), "idempotent"),
        (MinorityRelabel(Offset(), 1), "idempotent"),
        (Strike(label=5), r"label=5, but the data have the labels 0\.\.2"),
        (Noisy(), "signal=None"),
    ],
)
def test_what_makes_no_sense_is_refused(strategy: Strategy, message: str) -> None:
    x, y = drawn()
    with pytest.raises(ValueError, match=message):
        act(strategy, x, y)
