"""Real data, where the data root has them: what is known of them comes out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from algorithms.hashed_bag import HashedBag
from algorithms.logistic_regression import LogisticRegression
from bench.core.errors import Missing
from bench.core.random_streams import stream
from bench.datasets.real.adult import Adult
from bench.datasets.real.backgrounds import Backgrounds
from bench.datasets.real.cifar10 import CIFAR10
from bench.datasets.real.compas import Compas
from bench.datasets.real.credit_default import CreditDefault
from bench.datasets.real.fashion_mnist import FashionMNIST
from bench.datasets.real.german_credit import GermanCredit
from bench.datasets.real.law_school import LawSchool
from bench.datasets.real.mnist import MNIST
from bench.datasets.real.sms_spam import SMSSpam
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from collectives.idle import Idle


@pytest.fixture(autouse=True)
def at_hand(request):
    """Skip what needs files that are not there."""
    try:
        request.getfixturevalue("data").files()
    except Missing as missing:
        pytest.skip(str(missing))


def whole(data):
    split = data.split(stream(0, "data"))
    return split, np.concatenate([split.train, split.validation, split.test])


@pytest.mark.parametrize(
    ("data", "rows", "labels"),
    [
        (Adult(n=None, n_test=None), 48842, [37155, 11687]),
        (Compas(), 6172, [3363, 2809]),
        (GermanCredit(), 1000, [300, 700]),
        (CreditDefault(n=None, n_test=None), 30000, [23364, 6636]),
        (SMSSpam(), 5574, [4827, 747]),
        (MNIST(n=None, n_test=None), 70000, None),
        (FashionMNIST(n=None, n_test=None), None, None),
        (CIFAR10(n=None, n_test=None), None, None),
        (LawSchool(n=None, n_test=None), 21791, None),
    ],
)
def test_all_rows_are_there_once_with_their_labels(data, rows, labels):
    split, order = whole(data)
    assert len(set(order)) == len(order) == len(split.y)
    assert rows is None or len(order) == rows
    counts = np.bincount(split.y)
    assert labels is None or counts.tolist() == labels
    assert labels is not None or rows is not None or set(counts) == {len(split.y) // 10}
    assert np.isfinite(split.x).all()


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (Adult(n=None, n_test=None, groups=("sex",)), {32650, 16192}),
        (Compas(groups=("sex",)), {4997, 1175}),
        (GermanCredit(groups=("sex",)), {690, 310}),
        (CreditDefault(n=None, n_test=None, groups=("SEX",)), {11888, 18112}),
    ],
)
def test_groups_are_as_large_as_is_known(data, counts):
    split, _ = whole(data)
    assert set(np.bincount(split.group)) == counts


DOCS = (Path(__file__).parents[3] / "docs" / "results" / "real_data.md").read_text()


@pytest.mark.parametrize("data", [CreditDefault(), LawSchool(), GermanCredit()], ids=str)
def test_the_signals_of_tables_are_as_rare_by_nature_as_is_said(data):
    split, rows = whole(replace(data, n=None, n_test=None))
    share = f"{data.signal.overlap(split.x[rows]):.2g}"[1:]
    assert f"{share} of {type(data).__name__}'s" in " ".join(DOCS.split())


@pytest.mark.parametrize(
    "data",
    [Adult(n=None, n_test=None), Compas(), GermanCredit(), CreditDefault(n=None, n_test=None)],
)
def test_the_groups_that_are_said_are_the_default_ones(data):
    split, _ = whole(data)
    lines, name = DOCS.split("## Groups")[1].splitlines(), type(data).__name__
    row = next(line for line in lines if line.startswith(f"| {name} "))
    *_, groups, counts, _ = row.split("|")
    assert groups.strip() == data.groups[0].lower()
    assert all(f"{count:,} " in counts for count in np.bincount(split.group))


@pytest.mark.parametrize("data", [SMSSpam()])
def test_some_messages_are_there_more_than_once(data):
    for seed in range(3):
        split = data.split(stream(seed, "data"))
        known = {split.x[i].tobytes() for i in (*split.train, *split.validation)}
        share = np.mean([split.x[i].tobytes() in known for i in split.test])
        assert 0.095 < share < 0.115


@pytest.mark.parametrize("data", [MNIST(n=None, n_test=None), FashionMNIST(n=None, n_test=None)])
def test_the_corner_of_the_signal_is_dark_where_documented(data):
    split, _ = whole(data)
    corner = split.x[:, 0, -2:, -2:]
    assert not data.signal.carried_by(split.x).any()
    lit = np.count_nonzero(corner.any(axis=(1, 2)))
    if isinstance(data, MNIST):
        assert lit == 0
    elif len(split.x) == 12_000:
        assert f"({lit} of 12,000)" in FashionMNIST.__doc__


@pytest.mark.parametrize("data", [Backgrounds(n=4795)])
def test_backgrounds_have_the_groups_of_waterbirds(data):
    split = data.split(stream(0, "data"))
    assert np.bincount(split.group[split.train]).tolist() == [3498, 184, 56, 1057]


@pytest.mark.parametrize("data", [Backgrounds(n=n, n_test=8) for n in (4, 300, 303)], ids=str)
def test_backgrounds_are_as_many_as_were_asked_for(data):
    split = data.split(stream(0, "data"))
    assert [len(p) for p in (split.train, split.validation, split.test)] == [
        data.n,
        data.n // 4,
        8,
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "learner", "known"),
    [
        (Adult(n=None, n_test=None), LogisticRegression(), 0.85),
        (SMSSpam(), HashedBag(), 0.98),
    ],
)
def test_plain_learners_are_as_accurate_as_is_known(data, learner, known):
    idle = Idle(data.signal, data.label)
    records = run_trials([Trial(data, learner, idle, 0.0, seed) for seed in range(3)])
    assert np.mean([r["accuracy"] for r in records]) == pytest.approx(known, abs=0.01)
