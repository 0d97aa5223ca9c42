"""Comparison of density models of images, for the command ``density --images``."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.cli.shared import notes, progress_bar
from bench.cli.trainings import Trainings, in_order

if TYPE_CHECKING:
    from algorithms.density.images.base import ImageModel
    from bench.density.images.classifier import ImageClassifier
    from bench.density.images.measure import ImageBench, LearntImages

Images = Annotated[
    list[str] | None,
    typer.Option(
        help="Sets of images, separated by commas: digits, fashion_mnist or mnist, or with three "
        "images in one, such as stacked_mnist. Their models are ConvLED, ConvMEG and ConvWGAN "
        "(default: ConvLED)."
    ),
]
HeldOut = Annotated[
    bool,
    typer.Option(
        "--held-out",
        help="Measure models of images on training images that are held out, in place of test "
        "images, to choose hyper-parameters.",
    ),
]
#: The name of real images in tables, in the place of a model.
REAL = "training images"
#: The file of measurements during training.
CURVES = "images_curves.csv"
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
    "modes",
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


class ImageRun(Trainings["ImageModel"]):
    """One comparison on one or more sets of images.

    Arguments:
        held_out: Whether models are measured on held-out training images.
        settings: See :class:`Trainings`.
    """

    file, printed = "images.csv", PRINTED

    def __init__(self, held_out: bool, *settings: Any) -> None:
        super().__init__(*settings)
        self.held_out = held_out
        self.curves: list[dict[str, Any]] = []

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
        sets = {name: image_set(name, self.held_out) for name in names}
        paths = [self.out / self.file, self.out / CURVES]
        trainings = len(self.models) * len(names) * self.seeds
        notes.print(f"{trainings} trainings, after a classifier for each set of images")
        with progress_bar(trainings, "trainings") as self.advance:
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
        self.note(name, REAL, None, real)
        self._curve(name, REAL, None, [real])
        shown = {
            -1: ("test images", bench.images.test[: 4 * COLUMNS], bench.images.test[:0, None])
        }
        of_set = partial(_learn, name, self.held_out, bench.classifier)
        for place, model, seed, learnt in self.learnt(name, bench.images.train, of_set):
            self.note(name, repr(model), seed, learnt.row)
            self._curve(name, repr(model), seed, learnt.curve)
            if seed == 0:
                shown[place] = repr(model), learnt.samples.clip(0, 1), learnt.lines
        curves = pd.DataFrame(self.curves)
        curves = curves[curves["law"] == name]
        names = labels(curves["model"])
        curves["model"] = curves["model"].map(names)
        pictures = [(names.get(title, title), x, lines) for title, x, lines in in_order(shown)]
        return save(plot_generated(pictures), self.out / f"{name}_samples") + save(
            plot_learning(curves), self.out / f"{name}_learning"
        )

    def _curve(
        self, name: str, model: str, seed: int | None, curve: list[dict[str, float]]
    ) -> None:
        """Add the measurements during a training, and write the file of all of them."""
        import pandas as pd

        key = {"law": name, "model": model, "seed": seed}
        self.curves += [key | row for row in curve]
        pd.DataFrame(self.curves).to_csv(self.out / CURVES, index=False)


def _learn(
    name: str, held_out: bool, classifier: "ImageClassifier", model: "ImageModel", seed: int
) -> "LearntImages":
    """Train and measure a model; a worker process reads the images itself."""
    from bench.density.images.data import image_set
    from bench.density.images.measure import ImageBench

    return ImageBench(image_set(name, held_out), classifier).learn(model, seed)
