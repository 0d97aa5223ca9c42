"""The command that promotes a song in playlists, against recommenders."""

from pathlib import Path
from typing import Annotated, Any

import typer

from bench.cli.execution import Settings
from bench.cli.measurements import measured_records
from bench.cli.options import (
    INPUT,
    SELECT,
    SHARES,
    Format,
    Jobs,
    Plugins,
    RerunStale,
    RetryFailed,
    parse_numbers,
)
from bench.cli.shared import app, notes
from bench.core.errors import BenchError


@app.command()
def recommend(
    recommenders: Annotated[
        list[str] | None,
        typer.Option(
            help="Recommenders, separated by commas (default: all).", rich_help_panel=SELECT
        ),
    ] = None,
    placements: Annotated[
        list[str] | None,
        typer.Option(
            help="Placements of the song in members' playlists, separated by commas "
            "(default: AtRandom,AtEnd,Beside,Beside('commonest')).",
            rich_help_panel=SELECT,
        ),
    ] = None,
    catalogues: Annotated[
        list[str] | None,
        typer.Option(
            help="Sources of playlists, separated by commas (default: Genres).",
            rich_help_panel=INPUT,
        ),
    ] = None,
    sizes: Annotated[
        str,
        typer.Option(
            help="Shares of members, separated by commas. Size 0 is added.",
            rich_help_panel=SELECT,
        ),
    ] = "0.003,0.01,0.03,0.1",
    seeds: Annotated[
        int, typer.Option(min=1, help="Number of seeds.", rich_help_panel=SELECT)
    ] = 5,
    jobs: Jobs = None,
    out: Annotated[Path, typer.Option(help="Folder for records, table and figure.")] = Path(
        "runs/recommend"
    ),
    retry_failed: RetryFailed = False,
    rerun_stale: RerunStale = False,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Promote a song by its place in members' playlists: recommendations won, and amplification.

    Example: `python run_bench.py recommend --recommenders MarkovChain,ItemKNN --sizes 0.01,0.1`
    """
    from bench.execution.guard import Limits
    from bench.recommenders.trial import playlist_trials
    from results.plots.amplification import plot_amplification
    from results.report.outputs import write_figure
    from results.report.terminal import show
    from results.stats.amplification import amplification_curves, readable

    trials = playlist_trials(
        _components(catalogues or ["Genres"], "catalogues"),
        _components(recommenders or ["*"], "recommenders"),
        _components(
            placements or ["AtRandom", "AtEnd", "Beside", "Beside('commonest')"], "placements"
        ),
        _sizes(sizes),
        seeds,
    )
    settings = Settings(out, Limits(), jobs, retry_failed=retry_failed, rerun_stale=rerun_stale)
    records = measured_records(trials, settings)
    failed = int((records["status"] != "ok").sum())
    if failed:
        notes.print(f"{failed} of {len(records)} trials failed; their seeds are left out")
    curves = amplification_curves(records)
    show(curves if format in ("csv", "json") else readable(curves), format)
    paths = write_figure(plot_amplification(curves), curves, out / "amplification")
    notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)


def _components(texts: list[str], kind: str) -> list[Any]:
    """Return the components that specs describe; an asterisk stands for all of the kind."""
    from bench.spec.parsing import parse, split_specs
    from bench.spec.registry import REGISTRY

    specs = split_specs(texts) or []
    every = sorted(REGISTRY.kinds[kind])
    named = [name for spec in specs for name in (every if spec == "*" else [spec])]
    return list(dict.fromkeys(parse(name, kind) for name in named))


def _sizes(text: str) -> list[float]:
    """Return the sizes that a text names, in ascending order.

    Raises:
        BenchError: If one is not a share, or none is above 0.
    """
    sizes = sorted(set(parse_numbers("--sizes", text, SHARES)))
    wrong = [size for size in sizes if not 0 <= size <= 1]
    if wrong:
        raise BenchError(f"--sizes {text}: {wrong[0]:g} is not a share. Allowed: {SHARES}")
    if not any(sizes):
        raise BenchError(f"--sizes {text}: no size is above 0. Allowed: {SHARES}")
    return sizes
