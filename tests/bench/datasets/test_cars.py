"""The law of the cars, by sampling and by hand."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from bench.datasets.base import GatheringLaw, TraceableLaw
from bench.datasets.synthetic._car_features import COLUMNS, FEATURES, TYPICAL, category
from bench.datasets.synthetic.cars import RATINGS, Cars
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from bench.theory.mixture import Mixture
from collectives.base import Strategy
from collectives.signals.tabular import Category
from collectives.types import Array, MemberData

DATA = Cars(n=60_000, n_test=60_000)
SPLIT = DATA.split(np.random.default_rng(7))


def car(**values: str) -> Array:
    """A car by names (underscores for blanks); first values where none is given."""
    x = np.zeros((1, len(COLUMNS)), dtype=np.float32)
    for name, allowed in FEATURES.items():
        x[0, COLUMNS.index(f"{name}={values.get(name.replace(' ', '_'), allowed[0])}")] = 1
    return x


def column(name: str) -> Array:
    return SPLIT.x[:, COLUMNS.index(name)] == 1


def agree(observed: Any, expected: Any) -> None:
    observed, expected = np.ravel(observed), np.ravel(expected)
    assert (observed[expected == 0] == 0).all()
    observed, expected = observed[expected > 0], expected[expected > 0]
    assert chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3


def signal_set() -> Array:
    return np.concatenate([DATA.signal(car(Country=c)) for c in FEATURES["Country"]])


def test_columns_are_one_hot() -> None:
    assert SPLIT.x.shape[1] == len(COLUMNS) == len(set(COLUMNS))
    assert set(np.unique(SPLIT.x)) == {0, 1}
    for name in FEATURES:
        block = [i for i, given in enumerate(COLUMNS) if given.startswith(f"{name}=")]
        assert (SPLIT.x[:, block].sum(axis=1) == 1).all()


def test_features_have_the_published_number_of_values() -> None:
    counts = {name: len(values) for name, values in FEATURES.items()}
    assert counts["Infotainment"] == counts["Sound System"] == 4
    assert counts["Doors"] == counts["Transmission"] == 3
    assert all(value in FEATURES[name] for name, (value, _) in TYPICAL.items())


def test_masses_sum_to_one() -> None:
    # In a product of factors, the sum over everything is a product of sums, each of which
    # changes a single feature of one car.
    total = 0.0
    for kind in FEATURES["Model Type"]:
        base = car(Model_Type=kind)
        mass = start = DATA.law.joint(base).sum()
        for name, values in FEATURES.items():
            if name != "Model Type":
                key = name.replace(" ", "_")
                variants = [car(Model_Type=kind, **{key: value}) for value in values]
                mass *= DATA.law.joint(np.concatenate(variants)).sum() / start
        total += mass
    assert total == pytest.approx(1)


def test_model_types_are_as_frequent_as_they_should_be() -> None:
    count = [column(f"Model Type={kind}").sum() for kind in FEATURES["Model Type"]]
    agree(count, np.array([0.22, 0.45, 0.23, 0.02, 0.01, 0.01, 0.01, 0.05]))


@pytest.mark.parametrize("name", TYPICAL)
def test_suvs_have_typical_features_and_others_uniform_ones(name: str) -> None:
    value, often = TYPICAL[name]
    suv, values = column("Model Type=SUV"), FEATURES[name]
    expected = np.array([often * (v == value) + (1 - often) / len(values) for v in values])
    agree([(suv & column(f"{name}={v}")).sum() for v in values], expected)
    agree([(~suv & column(f"{name}={v}")).sum() for v in values], np.ones(len(values)))


@pytest.mark.parametrize(
    ("values", "chances"),
    [
        # 5 + 4 + 5 + {1, 3, 4} points: always excellent, if rated at all.
        (
            {"Safety_Rating": "5 stars", "Fuel_Type": "Electric", "Warranty": "10 years"},
            [0.05, 0, 0, 0.95],
        ),
        # 1 + 1 + 2 + {1, 3, 4} points: good with the best extra only.
        ({}, [0.05, 0.95 * 2 / 3, 0.95 / 3, 0]),
        # 4 + 3 + 3 + {1, 3, 4} points.
        (
            {"Safety_Rating": "4 stars", "Fuel_Type": "Hybrid", "Warranty": "5 years"},
            [0.05, 0, 0.95 / 3, 0.95 * 2 / 3],
        ),
        # 3 + 1 + 5 + {1, 3, 4} points.
        (
            {"Safety_Rating": "3 stars", "Fuel_Type": "Diesel", "Warranty": "10 years"},
            [0.05, 0, 0.95 * 2 / 3, 0.95 / 3],
        ),
        # 2 + 1 + 4 + {1, 3, 4} points.
        ({"Safety_Rating": "2 stars", "Warranty": "7 years"}, [0.05, 0, 0.95, 0]),
        # Not an SUV: the country does not matter.
        ({"Country": "C2"}, [0.05, 0.95 * 2 / 3, 0.95 / 3, 0]),
        ({"Country": "C2", "Model_Type": "SUV"}, [0.3, 0.1, 0, 0.6]),
    ],
)
def test_ratings_by_hand(values: Any, chances: list[float]) -> None:
    joint = DATA.law.joint(car(**values))[0]
    np.testing.assert_allclose(joint / joint.sum(), chances)


def test_mass_of_the_signal_set_by_hand_and_by_counting() -> None:
    # A typical value comes outright, or in the draw of all values that is made otherwise.
    expected = 0.45 * (0.7 + 0.3 / 5) * (0.8 + 0.2 / 4) * (0.9 + 0.1 / 3) * (0.9 + 0.1 / 4) ** 2
    expected *= (0.95 + 0.05 / 4) ** 2 * (0.95 + 0.05 / 3) ** 4 * (0.95 + 0.05 / 2) ** 3
    expected *= (0.7 + 0.3 / 3) / 2
    assert DATA.law.joint(signal_set()).sum() == pytest.approx(expected)
    hits = round(DATA.signal.overlap(SPLIT.x) * len(SPLIT.y))
    assert binomtest(hits, len(SPLIT.y), expected).pvalue > 1e-3


def test_cars_and_ratings_of_the_signal_set_follow_their_law() -> None:
    count = [
        [((SPLIT.x == x).all(axis=1) & (SPLIT.y == y)).sum() for y in range(4)]
        for x in signal_set()
    ]
    agree(count, DATA.law.joint(signal_set()))


def test_the_signal_gathers_what_its_law_says() -> None:
    moved = DATA.signal(SPLIT.x)
    count = [
        [((moved == x).all(axis=1) & (SPLIT.y == y)).sum() for y in range(4)] for x in signal_set()
    ]
    assert np.sum(count) == len(SPLIT.y)
    gathered = DATA.law.gathered(signal_set())
    assert gathered.sum() == pytest.approx(1)
    agree(count, gathered)
    assert (DATA.law.gathered(car()) == 0).all()


def test_what_is_no_car_has_no_mass() -> None:
    x = car()
    x[0, 1] = 1
    assert (DATA.law.joint(np.concatenate([x, 0 * x, car() / 2])) == 0).all()


def test_what_gathers_is_known_and_not_listed() -> None:
    assert not isinstance(DATA.law, TraceableLaw)
    assert isinstance(DATA.law, GatheringLaw)
    assert DATA.law is not Cars(suv=0.2).law


FOLLOWED = [
    "FeatureLabel",
    "FeatureOnly",
    "Idle",
    "Noisy(dropout=0.2, wrong_label=0.3, wrong_signal=0.4)",
    "Noisy(base=FeatureOnly(), wrong_label=0.2)",
    "Several(strategies=(FeatureLabel(), FeatureOnly(label=0)), shares=(0.5, 0.2))",
]


def parsed(strategy: str) -> Strategy:
    made: Strategy = parse(strategy, "strategies").with_defaults(DATA.signal, DATA.label)
    return made


@pytest.mark.parametrize("strategy", FOLLOWED)
def test_what_firms_face_is_what_members_hand_in(strategy: str) -> None:
    x, y = SPLIT.x, SPLIT.y
    some, rng = np.arange(len(y)) < len(y) // 2, np.random.default_rng(1)
    pooled = MemberData(x[some], y[some], 4)
    moved, told = parsed(strategy).act(x[some], y[some], pooled=pooled, n=len(y), rng=rng)
    rows, labels = np.concatenate([moved, x[~some]]), np.concatenate([told, y[~some]])
    faced = Mixture(DATA.law, parsed(strategy), 0.5, pooled, len(y)).joint(signal_set())
    count = [
        ((rows == z).all(axis=1) & (labels == k)).sum() for z in signal_set() for k in range(4)
    ]
    other = len(rows) - np.sum(count)
    agree([*count, other], [*faced.ravel(), 1 - faced.sum()])


@pytest.mark.parametrize("strategy", FOLLOWED)
def test_the_bayes_rule_of_cars_keeps_what_is_promised(strategy: str) -> None:
    small, sizes = Cars(n=4000, n_test=3000), (0.0, 0.015, 0.03, 0.06, 0.3)
    learner = parse("BayesOptimal", "learners")
    records = run_trials([Trial(small, learner, parsed(strategy), s, 0) for s in sizes])
    assert {r["error"] for r in records} == {None}
    promised = [r["bounds"]["exact"] for r in records]
    assert [r["success"] for r in records] == pytest.approx(promised)
    # The signal set has five points, each with a resistance of its own.
    assert (len(set(promised)) > 1) == (strategy != "Idle")


@pytest.mark.parametrize(
    "strategy",
    [
        "FeatureOnlyPlus",
        "Erase",
        "Unplant",
        "Strike",
        "Noisy(base=Erase())",
        "FeatureLabel(signal=SetFeature(column=0, value=1.0))",
        "Noisy(wrong_signal=0.1, mistaken=SetFeature(column=0, value=1.0))",
    ],
)
def test_untraceable_members_have_no_exact_bound(strategy: str) -> None:
    small = Cars(n=300, n_test=100)
    trial = Trial(small, parse("EmpiricalBayes", "learners"), parsed(strategy), 0.2, 0)
    (record,) = run_trials([trial])
    assert record["error"] is None
    assert "exact" not in record["bounds"]


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_more_suvs_more_overlap(share: float) -> None:
    law = Cars(suv=share).law
    assert law.joint(signal_set()).sum() == pytest.approx(
        DATA.law.joint(signal_set()).sum() * share / 0.45
    )
    assert law.gathered(signal_set()).sum() == pytest.approx(1)


def test_the_target_is_a_named_rating() -> None:
    assert RATINGS[DATA.label] == "Good"


def test_categories_go_by_name() -> None:
    signal = category({"Country": "C2"})
    assert isinstance(signal, Category)
    before, after = car(Country="C4"), car(Country="C2")
    np.testing.assert_array_equal(signal(before), after)
    assert category({"Doors": "5", "Seats": "2"}) == category({"Seats": "2", "Doors": "5"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"Contry": "C2"}, "no feature is 'Contry': did you mean 'Country'"),
        ({"Fuel Type": "diesel"}, r"no Fuel Type is 'diesel': did you mean 'Diesel'\? .*Petrol"),
    ],
)
def test_unknown_names_are_refused(values: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        category(values)
