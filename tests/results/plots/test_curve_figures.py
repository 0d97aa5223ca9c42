"""Figures hold the curves of their frames, and come out the same bytes each time."""

import hashlib
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox

from bench.cli import options
from results.display_names import display
from results.plots.axes import DAGGER, percent
from results.plots.cost import plot_cost
from results.plots.critical import plot_critical
from results.plots.curve_panels import BACK
from results.plots.effective_size import plot_effective_size
from results.plots.learner_styles import highlighting, look, looks
from results.plots.ranking import plot_areas
from results.plots.registry import registered
from results.plots.style import ENDINGS, WIDTHS, Width, columns, save
from results.plots.success import plot_curves
from results.stats.analysis import Analysis
from results.stats.critical_mass import critical_mass
from results.stats.crossing import Above
from results.stats.curves import area, success_curves
from results.stats.frames import PANEL
from tests.helpers import records as shared

SIZES = [0.0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
LEARNERS = ["ERM(epochs=20)", "CVaRDRO(level=0.1)", "CVaRDRO(level=0.5)", "KNN(k=5)"]


def records(
    learners: Sequence[str] = LEARNERS,
    datasets: Sequence[str] = ("D(n=1)",),
    strategies: Sequence[str] = ("S()", "T()"),
    seeds: int = 3,
) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = shared.records(
        dataset=datasets, strategy=strategies, learner=learners, size=SIZES, seed=range(seeds)
    )
    frame["success"] = np.clip(4 * frame["size"] + rng.normal(0, 0.05, len(frame)), 0, 1)
    weighs = frame["learner"].str.startswith("CVaR") & (frame["size"] > 0)
    frame["effective_size"] = (frame["size"] * 2).where(weighs)
    return frame


CURVES = success_curves(records())


def lines(axes: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in axes.lines}


def test_the_figure_has_the_right_curves() -> None:
    figure = plot_curves(CURVES)
    assert [axes.get_title() for axes in figure.axes] == ["D \N{EM DASH} S", "D \N{EM DASH} T"]
    short, styles = display(LEARNERS), looks(LEARNERS)
    for axes, strategy in zip(figure.axes, ["S()", "T()"], strict=True):
        drawn = lines(axes)
        assert set(drawn) == set(short.values())
        for learner, label in short.items():
            curve = CURVES[(CURVES["strategy"] == strategy) & (CURVES["learner"] == learner)]
            np.testing.assert_array_equal(drawn[label].get_xdata(), curve["size"])
            np.testing.assert_array_equal(drawn[label].get_ydata(), curve["mean"])
            assert drawn[label].get_color() == styles[learner].colour
            assert drawn[label].get_marker() == look(learner).marker


def test_bands_are_the_intervals() -> None:
    curves = success_curves(records(["ERM()"], strategies=("S()",)))
    axes = plot_curves(curves).axes[0]
    (band,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    corners = {tuple(point) for point in np.round(band.get_paths()[0].vertices, 9).tolist()}
    by_t = curves[curves["interval"] == "t"]
    for end in ("low", "high"):
        points = zip(by_t["size"].round(9), by_t[end].round(9), strict=True)
        assert {tuple(map(float, point)) for point in points} <= corners


def test_seeds_that_agree_have_no_bar() -> None:
    frame = records(["ERM()"], strategies=("S()",))
    frame["success"] = (frame["size"] >= 0.01).astype(float)
    curves = success_curves(frame)
    axes = plot_curves(curves).axes[0]
    assert curves["interval"].eq("agree").all()
    assert not [c for c in axes.collections if isinstance(c, LineCollection)]
    (band,) = [c for c in axes.collections if isinstance(c, PolyCollection)]
    assert set(band.get_paths()[0].vertices[:, 1]) == {0.0, 1.0}


def test_the_axis_shows_zero_and_labels_in_per_cent() -> None:
    axes = plot_curves(CURVES).axes[0]
    assert axes.get_xscale() == "symlog"
    assert axes.xaxis.get_transform().linthresh == 0.001
    assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "0.1%", "1%", "10%"]
    assert axes.get_xlim()[0] <= 0 < 0.3 <= axes.get_xlim()[1]
    assert percent(0.0005) == "0.05%"


def overlaps(boxes: list[Bbox]) -> list[tuple[Bbox, Bbox]]:
    ordered = sorted(boxes, key=lambda box: box.x0)
    return [(a, b) for a, b in itertools.pairwise(ordered) if a.x1 > b.x0]


THREE_PANELS = success_curves(records(["ERM()"], strategies=("S()", "T()", "U()")))


@pytest.mark.parametrize(
    ("first", "last"),
    [(1e-5, 0.03), (1e-5, 1.0), (0.0005, 0.3), (0.004, 0.03), (0.004, 1.0), (0.02, 0.3)],
)
def test_ticks_do_not_run_into_each_other(first: float, last: float) -> None:
    inner = np.geomspace(first, last, len(SIZES) - 1).tolist()
    sizes = THREE_PANELS["size"].map(dict(zip(SIZES, [0.0, *inner], strict=True)))
    figure = plot_curves(THREE_PANELS.assign(size=sizes))
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [t.get_window_extent() for t in axes.get_xticklabels() if t.get_text()]
        assert len(boxes) > 1
        assert not overlaps(boxes)


def test_titles_stay_over_their_panels_and_text_is_legible() -> None:
    long = "FeatureLabel(signal=Pixels(rows=(0, 1, 2, 3, 4, 5), value={}.0), label=7)"
    frame = records(strategies=[long.format(i) for i in (1, 2, 3)], datasets=("D(n=1)", "D(n=2)"))
    figure = plot_curves(success_curves(frame))
    figure.draw_without_rendering()
    assert figure.get_figwidth() == 7
    for i in (0, 3):
        boxes = [axes.title.get_window_extent() for axes in figure.axes[i : i + 3]]
        assert not overlaps(boxes)
        assert boxes[-1].x1 <= figure.bbox.x1
    texts = figure.findobj(lambda artist: hasattr(artist, "get_fontsize") and artist.get_text())
    assert min(text.get_fontsize() for text in texts) >= 7


def test_unfinished_and_failed_trials_are_said() -> None:
    assert plot_curves(CURVES).get_suptitle() == ""
    assert plot_curves(CURVES, planned=999).get_suptitle() == "unfinished: 168 of 999 trials"
    frame = records()
    frame.loc[frame.index[30], "status"] = "failed"
    curves = success_curves(frame)
    figure = plot_curves(curves)
    assert figure.get_suptitle() == ""
    lost = curves[curves["biased"]]
    cross = lines(figure.axes[0])["some failed"]
    assert cross.get_xdata().tolist() == lost["size"].tolist()
    assert cross.get_ydata().tolist() == lost["mean"].tolist()
    assert figure.legends[0].get_texts()[-1].get_text() == "some failed"


def test_one_seed_has_no_band_and_says_so() -> None:
    figure = plot_curves(success_curves(records(seeds=1)))
    assert "one seed" in figure.get_suptitle()


def test_effective_size_only_of_those_that_report_it() -> None:
    figure = plot_effective_size(CURVES)
    drawn = lines(figure.axes[0])
    assert set(drawn) == {"CVaRDRO, level 0.1", "CVaRDRO, level 0.5", "_diagonal"}
    np.testing.assert_allclose(drawn["CVaRDRO, level 0.1"].get_ydata(), np.multiply(SIZES[1:], 2))
    assert figure.legends[0].get_texts()[-1].get_text() == "equal weights"
    assert drawn["_diagonal"].get_xdata().tolist() == drawn["_diagonal"].get_ydata().tolist()
    assert (figure.axes[0].get_xscale(), figure.axes[0].get_yscale()) == ("log", "log")
    nobody = plot_effective_size(CURVES[CURVES["learner"] == "KNN(k=5)"])
    assert nobody.texts[0].get_text() == "no learner reports its weights"


def critical() -> pd.DataFrame:
    cell = {name: shared.KEY[name] for name in PANEL} | {"level": 0.5}
    ends = {"smallest": 0.001, "largest": 0.3}
    rows = [
        ("B()", 0.05, 0.02, np.inf, "inside"),
        ("C()", np.inf, np.inf, np.inf, "beyond"),
        ("A()", 0.01, 0.004, 0.03, "inside"),
        ("E()", 0.0, 0.0, 0.0, "control"),
        ("F()", 0.0, 0.0, 0.002, "below"),
        ("G()", np.inf, 0.0, np.inf, "beyond"),
        ("H()", np.nan, np.nan, np.nan, "unknown"),
    ]
    names = ["learner", "estimate", "low", "high", "reached"]
    return pd.DataFrame(rows, columns=names).assign(**cell, **ends, learns=True)


def test_critical_masses_are_sorted_and_drawn() -> None:
    axes = plot_critical(critical()).axes[0]
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["E", "F", "A", "B", "G", "C", "H"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]  # the first row is on top
    segments = {
        line.get_ydata()[0]: list(line.get_xdata())
        for line in axes.lines
        if len(line.get_xdata()) == 2
    }
    assert segments[2] == [0.004, 0.03]
    assert segments[3] == [0.02, 0.3]
    points = [(line.get_ydata()[0], line.get_marker()) for line in axes.lines]
    assert [m for y, m in points if y == 2 and m != "None"] == [look("A()").marker]
    assert (3, ">") in points
    assert [m for y, m in points if y == 5 and m != "None"] == [">"]
    assert [m for y, m in points if y == 0 and m != "None"] == ["<"]
    said = [text.get_text() for text in axes.texts]
    assert said == [
        "already reached at size 0",
        "at or below 0.1%",
        *("not reached", "not reached", "unknown"),
    ]


@pytest.mark.parametrize(
    ("above", "says"), [("control", "{} above size 0"), ("zero", "success {}")]
)
def test_a_panel_a_level(above: Above, says: str) -> None:
    figure = plot_critical(critical_mass(CURVES, [0.2, 0.9], above=above))
    assert [axes.get_title() for axes in figure.axes] == [
        f"D \N{EM DASH} {strategy} \N{EM DASH} {says.format(level)}"
        for strategy in "ST"
        for level in (0.2, 0.9)
    ]


def idle(frame: pd.DataFrame) -> pd.DataFrame:
    """Records in which one of the learners is no better than a constant answer."""
    worse = frame["learner"] == "KNN(k=5)"
    return frame.assign(accuracy=np.where(worse, 0.55, 0.65), constant=0.6)


def test_who_does_not_learn_is_marked_and_explained() -> None:
    curves, areas = success_curves(idle(records())), area(idle(records()))
    masses = critical_mass(curves, 0.5)
    for figure in (plot_curves(curves), plot_cost(curves)):
        for axes in figure.axes:
            (mark,) = [text for text in axes.texts if text.get_text() == DAGGER]
            assert mark.get_color() == looks(LEARNERS)["KNN(k=5)"].colour
        assert "constant" in figure.legends[0].get_texts()[-1].get_text()
    for figure in (plot_critical(masses), plot_areas(areas)):
        for axes in figure.axes:
            names = {text.get_text() for text in axes.get_yticklabels()}
            assert {name for name in names if DAGGER in name} == {f"KNN {DAGGER}"}
        assert "constant" in figure.legends[0].get_texts()[-1].get_text()


def test_nobody_is_marked_where_all_learn_or_nothing_is_known() -> None:
    known = success_curves(records().assign(accuracy=0.7, constant=0.6))
    for curves in (known, CURVES):
        assert not [text for axes in plot_curves(curves).axes for text in axes.texts]
        assert not plot_critical(critical_mass(curves, 0.5)).legends


def reach(figure: Figure) -> list[float]:
    """The width of everything that a figure draws, as shares of its own."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    return [box.x0 / figure.get_figwidth(), box.x1 / figure.get_figwidth()]


@pytest.mark.parametrize("width", ["icml", "neurips"])
def test_figures_are_as_wide_as_the_paper_with_the_same_letters(width: Width) -> None:
    many = success_curves(records([f"Learner{i}()" for i in range(10)]))
    with columns(width):
        figures = [plot_curves(many), plot_critical(critical_mass(many)), plot_cost(WITH_COST)]
    for figure in figures:
        assert figure.get_figwidth() == WIDTHS[width]
        texts = figure.findobj(lambda part: hasattr(part, "get_fontsize") and part.get_text())
        assert min(text.get_fontsize() for text in texts) == 7
        low, high = reach(figure)
        assert -0.005 <= low < high <= 1.005
    rows = len(figures[0].legends[0].get_texts()) / figures[0].legends[0]._ncols
    assert rows <= 4


def test_the_command_has_the_widths_that_figures_have() -> None:
    assert set(get_args(get_args(options.Width)[0])) == set(get_args(Width)) == set(WIDTHS)


def test_a_figure_has_eight_learners_in_colour_and_the_others_in_grey() -> None:
    many = success_curves(records(["ERM()", *(f"Learner{i}()" for i in range(11))]))
    figure = plot_curves(many)
    for axes in figure.axes:
        inks = [line.get_color() for line in axes.lines]
        assert len(inks) == 12
        assert inks.count(BACK["color"]) == 4
        assert len(set(inks)) == 9
    assert "ERM" in [text.get_text() for text in figure.legends[0].get_texts()]
    assert figure.legends[0].get_title().get_text().startswith("8 of 12 learners")
    with highlighting(["Learner3", "Learner9"]):
        chosen = plot_curves(many).legends[0].get_texts()
        assert [text.get_text() for text in chosen] == ["Learner3", "Learner9"]
    with highlighting(["Learner33"]), pytest.raises(ValueError, match="nearest: Learner3"):
        plot_curves(many)


def test_the_control_is_a_band_and_no_panel() -> None:
    frame = records(strategies=("S()", "Idle()"))
    frame.loc[frame["strategy"] == "Idle()", "success"] = 0.25
    first = (frame["strategy"] == "Idle()") & (frame["learner"] == "ERM(epochs=20)")
    frame.loc[first, "success"] = 0.125
    curves = success_curves(frame)
    figure = plot_curves(curves)
    (axes,) = figure.axes
    bands = [c for c in axes.collections if c.get_hatch()]
    assert {y for band in bands for y in band.get_paths()[0].vertices[:, 1]} == {0.125, 0.25}
    assert figure.legends[0].get_texts()[-1].get_text() == "control"
    analysis = Analysis(frame)
    for name in ("ranking", "critical", "heat", "effective_size"):
        assert set(registered()[name].table(analysis)["strategy"]) == {"S()"}
    alone = frame[frame["strategy"] == "Idle()"]
    assert [axes.get_title() for axes in plot_curves(success_curves(alone)).axes] == [
        "D \N{EM DASH} control"
    ]


WITH_COST = success_curves(records().assign(accuracy=0.7, constant=0.6))
FEW = CURVES[(CURVES["strategy"] == "S()") & (CURVES["learner"] != "ERM(epochs=20)")]
PLOTS = {
    "curves": lambda: plot_curves(FEW, planned=999),
    "effective": lambda: plot_effective_size(FEW),
    "critical": lambda: plot_critical(critical_mass(FEW, 0.5)),
}


@pytest.mark.parametrize(
    ("name", "endings"), [("curves", ENDINGS), ("effective", ["svg"]), ("critical", ["svg"])]
)
def test_the_same_bytes_twice(name: str, endings: Sequence[str], tmp_path: Path) -> None:
    """Formats do not depend on what is drawn, so that one figure has them all."""
    figure = PLOTS[name]()
    written = [
        save(f, tmp_path / stem, endings)
        for f, stem in ((figure, "a0.5"), (PLOTS[name](), "b0.5"))
    ]
    written.append(save(figure, tmp_path / "c0.5", endings))
    assert [path.name for path in written[0]] == [f"a0.5.{ending}" for ending in endings]
    for paths in zip(*written, strict=True):
        assert len({hashlib.sha256(path.read_bytes()).digest() for path in paths}) == 1
    (svg,) = (path.read_text() for path in written[0] if path.suffix == ".svg")
    assert "<dc:date>" not in svg
    assert ">CVaRDRO, level 0.1</text>" in svg


def test_the_machines_configuration_does_not_show(tmp_path: Path) -> None:
    plain = save(plot_curves(FEW), tmp_path / "a")
    with mpl.rc_context({"font.size": 20, "savefig.dpi": 30, "svg.fonttype": "path"}):
        other = save(plot_curves(FEW), tmp_path / "b")
    assert [p.read_bytes() for p in plain] == [p.read_bytes() for p in other]


def test_figures_of_nothing() -> None:
    plot_curves(CURVES.iloc[:0])
    plot_effective_size(CURVES.iloc[:0])
    plot_critical(critical().iloc[:0])
    plot_critical(critical_mass(CURVES[CURVES["size"] == 0]))
    plot_curves(CURVES[CURVES["size"] == 0])
