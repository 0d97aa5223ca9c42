"""The page of a run: what it says, and that nothing in it can run."""

import base64
import hashlib
import re
import shlex
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.records.store import Store
from results.plots.captions import caption, plates
from results.plots.registry import registered
from results.plots.style import save
from results.plots.success import plot_curves
from results.report import interactive
from results.report.html import page
from results.stats.analysis import Analysis
from results.stats.curves import success_curves
from results.stats.frames import CELL
from tests.helpers.command_line import tiny
from tests.helpers.report_pages import ABOUT, HOSTILE, LEARNERS, SIZES, Page, records, spoiled


def test_nothing_that_records_say_is_markup(written):
    assert "<script>document" not in written
    scripts = Page(written).all("script")
    allowed = re.findall(r"'sha256-([^']+)'", written)
    run = [text for attrs, text in scripts if "type" not in attrs]
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in run]
    assert digests == allowed
    assert len(run) == 1 + interactive.available()
    assert {attrs.get("type") for attrs, _ in scripts} <= {None, "application/json"}
    read = Page(written)
    assert HOSTILE in [text for _, text in read.all("td")]
    assert HOSTILE in [text for _, text in read.all("dd")]
    assert any(HOSTILE in text for _, text in read.all("text"))


def test_it_needs_nothing_else(written):
    for attrs, _ in Page(written).all("link") + Page(written).all("script"):
        assert "src" not in attrs
        assert attrs.get("href", "data:").startswith("data:")
    assert "default-src 'none'" in written
    own = "".join(text for _, text in Page(written).all("style"))
    own += written[written.index("<body>") : written.index("</main>")]
    assert not re.search(r"url\((?!#)|@import", own)


def test_it_says_what_was_run_and_what_failed(written):
    read = Page(written)
    entries = dict(
        zip((t for _, t in read.all("dt")), (t for _, t in read.all("dd")), strict=True)
    )
    assert entries["grid"] == "toy"
    assert entries["packages"] == "numpy 2.0"
    assert entries["began"] == "1970-01-01 00:00 UTC"
    assert entries["command"] == "python run_bench.py run toy --plugin 'my learner.py'"
    assert (
        written.index('id="findings"') < written.index('id="figures"') < written.index('id="run"')
    )
    lead = " ".join(read.all("p")[0][1].split())
    assert lead == (
        "66 of 99 trials: 3 learners, 2 strategies, 1 dataset, 4 sizes, 3 seeds. 6 failed. "
        "27 are missing."
    )
    cells = [t for _, t in read.all("td")]
    assert f"E: {HOSTILE}" in cells
    assert "E: first" not in written


def test_every_figure_is_there_and_says_what_it_shows(written):
    analysis = Analysis(spoiled())
    names = {name for name, figure in registered().items() if len(figure.table(analysis))}
    read = Page(written)
    shown = {attrs["id"].removeprefix("figure-") for attrs, _ in read.all("figure")}
    assert shown == names >= {"success", "effective_size"}
    captions = [text for _, text in read.all("figcaption")]
    assert len(captions) == len(names)
    first = next(text for text in captions if "(Success)" in text)
    assert caption(plot_curves) in " ".join(first.split())
    assert "Bands are 95 % intervals" in first
    assert "Over 2 to 3 seeds." in first


def test_drawings_do_not_share_names(tmp_path):
    figure = plot_curves(success_curves(records()))
    both = plates([path for name in "ab" for path in save(figure, tmp_path / name, ["svg"])])
    assert [plate.name for plate in both] == ["a", "b"]
    ids = [set(re.findall(r'\bid="([^"]+)"', plate.svg)) for plate in both]
    assert ids[0]
    assert not ids[0] & ids[1]
    for plate, own in zip(both, ids, strict=True):
        used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', plate.svg))
        assert {a or b for a, b in used} <= own
        assert "#000000" in plate.svg


def test_numbers_are_those_of_the_curves(written):
    read = Page(written)
    curves = success_curves(spoiled())
    texts = [text for _, text in read.all("td")]
    for mean, low, high, kind, seeds in curves[
        ["mean", "low", "high", "interval", "seeds"]
    ].itertuples(index=False):
        ends = f"[{low:.3f}, {high:.3f}]" if low == 0 or high == 1 else f"± {high - mean:.3f}"
        said = {"t": f" {ends}", "agree": f" ({seeds}/{seeds})", "none": ""}[kind]
        assert f"{mean:.3f}{said}" in texts


def test_a_number_leads_to_a_command_of_its_own_row(written):
    read = Page(written)
    commands = {a["id"]: t for a, t in read.all("li") if re.fullmatch(r"c\d+", a.get("id", ""))}
    assert len(commands) == len(spoiled().groupby(CELL))
    links = [
        a["href"]
        for a, _ in read.all("a")
        if a["href"].startswith("#c") and a["href"][2].isdigit()
    ]
    assert set(links) == {f"#{name}" for name in commands}
    for row in re.findall(r"<tr>.*?</tr>", written, re.DOTALL):
        own = Page(row)
        targets = {a["href"][1:] for a, _ in own.all("a")}
        if targets:
            (target,) = targets
            words = shlex.split(commands[target])
            learner = words[words.index("--learners") + 1]
            said = [a.get("title") or t for a, t in own.all("td")]
            assert learner in said
            assert words[words.index("--plugin") + 1] == "my learner.py"


def test_the_command_measures_the_same_numbers_again(no_figures, bench, tmp_path):
    both = "FeatureLabel,Unplant(label=0, way='naive')"
    assert bench(*tiny(learners="KNN,EmpiricalBayes", strategies=both, seeds="2")).code == 0
    assert bench("report", "quick", "--out", "there/page.html").code == 0
    read = Page((tmp_path / "there" / "page.html").read_text())
    commands = [t for a, t in read.all("li") if a.get("id", "").startswith("c")]
    before = Store(tmp_path / "runs" / "quick").frame()
    assert len(commands) == 4
    for text in commands:
        python, program, *words = shlex.split(text)
        assert (python, program) == ("python", "run_bench.py")
        assert bench(*words, "--jobs", 0).code == 0
        shutil.move("runs/again", f"runs/again{commands.index(text)}")
    again = pd.concat([Store(p).frame() for p in sorted((tmp_path / "runs").glob("again*"))])
    key = [*CELL, "size", "seed"]
    both = before.merge(again, on=key, suffixes=("", "_again"))
    assert len(both) == len(before) == len(again)
    np.testing.assert_array_equal(both["success"], both["success_again"])


def test_choices_of_firms_have_commands_that_make_them(no_figures, bench, tmp_path):
    searched = "KNN(1),KNN(9),EmpiricalBayes"
    assert bench(*tiny(learners=searched, sizes="0.1", seeds="2")).code == 0
    assert bench("report", "quick", "--select", "accuracy", "--out", "page.html").code == 0
    read = Page((tmp_path / "page.html").read_text())
    assert "8 of 8 trials" in " ".join(t for _, t in read.all("p"))
    commands = [t for a, t in read.all("li") if a.get("id", "").startswith("c")]
    (command,) = [text for text in commands if "KNN" in text]
    run, look = (shlex.split(words)[2:] for words in command.split(" && "))
    assert bench(*run, "--jobs", 0).code == 0
    again = bench(*look, "--format", "csv").out
    before = bench("curves", "quick", "--select", "accuracy", "--format", "csv").out
    assert "KNN()" in again
    assert {line for line in again.splitlines() if "KNN" in line} == {
        line for line in before.splitlines() if "KNN" in line
    }


def test_a_figure_that_fails_is_named_beside_the_others(no_layout, monkeypatch):
    def fail(table):
        raise RuntimeError(f"{HOSTILE} in {len(table)} rows")

    figures = {name: registered()[name] for name in ("cost", "success")}
    figures["cost"] = replace(figures["cost"], plot=fail)
    monkeypatch.setattr("results.plots.registry._FIGURES", figures)
    written = page(records(LEARNERS[1:], sizes=SIZES[:2]), ABOUT, "toy")
    read = Page(written)
    shown = {attrs["id"].removeprefix("figure-") for attrs, _ in read.all("figure")}
    assert shown == {"success"}
    assert "The figure cost could not be drawn:" in written
    assert "<script>document" not in written


def test_a_run_of_nothing_but_failures_has_a_page():
    frame = records().assign(status="failed", success=np.nan, error="E: no")
    text = page(frame, {}, "nothing")
    assert "These records allow none." in text
    assert "No trial has succeeded" in text


def test_without_bokeh_a_page_has_its_drawings_alone(no_layout, monkeypatch):
    figures = {"success": registered()["success"]}
    monkeypatch.setattr("results.plots.registry._FIGURES", figures)
    monkeypatch.setattr(interactive, "available", lambda: False)
    text = page(records(LEARNERS[:1], sizes=SIZES[:2]), {}, "plain")
    assert Page(text).all("figure")
    assert 'id="chart-1"' not in text
    assert len(text) < 1e6


def test_choices_of_firms_are_a_table(no_figures):
    table = pd.DataFrame({"learner": ["JTT()"], "chosen": [HOSTILE], "times": [24], "of": [27]})
    text = page(records(LEARNERS[:1], sizes=SIZES[:2]), {}, "chosen", choices=table)
    section = text[text.index('<section id="choices"') : text.index('<section id="commands"')]
    assert [cell for _, cell in Page(section).all("td")] == ["JTT", HOSTILE, "24", "27"]
    assert "<script>document" not in section
