"""The page of a run: what it says, that nothing in it can run, and what a browser makes of it."""

import base64
import hashlib
import importlib.util
import re
import shlex
import shutil
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

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
from tests.helpers import records as shared
from tests.helpers.command_line import tiny

HOSTILE = "<script>document.title='taken'</script>"
LEARNERS = ["ERM(epochs=20)", "JTT(epochs=20, upweight=20.0)", HOSTILE]
SIZES = [0.0, 0.01, 0.1, 0.5]
ABOUT = {
    "grid": "toy",
    "trials": 99,
    "command": ["run", "toy", "--plugin", "my learner.py"],
    "packages": {"numpy": "2.0", "none": None},
    "began": 0.0,
    "wall_seconds": 12.3,
    "parts": [{"learners": LEARNERS, "seeds": 3}],
    "system": HOSTILE,
}


def records(learners=LEARNERS, strategies=("Plant(label=1)", "Idle()"), seeds=3, sizes=SIZES):
    rng = np.random.default_rng(0)

    def values(key):
        size, learner = key["size"], key["learner"]
        success = size * (2 + learners.index(learner)) + rng.normal(0, 0.02)
        return {
            "accuracy": 0.9,
            "success": float(np.clip(success, 0, 1)),
            "effective_size": size / 2 if learner.startswith("JTT") else None,
        }

    axes = {"strategy": strategies, "learner": learners, "size": sizes, "seed": range(seeds)}
    return shared.records(values, dataset=["D(n=1)"], **axes)


def spoiled():
    """Records of which some failed, for reasons that are no less hostile."""
    frame = records()
    lost = frame.index[(frame["size"] == 0.5) & (frame["seed"] == 2)]
    frame.loc[lost, ["status", "success", "error"]] = ["failed", np.nan, f"E: first\nE: {HOSTILE}"]
    return frame


@pytest.fixture(scope="module")
def written():
    return page(spoiled(), ABOUT, "toy")


class Page(HTMLParser):
    """The elements of a page, by tag: their attributes and all text in them."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        entry = [tag, dict(attrs), ""]
        self.found.append(entry)
        self.open.append(entry)

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        for entry in self.open:
            entry[2] += data

    def all(self, tag):
        return [(attrs, text) for name, attrs, text in self.found if name == tag]


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
    written = page(spoiled(), ABOUT, "toy")
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
    text = page(records(), {}, "plain")
    assert Page(text).all("figure")
    assert 'id="chart-1"' not in text
    assert len(text) < 1e6


def test_choices_of_firms_are_a_table(no_figures):
    table = pd.DataFrame({"learner": ["JTT()"], "chosen": [HOSTILE], "times": [24], "of": [27]})
    text = page(records(), {}, "chosen", choices=table)
    section = text[text.index('<section id="choices"') : text.index('<section id="commands"')]
    assert [cell for _, cell in Page(section).all("td")] == ["JTT", HOSTILE, "24", "27"]
    assert "<script>document" not in section


# ---- in a browser ---------------------------------------------------------------------------

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1280,1000",
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver or not importlib.util.find_spec("selenium"):
        pytest.skip("no browser: it takes chromium, chromedriver and selenium")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    started = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield started
    started.quit()


@pytest.fixture(scope="module")
def opened(browser, written, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(written)
    browser.get(path.as_uri())
    return browser


def click(browser, element):
    """Click once the page has scrolled there, which it otherwise does smoothly."""
    browser.execute_script(
        "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", element
    )
    element.click()


def column(browser, name, table="ranking-table"):
    """The texts of a column, of the rows that are shown."""
    return browser.execute_script(
        """const table = document.getElementById(arguments[0]);
        const names = [...table.tHead.rows[0].cells].map(c => c.innerText);
        const at = names.findIndex(name => name.startsWith(arguments[1]));
        const shown = [...table.tBodies[0].rows].filter(r => r.offsetParent);
        return shown.map(r => r.cells[at].innerText)""",
        table,
        name,
    )


def press(browser, name, table="ranking-table"):
    """Press a header's button by keyboard; how the column is then sorted."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    head = browser.find_element(By.XPATH, f"//table[@id='{table}']//th[starts-with(., '{name}')]")
    head.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    return head.get_attribute("aria-sort")


def test_it_loads_without_a_complaint_and_runs_nothing_strange(opened):
    log = [entry for entry in opened.get_log("browser") if entry["level"] != "INFO"]
    assert log == []
    assert opened.title == "toy: how far did the collective get?"


def test_it_shows_every_figure(opened, written):
    sizes = opened.execute_script(
        "return [...document.querySelectorAll('figure .wide svg')].map(s => {"
        "const b = s.getBoundingClientRect();"
        "return [b.width, b.height, s.querySelectorAll('path, image, text').length]})"
    )
    assert len(sizes) == len(Page(written).all("figure")) > 0
    assert [s for s in sizes if s[0] <= 300 or s[1] <= 100 or s[2] <= 5] == []


def test_it_sorts(opened):
    def masses():
        return [float(text.split()[0]) for text in column(opened, "area")]

    assert press(opened, "area") == "ascending"
    up = masses()
    assert up == sorted(up)
    assert len(set(up)) > 1
    assert press(opened, "area") == "descending"
    assert masses() == sorted(up, reverse=True)
    assert press(opened, "learner") == "ascending"
    names = column(opened, "learner")
    assert names == sorted(names, key=lambda name: name.strip("<").lower()) or names == sorted(
        names
    )


def test_what_has_no_number_comes_last(opened):
    for way in ("ascending", "descending"):
        assert press(opened, "50 %", "success1-table") == way
    press(opened, "critical mass at 0.9 above size 0")
    texts = column(opened, "critical mass at 0.9 above size 0")
    assert texts == [t for t in texts if t[0] != ">"] + [t for t in texts if t[0] == ">"]


def test_it_filters(opened):
    from selenium.webdriver.common.by import By

    field = opened.find_element(By.CSS_SELECTOR, "[data-table=ranking-table]")
    field.send_keys("jtt PLANT")
    assert column(opened, "learner") == ["JTT"]
    assert opened.find_element(By.CSS_SELECTOR, "#ranking output").text == "1 of 6 rows"
    field.clear()
    field.send_keys("nobody")
    assert column(opened, "learner") == []
    field.clear()
    field.send_keys(" ")
    assert len(column(opened, "learner")) == 6


def test_a_number_is_a_link_that_arrives(opened):
    from selenium.webdriver.common.by import By

    link = opened.find_element(By.CSS_SELECTOR, "#ranking-table td a")
    target = link.get_attribute("href").partition("#")[2]
    click(opened, link)
    colour = "return getComputedStyle(document.getElementById(arguments[0])).backgroundColor"
    assert opened.execute_script(colour, target) == "rgb(255, 243, 196)"
    assert opened.execute_script("return document.querySelectorAll(':target').length") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_in_the_light_and_in_the_dark(opened, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def luminance(what):
        style = f"return getComputedStyle(document.body).{what}.match(/[0-9]+/g).map(Number)"
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (v / 255 for v in opened.execute_script(style)[:3])
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    ink, paper = luminance("color"), luminance("backgroundColor")
    assert (paper < ink) == (scheme == "dark")
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_it_fits_a_phone_and_paper(opened):
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    wide = opened.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    shown = opened.execute_script(
        """return [...document.querySelectorAll('figure svg')].filter(s => s.checkVisibility())
        .map(s => [s.closest('.plate').className, s.getBoundingClientRect().width])"""
    )
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert wide == [390, 390]
    # Each drawing is the one that was made for a column, and none is cut.
    assert len(shown) == opened.execute_script("return document.querySelectorAll('figure').length")
    assert all("narrow" in name and 250 < width <= 390 for name, width in shown)
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    shown = (
        "return [...document.querySelectorAll('nav, .filter')].filter(e => e.offsetParent).length"
    )
    assert opened.execute_script(shown) == 0
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("width", [1200, 1600])
def test_the_ranking_fits_with_its_key_and_without_broken_words(opened, width):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    found = opened.execute_script(
        """const table = document.getElementById('ranking-table'), wide = innerWidth;
        const area = [...table.tHead.rows[0].cells].find(c => c.innerText.startsWith('area'));
        const over = [...table.querySelectorAll('td')].filter(c => c.scrollWidth > c.clientWidth);
        // A name without a space stands on one line.
        const broken = [...table.querySelectorAll('td')].filter(c => {
          const range = document.createRange();
          range.selectNodeContents(c);
          const text = c.innerText.trim();
          return text.length < 25 && !/[ -]/.test(text) &&
            new Set([...range.getClientRects()].map(r => Math.round(r.top))).size > 1;
        });
        return [table.getBoundingClientRect().right <= wide,
          area.getBoundingClientRect().right <= wide, over.length,
          broken.map(c => c.innerText), document.documentElement.scrollWidth <= wide]"""
    )
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert found == [True, True, 0, [], True]


@pytest.mark.skipif(not interactive.available(), reason="needs bokeh")
def test_charts_can_be_read_and_curves_hidden(opened):
    from selenium.webdriver.common.by import By

    def shown():
        return opened.execute_script(
            """return Bokeh.documents.map(d => d.roots()[0].renderers.filter(r => r.visible)
            .map(r => r.name))"""
        )

    # The control has no chart.
    (drawn,) = shown()
    assert sorted(drawn) == sorted(3 * LEARNERS)
    (button,) = (
        b
        for b in opened.find_elements(By.CSS_SELECTOR, "[data-learner]")
        if b.get_attribute("data-learner").startswith("JTT")
    )
    click(opened, button)
    assert button.get_attribute("aria-pressed") == "false"
    assert not any(name.startswith("JTT") for name in shown()[0])
    click(opened, button)
    assert sorted(shown()[0]) == sorted(3 * LEARNERS)
    canvas = opened.execute_script("return document.getElementById('chart-1').offsetWidth")
    assert canvas > 600
    assert opened.title == "toy: how far did the collective get?"


def test_drawings_are_dark_on_a_dark_page(opened):
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    filters = opened.execute_script(
        "return [...document.querySelectorAll('.plate > *')].map(e => getComputedStyle(e).filter)"
    )
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert filters
    assert all(text.startswith("invert(0.92) hue-rotate(180deg)") for text in filters)


@pytest.mark.slow
def test_a_page_of_a_hundred_thousand_records_opens_quickly(browser, tmp_path):
    learners = [f"L{i}(learning_rate={i})" for i in range(40)]
    strategies = [f"S{i}()" for i in range(24)]
    many = records(learners, strategies, seeds=12, sizes=[0.0, *np.geomspace(0.001, 0.4, 8)])
    assert len(many) > 100_000
    path = tmp_path / "report.html"
    path.write_text(page(many, {}, "many"))
    browser.get(path.as_uri())
    took = "return performance.getEntriesByType('navigation')[0].loadEventEnd"
    assert browser.execute_script(took) < 2000
