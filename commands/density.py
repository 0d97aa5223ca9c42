"""How close density models come to what they learn."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.shared import Axis, Format, Plugins, app, notes, plug

if TYPE_CHECKING:
    import pandas as pd

    from bench.densities import Learnt
    from results.densities import Picture


@app.command()
def density(
    laws: Annotated[list[str] | None, typer.Option(help="Laws in the plane, by commas.")] = None,
    models: Axis = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    n: Annotated[int, typer.Option("--n", min=100, help="Points to learn from.")] = 20_000,
    test: Annotated[int, typer.Option(min=100, help="Points to test on.")] = 10_000,
    out: Annotated[Path, typer.Option(help="The folder for the table and the figure.")] = Path(
        "runs/density"
    ),
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Learn known laws in the plane: nats above the floor, log Z, weights, modes, seconds.

    Example: `python run_bench.py density --laws 8gaussians,moons --models LED,Flow`
    """
    import pandas as pd

    from algorithms.density.base import DensityModel
    from bench.densities import floor, learn
    from bench.specs import parse, pieces
    from results.densities import plot_densities
    from results.house import save
    from results.terminal import show

    plug(plugin)
    names = [name for text in laws or ["8gaussians,moons"] for name in text.split(",")]
    chosen: list[DensityModel] = [parse(spec, "densities") for spec in pieces(models) or ["LED"]]
    floors = {name: floor(name) for name in names}
    rows, pictures = [], []
    for name, model in itertools.product(names, chosen):
        for seed in range(seeds):
            learnt = learn(name, model, seed, n, test)
            row = {"law": name, "model": repr(model), "seed": seed, "floor": floors[name]}
            rows.append(row | learnt.row)
            told = ", ".join(f"{k} {v:.3g}" for k, v in learnt.row.items())
            notes.print(f"{name}, {type(model).__name__}, seed {seed}: {told}", soft_wrap=True)
            if seed == 0:
                pictures.append(_picture(f"{name}\n{type(model).__name__}", learnt))
    table = pd.DataFrame(rows)
    out.mkdir(parents=True, exist_ok=True)
    table.to_csv(out / "densities.csv", index=False)
    paths = save(plot_densities(pictures), out / "densities")
    show(table if format in ("csv", "json") else _means(table), format)
    notes.print(f"wrote {', '.join(map(str, [out / 'densities.csv', *paths]))}", soft_wrap=True)


def _means(table: "pd.DataFrame") -> "pd.DataFrame":
    """Means over seeds with their 95 % intervals, a row a law and model."""
    from math import isfinite

    import pandas as pd

    from results.intervals import student
    from results.labels import labels

    def spoken(values: Any) -> str:
        mean, low, high, _ = student(values.dropna().to_numpy(float))
        if mean != mean:
            return ""
        return f"{mean:.4f}" + (f" [{low:.4f}, {high:.4f}]" if isfinite(low) else "")

    short = labels(table["model"])
    measured = ["above", "mass", "effective", "covered", "seconds"]
    rows = [
        {"law": law, "model": short[str(model)], "floor": f"{own['floor'].iloc[0]:.4f}"}
        | {name: spoken(own[name]) for name in measured}
        | {"alarms": int(own["alarms"].sum()), "seeds": len(own)}
        for (law, model), own in table.groupby(["law", "model"], sort=False)
    ]
    return pd.DataFrame(rows)


def _picture(title: str, learnt: "Learnt") -> "Picture":
    import numpy as np

    from bench.densities import BEYOND, square
    from results.densities import Picture

    nodes = 160
    grid, _ = square(learnt.law, nodes)
    truth, found = (
        np.asarray(of(grid)).reshape(nodes, nodes)
        for of in (learnt.law.log_prob, learnt.density.log_prob)
    )
    reach = BEYOND * learnt.law.reach
    return Picture(title, reach, truth, found, learnt.points[:2000], learnt.weights)
