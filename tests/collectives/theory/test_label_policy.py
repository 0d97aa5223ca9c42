"""Label policies of strategies, against what their members do."""

import numpy as np
import pytest

from collectives.adaptive import Adaptive
from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Contribute, Strike
from collectives.erasing import Erase
from collectives.idle import Idle
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnly, FeatureOnlyPlus
from collectives.relabelling import MinorityRelabel
from collectives.size_aware import SizeAware
from collectives.theory.counts import count_signal
from collectives.theory.label_policy import LabelPolicy, mix_policies
from collectives.types import MemberData, NoBound
from collectives.unplanting import Unplant
from tests.helpers.three_bits import BIT, KNOWN, LOOSE, PLANT, POINTS, drawn, index, law


@pytest.mark.parametrize("strategy", KNOWN, ids=range(len(KNOWN)))
def test_label_policies_agree_with_the_outcomes_of_acting(strategy: Strategy) -> None:
    joint, rng = law(1)
    x, y = drawn(joint, 500, rng)
    expected = np.zeros((8, 3))
    pooled = MemberData(POINTS[x], y, 3)
    for likely, moved, told in strategy.action_distribution(POINTS[x], y, pooled=pooled, n=999):
        np.add.at(expected, (index(moved), told), likely)
    label_policy = strategy.bounds.label_policy(3)
    assert label_policy is not None
    assert not label_policy.unspecified
    counted = count_signal(BIT, POINTS[x], y, 3, [500])
    where = index(np.array(list(dict.fromkeys(map(tuple, BIT(POINTS[x]))))))
    found = label_policy.handed_in(counted.base[0], counted.arriving[0])
    np.testing.assert_allclose(found, expected[where], atol=1e-9)
    assert label_policy.labels.sum(axis=1) == pytest.approx(np.ones(3))
    single = isinstance(strategy, FeatureLabel | FeatureOnly | FeatureOnlyPlus | Idle)
    assert label_policy.deterministic == single


def test_who_may_do_anything_is_loose() -> None:
    assert [s.bounds.label_policy(3).unspecified for s in LOOSE] == [0.1, 0.15, 0.1, 0.05]
    nobody = LabelPolicy.of(2)
    assert nobody.unspecified == mix_policies([(0.3, nobody), (0.7, nobody)]).unspecified == 1.0
    for strategy in (
        Erase(BIT),
        Unplant(BIT, 1),
        Strike(1),
        Contribute(1),
        SizeAware(PLANT),
        MinorityRelabel(BIT, 1),
        Adaptive(PLANT),
        Noisy(Erase(BIT)),
        Several((Erase(BIT), PLANT), judged=0),
    ):
        with pytest.raises(NoBound, match="no label policy"):
            strategy.bounds.label_policy(3)
