"""Files of figures and tables: captions, the manifest, and figures that fail."""

import errno
import hashlib
import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from results.plots.axes import DAGGER
from results.plots.registry import register_figure, registered
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
from tests.helpers.learner_records import records


def test_a_figure_has_its_caption_for_latex(no_layout, tmp_path):
    write_figures(Analysis(records()), tmp_path, only="success")
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
    paths = write_figures(Analysis(records()), one)
    assert {path.stem for path in paths if path.suffix == ".pdf"} == set(few)
    told = json.loads((one / MANIFEST).read_text())
    assert set(told) == {p.name for p in one.iterdir()} - {MANIFEST}
    for name, digest in told.items():
        assert hashlib.sha256((one / name).read_bytes()).hexdigest() == digest
    shutil.copytree(one, other)
    write_figures(Analysis(records()), other, only="cost")
    assert differing(one, other) == []
    changed = records()
    changed.loc[0, "accuracy"] = 0.1
    write_figures(Analysis(changed), other, only="cost")
    assert differing(one, other) == ["cost.csv", "cost.pdf", "cost.png", "cost.svg"]
    # Of other records in the same folder nothing is left that these don't allow, but what is ours.
    (one / "dynamics.tex").write_text("A caption.")
    write_figures(Analysis(records().assign(epochs=None)), one, only="dynamics")
    assert [path.name for path in one.glob("dynamics.*")] == ["dynamics.tex"]
    told = json.loads((one / MANIFEST).read_text())
    assert [name for name in told if "dynamics" in name] == ["dynamics.tex"]


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
        write_figures(Analysis(records()), tmp_path)
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
    paths = write_figures(Analysis(records()), tmp_path, only="sizes")
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
            write_tables(Analysis(records()), tmp_path)
        assert error.value.filename == str(tmp_path / "curves.csv")
    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="free some space") as error:
        write_figures(Analysis(records()), tmp_path, only="cost")
    assert error.value.filename == str(tmp_path / "cost")


def test_processes_write_the_same_bytes_as_one(no_layout, tmp_path, monkeypatch):
    few = {name: registered()[name] for name in ("ranking", "cost", "dynamics")}
    monkeypatch.setattr("results.plots.registry._FIGURES", few)
    one, other = (
        write_figures(Analysis(records()), tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2)
    )
    assert [path.name for path in one] == [path.name for path in other]
    assert differing(tmp_path / "1", tmp_path / "2") == []
