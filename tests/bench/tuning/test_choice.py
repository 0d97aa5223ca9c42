"""The choice among settings, against means and ties by hand."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from bench.spec.part import Entry
from bench.tuning.choice import choose, chosen

ENTRY = Entry("D()", "A()", "clean")


def trials(setting, accuracy, *, group=0.5, loss=1.0, success=(0.2, 0.4), test=0.7, status="ok"):
    """Return the four tuning trials of a setting: two seeds at two sizes."""
    return [
        {
            **ENTRY._asdict(),
            "setting": setting,
            "size": size,
            "seed": 10**6 + seed,
            "status": status if (size, seed) == (0.01, 1) else "ok",
            "firm_accuracy": accuracy + shift,
            "firm_worst_group": group,
            "firm_loss": loss,
            "accuracy": test,
            "success": success[seed] if size else 0.0,
        }
        for seed in (0, 1)
        for size, shift in ((0.0, 0.1), (0.01, -0.1))
    ]


def pick(rows, *tried, rule="accuracy"):
    table = choose(pd.DataFrame(rows), {ENTRY: list(tried)})
    return table[table["rule"] == rule].iloc[0]


def test_the_best_mean_over_sizes_and_seeds_is_chosen_by_each_rule():
    rows = trials("A()", 0.6, group=0.4) + trials("A(1)", 0.8, group=0.3) + trials("A(2)", 0.7)
    best = pick(rows, "A()", "A(1)", "A(2)")
    assert (best["setting"], best["tied"], best["settings"], best["failed"]) == ("A(1)", 1, 3, 0)
    assert best["firm_accuracy"] == pytest.approx(0.8)
    assert pick(rows, "A()", "A(1)", "A(2)", rule="worst_group")["setting"] == "A(2)"


def test_ties_are_broken_by_loss_and_their_ranges_are_reported():
    rows = trials("A()", 0.8, loss=0.5, test=0.6, success=(0.1, 0.2))
    rows += trials("B()", 0.8, loss=0.3, test=0.9, success=(0.5, 0.8))
    rows += trials("C()", 0.7, loss=0.1, test=0.1, success=(1.0, 1.0))
    for order in (["A()", "B()", "C()"], ["B()", "C()", "A()"]):
        best = pick(rows, *order)
        assert (best["setting"], best["tied"]) == ("B()", 2)
        assert best["accuracy_range"] == pytest.approx(0.3)
        assert best["success_range"] == pytest.approx(0.65 - 0.15)


def test_equal_losses_are_decided_by_a_draw_and_not_by_the_alphabet():
    names = [f"A({i})" for i in range(4)]
    tried = {ENTRY._replace(dataset=str(d)): names for d in range(200)}
    rows = [row for name in names for row in trials(name, 0.8)]
    every = pd.concat([pd.DataFrame(rows).assign(dataset=entry.dataset) for entry in tried])
    winners = chosen(choose(every, tried), "accuracy")
    for entry, (winner,) in winners.items():
        lots = [hashlib.sha256(repr((*entry, "accuracy", n)).encode()).hexdigest() for n in names]
        assert winner == names[int(np.argmin(lots))]
    counts = pd.Series([winner for (winner,) in winners.values()]).value_counts()
    assert len(counts) == 4
    assert counts.min() > 200 / 4 - 3 * (200 * 3 / 16) ** 0.5


def test_a_missing_loss_comes_after_all_others():
    rows = trials("A()", 0.8, loss=np.nan) + trials("B()", 0.8, loss=9.0)
    assert pick(rows, "A()", "B()")["setting"] == "B()"


def test_a_setting_that_failed_is_not_chosen_unless_all_did():
    rows = trials("A()", 0.6) + trials("B()", 0.9, status="failed") + trials("C()", 0.7)[:3]
    best = pick(rows, "A()", "B()", "C()", "D()")
    assert (best["setting"], best["failed"], best["tied"]) == ("A()", 3, 1)
    failed = [row | {"status": "failed", "firm_accuracy": np.nan} for row in rows]
    best = pick(failed, "A()", "B()", "C()")
    assert (best["setting"], best["failed"]) == ("A()", 3)
    assert np.isnan(best["firm_accuracy"])


def test_an_entry_without_a_search_space_needs_no_records():
    empty = pd.DataFrame(trials("A()", 0.5)).iloc[:0]
    table = choose(empty, {ENTRY: ["A()"]})
    assert chosen(table, "accuracy") == {ENTRY: ["A()"]}
    assert table["settings"].tolist() == [1, 1]
    assert len(choose(empty, {})) == 0
