"""The trainings of one call of the command ``density``, and their results so far."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from algorithms.runtime.device import configured
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
        jobs: Number of worker processes; 0 trains one model after the other in this process.
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
        jobs: int = 0,
    ) -> None:
        self.models, self.seeds, self.seconds = models, seeds, seconds
        self.out, self.format, self.jobs = out, format, jobs
        self.rows: list[dict[str, Any]] = []
        #: Moves the progress bar by one training.
        self.advance: Callable[[], None] = lambda: None

    def learnt(
        self, source: str, x: Any, learn: Callable[[Model, int], T]
    ) -> Iterator[tuple[int, Model, int, T]]:
        """Yield each model and seed with what was learnt, in the order in which trainings end.

        All models of a seed are trained before the next seed, so that an interrupt leaves pairs.
        A training that fails has a row with the error instead.

        Arguments:
            source: The name of the data.
            x: Training points, on which steps are timed.
            learn: Trains a model with a seed. Worker processes must be able to load it.

        Yields:
            The model's place among all that are trained, the model, the seed, and the result.
        """
        from bench.execution.each_trial import each_trial

        models = list(self._within_budget(source, x))
        items = [(at, m, seed) for seed in range(self.seeds) for at, m in enumerate(models)]
        for at, seed, result in each_trial(items, partial(_attempt, learn), self.jobs):
            self.advance()
            if isinstance(result, ArithmeticError):
                self.note(source, repr(models[at]), seed, {"error": str(result)})
            else:
                yield at, models[at], seed, result

    def _within_budget(self, source: str, x: Any) -> Iterator[Model]:
        """Yield the models with the steps of their time budget, but those whose timing fails."""
        from bench.density.time_budget import fit_steps_to_budget

        for model in self.models:
            if self.seconds is None:
                yield model
                continue
            try:
                yield fit_steps_to_budget(cast(Any, model), x, self.seconds)
            except ArithmeticError as error:
                self.note(source, repr(model), 0, {"error": str(error)})
                for _ in range(self.seeds):
                    self.advance()

    def note(self, source: str, model: str, seed: int | None, measured: dict[str, Any]) -> None:
        """Add a row to the results, write the file of all rows, and print the row.

        Arguments:
            source: The name of the data.
            model: The model's spec, or another name for the row.
            seed: The seed; None for a row without one.
            measured: The measurements, or an error.
        """
        import pandas as pd

        key = {"law": source, "model": model, "seed": seed, "device": configured()}
        self.rows.append(key | measured)
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


def in_order(found: dict[Any, T]) -> list[T]:
    """Return the values of a dictionary in the order of its keys.

    Example:
        >>> in_order({(1, 0): "b", (0, 2): "a"})
        ['a', 'b']
    """
    return [found[key] for key in sorted(found)]


def _attempt(
    learn: Callable[[Model, int], T], item: tuple[int, Model, int]
) -> tuple[int, int, T | ArithmeticError]:
    """Return a model's place, a seed, and what was learnt or the error of a training."""
    at, model, seed = item
    try:
        return at, seed, learn(model, seed)
    except ArithmeticError as error:
        return at, seed, error
