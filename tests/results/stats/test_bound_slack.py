"""Promises beside what was measured, and plans, from the command line to the formula."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import run_bench
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.synthetic.cars import Cars
from bench.datasets.synthetic.coins import Coins
from bench.execution.sweep import sweep
from bench.records.store import Store
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from bench.theory.sample_size import pilot, plan
from collectives.theory.finite_sample import Terms
from collectives.types import MemberData
from results.stats.bound_slack import promised, violations
from tests.helpers.records import record


def said(*words):
    done = CliRunner().invoke(run_bench.app, list(words))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def records(rows):
    """Return a record for each size, success and bounds by name."""
    return pd.DataFrame(
        [
            record(size=s, seed=i, success=v, **{f"bound_{k}": p for k, p in bounds.items()})
            for i, (s, v, bounds) in enumerate(rows)
        ]
    )


def test_slack_is_success_less_promise():
    table = promised(
        records(
            [
                (0.1, 0.5, {"exact": 0.4, "plugin": 0.7}),
                (0.2, 0.3, {"exact": 0.3}),
                (0.3, 0.9, {"exact": None}),
                (0.4, 0.9, {}),
                (0.5, np.nan, {"exact": 0.1}),
            ]
        )
    )
    # The control and whoever was promised nothing are there, too; who failed is not.
    assert len(table) == 8
    assert table["success"].tolist() == pytest.approx([0.5, 0.5, 0.3, 0.3, 0.9, 0.9, 0.9, 0.9])
    assert table["slack"].dropna().tolist() == pytest.approx([0.1, -0.2, 0.0])
    counted = violations(table).set_index("bound")
    assert counted["violations"].to_dict() == {"exact": 0, "plugin": 1}
    assert counted["trials"].to_dict() == {"exact": 2, "plugin": 1}
    assert counted.loc["exact", "at size"] == 0.2
    assert counted.loc["exact", "mean"] == pytest.approx(0.05)


def test_without_promises_the_tables_are_empty():
    assert not len(violations(promised(records([(0.1, 0.5, {})]))))


def test_the_bayes_rule_breaks_no_promise(tmp_path):
    part = Part(
        ("Coins(n=300, n_test=200)",),
        ("BayesOptimal", "KNN"),
        ("FeatureLabel", "Noisy(wrong_label=0.3)"),
        sizes=(0.0, 0.05, 0.3),
        seeds=2,
    )
    with Store(tmp_path / "run") as store:
        sweep(Grid("promised", (part,)).trials(), store)
    rows = json.loads(said("bounds", str(tmp_path / "run"), "--format", "json"))
    mine = [r for r in rows if r["learner"].startswith("BayesOptimal")]
    assert {r["bound"] for r in mine} == {"exact", "plugin", "sample"}
    exact = [r for r in mine if r["bound"] == "exact"]
    assert len(exact) == 2
    assert all(r["trials"] == 6 and r["violations"] == 0 for r in exact)
    assert all(r["least"] >= 0 for r in exact)
    guarantees = {(r["bound"], r["learner"].partition("(")[0]): r["guarantee"] for r in rows}
    assert guarantees["exact", "BayesOptimal"] == "holds"
    assert guarantees["exact", "KNN"] == "none: only for a firm that knows the distribution"
    assert guarantees["sample", "KNN"] == "for an optimal firm, in 95 % of samples"
    assert guarantees["plugin", "BayesOptimal"] == "none: an estimate"
    assert "violations" in said("bounds", str(tmp_path / "run"), "--out", str(tmp_path / "drawn"))
    for name in ("promises", "strategies"):
        for kind in ("png", "svg", "csv"):
            assert (tmp_path / "drawn" / f"{name}.{kind}").stat().st_size > 500


def test_a_plan_is_the_smallest_number_that_is_promised_enough():
    data = Cars(n=50_000, n_test=100)
    strategy = parse("FeatureLabel", "strategies").with_defaults(data.signal, 3)

    def terms(people):
        return Terms(people, test=100_000, delta=0.1)

    found = plan(data, strategy, 0.9, terms)
    assert found["promised"] >= 0.9
    counted = pilot(data).at(data.signal)
    people = int(counted.people[0])
    base, arriving = counted.base[0] / people, counted.arriving[0] / people
    assert people == 50_000
    assert found["size"] == found["members"] / people

    def bound(n):
        log, share = np.log((2 + 4 * 5 * 3) / 0.1), n / people
        mass, own, sure = arriving.sum(axis=1), base[:, 3], True
        for against in np.delete(base, 3, axis=1).T:
            # All members at a point are signalled under the label; others vote with their rows.
            lead = share * mass + (1 - share) * (own - against)
            square = share**2 * (mass - own - against) + own + (2 * share - 1) ** 2 * against
            votes = share * mass + (1 - share) * (own + against)
            square, votes = (
                (np.sqrt(log / 2 / n) + np.sqrt(log / 2 / n + m)) ** 2 for m in (square, votes)
            )
            radii = np.sqrt(2 * square * log / n) + log / 3 / n
            radii += np.sqrt(2 * votes * log / people) + log / 3 / people
            sure = sure & (lead > radii)
        return mass[sure].sum() - np.sqrt(log / 2 / n) - np.sqrt(log / 2 / 100_000)

    assert bound(found["members"]) >= 0.9 > bound(found["members"] - 1)
    assert plan(data, strategy, 1.0, terms)["members"] is None
    harder = plan(
        data, parse("FeatureOnlyPlus", "strategies").with_defaults(data.signal, 3), 0.5, terms
    )
    assert harder["members"] is None or harder["members"] > found["members"]


def succeeded(dataset, strategy, members, target, seeds):
    """How often a firm that is optimal for its data, the worst of these, leaves the target."""
    reached = []
    for seed in seeds:
        split = dataset.split(stream(seed, "data"))
        part, test = split.part(split.train), split.part(split.test)
        own = MemberData(part.x[:members], part.y[:members], split.classes)
        rng, n = stream(seed, "act"), len(part.y)
        moved, told = strategy.act(own.x, own.y, pooled=own, n=n, rng=rng)
        x = np.concatenate([moved, part.x[members:]])
        y = np.concatenate([told, part.y[members:]])
        counts = np.zeros((4, 2))
        np.add.at(counts, ((x @ (2, 1)).astype(int), y), 1)
        # Ties are lost by who wants a label, and by who wants to get rid of 0.
        counts[:, 0 if strategy.target is None else 1 - strategy.target] += 0.5
        answers = counts.argmax(axis=1)

        def predict(points, answers=answers):
            return answers[(points @ (2, 1)).astype(int)]

        reached.append(np.mean(strategy.success(predict, test)) >= target)
    return np.mean(reached)


PLANS = [
    "FeatureLabel",
    "FeatureOnly",
    "FeatureOnlyPlus",
    "Unplant(label=0)",
    "Erase",
    "SizeAware",
    "Noisy(dropout=0.2, wrong_label=0.1, wrong_signal=0.1)",
    "Several(strategies=(FeatureLabel(), FeatureLabel(label=0)), shares=(0.8, 0.2), judged=0)",
    "Several(strategies=(FeatureLabel(), Erase()), shares=(0.9, 0.1), judged=0)",
]


@pytest.mark.parametrize("strategy", PLANS)
def test_who_follows_a_plan_has_what_it_says(strategy):
    followed(strategy, range(1, 4))


@pytest.mark.slow
@pytest.mark.parametrize("strategy", PLANS)
def test_a_plan_holds_in_nearly_all_samples(strategy):
    followed(strategy, range(1, 201))


def followed(strategy, seeds):
    data = Coins(n=100_000, n_test=10_000, coins=1, overlap=0.1, gap=0.2, noise=0.2)
    made = parse(strategy, "strategies").with_defaults(data.signal, data.label)
    found = plan(data, made, 0.9, lambda people: Terms(people, 10_000))
    assert found["members"] is not None
    assert succeeded(data, made, found["members"], 0.9, seeds) >= 0.95


def test_plans_for_unplanting_ask_some_of_the_members():
    data = Coins(n=20_000, n_test=100, coins=1)
    strategy = parse("Unplant(label=0)", "strategies").with_defaults(data.signal, 0)
    found = plan(data, strategy, 0.5, lambda people: Terms(people, 10_000))
    assert found["promised"] >= 0.5
    assert 0.01 < found["size"] < 0.5


def test_a_plan_from_the_command_line():
    words = [
        "plan",
        "--dataset",
        "Cars(n=50000, n_test=100)",
        "--strategy",
        "FeatureLabel(label=3)",
    ]
    table = json.loads(said(*words, "--target-success", "0.9", "--format", "json"))
    assert table[0]["promised"] >= 0.9
    assert table[0]["members"] == pytest.approx(table[0]["size"] * 50_000)
    best = said(*words, "--target-success", "1.0")
    assert re.search(r"with n = 50000 the bound guarantees a success of at most 0\.9\d\d", best)


@pytest.mark.parametrize("target", ["0", "0.9"])
def test_a_bound_of_nothing_is_no_answer(target):
    words = ["plan", "--dataset", "Coins(n=50, n_test=20)", "--target-success", target]
    assert "with n = 50 the bound guarantees nothing at any size" in said(*words)
    (row,) = json.loads(said(*words, "--format", "json"))
    assert (row["members"], row["promised"]) == (None, 0.0)


@pytest.mark.parametrize(
    ("data", "strategy", "message"),
    [
        ("Digits", "FeatureLabel", "finite signal set"),
        ("Digits", "Erase", "looks at all points"),
        ("Coins", "Strike", "Coins: Strike has no finite-sample bound: .* copy rows"),
        ("Coins", "Contribute", "a bound for a class .* is missing"),
        ("Coins", "MinorityRelabel", "a bound on such gaps is missing"),
        ("Coins", "Noisy(base=Erase())", "members of Erase do not"),
        ("Coins", "SizeAware(strengths=(0.5,))", "strengths below 1"),
    ],
)
def test_plans_that_cannot_be_made_are_refused(data, strategy, message):
    dataset = parse(data, "datasets")
    made = parse(strategy, "strategies").with_defaults(dataset.signal, dataset.label)
    with pytest.raises(BenchError, match=message):
        plan(dataset, made, 0.9, lambda people: Terms(people, 1000))
