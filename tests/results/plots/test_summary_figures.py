"""The figures beside the curves: what they draw is what is in their tables."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from scikit_posthocs import posthoc_nemenyi_friedman
from scipy.stats import rankdata

from results.plots.axes import DAGGER, entitle, small_multiples
from results.plots.cost import plot_cost
from results.plots.detection import plot_detection
from results.plots.dynamics import plot_dynamics
from results.plots.heat import plot_heat
from results.plots.promises import plot_promises, plot_promises_of_strategies
from results.plots.rank_diagram import plot_ranks
from results.plots.registry import registered
from results.plots.style import WIDTHS, columns
from results.stats.analysis import Analysis
from results.stats.bound_slack import promised
from results.stats.critical_mass import critical_mass
from results.stats.curves import success_curves
from results.stats.dynamics import by_epoch, dynamics
from results.stats.frames import KEY
from results.stats.rank_tests import alike, critical_difference
from tests.helpers.learner_records import SIZES, records


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


def test_figures_are_as_wide_as_a_column():
    curves = success_curves(records())
    with columns("one"):
        assert plot_cost(curves).get_figwidth() == WIDTHS["one"]
    assert plot_cost(curves).get_figwidth() == WIDTHS["two"]


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
