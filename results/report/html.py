"""The report of a run: one HTML page that needs no other file and no network."""

import base64
import hashlib
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from results.display_names import labels
from results.plots.captions import Plate, plates
from results.plots.registry import registered
from results.plots.style import Width, columns
from results.report.findings import findings
from results.report.interactive import charts, toggles
from results.report.interactive import script as bokeh
from results.report.outputs import draw_figures
from results.report.page_tables import plain_table, ranking, successes
from results.stats.analysis import Analysis
from results.stats.frames import CELL, WAYS

PAGES = Path(__file__).with_name("pages")
#: The widths of figures on wide and on narrow screens.
WIDE: Width = "two"
NARROW: Width = "icml"
#: The fields of a run's description that the page shows, with their names.
LINES = {
    "grid": "grid",
    "shard": "share of it",
    "version": "version",
    "commit": "commit",
    "python": "Python",
    "system": "system",
    "processor": "processor",
    "cores": "cores",
    "processes": "processes",
    "mixture": "records are of",
}


def page(
    records: pd.DataFrame,
    about: Mapping[str, Any],
    name: str,
    reading: Sequence[str] = (),
    choices: pd.DataFrame | None = None,
    jobs: int = 1,
) -> str:
    """Return the page of a run.

    Arguments:
        records: One row a trial.
        about: The description in the run's folder; may be empty.
        name: The name of the run.
        reading: The options that selected hyper-parameters or epochs from the records.
        choices: How often firms chose each setting of a learner; None if they chose none.
        jobs: The number of processes that draw figures.

    Returns:
        HTML. All texts of records are escaped, and no scripts but the page's own and Bokeh's can
        run.
    """
    analysis = Analysis(records, about.get("trials"))
    curves = analysis.curves
    rows = curves.groupby(CELL, sort=True)
    variants = records.get("variants", records.get("setting", records["learner"]))
    learners = variants.groupby([records[name] for name in CELL]).first().to_dict()
    commands = {
        key: command(
            dict(zip(CELL, map(str, key), strict=True)) | {"learner": str(learners[key])},
            subset,
            about,
            reading,
        )
        for key, subset in rows
    }
    numbers = {key: i for i, key in enumerate(commands)}
    css, script = (
        Markup((PAGES / f"report.{end}").read_text(encoding="utf-8")) for end in ("css", "js")
    )
    interactive = charts(curves)
    scripts = [Markup(bokeh()), script] if interactive else [script]
    drawn, undrawn = figures(analysis, jobs)
    return _template().render(
        name=name,
        css=css,
        scripts=scripts,
        digests=[digest(text) for text in scripts],
        findings=findings(analysis),
        charts=interactive,
        toggles=toggles(curves) if interactive else [],
        choices=None if choices is None else plain_table(choices),
        counts=counts(records, about),
        axes=axes(records),
        run=described(about),
        parts=about.get("parts", []),
        failures=failures(records),
        figures=drawn,
        undrawn=undrawn,
        tables=[ranking(analysis, numbers), *successes(curves, numbers)],
        commands=list(commands.values()),
    )


def digest(script: str) -> str:
    """Return the digest by which a page's policy allows a script."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(PAGES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html")


def counts(records: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, int]:
    """Count the trials: good, failed, planned and missing ones."""
    good = int((records["status"] == "ok").sum())
    planned = max(int(about.get("trials") or 0), len(records))
    failed, missing = len(records) - good, planned - len(records)
    return {"good": good, "failed": failed, "planned": planned, "missing": missing}


def axes(records: pd.DataFrame) -> list[str]:
    """Return the numbers of learners, strategies, datasets, sizes and seeds, in words."""
    words = {
        "learner": "learners",
        "strategy": "strategies",
        "dataset": "datasets",
        "size": "sizes",
        "seed": "seeds",
    }
    many = {one: int(records[one].nunique()) for one in words}
    return [f"{n} {one if n == 1 else words[one]}" for one, n in many.items()]


def described(about: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the description of a run as terms and their texts."""
    lines = [(line, str(about[key])) for key, line in LINES.items() if about.get(key) is not None]
    if about.get("changed"):
        lines.append(("changes", "the code had changes that were not committed"))
    if packages := about.get("packages"):
        lines.append(("packages", ", ".join(f"{k} {v}" for k, v in packages.items() if v)))
    if (began := about.get("began")) is not None:
        day = datetime.fromtimestamp(began, UTC)
        lines.append(("began", f"{day:%Y-%m-%d %H:%M} UTC"))
    if (seconds := about.get("wall_seconds")) is not None:
        lines.append(("took", f"{seconds:.0f} seconds"))
    if words := about.get("command"):
        lines.append(("command", "python run_bench.py " + shlex.join(map(str, words))))
    return lines


def failures(records: pd.DataFrame) -> list[dict[str, Any]]:
    """Count failed trials by learner and reason, the most frequent first."""
    failed = records[records["status"] != "ok"]
    if not len(failed):
        return []
    last = [(str(e).strip().splitlines() or ["?"])[-1][:300] for e in failed["error"]]
    short = failed["learner"].map(labels(records["learner"]))
    failure_counts = pd.DataFrame({"learner": short, "reason": last}).value_counts(sort=False)
    rows = (
        failure_counts.rename("trials")
        .reset_index()
        .sort_values(["trials", "learner", "reason"], ascending=[False, True, True])
    )
    return rows.to_dict("records")  # type: ignore[return-value]


def figures(analysis: Analysis, jobs: int = 1) -> tuple[list[Plate], dict[str, str]]:
    """Return all figures that the records allow, and the reasons of those that failed, by name.

    Arguments:
        analysis: The records.
        jobs: The number of processes that draw.
    """
    failed: dict[str, str] = {}
    if not (analysis.records["status"] == "ok").any():
        return [], failed
    drawn: dict[Width, list[Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for width in WIDE, NARROW:
            with columns(width):
                place = Path(folder) / width
                drawn[width], errors = draw_figures(registered(), analysis, place, ["svg"], jobs)
            failed |= {name: f"{type(e).__name__}: {e}" for name, e in errors.items()}
        return plates(drawn[WIDE], drawn[NARROW]), failed


def command(
    cell: Mapping[str, str],
    curve: pd.DataFrame,
    about: Mapping[str, Any],
    reading: Sequence[str] = (),
) -> str:
    """Return the commands that measure a curve again and, after a selection, show it.

    Arguments:
        cell: The curve's dataset, strategy, learner and ways.
        curve: Its rows.
        about: The description of the run.
        reading: The options that selected hyper-parameters or epochs from the records.
    """
    words = [str(word) for word in about.get("command") or []]
    plugged = [w for i, w in enumerate(words) if "--plugin" in (w, words[i - 1] if i else "")]
    plugged += [w for w in words if w.startswith("--plugin=")]
    options = {
        "datasets": cell["dataset"],
        "learners": cell["learner"],
        "strategies": cell["strategy"],
        "sizes": ",".join(f"{size:.12g}" for size in sorted(curve["size"])),
        "seeds": str(int(curve["planned"].max())),
        **{way: cell[way] for way in WAYS},
    }
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    run = shlex.join(["python", "run_bench.py", "run", *flags, *plugged, "--out", "runs/again"])
    if not reading:
        return run
    return f"{run} && {shlex.join(['python', 'run_bench.py', 'curves', 'runs/again', *reading])}"
