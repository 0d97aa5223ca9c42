"""The figures beside the curves: what they draw is what is in their tables."""

import errno
import hashlib
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from results.plots import style
from results.plots.axes import DAGGER, entitle, small_multiples
from results.plots.cost import plot_cost
from results.plots.detection import plot_detection
from results.plots.dynamics import plot_dynamics
from results.plots.heat import plot_heat
from results.plots.pairs import plot_pairs
from results.plots.rank_diagram import plot_ranks
from results.plots.registry import register_figure, registered
from results.plots.style import WIDTHS, columns
from results.report.latex import macros
from results.report.outputs import (
    MANIFEST,
    FiguresFailed,
    differing,
    write_figures,
    write_tables,
)
from results.stats.analysis import Analysis
from results.stats.constructiveness import constructiveness
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves
from results.stats.dynamics import by_epoch, dynamics
from results.stats.frames import KEY
from tests.helpers import records as shared

SIZES = (0.0, 0.01, 0.1)


def records(seeds=3, **more):
    rng = np.random.default_rng(0)
    reach = {"Fast()": 8, "Slow()": 0.5, "Ready()": 40}

    def values(key):
        learner, size = key["learner"], key["size"]
        success = (learner == "Ready()") * 0.7 + size * reach[learner] + rng.normal(0, 0.01)
        epochs = {"success": [size, 2 * size, 3 * size], "effective_size": [size] * 3}
        return {
            "accuracy": 0.9 - size,
            "effective_size": size,
            "success": float(np.clip(success, 0, 1)),
            "epochs": epochs if learner == "Fast()" else None,
        }

    axes = {"dataset": ["D()", "E()"], "learner": reach, "size": SIZES, "seed": range(seeds)}
    return shared.records(values, strategy=["Plant(label=1)"], **axes).assign(**more)


def texts(figure):
    return [t.get_text() for axes in figure.axes for t in axes.texts]


def test_the_heat_map_says_the_masses_and_what_is_not_reached():
    critical = critical_mass(success_curves(records()), 0.5)
    said = texts(plot_heat(critical))
    assert len(said) == len(critical) == 6
    for row in critical.to_dict("records"):
        if row["reached"] == "inside":
            rounded = float(f"{row['estimate']:.2g}")
            assert f"{100 * rounded:.6g}%" in said
    assert said.count("not reached") == 2
    assert said.count("at once") == 2


def test_a_narrow_heat_map_has_no_words_and_vertical_labels():
    critical = critical_mass(success_curves(records()), 0.5)
    many = pd.concat([critical.assign(dataset=f"A{i}Dataset()") for i in range(6)])
    with columns("one"):
        figure = plot_heat(many)
    assert "not reached" not in texts(figure)
    (axes,) = figure.axes
    assert {label.get_rotation() for label in axes.get_xticklabels()} == {90}
    assert {label.get_rotation() for label in plot_heat(critical).axes[0].get_xticklabels()} == {0}


def test_a_figure_grows_by_the_lines_of_its_titles():
    for width in ("one", "two"):
        with columns(width):
            figure, grid = small_multiples(2, 2)
            before = figure.get_figheight()
            for axes in grid:
                entitle(axes, ["A", "B"])
            assert figure.get_figheight() == before
            lines = []
            for axes in grid:
                entitle(axes, ["word " * 40])
                lines.append(axes.get_title().count("\n"))
        rows = 2 if width == "one" else 1
        assert figure.get_figheight() == pytest.approx(before + 0.13 * rows * lines[0])
        assert lines[0] == lines[1] > 1


def test_the_cost_is_drawn_from_no_collective_to_the_largest():
    curves = success_curves(records())
    figure = plot_cost(curves)
    own = curves[(curves["learner"] == "Fast()") & (curves["dataset"] == "D()")]
    paths = [line.get_xydata() for line in figure.axes[0].lines]
    wanted = own.sort_values("size")[["accuracy", "mean"]].to_numpy()
    assert any(np.array_equal(path, wanted) for path in paths)
    (legend,) = figure.legends
    assert {t.get_text() for t in legend.get_texts()} == {"Fast", "Ready", "Slow", "no collective"}


def test_many_learners_have_a_legend_and_equal_values_room():
    many = pd.concat([records(learner=f"L{i}()", accuracy=0.9) for i in range(15)])
    figure = plot_cost(success_curves(many.drop_duplicates(KEY)))
    assert len(figure.legends[0].get_texts()) == 16  # and the ring
    low, high = figure.axes[0].get_xlim()
    assert low < 0.9 < high
    assert high - low == pytest.approx(0.1)


def test_dynamics_are_the_means_of_what_was_recorded():
    rows = by_epoch(records())
    assert len(rows) == 2 * 3 * 3 * 3
    table = dynamics(records())
    assert set(table["learner"]) == {"Fast()"}
    last = table[(table["epoch"] == 3) & (table["size"] == 0.1)]
    assert last["mean"].tolist() == pytest.approx([0.3, 0.3])
    assert last["seeds"].tolist() == [3, 3]
    assert len(plot_dynamics(table).axes) == 2
    assert not len(dynamics(records(epochs=None)))


def test_ranks_are_drawn_from_the_first_on():
    ranks = pd.DataFrame(
        {
            "learner": ["A()", "B()"],
            "rank": [1.2, 1.8],
            "low": [1, 1.5],
            "high": [1.5, 2],
            "datasets": 9,
            "seeds": 5,
            "learns": [True, False],
        }
    )
    (axes,) = plot_ranks(ranks).axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["A", f"B {DAGGER}"]
    assert axes.get_xlabel() == "mean rank over 9 datasets"
    places = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 1]
    assert places == [1.2, 1.8]


def test_every_number_has_a_macro():
    table = records()
    critical = critical_mass(success_curves(table), 0.5)
    text = macros(critical, area(table))
    assert text.count(r"\expandafter\def") == 3 * (6 + 6)
    row = critical[(critical["learner"] == "Fast()") & (critical["dataset"] == "E()")].iloc[0]
    name = r"\csname cb:critical@0.5/E/Plant/Fast\endcsname"
    assert f"{name}{{{row['estimate']:.3g}}}" in text
    beyond = critical[~np.isfinite(critical["estimate"])]
    assert set(beyond["learner"]) == {"Slow()"}
    assert rf"Slow\endcsname{{\ensuremath{{>{beyond['largest'].iloc[0]:.3g}}}}}" in text
    at_once = critical.assign(estimate=0.0, low=0.0, high=np.inf, reached="below", smallest=0.01)
    text = macros(at_once, area(table))
    assert r"Slow\endcsname{\ensuremath{<0.01}}" in text
    assert r"interval\endcsname{[\ensuremath{<0.01}, \ensuremath{>" in text
    assert r"Slow\endcsname{0}" in macros(at_once.assign(reached="control"), area(table))
    alone = at_once.assign(reached="control", smallest=np.nan, largest=np.nan)
    assert r"interval\endcsname{[0, \ensuremath{\infty}]}" in macros(alone, area(table))


def test_the_manifest_knows_every_file_and_finds_what_differs(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    paths = write_figures(records(), one)
    drawn = {path.stem for path in paths if path.suffix == ".pdf"}
    assert drawn == {
        "success",
        "ranking",
        "critical",
        "heat",
        "effective_size",
        "cost",
        "dynamics",
    }
    told = json.loads((one / MANIFEST).read_text())
    assert set(told) == {p.name for p in one.iterdir()} - {MANIFEST}
    for name, digest in told.items():
        assert hashlib.sha256((one / name).read_bytes()).hexdigest() == digest
    shutil.copytree(one, other)
    write_figures(records(), other, only="cost")
    assert differing(one, other) == []
    changed = records()
    changed.loc[0, "accuracy"] = 0.1
    write_figures(changed, other, only="cost")
    assert differing(one, other) == ["cost.csv", "cost.pdf", "cost.png", "cost.svg"]
    # Of other records in the same folder nothing is left that these don't allow, but what is ours.
    (one / "dynamics.tex").write_text("A caption.")
    write_figures(records().assign(epochs=None), one, only="dynamics")
    assert [path.name for path in one.glob("dynamics.*")] == ["dynamics.tex"]
    told = json.loads((one / MANIFEST).read_text())
    assert [name for name in told if "dynamics" in name] == ["dynamics.tex"]


def test_figures_are_as_wide_as_a_column():
    curves = success_curves(records())
    with columns("one"):
        assert plot_cost(curves).get_figwidth() == WIDTHS["one"]
    assert plot_cost(curves).get_figwidth() == WIDTHS["two"]


def pair(label, judged=0, alone=False, shares=(0.5, 0.5)):
    one, other = "FeatureLabel(label=1)", f"FeatureLabel(label={label})"
    return f"Several(strategies=({one}, {other}), shares={shares}, judged={judged}, alone={alone})"


def test_constructiveness_is_a_difference_paired_by_seed():
    rng = np.random.default_rng(0)
    luck = rng.normal(0, 0.2, 4)
    worth = {
        pair(0): -0.3,
        pair(1): 0.1,
        pair(0, alone=True): 0.0,
        pair(0, shares=(0.3, 0.6)): 0.4,
    }
    table = shared.records(
        lambda key: {"success": 0.5 + luck[key["seed"]] + worth[key["strategy"]] * key["size"]},
        strategy=worth,
        size=SIZES,
        seed=range(4),
    )
    idle = table.head(1).assign(strategy="Idle()")
    table = constructiveness(pd.concat([table, idle]))
    # Nobody ran the smaller collective alone, so that its pair is left out.
    assert set(table["strategy"]) == {pair(0), pair(1)}
    for row in table.to_dict("records"):
        assert row["difference"] == pytest.approx(worth[row["strategy"]] * row["size"])
        assert row["together"] - row["alone"] == pytest.approx(row["difference"])
        assert row["seeds"] == 4
    assert len(plot_pairs(table).axes) == 2


def test_constructiveness_counts_each_seed_once_and_no_failure():
    def row(strategy, seed, success):
        return shared.record(strategy=strategy, seed=seed, size=0.1, success=success)

    rows = [
        row(pair(label, alone=alone), seed, 0.2 + 0.1 * seed + (0.0 if alone else 0.05 * label))
        for label in (0, 2)
        for alone in (True, False)
        for seed in range(4)
    ]
    rows[4]["status"] = "failed"  # together with the first at seed 0
    table = constructiveness(pd.DataFrame(rows)).set_index("strategy")
    assert table["seeds"].tolist() == [3, 4]
    assert table.loc[pair(0), ["alone", "together"]].tolist() == pytest.approx([0.4, 0.4])
    assert table.loc[pair(2), "difference"] == pytest.approx(0.1)


def test_dollars_in_names_are_no_formulas(tmp_path, monkeypatch):
    """Dollars in names of learners, datasets and strategies are drawn as they are."""
    monkeypatch.setattr(style, "_DATES", {"svg": style._DATES["svg"]})
    named = records().replace({"learner": {"Fast()": "Cost(unit='$x^{_$')"}})
    named = named.assign(dataset=named["dataset"] + "$^$", strategy="Plant(label='$\\frac$')")
    paths = write_figures(named, tmp_path)
    assert {path.stem for path in paths if path.suffix == ".svg"} >= {"success", "heat", "cost"}
    svg = (tmp_path / "success.svg").read_text(encoding="utf-8")
    assert "D()$^$" in svg
    assert DAGGER not in svg


def test_a_figure_that_fails_costs_no_other(tmp_path, monkeypatch):
    def fail(table):
        raise RuntimeError(f"no figure of {len(table)} rows")

    (tmp_path / "cost.png").write_text("old")
    figures = {name: registered()[name] for name in ("success", "cost", "dynamics")}
    figures["cost"] = replace(figures["cost"], plot=fail)
    monkeypatch.setattr("results.plots.registry._FIGURES", figures)
    with pytest.raises(
        FiguresFailed, match=r"1 figures.*cost: RuntimeError: no figure of"
    ) as error:
        write_figures(records(), tmp_path)
    drawn = {path.stem for path in error.value.paths if path.suffix == ".png"}
    assert drawn == {"success", "dynamics"}
    assert list(tmp_path.glob("cost.*")) == []
    assert set(json.loads((tmp_path / MANIFEST).read_text())) == {
        path.name for path in error.value.paths if path.name != MANIFEST
    } | {f"{name}.csv" for name in drawn}


def test_a_registered_figure_needs_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setattr("results.plots.registry._FIGURES", dict(registered()))

    @register_figure("sizes", lambda analysis: analysis.curves[["size", "mean"]])
    def plot_sizes(table):
        figure = Figure()
        figure.subplots().plot(table["size"], table["mean"])
        return figure

    assert list(registered())[-1] == "sizes"
    paths = write_figures(records(), tmp_path, only="sizes")
    assert [path.name for path in paths] == ["sizes.png", "sizes.svg", "sizes.pdf", MANIFEST]
    assert pd.read_csv(tmp_path / "sizes.csv")["mean"].between(0, 1).all()
    plot_sizes.__module__ = "elsewhere"
    with pytest.raises(ValueError, match="'sizes' is taken by elsewhere"):

        @register_figure("sizes", lambda analysis: analysis.curves)
        def plot_others(table):
            return Figure()


def test_a_full_disk_names_the_file_and_the_way_out(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match=r"No space.*free some space") as error:
            write_tables(records(), tmp_path)
        assert error.value.filename == str(tmp_path / "curves.csv")
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="free some space") as error:
        write_figures(records(), tmp_path, only="cost")
    assert error.value.filename == str(tmp_path / "cost")


def test_detection_shows_learners_that_flag_rows():
    table = records()
    flags = table["learner"] == "Fast()"
    table = table.assign(
        flagged=np.where(flags, 0.2, np.nan),
        precision=np.where(flags & (table["size"] > 0), 0.5, np.nan),
        recall=np.where(flags & (table["size"] > 0), 0.8, np.nan),
    )
    figures = registered()
    assert not len(figures["detection"].table(Analysis(records())))
    curves = figures["detection"].table(Analysis(table))
    assert set(curves["learner"]) == {"Fast()"}
    figure = plot_detection(curves)
    assert len(figure.axes) == 3 * 2  # three numbers, two datasets
    heights = [set(axes.lines[0].get_ydata()[1:].round(9)) for axes in figure.axes]
    assert heights == 2 * [{0.2}, {0.5}, {0.8}]
    assert figure.axes[1].lines[1].get_ydata().tolist() == list(SIZES)
