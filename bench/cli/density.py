"""The command that compares density models with known laws, or on tables."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.image_densities import HeldOut, ImageRun, Images, models_of
from bench.cli.log_z_bias import draw_bias
from bench.cli.options import EXECUTION, Data, Device, Format, Plugins
from bench.cli.shared import app, notes, progress_bar
from bench.cli.trainings import Trainings, in_order
from bench.core.errors import BenchError

if TYPE_CHECKING:
    from algorithms.density.base import DensityModel
    from algorithms.density.generative import Generative
    from bench.density.known_laws import Learnt
    from results.plots.densities import Picture

#: Pictures along each side of a figure of samples.
PICTURES = 8


@app.command()
def density(
    laws: Annotated[
        list[str] | None,
        typer.Option(
            help="Known distributions in the plane, separated by commas "
            "(default: 8gaussians,moons)."
        ),
    ] = None,
    tables: Annotated[
        list[str] | None,
        typer.Option(
            help="Tables, separated by commas: digits, or FILE:ARRAY, an array of an npz file in "
            "the data root."
        ),
    ] = None,
    images: Images = None,
    held_out: HeldOut = False,
    models: Annotated[
        list[str] | None,
        typer.Option(help="Density models, separated by commas, such as LED,Flow (default: LED)."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    n: Annotated[
        int, typer.Option("--n", min=100, help="Number of training points of a distribution.")
    ] = 20_000,
    test: Annotated[
        int, typer.Option(min=100, help="Number of test points of a distribution.")
    ] = 10_000,
    seconds: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            help="Train each model for about this many seconds (default: for its own steps).",
        ),
    ] = None,
    bias: Annotated[
        bool,
        typer.Option("--bias", help="Draw the bias of estimates of log Z. No model is trained."),
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for the table and the figure.")] = Path(
        "runs/density"
    ),
    jobs: Annotated[
        int,
        typer.Option(
            min=0,
            help="Number of worker processes. 0 trains one model after the other, whose seconds "
            "other trainings do not change.",
            rich_help_panel=EXECUTION,
        ),
    ] = 0,
    device: Device = None,
    data: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Fit density models to laws, tables or images: likelihood, log Z, weights, modes, seconds.

    Example: `python run_bench.py density --laws 8gaussians,moons --models LED,Flow`
    """
    from bench.records.manifest import check_device

    if held_out and images is None:
        raise BenchError("--held-out is for --images: laws and tables have validation points")
    if images is not None and (bias or laws is not None or tables is not None):
        raise BenchError("--images is a comparison of its own: leave out --laws, --tables, --bias")
    check_device()
    out.mkdir(parents=True, exist_ok=True)
    if bias:
        draw_bias(out, format)
        return
    if images is not None:
        pictures = ImageRun(held_out, models_of(models), seeds, seconds, out, format, jobs)
        pictures.fit_all(_names(images))
        return
    chosen = _models(models)
    if laws is None and tables is None:
        laws = ["8gaussians,moons"]
    run = _DensityRun(n, test, chosen, seeds, seconds, out, format, jobs)
    run.fit_all(_names(laws), _names(tables))


def _names(texts: list[str] | None) -> list[str]:
    """Split the text of an option at commas."""
    return [name for text in texts or [] for name in text.split(",")]


def _models(specs: list[str] | None) -> "list[DensityModel | Generative]":
    """Return the density models, and generative learners, that specs describe."""
    from algorithms.density.generative import Generative
    from bench.spec.parsing import parse, split_specs

    return [
        parse(spec, "learners" if spec.partition("(")[0] == Generative.__name__ else "densities")
        for spec in split_specs(specs) or ["LED"]
    ]


class _DensityRun(Trainings["DensityModel | Generative"]):
    """One call of the command on laws and tables.

    Arguments:
        n: Number of training points of a law.
        test: Number of test points of a law.
        settings: See :class:`Trainings`.
    """

    file = "densities.csv"

    def __init__(self, n: int, test: int, *settings: Any) -> None:
        super().__init__(*settings)
        self.n, self.test = n, test
        # By the place of the data and that of the model.
        self.pictures: dict[tuple[int, int], Picture] = {}
        self.latents: dict[tuple[int, int], tuple[str, Any, Any]] = {}

    def fit_all(self, laws: list[str], tables: list[str]) -> None:
        """Fit all models, write the table and the figures, and print the measurements."""
        import pandas as pd

        from results.plots.densities import plot_densities
        from results.plots.latents import plot_latents
        from results.plots.style import save
        from results.report.densities import means
        from results.report.terminal import show

        notes.print(self._cost(len(laws) + len(tables)))
        trainings = len(self.models) * (len(laws) + len(tables)) * self.seeds
        with progress_bar(trainings, "trainings") as self.advance:
            for at, name in enumerate(laws):
                self._law(at, name)
            for at, name in enumerate(tables):
                self._table(at, name)
        table, paths = pd.DataFrame(self.rows), [self.out / self.file]
        if self.pictures:
            paths += save(plot_densities(in_order(self.pictures)), self.out / "densities")
        if self.latents:
            paths += save(plot_latents(in_order(self.latents)), self.out / "latents")
        show(table if self.format in ("csv", "json") else means(table), self.format)
        notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)

    def _cost(self, sources: int) -> str:
        """Return the number of trainings, and the time that they take, as far as it is known.

        Arguments:
            sources: Number of laws and tables.
        """
        from bench.execution.runtime_estimate import format_duration

        models, seeds = len(self.models), self.seeds
        trainings = models * sources * seeds
        counted = (
            f"{trainings} training{'s' if trainings > 1 else ''}: {models} x {sources} x {seeds} "
            f"models, laws or tables, and seeds"
        )
        if self.seconds is None:
            return (
                f"{counted}. Each takes seconds to minutes on one core; --seconds 10 limits each "
                f"to about 10 seconds"
            )
        # The measurement of a step takes about one more training of each model and source.
        total = self.seconds * (trainings + models * sources)
        return f"{counted}; about {format_duration(total)} in all"

    def _law(self, at: int, name: str) -> None:
        """Fit all models to a known law."""
        from algorithms.density.base import DensityModel
        from bench.core.random_streams import stream
        from bench.density.known_laws import floor, law_of, learn

        if not all(isinstance(model, DensityModel) for model in self.models):
            raise BenchError(f"{name} has no labels: Generative is for tables only")
        least = floor(name)
        x, _ = law_of(name).sample(self.n, stream(0, "data"))
        of_law = partial(learn, name, n=self.n, test=self.test)
        for place, model, seed, learnt in self.learnt(name, x, of_law):
            self.note(name, repr(model), seed, {"floor": least} | learnt.row)
            if seed == 0:
                title = f"{name}\n{type(model).__name__}"
                self.pictures[at, place] = _picture(title, learnt)

    def _table(self, at: int, name: str) -> None:
        """Fit all models to a table."""
        from algorithms.density.energy_model import EnergyDensity
        from bench.core.random_streams import stream
        from bench.density.tables import DIGITS, learn_table, parts, pixels, table, traversal

        rows = table(name, stream(0, "data"))
        train, _, _ = parts(len(rows.x), stream(0, "split"))
        of_table = partial(learn_table, name)
        for place, model, seed, found in self.learnt(name, rows.x[train], of_table):
            measured, learnt = found
            self.note(name, repr(model), seed, measured)
            if name == DIGITS and seed == 0 and isinstance(learnt, EnergyDensity):
                drawn = learnt.sample(PICTURES**2, stream(seed, "samples"))
                walk = traversal(learnt, rows.x.shape[1], PICTURES)
                self.latents[at, place] = _latent(model), pixels(drawn), pixels(walk)


def _latent(model: object) -> str:
    """Return the title of an image model in a figure."""
    latent = getattr(getattr(model, "generator", None), "latent", 0)
    return f"{type(model).__name__}, {latent or 'all'} latents"


def _picture(title: str, learnt: "Learnt") -> "Picture":
    """Return a figure's data for a model of a law: both log-densities on a grid, and samples."""
    import numpy as np

    from bench.density.known_laws import BEYOND, square
    from results.plots.densities import Picture

    nodes = 160
    grid, _ = square(learnt.law, nodes)
    truth, estimate = (
        np.asarray(of(grid)).reshape(nodes, nodes)
        for of in (learnt.law.log_prob, learnt.density.log_prob)
    )
    reach = BEYOND * learnt.law.reach
    return Picture(title, reach, truth, estimate, learnt.points[:2000], learnt.weights)
