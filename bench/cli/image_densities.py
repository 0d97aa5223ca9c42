"""Comparison of density models of images, for the command ``density --images``."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.shared import notes, progress_bar

if TYPE_CHECKING:
    from algorithms.density.images.base import ImageModel
    from bench.density.images.data import ImageSet
    from bench.density.images.measure import ImageBench

Images = Annotated[
    list[str] | None,
    typer.Option(
        help="Sets of images, separated by commas: digits, fashion_mnist or mnist. Their models "
        "are ConvLED, ConvMEG and ConvWGAN (default: ConvLED)."
    ),
]
#: The name of real images in tables, in the place of a model.
REAL = "training images"
#: Columns of the printed table.
PRINTED = (
    "nll",
    "bits",
    "gap",
    "effective",
    "frechet",
    "precision",
    "recall",
    "density",
    "coverage",
    "classes",
    "class_kl",
    "plain_frechet",
    "copies",
    "detour",
    "jump",
    "seconds",
)


def models_of(specs: list[str] | None) -> "list[ImageModel]":
    """Return the density models of images that specs describe."""
    from bench.spec.parsing import parse, split_specs

    return [parse(spec, "image_densities") for spec in split_specs(specs) or ["ConvLED"]]


class ImageRun:
    """One comparison on one or more sets of images: its settings, and its results so far.

    Arguments:
        models: Models to train.
        seeds: Number of seeds.
        seconds: Time budget of each model; its own number of steps if None.
        out: Folder for tables and figures.
        format: Format of the printed table.
    """

    def __init__(
        self,
        models: "list[ImageModel]",
        seeds: int,
        seconds: float | None,
        out: Path,
        format: str | None,
    ) -> None:
        self.models, self.seeds, self.seconds = models, seeds, seconds
        self.out, self.format = out, format
        self.rows: list[dict[str, Any]] = []
        self.curves: list[dict[str, Any]] = []
        self._advance: Callable[[], None] = lambda: None

    def fit_all(self, names: list[str]) -> None:
        """Fit all models to all sets of images, write tables and figures, print the means.

        Arguments:
            names: The sets of images.
        """
        import pandas as pd

        from bench.density.images.classifier import train_classifier
        from bench.density.images.data import image_set
        from bench.density.images.measure import ImageBench
        from results.report.densities import means
        from results.report.terminal import show

        # All sets are read before any training, so that an error costs no time.
        sets = {name: image_set(name) for name in names}
        paths = [self.out / "images.csv", self.out / "images_curves.csv"]
        trainings = len(self.models) * len(names) * self.seeds
        notes.print(f"{trainings} trainings, after a classifier for each set of images")
        with progress_bar(trainings, "trainings") as self._advance:
            for name, images in sets.items():
                bench = ImageBench(images, train_classifier(images))
                paths += self._set(name, bench)
        table = pd.DataFrame(self.rows)
        shown = table if self.format in ("csv", "json") else means(table, PRINTED)
        show(shown, self.format)
        notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)

    def _set(self, name: str, bench: "ImageBench") -> list[Path]:
        """Fit all models to a set of images, and return the paths of its figures."""
        import pandas as pd

        from results.display_names import labels
        from results.plots.generated_images import COLUMNS, plot_generated, plot_learning
        from results.plots.style import save

        real = bench.training_rows()
        self._note(name, REAL, None, real, [real])
        shown = [("test images", bench.images.test[: 4 * COLUMNS], bench.images.test[:0, None])]
        for model, seed in self._trials(name, bench.images):
            learnt = self._tried(name, model, seed, partial(bench.learn, model, seed))
            self._advance()
            if learnt is None:
                continue
            self._note(name, repr(model), seed, learnt.row, learnt.curve)
            if seed == 0:
                shown.append((type(model).__name__, learnt.samples.clip(0, 1), learnt.lines))
        curves = pd.DataFrame(self.curves)
        curves = curves[curves["law"] == name]
        curves["model"] = curves["model"].map(labels(curves["model"]))
        return save(plot_generated(shown), self.out / f"{name}_samples") + save(
            plot_learning(curves), self.out / f"{name}_learning"
        )

    def _trials(self, name: str, images: "ImageSet") -> "Iterator[tuple[ImageModel, int]]":
        """Yield each model with each seed; a model that fails to fit its time budget has none."""
        from bench.density.time_budget import fit_steps_to_budget

        seconds, models = self.seconds, self.models
        if seconds is not None:
            budgeted = [
                self._tried(name, m, 0, partial(fit_steps_to_budget, m, images.train, seconds))
                for m in models
            ]
            models = [model for model in budgeted if model is not None]
        # All models of a seed come before the next seed, so that an interrupt leaves pairs.
        yield from ((model, seed) for seed in range(self.seeds) for model in models)

    def _tried(self, name: str, model: object, seed: int, work: Callable[[], Any]) -> Any:
        """Return the result of some work, or None and a row with the error if it failed."""
        try:
            return work()
        except ArithmeticError as error:
            self._note(name, repr(model), seed, {"error": str(error)}, [])
            return None

    def _note(
        self,
        name: str,
        model: str,
        seed: int | None,
        measured: dict[str, Any],
        curve: list[dict[str, float]],
    ) -> None:
        """Add a row and its curve to the results, write both files, and print the row."""
        import pandas as pd

        key = {"law": name, "model": model, "seed": seed}
        self.rows.append(key | measured)
        self.curves += [key | row for row in curve]
        # The files are written after each row, so that an interrupt loses no measurement.
        pd.DataFrame(self.rows).to_csv(self.out / "images.csv", index=False)
        pd.DataFrame(self.curves).to_csv(self.out / "images_curves.csv", index=False)
        some = {k: v for k, v in measured.items() if k in (*PRINTED, "error")}
        text = ", ".join(
            f"{k} {v}" if isinstance(v, str) else f"{k} {v:.4g}" for k, v in some.items()
        )
        seeded = "" if seed is None else f", seed {seed}"
        notes.print(f"{name}, {model.partition('(')[0]}{seeded}: {text}", soft_wrap=True)
