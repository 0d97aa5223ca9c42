"""The page of a run as a browser shows it."""

import importlib.util
import shutil

import numpy as np
import pytest

from results.report import interactive
from results.report.html import page
from tests.helpers.report_pages import LEARNERS, Page, records

pytestmark = pytest.mark.integration

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
