"""The command that measures whether a firm can detect the members."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    SHARES,
    Data,
    Device,
    Format,
    Jobs,
    Plugins,
    Width,
    parse_numbers,
)
from bench.cli.shared import app, notes, progress_bar
from bench.core.errors import BenchError

if TYPE_CHECKING:
    import pandas as pd

    from bench.detection.base import Score
    from bench.experiment.trial import Trial

#: Files in the folder of the command.
RECORDS, CURVES = "detection.csv", "curves.csv"


@app.command()
def detection(
    datasets: Annotated[
        list[str] | None, typer.Option(help="Datasets, separated by commas (default: Digits).")
    ] = None,
    strategies: Annotated[
        list[str] | None,
        typer.Option(
            help="Strategies of the members, separated by commas (default: FeatureLabel,Erase)."
        ),
    ] = None,
    sizes: Annotated[
        str,
        typer.Option(
            help="Sizes of the collective as shares of the training set, separated by commas."
        ),
    ] = "0.005,0.02,0.05,0.2",
    scores: Annotated[
        list[str] | None,
        typer.Option(help="Suspicion scores, separated by commas (default: all)."),
    ] = None,
    learner: Annotated[str, typer.Option(help="Learner of the firm.")] = "ERM",
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 5,
    jobs: Jobs = None,
    width: Width = "two",
    out: Annotated[Path, typer.Option(help="Folder for tables and figures.")] = Path(
        "runs/detection"
    ),
    device: Device = None,
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Measure how well suspicion scores of the firm find the members, against the truth.

    Prints the area under the ROC curve of each score, and the members' share of as many most
    suspicious points as there are members. Writes a record for each trial and score, and figures.

    Example: `python run_bench.py detection --strategies FeatureLabel --scores Spectral,Loss`
    """
    from results.plots.style import columns
    from results.report.terminal import show
    from results.stats.suspicion import mean_areas

    wanted = _scores(scores)
    trials = _trials(datasets, strategies, sizes, learner, seeds)
    records = _detect(trials, wanted, jobs)
    failed = records[records["status"] != "ok"]
    for (score, error), rows in failed.groupby(["score", "error"]):
        notes.print(f"{score} failed in {len(rows)} trials: {error}", soft_wrap=True)
    areas = mean_areas(records)
    with columns(width):
        paths = _write(records, areas, out)
    show(areas if format in ("csv", "json") else _readable(areas), format)
    notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)
    if not len(areas):
        raise BenchError("no score could be measured; the reasons are above")


def _scores(specs: list[str] | None) -> "list[Score]":
    """Return the scores that specs describe; one of each class, if there are none."""
    from bench.spec.parsing import parse, split_specs
    from bench.spec.registry import REGISTRY

    texts = split_specs(specs) or sorted(REGISTRY.kinds["scores"])
    return [parse(text, "scores") for text in texts]


def _trials(
    datasets: list[str] | None,
    strategies: list[str] | None,
    sizes: str,
    learner: str,
    seeds: int,
) -> "list[Trial]":
    """Return the trials with members of a grid, after a check of its files and labels.

    Raises:
        BenchError: If a size is not above 0 and below 1: detection compares members with others.
    """
    from bench.spec.grid import Grid, Part
    from bench.spec.parsing import split_specs

    shares = sorted(set(parse_numbers("--sizes", sizes, SHARES)))
    if not all(0 < share < 1 for share in shares):
        raise BenchError(
            f"--sizes {sizes} are not all above 0 and below 1: detection needs members and others"
        )
    part = Part(
        tuple(split_specs(datasets) or ["Digits"]),
        (learner,),
        tuple(split_specs(strategies) or ["FeatureLabel", "Erase"]),
        tuple(shares),
        seeds,
    )
    grid = Grid("detection", (part,))
    grid.check_files_and_labels()
    return [trial for trial in grid.trials() if trial.size in shares]


def _detect(trials: "list[Trial]", scores: "list[Score]", jobs: int | None) -> "pd.DataFrame":
    """Return a record for each trial and score."""
    from functools import partial

    import pandas as pd
    from joblib import cpu_count

    from bench.detection.detect import detect
    from bench.execution.each_trial import each_trial
    from bench.experiment.trial import Key

    rows = []
    workers = cpu_count() if jobs is None else jobs
    with progress_bar(len(trials), "trials") as advance:
        for records in each_trial(trials, partial(detect, scores=scores), workers):
            rows += records
            advance()
    order = {trial.key: i for i, trial in enumerate(trials)}
    rows.sort(key=lambda row: order[Key(*(row[name] for name in Key._fields))])
    return pd.DataFrame(rows)


def _write(records: "pd.DataFrame", areas: "pd.DataFrame", out: Path) -> list[Path]:
    """Write records, curves and figures, and return their paths."""
    from bench.detection.measures import NODES
    from results.plots.style import save
    from results.plots.suspicion import plot_areas, plot_roc
    from results.report.tables import render
    from results.stats.suspicion import mean_curves, unfold

    curves = unfold(records, NODES)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in ((RECORDS, records.drop(columns="roc")), (CURVES, curves)):
        paths.append(out / name)
        paths[-1].write_text(render(table, "csv"), encoding="utf-8")
    if len(areas):
        paths += save(plot_areas(areas), out / "areas")
        paths += save(plot_roc(mean_curves(curves)), out / "roc")
    return paths


def _readable(areas: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with short names of scores, and an interval beside each mean."""
    from results.display_names import display
    from results.report.tables import show as number
    from results.report.terminal import plain

    titles = {"auc": "area under ROC", "top_share": "members among top"}
    table = areas[["dataset", "strategy", "learner", "size", "score"]].assign(
        **{
            title: [
                f"{number(mean)} [{number(low)}, {number(high)}]"
                for mean, low, high in areas[[name, f"{name}_low", f"{name}_high"]].to_numpy()
            ]
            for name, title in titles.items()
        },
        score=areas["score"].map(display(areas["score"])),
        seeds=areas["seeds"],
    )
    return plain(table)
