"""The trainings of one call of the command ``density``, and their results so far."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from bench.cli.shared import notes

Model = TypeVar("Model")
T = TypeVar("T")


class Trainings(Generic[Model]):
    """Models that are trained with several seeds on several sources of data.

    Arguments:
        models: Models to train.
        seeds: Number of seeds.
        seconds: Time budget of each model; its own number of steps if None.
        out: Folder for tables and figures.
        format: Format of the printed table.
    """

    #: The file of the table in the folder.
    file: str
    #: Columns that are printed after each training; all, if there are none.
    printed: Sequence[str] = ()

    def __init__(
        self,
        models: Sequence[Model],
        seeds: int,
        seconds: float | None,
        out: Path,
        format: str | None,
    ) -> None:
        self.models, self.seeds, self.seconds = models, seeds, seconds
        self.out, self.format = out, format
        self.rows: list[dict[str, Any]] = []
        #: Moves the progress bar by one training.
        self.advance: Callable[[], None] = lambda: None

    def trials(self, source: str, x: Any) -> Iterator[tuple[Model, int]]:
        """Yield each model with each seed; a model that fails to fit its time budget has none.

        All models of a seed come before the next seed, so that an interrupt leaves pairs.

        Arguments:
            source: The name of the data.
            x: Training points, on which steps are timed.
        """
        from bench.density.time_budget import fit_steps_to_budget

        def fitted(model: Any) -> Any:
            return model if self.seconds is None else fit_steps_to_budget(model, x, self.seconds)

        found = [self.tried(source, m, 0, partial(fitted, m)) for m in self.models]
        for model in found:
            for _ in range(self.seeds if model is None else 0):
                self.advance()
        for seed in range(self.seeds):
            yield from ((model, seed) for model in found if model is not None)

    def tried(self, source: str, model: object, seed: int, work: Callable[[], T]) -> T | None:
        """Return the result of some work, or None and a row with the error if it failed."""
        try:
            return work()
        except ArithmeticError as error:
            self.note(source, repr(model), seed, {"error": str(error)})
            return None

    def note(self, source: str, model: str, seed: int | None, measured: dict[str, Any]) -> None:
        """Add a row to the results, write the file of all rows, and print the row.

        Arguments:
            source: The name of the data.
            model: The model's spec, or another name for the row.
            seed: The seed; None for a row without one.
            measured: The measurements, or an error.
        """
        import pandas as pd

        self.rows.append({"law": source, "model": model, "seed": seed} | measured)
        # The file is written after each row, so that an interrupt loses no measurement.
        pd.DataFrame(self.rows).to_csv(self.out / self.file, index=False)
        printed = (*self.printed, "error") if self.printed else measured
        text = ", ".join(
            f"{k} {v}" if isinstance(v, str) else f"{k} {v:.4g}"
            for k, v in measured.items()
            if k in printed
        )
        seeded = "" if seed is None else f", seed {seed}"
        notes.print(f"{source}, {model.partition('(')[0]}{seeded}: {text}", soft_wrap=True)
