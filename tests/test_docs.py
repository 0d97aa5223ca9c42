"""The documentation names what exists, and its generated pages follow from the program.

The build of the site, with its warnings as errors, is a step of ``.ci/run``.
"""

import inspect
import re
import runpy
from pathlib import Path

import pytest

import run_bench
from bench.records import published
from bench.records.fields import markdown
from bench.spec.registry import KINDS, REGISTRY

ROOT = Path(run_bench.__file__).parent
DOCS = ROOT / "docs"
GENERATED = ("_build", "tutorials", "generated")
PAGES = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
    if not set(GENERATED) & set(path.relative_to(ROOT).parts)
]
SCRIPTS = sorted((DOCS / "tutorial_scripts").glob("*.py"))


def on_two_datasets(read):
    """Change a reader of published records: of all learners, on two datasets alone."""

    def few(name):
        records, about = read(name)
        return records[records["dataset"].str.startswith(("Adult(", "Cars("))], about

    return few


@pytest.fixture(scope="module")
def generated():
    with pytest.MonkeyPatch.context() as monkeypatch:
        # The leaderboard of all published records takes most of the time of all pages.
        monkeypatch.setattr(published, "read", on_two_datasets(published.read))
        return pages_of_the_program()


def pages_of_the_program():
    extension = runpy.run_path(str(DOCS / "extensions" / "generated_pages.py"))
    return extension["pages"]()


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_a_page_links_to_files_that_exist(page):
    text = page.read_text(encoding="utf-8")
    links = [link.partition("#")[0] for link in re.findall(r"\]\((?!http)([^)\s]+)\)", text)]
    files = [link for link in links if not set(GENERATED) & set(Path(link).parts)]
    assert [link for link in files if link and not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_a_page_names_modules_and_files_that_exist(page):
    text = page.read_text(encoding="utf-8")
    modules = re.findall(r"python -m ([\w.]+)", text)
    sources = [ROOT / f"{module.replace('.', '/')}.py" for module in modules]
    ours = [s for s in sources if (ROOT / s.relative_to(ROOT).parts[0]).is_dir()]
    assert [source for source in ours if not source.exists()] == []
    named = re.findall(r"`((?:algorithms|bench|collectives|results|tests)/[\w/.]*)`", text)
    assert [name for name in named if not (ROOT / name).exists() and "my_" not in name] == []


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_a_page_names_commands_and_options_that_exist(page, generated):
    reference = generated["command_line.md"]
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for words in re.findall(r"python run_bench\.py ([^#\n`]*)", text):
        command, *rest = words.split() or ["run"]
        assert f"## `python run_bench.py {command}" in reference, words
        for option in (word for word in rest if re.fullmatch(r"--[a-z-]+", word)):
            assert f"`{option}" in reference or f", {option}" in reference, words


def test_a_page_is_generated_for_each_component(generated):
    for kind in KINDS:
        for name, cls in REGISTRY.kinds[kind].items():
            page = generated[f"{kind}/{name}.rst"]
            assert f".. autoclass:: {cls.__module__}.{name}\n" in page
            assert f"   {kind}/{name}\n" in generated[f"{kind}.rst"]


def test_a_page_shows_why_a_learner_is_experimental(generated):
    reasons = {n: c.experimental for n, c in REGISTRY.kinds["learners"].items() if c.experimental}
    assert reasons
    for name, reason in reasons.items():
        assert reason in generated[f"learners/{name}.rst"]


def test_the_leaderboard_has_all_published_learners(generated):
    records, _ = published.read("benchmark")
    names = {text.partition("(")[0] for text in records["learner"]}
    # A learner that needs the law is a reference, and has no place in a ranking. One of the two
    # datasets has no groups.
    apart = {n for n in names if REGISTRY.names[n].needs_law or REGISTRY.names[n].needs_groups}
    rows = re.findall(r"^\| (\w+)", generated["leaderboard.md"], re.MULTILINE)
    assert len(set(rows)) > 30
    assert set(rows) - {"learner"} <= names - apart
    left_out = re.search(r"left out, [^:]*: ([^;)]*)", generated["leaderboard.md"])
    assert set(rows) | apart | set(left_out[1].split(", ")) >= names


def test_the_fields_of_a_record_are_a_page_of_their_own(generated):
    assert markdown() in generated["fields.md"]
    page = (DOCS / "reference" / "records.md").read_text(encoding="utf-8")
    assert "{include} generated/fields.md" in page


def test_every_command_has_a_section(generated):
    commands = [c.name or c.callback.__name__ for c in run_bench.app.registered_commands]
    assert len(commands) > 10
    for name in commands:
        assert f"## `python run_bench.py {name}`" in generated["command_line.md"]


def test_the_base_classes_and_the_engine_have_pages(generated):
    for module in ("algorithms.base", "collectives.base", "algorithms.engine.hooks"):
        page = generated[f"python/{module.rpartition('.')[0]}.rst"]
        assert f".. automodule:: {module}\n" in page


def test_docstrings_are_adapted_to_napoleon():
    adapt = runpy.run_path(str(DOCS / "extensions" / "docstrings.py"))["adapt"]
    lines = ["As :func:`f`.", "  Arguments (and those of :class:`Base`):", "    level: The level."]
    assert adapt(lines) == [
        "As :func:`.f`.",
        "  All arguments of :class:`.Base`, and the following ones.",
        "",
        "  Arguments:",
        "    level: The level.",
    ]
    qualified = ["Arguments:", ":class:`~algorithms.base.Learner`"]
    assert adapt(qualified) == qualified


@pytest.mark.parametrize("script", SCRIPTS, ids=[s.stem for s in SCRIPTS])
def test_a_tutorial_is_a_script_with_a_title(script):
    code = compile(script.read_text(encoding="utf-8"), str(script), "exec")
    title, underline = inspect.cleandoc(code.co_consts[0]).splitlines()[:2]
    assert underline == "=" * len(title)


def test_there_are_five_tutorials():
    assert len(SCRIPTS) == 5
