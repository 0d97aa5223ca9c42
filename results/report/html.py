"""Everything of a run on one page that needs nothing else: no network, no other file."""

import base64
import hashlib
import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from results.display_names import abbreviate, labels, shortened
from results.plots.axes import DAGGER
from results.plots.captions import Plate, plates
from results.report.outputs import summary, write_figures
from results.report.tables import show
from results.report.terminal import brief, plain
from results.stats.curves import success_curves
from results.stats.frames import CELL, PANEL, WAYS
from results.stats.intervals import Interval, Kind, written

PAGES = Path(__file__).with_name("pages")
#: What of a run's description is worth a line, and under which name.
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
}


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, by what number it sorts, all that it stands for."""

    text: str
    sort: str | None = None
    full: str = ""
    link: bool = False


@dataclass(frozen=True)
class Row:
    """A row, and the number of the command that measures it again."""

    cells: list[Cell]
    command: int


@dataclass(frozen=True)
class Table:
    """A table of the page."""

    id: str
    title: str
    says: str
    columns: list[Mapping[str, Any]]
    rows: list[Row] = field(default_factory=list)


def page(
    records: pd.DataFrame, about: Mapping[str, Any], name: str, reading: Sequence[str] = ()
) -> str:
    """The page of a run.

    Arguments:
        records: One row a trial.
        about: What the run's folder says of it; may be empty.
        name: What the run is called.
        reading: The options by which a firm's choices were read off the run's records.

    Returns:
        HTML. Records may say what they like: all of it is escaped, and nothing but the page's
        own script would run.
    """
    curves = success_curves(records)
    rows = curves.groupby(CELL, sort=True)
    variants = records.get("variants", records["learner"])
    learners = variants.groupby([records[name] for name in CELL]).first().to_dict()
    commands = {
        key: command(
            dict(zip(CELL, map(str, key), strict=True)) | {"learner": str(learners[key])},
            own,
            about,
            reading,
        )
        for key, own in rows
    }
    numbers = {key: i for i, key in enumerate(commands)}
    css, script = (Markup((PAGES / f"report.{end}").read_text()) for end in ("css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _template().render(
        name=name,
        css=css,
        script=script,
        digest=digest,
        counts=counts(records, about),
        axes=axes(records),
        run=described(about),
        parts=about.get("parts", []),
        failures=failures(records),
        figures=figures(records, about.get("trials")),
        tables=[ranking(records, curves, numbers), *successes(curves, numbers)],
        commands=list(commands.values()),
    )


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
    """How many trials there are, good, failed, planned and missing."""
    good = int((records["status"] == "ok").sum())
    planned = max(int(about.get("trials") or 0), len(records))
    failed, missing = len(records) - good, planned - len(records)
    return {"good": good, "failed": failed, "planned": planned, "missing": missing}


def axes(records: pd.DataFrame) -> list[str]:
    """How many learners, strategies, datasets, sizes and seeds there are, in words."""
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
    """What was run, when, on what and with what, line by line."""
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
    """How many trials of whom failed for what reason, the most frequent first."""
    failed = records[records["status"] != "ok"]
    if not len(failed):
        return []
    last = [(str(e).strip().splitlines() or ["?"])[-1][:300] for e in failed["error"]]
    short = failed["learner"].map(labels(records["learner"]))
    found = pd.DataFrame({"learner": short, "reason": last}).value_counts(sort=False)
    rows = (
        found.rename("trials")
        .reset_index()
        .sort_values(["trials", "learner", "reason"], ascending=[False, True, True])
    )
    return rows.to_dict("records")  # type: ignore[return-value]


def figures(records: pd.DataFrame, planned: int | None) -> list[Plate]:
    """All figures that the records allow, with their captions."""
    if not (records["status"] == "ok").any():
        return []
    with tempfile.TemporaryDirectory() as folder:
        return plates(write_figures(records, Path(folder), planned))


def command(
    cell: Mapping[str, str],
    curve: pd.DataFrame,
    about: Mapping[str, Any],
    reading: Sequence[str] = (),
) -> str:
    """The command that measures a cell's curve again, and the one that reads it off."""
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
    told = [word for name, value in options.items() for word in (f"--{name}", value)]
    run = shlex.join(["python", "run_bench.py", "run", *told, *plugged, "--out", "runs/again"])
    if not reading:
        return run
    return f"{run} && {shlex.join(['python', 'run_bench.py', 'curves', 'runs/again', *reading])}"


def ranking(records: pd.DataFrame, curves: pd.DataFrame, numbers: Mapping[Any, int]) -> Table:
    """Critical masses and area of each learner, the most followed first."""
    control = curves[curves["size"] == 0].set_index(CELL)
    table = summary(records).set_index(CELL)
    table.insert(0, "without a collective", control["mean"].reindex(table.index))
    control = control.reindex(table.index)
    alone = [
        a if lift > 0 or lift != lift else f"{show(a)} {DAGGER}"
        for a, lift in zip(control["accuracy"], control["lift"], strict=True)
    ]
    table.insert(1, "accuracy then", pd.Series(alone, table.index, dtype=object))
    table = table.reset_index()
    says = (
        "The most followed learner comes first in each task. Critical masses are the smallest "
        "shares of the people at which mean success reaches a level, areas are those under the "
        "success curve over the logarithm of size; in brackets are 95 % intervals over seeds. A "
        "dagger marks an accuracy that is not above that of a constant answer: success then says "
        "nothing of what the learner makes of a collective."
    )
    return _table("ranking", "Ranking", says, brief(table), numbers)


def successes(curves: pd.DataFrame, numbers: Mapping[Any, int]) -> list[Table]:
    """Mean success at each size, a table for the tasks that have the same sizes."""
    by = curves.groupby(PANEL)["size"].transform(lambda s: " ".join(map(str, sorted(set(s)))))
    says = (
        "Mean success at each size, with half of its 95 % interval over seeds, or with both ends "
        "of one that is cut off where shares end."
    )
    tables = []
    for i, (_, own) in enumerate(curves.groupby(by, sort=False)):
        columns = ["mean", "low", "high", "interval", "seeds"]
        texts = [_with_interval(*row) for row in own[columns].itertuples(index=False, name=None)]
        wide = own.assign(text=texts).pivot(index=CELL, columns="size", values="text")
        wide.columns = [f"{100 * size:.6g} %" for size in wide.columns]
        number = f" {i + 1}" if by.nunique() > 1 else ""
        table = wide.reset_index()
        tables.append(_table(f"success{i + 1}", f"Success{number}", says, table, numbers))
    return tables


def _with_interval(mean: float, low: float, high: float, kind: Kind, seeds: int) -> str:
    """Return a mean with its interval as text; alone, for a single seed.

    Example:
        >>> _with_interval(0.5, 0.4, 0.6, "t", 5), _with_interval(0.86, 0.536, 1.0, "t", 5)
        ('0.500 ± 0.100', '0.860 [0.536, 1.000]')
        >>> _with_interval(0.0, 0.0, 0.03, "agree", 5), _with_interval(0.2, 0.0, 1.0, "none", 1)
        ('0.000 (5/5)', '0.200')
    """
    if kind == "none":
        return "" if mean != mean else f"{mean:.3f}"
    if kind == "t" and abs((high - mean) - (mean - low)) < 1e-9:
        return f"{mean:.3f} ± {high - mean:.3f}"
    return written(Interval(mean, low, high, kind), seeds)


def _table(
    id: str, title: str, says: str, table: pd.DataFrame, numbers: Mapping[Any, int]
) -> Table:
    """A frame as a table of the page: its keys as short names, all else as numbers and links."""
    short = shortened(table)
    short["strategy"] = short["strategy"].map(abbreviate({s: s for s in short["strategy"]}))
    view = plain(short)
    names = [str(name) for name in view.columns]
    keys = table[CELL].itertuples(index=False, name=None)
    rows = []
    for key, row in zip(keys, view.itertuples(index=False, name=None), strict=True):
        whole = dict(zip(CELL, key, strict=True))
        cells = [
            Cell(str(value), full=whole[name] if whole[name] != value else "")
            if name in CELL
            else Cell(show(value), _sort(value), link=True)
            for name, value in zip(names, row, strict=True)
        ]
        rows.append(Row(cells, numbers[key]))
    return Table(id, title, says, [{"name": n, "number": n not in CELL} for n in names], rows)


def _sort(value: Any) -> str:
    """The number by which a cell sorts; what is beyond all sizes comes after them."""
    text = str(value).strip()
    if text.startswith(">"):
        return "1e9"
    if text.startswith("reached without"):
        return "-1"
    word = text.removeprefix("<").split()[:1]
    try:
        number = float(word[0].rstrip(";")) if word else float("nan")
    except ValueError:
        return ""
    return "" if number != number else f"{number:.9g}"
