"""More strategies against what one does by hand."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from algorithms.empirical_bayes import EmpiricalBayes
from bench.contract import source
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.base import Strategy
from collectives.coordination_noise import Noisy
from collectives.data_strikes import Contribute, Strike
from collectives.multiple_collectives import Several
from collectives.planting import FeatureLabel, FeatureOnlyPlus
from collectives.relabelling import MinorityRelabel
from collectives.signals.tabular import Offset, SetFeature
from collectives.size_aware import SizeAware
from collectives.types import Array, MemberData
from collectives.unplanting import Unplant

BIT = SetFeature(column=-1, value=1.0)
PLANT = FeatureLabel(BIT, 1)


def drawn(seed: int = 0, rows: int = 200, classes: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x = rng.integers(2, size=(rows, 3)).astype(np.float32)
    return x, rng.integers(classes, size=rows)


def act(
    strategy: Strategy, x: Array, y: Array, pooled: MemberData | None = None, n: int = 999
) -> tuple[Array, Array]:
    pooled = pooled or MemberData(x, y, 3)
    return strategy.act(x, y, pooled=pooled, n=n, rng=np.random.default_rng(0))


# ---- planting and unplanting --------------------------------------------------------------------


def test_feature_only_plus_moves_other_labels_off_the_signal() -> None:
    x, y = drawn()
    moved, labels = act(FeatureOnlyPlus(BIT, label=2), x, y)
    assert labels.tolist() == y.tolist()
    outside = x[x[:, -1] == 0].astype(float)
    for before, after, label in zip(x, moved, y, strict=True):
        if label == 2:
            assert after.tolist() == [before[0], before[1], 1.0]
        elif before[-1] == 0:
            assert after.tolist() == before.tolist()
        else:
            nearest = ((outside - before) ** 2).sum(axis=1).min()
            assert after[-1] == 0
            assert ((after - before) ** 2).sum() == nearest


def test_feature_only_plus_stays_where_there_is_nowhere_to_go() -> None:
    x, y = np.ones((3, 2), dtype=np.float32), np.array([0, 1, 0])
    np.testing.assert_array_equal(act(FeatureOnlyPlus(BIT, 1), x, y)[0], x)


@pytest.mark.parametrize("asked", [3, 50, 10_000])
@pytest.mark.parametrize("way", ["adaptive", "naive"])
def test_unplanting_takes_the_best_other_label(way: Any, asked: int) -> None:
    x, y = drawn(1)
    moved, labels = act(Unplant(BIT, 1, way, asked, n_neighbors=1000), x, y)
    survey = list(zip(x, y, strict=True))[: min(asked, 100)]
    for before, after, label in zip(x, moved, labels, strict=True):
        assert after.tolist() == [before[0], before[1], 1.0]
        here = [k for p, k in survey if p[-1] == 1 and (way == "naive" or (p == after).all())]
        here = here or [k for _, k in survey]
        counts = [here.count(k) if k != 1 else -1 for k in range(3)]
        assert label == counts.index(max(counts))


def test_unplanting_has_won_where_another_label_is_given() -> None:
    test = SimpleNamespace(x=np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 1]]), y=np.zeros(3, int))
    won = Unplant(BIT, label=2).success(lambda x: x.sum(axis=1).astype(int), test)
    assert won.tolist() == [1.0, 0.0, 1.0]


# ---- crowds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "stays"), [(Strike, lambda y: y != 2), (Contribute, lambda y: y == 2)]
)
def test_crowds_copy_those_who_stay(kind: Any, stays: Any) -> None:
    x, y = drawn(2)
    x = x + 9 * np.arange(200, dtype=np.float32)[:, None]  # each row its own
    moved, labels = act(kind(label=2), x, y)
    kept = stays(y)
    np.testing.assert_array_equal(moved[kept], x[kept])
    assert stays(labels).all()
    rows = {tuple(p): k for p, k in zip(x.tolist(), y.tolist(), strict=True)}
    assert all(rows[tuple(p)] == k for p, k in zip(moved.tolist(), labels.tolist(), strict=True))
    copies = [tuple(p) for p in moved[~kept].tolist()]
    assert len(set(copies)) > 0.3 * len(copies)


@pytest.mark.parametrize("kind", [Strike, Contribute])
def test_crowds_without_anybody_who_stays_do_nothing(kind: Any) -> None:
    x, y = drawn(2)
    same = np.full_like(y, 2 if kind is Strike else 0)
    moved, labels = act(kind(label=2), x, same)
    np.testing.assert_array_equal(moved, x)
    np.testing.assert_array_equal(labels, same)


def test_crowds_count_only_the_points_of_their_class() -> None:
    data = Coins(n=300, n_test=200, overlap=0.0, noise=0.2)
    trials = [
        Trial(data, EmpiricalBayes(), kind(label=1), size, 0)
        for kind in (Strike, Contribute)
        for size in (0.0, 0.9)
    ]
    struck = run_trials(trials)
    test = data.split(stream(0, "data"))
    assert struck[0]["tested"] == (test.y[test.test] == 1).sum()
    assert struck[0]["success"] == pytest.approx(1 - struck[2]["success"])
    assert struck[1]["success"] > struck[0]["success"] + 0.3
    assert struck[3]["success"] > struck[2]["success"] + 0.05
    assert all(r["success_others"] is None for r in struck)


# ---- relabelling --------------------------------------------------------------------------------


@pytest.mark.parametrize("ranking", ["probability", "label", "distance"])
@pytest.mark.parametrize("seed", range(3))
def test_the_minority_relabels_by_its_ranking(ranking: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=(120, 2)), rng.integers(2, size=120)]).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=120) > 0).astype(int)
    strategy = MinorityRelabel(BIT, 1, ranking, budget=0.3, n_neighbors=7)
    moved, labels = act(strategy, x, y, MemberData(x, y, 2))
    np.testing.assert_array_equal(moved, x)
    major = [i for i in range(120) if x[i, -1] == 1]
    able = [i for i in range(120) if x[i, -1] == 0 and y[i] == 0]
    if ranking == "probability":
        model = LogisticRegression(max_iter=1000).fit(x[major], y[major])

    def score(i: int) -> float:
        if ranking == "probability":
            return float(model.decision_function(x[i : i + 1])[0])
        rows = [j for j in major if ranking == "label" or y[j] == 1]
        near = sorted(rows, key=lambda j: np.linalg.norm(x[i] - x[j]))[:7]
        if ranking == "label":
            return float(sum(y[j] for j in near))
        return -float(np.mean([np.linalg.norm(x[i] - x[j]) for j in near]))

    chosen = [i for i in range(120) if labels[i] != y[i]]
    assert len(chosen) == round(0.3 * len(able))
    assert set(chosen) <= set(able)
    left = [score(i) for i in able if i not in chosen]
    assert min(score(i) for i in chosen) >= max(left) - 1e-5


@pytest.mark.parametrize("ranking", ["probability", "label", "distance", "random"])
def test_without_a_majority_among_the_members_all_rank_alike(ranking: Any) -> None:
    x, y = np.zeros((9, 3), dtype=np.float32), np.zeros(9, dtype=np.int64)
    assert act(MinorityRelabel(BIT, 1, ranking, budget=0.5), x, y)[1].sum() == round(0.5 * 9)
    assert BIT.carried_by(x[:0]).shape == (0,)


def test_random_ranking_is_by_lot() -> None:
    x, y = drawn(5, classes=2)
    strategy = MinorityRelabel(BIT, 1, "random", budget=0.5)
    first = strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(1))[1]
    second = strategy.act(x, y, pooled=MemberData(x, y, 2), n=9, rng=np.random.default_rng(2))[1]
    assert (first != y).sum() == (second != y).sum() > 10
    assert (first != second).any()


def test_gaps_by_hand() -> None:
    # Minority 0, majority 1 in the last column; the answer is the first column.
    x = np.float32([[1, 0], [0, 0], [1, 0], [1, 1], [1, 1], [0, 1], [1, 1]])
    y = np.array([1, 1, 0, 1, 1, 0, 0])
    test = SimpleNamespace(x=x, y=y)
    found = MinorityRelabel(BIT, 1).measures(lambda p: p[:, 0].astype(int), test)
    # True positives 1/2 and 2/2, false positives 1/1 and 1/2; positives 2/3 and 3/4.
    assert found == {
        "odds_gap": 0.5,
        "parity_gap": pytest.approx(1 / 12),
        "error": pytest.approx(3 / 7),
    }
    for measure, value in (("odds", 0.5), ("parity", 11 / 12), ("same", 1.0)):
        won = MinorityRelabel(BIT, 1, measure=measure).success(  # type: ignore[arg-type]
            lambda p: p[:, 0].astype(int), test
        )
        assert won == pytest.approx([value] * 7)


@pytest.mark.parametrize("measure", ["odds", "parity"])
@pytest.mark.parametrize("overlap", [0.0, 1.0])
def test_without_a_minority_or_a_majority_there_is_no_gap(measure: Any, overlap: float) -> None:
    data, strategy = (
        Coins(n=200, n_test=100, overlap=overlap),
        MinorityRelabel(BIT, 1, measure=measure),
    )
    (record,) = run_trials([Trial(data, EmpiricalBayes(), strategy, 0.1, 0)])
    assert record["status"] == "failed"
    assert f"the 100 test points, {overlap * 100:.0f} of which carry {BIT}" in record["error"]
    # Of a rate that one of both lacks, the other one's gap is left.
    x, y = np.float32([[1, 0], [0, 0], [0, 1]]), np.array([1, 0, 0])
    test = SimpleNamespace(x=x, y=y)
    found = MinorityRelabel(BIT, 1).measures(lambda p: np.array([0, 1, 0]), test)
    assert found["odds_gap"] == 1


# ---- compounds ----------------------------------------------------------------------------------


def test_noise_of_each_kind_happens_as_often_as_it_is_said() -> None:
    x, y = np.zeros((50_000, 2), dtype=np.float32), np.zeros(50_000, dtype=np.int64)
    noisy = Noisy(PLANT, dropout=0.1, wrong_label=0.2, wrong_signal=0.3, mistaken=SetFeature(0, 5))
    moved, labels = act(noisy, x, y)
    idle = ((moved == 0).all(axis=1) & (labels == 0)).mean()
    assert idle == pytest.approx(0.1, abs=0.01)
    assert (labels == 1).mean() == pytest.approx(0.9 * 0.8, abs=0.01)
    assert (labels == 2).mean() == pytest.approx(0.9 * 0.1, abs=0.01)
    assert (moved[:, 0] == 5).mean() == pytest.approx(0.9 * 0.3, abs=0.01)
    both = (moved[:, 0] == 5) & (labels == 1)
    assert both.mean() == pytest.approx(0.9 * 0.3 * 0.8, abs=0.01)


def test_without_noise_and_without_company_nothing_changes() -> None:
    x, y = drawn()
    for strategy in (Noisy(PLANT), Several((PLANT,), (1.0,)), SizeAware(PLANT, shares=(1.0,))):
        for new, old in zip(act(strategy, x, y), act(PLANT, x, y), strict=True):
            np.testing.assert_array_equal(new, old)


def test_several_is_each_on_its_own_rows() -> None:
    x, y = drawn(rows=20_000)
    far = FeatureLabel(SetFeature(0, 9.0), 2)
    moved, labels = act(Several((PLANT, far), (0.5, 0.3)), x, y)
    second = moved[:, 0] == 9
    assert second.mean() == pytest.approx(0.3, abs=0.02)
    assert (labels[second] == 2).all()
    rest = ~second & ((moved != x).any(axis=1) | (labels != y))
    assert (labels[rest] == 1).all()
    moved, labels = act(Several((PLANT, far), (0.5, 0.3), judged=1, alone=True), x, y)
    np.testing.assert_array_equal(moved[:, 0] == 9, second)
    assert ((labels == y) | second).all()


def test_several_measures_each() -> None:
    zero = FeatureLabel(BIT, 0)
    test = SimpleNamespace(x=np.float32([[0, 0], [1, 0]]), y=np.zeros(2, int))

    def predict(x: Array) -> Array:
        return np.array([1, 1])

    both = Several((PLANT, zero))
    assert both.success(predict, test).tolist() == [0.5, 0.5]
    assert both.measures(predict, test) == {"success_0": 1.0, "success_1": 0.0}
    assert Several((PLANT, zero), judged=1).success(predict, test).tolist() == [0.0, 0.0]
    assert both.target is None
    assert Several((PLANT, PLANT)).target == 1
    assert Several((PLANT, zero), judged=1).target == 0


def test_the_mean_of_several_is_that_of_each_ones_own_success() -> None:
    # Strikes are about a class: their success is 2/3, 0 and, of a class that nobody has, nothing.
    test = SimpleNamespace(x=np.zeros((5, 2), dtype=np.float32), y=np.array([0, 0, 0, 1, 1]))

    def predict(x: Array) -> Array:
        return np.array([0, 1, 1, 1, 1])[: len(x)]

    zero, one, nobody = (Strike(label) for label in (0, 1, 2))
    for both, mean in (((zero, one), 1 / 3), ((zero, FeatureLabel(BIT, 1)), (2 / 3 + 4 / 5) / 2)):
        won = Several(both).success(predict, test)
        assert won.mean() == pytest.approx(mean)
        assert won.min() >= 0
        assert won.max() <= 1
    lost = Several((zero, nobody))
    assert np.isnan(lost.success(predict, test)).all()
    assert np.isnan(lost.measures(predict, test)["success_1"])


def test_colliding_signals_hurt_both_collectives() -> None:
    data = Coins(n=2000, n_test=1000, overlap=0.02)
    one, other = FeatureLabel(BIT, 1), FeatureLabel(BIT, 0)

    def reached(strategy: Strategy) -> float:
        (record,) = run_trials([Trial(data, EmpiricalBayes(), strategy, 0.1, 0)])
        return float(record["success"])

    alone = reached(Several((one, other), judged=0, alone=True))
    assert reached(Several((one, other), judged=0)) < alone - 0.2
    assert reached(Several((one, one), judged=0)) >= alone


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Several(shares=(0.5,))", "2 strategies, but 1 shares"),
        ("Several(shares=(0.9, 0.2))", "everybody"),
        ("Several(judged=2)", r"judged=2, allowed is 0\.\.1"),
        ("Several(alone=True)", "needs the collective that acts"),
        ("Noisy(dropout=1.5)", "less than or equal to 1"),
        ("Noisy(base=Several(shares=(0.9, 0.2)))", "everybody"),
    ],
)
def test_compounds_that_make_no_sense_are_refused(text: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        parse(text, "strategies")


def test_what_the_parts_leave_open_is_filled() -> None:
    made = Noisy(Several((FeatureLabel(), FeatureLabel(label=2)))).with_defaults(BIT, 1)
    assert made == Noisy(Several((PLANT, FeatureLabel(BIT, 2))))
    assert made.signals == (BIT,)
    assert made.traceable
    assert not Noisy(Strike(1)).traceable
    assert Several((PLANT, PLANT)).bounds.local(3)
    assert not Several((PLANT, FeatureOnlyPlus(BIT, 1))).bounds.local(3)
    assert parse(repr(made), "strategies") == made


@pytest.mark.parametrize("size", [0.02, 0.1, 0.5])
def test_size_aware_takes_the_smallest_share_that_is_enough(size: float) -> None:
    # One point, 99 rows of label 0 beside it: the target leads from more than half of the mass.
    x, y = np.ones((100, 1), dtype=np.float32), np.zeros(100, dtype=np.int64)
    shares = tuple(np.linspace(0, 1, 21).tolist())
    aware = SizeAware(PLANT, shares)
    _, labels = act(aware, x, y, MemberData(x, y, 2), n=round(100 / size))
    enough = [s for s in shares if size * s > 1 - size * s]
    assert labels.sum() == (round(100 * min(enough)) if enough else 0)


@pytest.mark.parametrize("care", [0.3, 1.5])
@pytest.mark.parametrize("n", [170, 260, 500])
def test_size_aware_finds_the_best_share_and_strength(n: int, care: float) -> None:
    """Half of the way of an even number is a number again: each point's votes can be counted."""
    rng = np.random.default_rng(n)
    x = rng.integers(3, size=(150, 2)).astype(np.float32) * 2
    y = (x[:, 0] > 2).astype(np.int64) ^ (rng.random(150) < 0.2)
    plant = FeatureLabel(SetFeature(0, 4.0), 0)
    shares, strengths = (0.25, 0.5, 1.0), (0.0, 0.5, 1.0)
    aware = SizeAware(plant, shares, strengths, care, n_neighbors=10_000)
    moved, labels = act(aware, x, y, MemberData(x, y, 2), n=n)

    def worth(share: float, strength: float) -> float:
        size, votes = 150 / n, {}
        for (a, b), label in zip(x.tolist(), y.tolist(), strict=True):
            here = votes.setdefault((a, b), [0.0, 0.0])
            here[label] += 1 - size * share
            there = votes.setdefault((a + strength * (4.0 - a), b), [0.0, 0.0])
            there[0] += size * share
        told = {point: int(v[1] > v[0]) for point, v in votes.items()}
        everybody = [sum(v[k] for v in votes.values()) for k in range(2)]
        usual = int(everybody[1] > everybody[0])
        won = np.mean([told.get((4.0, b), usual) == 0 for _, b in x.tolist()])
        right = np.mean([told[a, b] == k for (a, b), k in zip(x.tolist(), y, strict=True)])
        return float(round(won + care * right, 9))

    choices = [(worth(s, t), -s, -t) for s in shares for t in strengths]
    _, share, strength = max(choices)
    acting = round(-share * 150)
    away = np.abs(4.0 - x[:, 0]) * -strength
    np.testing.assert_allclose(np.abs(moved - x).sum(axis=1)[:acting], away[:acting])
    assert (labels[:acting] == 0).all()
    np.testing.assert_array_equal(moved[acting:], x[acting:])
    np.testing.assert_array_equal(labels[acting:], y[acting:])


def test_size_aware_pushes_no_harder_than_it_needs_to() -> None:
    # Nobody is where the signal points to: whoever is on the way there is the nearest.
    x, y = np.zeros((50, 1), dtype=np.float32), np.zeros(50, dtype=np.int64)
    plant = FeatureLabel(SetFeature(0, 8.0), 1)
    aware = SizeAware(plant, (1.0,), (0.0, 0.25, 1.0), n_neighbors=1)
    moved, labels = act(aware, x, y, MemberData(x, y, 2), n=1000)
    assert (moved == 2.0).all()
    assert (labels == 1).all()


@pytest.mark.parametrize("care", [0.0, 1.0])
def test_size_aware_does_least_where_there_is_nothing_to_win(care: float) -> None:
    # Members without a row of the class that strikes; warnings are errors here.
    x, y = np.zeros((8, 2), dtype=np.float32), np.zeros(8, dtype=int)
    aware = SizeAware(Strike(1), shares=(0.25, 1.0), care=care)
    best = aware.best(MemberData(x, y, 2), 16, np.random.default_rng(0))
    assert best == (0.25, 1.0)
    assert act(aware, x[:1], y[:1])[1].tolist() == [0]


def test_size_aware_cares_for_accuracy() -> None:
    # The signal is what half of the people are like by nature, under another label.
    x = np.float32([[0.0]] * 50 + [[1.0]] * 50)
    y = np.array([1] * 50 + [0] * 50)
    told = [
        act(SizeAware(PLANT, (0.0, 1.0), care=care), x, y, MemberData(x, y, 2), n=120)[1].sum()
        for care in (0.0, 10.0)
    ]
    assert told == [100, 50]


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


def test_a_title_of_two_lines_is_cited_whole() -> None:
    title, year, link = source(Strike)
    assert title.endswith("Companies? (Vincent and Hecht, 2021)")
    assert title.startswith("Can ")
    assert (year, link) == ("2021", "https://doi.org/10.1145/3449177")
