"""LaTeX macros: the numbers of the tables, each under a name of its own."""

import re

import numpy as np
import pandas as pd

from results.report.latex import macros
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves
from tests.helpers.learner_records import records


def defined(text):
    """The macros of a LaTeX file: the name of each number, and the number."""
    return dict(re.findall(r"\\expandafter\\def\\csname cb:([^\\]+)\\endcsname\{(.*)\}\n", text))


def test_every_number_has_a_macro():
    table = records()
    critical = critical_mass(success_curves(table), 0.5)
    text = macros(critical, area(table))
    named = defined(text)
    assert len(named) == text.count(r"\expandafter\def") == 3 * (6 + 6)
    row = critical[(critical["learner"] == "Fast()") & (critical["dataset"] == "E()")].iloc[0]
    assert named["e/fast/critical50"] == f"{row['estimate']:.3g}"
    assert "% learner fast = Fast()\n" in text
    assert text.index(r"\errmessage") < text.index(r"\expandafter\def")
    beyond = critical[~np.isfinite(critical["estimate"])]
    assert set(beyond["learner"]) == {"Slow()"}
    largest = rf"\ensuremath{{>{beyond['largest'].iloc[0]:.3g}}}"
    assert named["d/slow/critical50"] == largest
    at_once = critical.assign(estimate=0.0, low=0.0, high=np.inf, reached="below", smallest=0.01)
    named = defined(macros(at_once, area(table)))
    assert named["d/slow/critical50"] == r"\ensuremath{<0.01}"
    assert named["d/slow/critical50/interval"].startswith(r"[\ensuremath{<0.01}, \ensuremath{>")
    named = defined(macros(at_once.assign(reached="control"), area(table)))
    assert named["d/slow/critical50"] == "0"
    alone = at_once.assign(reached="control", smallest=np.nan, largest=np.nan)
    named = defined(macros(alone, area(table)))
    assert named["d/slow/critical50/interval"] == r"[0, \ensuremath{\infty}]"


def test_names_of_numbers_hold_what_tells_them_apart():
    table = records()
    odd = ["D%#()", "D_()", "E(n=1)", "E(n=2)"]
    frames = [table[table["dataset"] == "D()"].assign(dataset=name) for name in odd]
    frames[0] = pd.concat([frames[0].assign(strategy=name) for name in ("S()", "Idle()")])
    frames[1] = pd.concat([frames[1].assign(strategy=name) for name in ("S(k=1)", "S(k=2)")])
    table = pd.concat(frames, ignore_index=True)
    masses = critical_mass(success_curves(table), [0.5, 0.995])
    named = defined(macros(masses, area(table)))
    tasks = {name.rpartition("/fast/")[0] for name in named if "/fast/" in name}
    first = {"d", "d/control"}
    assert tasks == {*first, "d-2/s-k-1", "d-2/s-k-2", "e-n-1", "e-n-2"}
    assert {name.split("/")[-1] for name in named} == {
        *("critical50", "critical99.5", "area", "interval", "seeds")
    }
    assert len(named) == 3 * (len(masses) + len(area(table)))
