"""The figures beside the curves: what they draw is what is in their tables."""

import errno
import hashlib
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scikit_posthocs import posthoc_nemenyi_friedman
from scipy.stats import rankdata

from results.plots.axes import DAGGER, entitle, small_multiples
from results.plots.cost import plot_cost
from results.plots.detection import plot_detection
from results.plots.dynamics import plot_dynamics
from results.plots.heat import plot_heat
from results.plots.pairs import plot_pairs
from results.plots.promises import plot_promises, plot_promises_of_strategies
from results.plots.rank_diagram import plot_ranks
from results.plots.registry import register_figure, registered
from results.plots.style import WIDTHS, columns
from results.report.latex import macros
from results.report.outputs import (
    CAPTION,
    MANIFEST,
    FiguresFailed,
    differing,
    draw_figures,
    write_figures,
    write_tables,
)
from results.stats.analysis import Analysis
from results.stats.bound_slack import promised
from results.stats.constructiveness import constructiveness
from results.stats.critical_mass import critical_mass
from results.stats.curves import area, success_curves
from results.stats.dynamics import by_epoch, dynamics
from results.stats.frames import KEY
from results.stats.rank_tests import alike, critical_difference
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


def fills(axes):
    """The fill of each cell of a heat map that has no estimate, by its place."""
    patches = [p for p in axes.patches if isinstance(p, Rectangle)]
    return {
        (p.get_x() + 0.5, p.get_y() + 0.5): p.get_hatch() or p.get_facecolor() for p in patches
    }


def test_the_heat_map_says_the_masses_and_explains_its_other_cells():
    frame = records()
    frame = frame[~((frame["learner"] == "Slow()") & (frame["dataset"] == "D()"))]
    critical = critical_mass(success_curves(frame), 0.5, above="zero")
    figure = plot_heat(critical)
    axes, bar = figure.axes
    inside = critical[critical["reached"] == "inside"]
    said = {f"{100 * float(f'{e:.2g}'):.6g}%" for e in inside["estimate"]}
    assert set(texts(figure)) == said
    # Ready is there at size 0; Slow is not there at the largest size, and was not run on D.
    assert [t.get_text() for t in axes.get_yticklabels()] == ["Ready", "Fast", "Slow"]
    found = fills(axes)
    assert set(found) == {(0, 0), (1, 0), (0, 2), (1, 2)}
    assert found[0, 2] == "////"
    assert found[0, 0] == found[1, 0] != found[1, 2]
    entries = [text.get_text() for text in figure.legends[0].get_texts()]
    assert entries == ["already reached at size 0", "not reached at any size", "not run"]
    assert bar.get_ylabel() == "critical mass"
    low, high = bar.get_ylim()
    assert (low, high) == pytest.approx((0.01, 0.1))


def test_a_narrow_heat_map_has_no_numbers_and_vertical_labels():
    critical = critical_mass(success_curves(records()), 0.5)
    many = pd.concat([critical.assign(dataset=f"A{i}Dataset()") for i in range(7)])
    with columns("icml"):
        figure = plot_heat(many)
    assert texts(figure) == []
    assert {label.get_rotation() for label in figure.axes[0].get_xticklabels()} == {90}
    assert {label.get_rotation() for label in plot_heat(critical).axes[0].get_xticklabels()} == {0}


def test_a_figure_grows_by_the_lines_of_its_titles():
    for width in ("icml", "two"):
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
        assert figure.get_figheight() == pytest.approx(before + 0.13 * lines[0])
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
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    arrows = [t for t in figure.axes[0].texts if getattr(t, "arrow_patch", None)]
    assert {tuple(arrow.xy) for arrow in arrows} >= {tuple(wanted[-1])}


def test_the_table_beside_the_cost_is_what_is_drawn():
    table = registered()["cost"].table(Analysis(records()))
    assert list(table)[-7:] == ["accuracy", "mean", "low", "high", "interval", "seeds", "lift"]
    drawn = [line.get_xydata() for line in plot_cost(table).axes[0].lines]
    own = table[(table["learner"] == "Fast()") & (table["dataset"] == "D()")]
    assert any(np.array_equal(path, own[["accuracy", "mean"]].to_numpy()) for path in drawn)


def test_many_learners_have_a_legend_and_equal_values_room():
    many = pd.concat([records(learner=f"L{i}()", accuracy=0.9) for i in range(15)])
    figure = plot_cost(success_curves(many.drop_duplicates(KEY)))
    assert len(figure.legends[0].get_texts()) == 9  # eight learners and the ring
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


def test_ranks_that_do_not_differ_are_joined_as_by_nemenyi():
    """The pairs that a line joins are those of which the test of another library says so."""
    rng = np.random.default_rng(0)
    areas = rng.normal(np.arange(5) / 2, 1.0, (12, 5))
    p = posthoc_nemenyi_friedman(areas).to_numpy()
    mean = rankdata(-areas, axis=1).mean(0)
    order = np.argsort(mean)
    runs = alike(mean[order].tolist(), critical_difference(5, 12))
    joined = {(i, j) for a, b in runs for i in range(a, b + 1) for j in range(i + 1, b + 1)}
    same = {(i, j) for i in range(5) for j in range(i + 1, 5) if p[order[i], order[j]] > 0.05}
    assert joined == same
    assert 0 < len(same) < 10


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


def test_a_figure_has_its_caption_for_latex(tmp_path):
    write_figures(records(), tmp_path, only="success")
    text = (tmp_path / "success_caption.tex").read_text()
    assert text.startswith(r"\caption{Success against the size of the collective: a panel a task")
    assert text.endswith(" Over 3 seeds.}\n")
    assert r"95 \% intervals" in text
    unescaped = re.sub(r"\\[%&#_{}$]", "", text.removeprefix(r"\caption{").removesuffix("}\n"))
    assert not re.search(r"(?<!\\)[%&#_$]", unescaped)


def test_the_manifest_knows_every_file_and_finds_what_differs(no_layout, tmp_path, monkeypatch):
    few = {name: registered()[name] for name in ("ranking", "cost", "dynamics")}
    monkeypatch.setattr("results.plots.registry._FIGURES", few)
    one, other = tmp_path / "one", tmp_path / "other"
    paths = write_figures(records(), one)
    assert {path.stem for path in paths if path.suffix == ".pdf"} == set(few)
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


def test_dollars_in_names_are_no_formulas(no_layout, tmp_path):
    """Dollars in names of learners, datasets and strategies are drawn as they are."""
    named = records().replace({"learner": {"Fast()": "Cost(unit='$x^{_$')"}})
    named = named.assign(dataset=named["dataset"] + "$^$", strategy="Plant(label='$\\frac$')")
    paths, failed = draw_figures(registered(), Analysis(named), tmp_path, ["svg"])
    assert not failed
    assert {path.stem for path in paths} == {
        "success",
        "ranking",
        "critical",
        "heat",
        "effective_size",
        "cost",
        "dynamics",
    }
    svg = (tmp_path / "success.svg").read_text(encoding="utf-8")
    assert "D()$^$" in svg
    assert DAGGER not in svg


def test_a_figure_that_fails_costs_no_other(no_layout, tmp_path, monkeypatch):
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
    } | {f"{name}{ending}" for name in drawn for ending in (".csv", CAPTION)}


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


def test_bounds_have_a_legend_of_their_own():
    names = {"bound_exact": 0.1, "bound_sample": 0.05, "bound_plugin": 0.4}
    table = registered()["promises"].table(Analysis(records().assign(**names)))
    figure = plot_promises(table)
    learners, bounds = ([t.get_text() for t in legend.get_texts()] for legend in figure.legends)
    assert learners == ["Fast", "Ready", "Slow"]
    assert bounds == ["exact lower bound", "finite-sample lower bound", "heuristic, no bound"]


def test_strategies_and_their_bounds_share_a_colour():
    frame = records(learner="Fast()", bound_sample=0.25).drop_duplicates(KEY)
    both = pd.concat([frame, frame.assign(strategy="Plant(label=2)", bound_sample=0.5)])
    figure = plot_promises_of_strategies(promised(both))
    assert len(figure.axes) == 2
    for axes in figure.axes:
        colours = {line.get_color() for line in axes.lines if line.get_marker() != "None"}
        assert len(colours) == 2
        bounds = {
            line.get_ydata()[-1]: line.get_color()
            for line in axes.lines
            if line.get_marker() == ""
        }
        assert set(bounds) == {0.25, 0.5}
        assert set(bounds.values()) == colours
