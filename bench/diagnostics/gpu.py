"""Checks and speed of training on a GPU: ``python -m bench.diagnostics.gpu``.

Four parts: results on the device agree with those of the processor; places in which the host
waits for the device during an epoch; networks a second for stacks of several sizes, against
plain loops, an ensemble and CUDA graphs; and density models against the processor.
``--device cpu`` rehearses all of it without a GPU: results are then compared with themselves, and
operations are listed for which the host would wait.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from algorithms.base import Array, Learner, Rows, TrainingSet
from algorithms.density.base import DensityModel
from algorithms.density.flow import Flow
from algorithms.density.images.base import ImageModel
from algorithms.density.led import LED
from algorithms.engine.learner import GradientLearner
from algorithms.erm import ERM
from algorithms.networks import MLP
from algorithms.runtime.paths import Absent
from algorithms.runtime.threads import one_thread
from bench.core.errors import BenchError
from bench.diagnostics.graphs import plain_pass
from bench.diagnostics.host_waits import waits
from bench.diagnostics.rivals import tensor_loop, vmap_ensemble
from bench.diagnostics.tasks import WORKS, Work, fitted_to, on, timed
from bench.records.manifest import check_device
from bench.spec.registry import REGISTRY

screen = Console(highlight=False, width=120)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

#: The largest difference of probabilities and of log-densities that rounding explains.
CLOSE = 1e-4
#: Fields that set the length of a training, and short values of them. Adam takes a step of full
#: length where a gradient is rounding alone: rounding grows with the steps of a density model.
SHORT = {"epochs": 3, "steps": 10, "rounds": 2}
#: The learning rate of image models, whose many parameters have more such gradients.
SMALL_RATE = 1e-4
Component = Learner | DensityModel | ImageModel
#: The points and the steps of density models that are timed.
DENSITY_POINTS, DENSITY_STEPS = 4000, 200
STACKS, REHEARSED = (64, 256, 1024, 4096), (2, 8)


def shortened(component: Any) -> Any:
    """Return a component with a short training, and components in its fields as well.

    Example:
        >>> shortened(ERM(epochs=100)).epochs
        3
    """
    changes = {
        f.name: min(SHORT[f.name], value) if f.name in SHORT else shortened(value)
        for f in fields(component)
        if is_dataclass(value := getattr(component, f.name)) or f.name in SHORT
    }
    return replace(component, **changes)


def sample(seed: int, n: int = 120) -> TrainingSet:
    """Return points of three classes and two groups; a tenth of the rows are replaced."""
    rng = np.random.default_rng(seed)
    y, group = rng.integers(3, size=n), rng.integers(2, size=n)
    x = (rng.normal(size=(n, 9)) + y[:, None]).astype(np.float32)
    members = rng.permutation(n)[: n // 10]
    rows = Rows(x, np.arange(n)).replace(members, x[members] + 1)
    held = TrainingSet(x[: n // 3], y[: n // 3], classes=3, group=group[: n // 3])
    return TrainingSet(rows, y, classes=3, group=group, validation=held)


def _trains_networks(learner: Learner) -> bool:
    """Return whether a learner, or a learner in its fields, trains networks by the engine."""
    parts = (value for value in vars(learner).values() if isinstance(value, Learner))
    return isinstance(learner, GradientLearner) or any(map(_trains_networks, parts))


def components() -> dict[str, Component]:
    """Return all learners that train networks and all density models, with short trainings."""
    learners = (cls() for cls in REGISTRY.kinds["learners"].values())
    found = [l for l in learners if _trains_networks(l) and l.domain is None]
    models = [cls() for cls in REGISTRY.kinds["densities"].values()]
    images = [cls(learning_rate=SMALL_RATE) for cls in REGISTRY.kinds["image_densities"].values()]
    return {type(c).__name__: shortened(c) for c in (*found, *models, *images)}


def answers(component: Component) -> Array:
    """Return the probabilities of a learner's classifiers, or a density's values.

    These are log-densities at points; or bounds of them at images, and log-weights of proposals,
    for each pixel.
    """
    rngs = [np.random.default_rng(seed) for seed in range(3)]
    if isinstance(component, DensityModel):
        # Two clusters: of points of a normal law, energy models keep the density of their start.
        centres = np.repeat([[-1.0], [1.0]], 200, axis=0)
        x = centres + 0.4 * np.random.default_rng(0).standard_normal((400, 2))
        return component.fit(x, rngs[0]).log_prob(x[::8])
    if isinstance(component, ImageModel):
        images = np.random.default_rng(0).random((200, 8, 8)).astype(np.float32)
        density = component.fit(images, rngs[0])
        bound = density.log_bound(images[:20], 8, rngs[1])
        weights = density.propose(20, rngs[2])[1]
        # Losses do not depend on a constant in the energy, which drifts by rounding alone.
        weights = (weights - weights.mean()) / max(1.0, density.beta)
        return np.concatenate([bound, weights]) / images[0].size
    samples = [sample(seed) for seed in range(3)]
    points, found = samples[0].x, []
    for fitted in component.fit_many(samples, rngs):
        if isinstance(fitted, Exception):
            raise fitted
        some = fitted.predict_proba
        found.append(np.eye(3)[fitted.predict(points)] if some is None else some(points))
    return np.array(found)


def difference(component: Component, device: str) -> float:
    """Return the largest difference of answers on a device from those on the processor."""
    with on("cpu"):
        here = answers(component)
    with on(device):
        return float(np.abs(answers(component) - here).max())


def epoch_of(work: Work, count: int, epochs: int) -> Callable[[], object]:
    """Return a training of a stack of networks by the engine."""
    learner, data = replace(fitted_to(work, ERM()), epochs=epochs), work.sample()
    hyperparams = {name: [value] * count for name, value in learner.hyperparams().items()}

    def run() -> object:
        rngs = [np.random.default_rng(r) for r in range(count)]
        return learner.replicas([data] * count, rngs, hyperparams)

    return run


def rates(work: Work, device: str, stacks: tuple[int, ...]) -> Iterator[tuple[str, float]]:
    """Yield the networks a second, a pass each, of the engine and of other ways on a device.

    The rate of a stack that exceeds the memory of the device is NaN.
    """

    def rate(run: Callable[[], object], count: int) -> float:
        try:
            run()
            return count / timed(run)
        except torch.cuda.OutOfMemoryError:
            return float("nan")

    with on(device):
        yield "plain loop", rate(tensor_loop(work), 1)
        yield f"torch.func.vmap, {stacks[0]}", rate(vmap_ensemble(work, stacks[0]), stacks[0])
        for count in stacks:
            yield f"engine, {count:,}", rate(epoch_of(work, count, 1), count)
        if isinstance(work.network, MLP):
            for count in stacks:
                yield f"plain step, {count:,}", rate(plain_pass(work, count, False), count)
                if device != "cpu":
                    yield f"CUDA graph, {count:,}", rate(plain_pass(work, count, True), count)


def show_agreement(device: str) -> bool:
    """Print how far results on a device are from the processor's; return whether all agree.

    Components that need libraries or files which are not there are not checked.
    """
    table, agree = Table("component", "largest difference", "s", box=None), True
    for name, component in components().items():
        started = time.perf_counter()
        try:
            found = difference(component, device)
        except Absent as error:
            table.add_row(name, f"not checked: {error}"[:80], "")
            continue
        except Exception as error:
            agree = False
            table.add_row(name, f"{type(error).__name__}: {error}"[:80], "")
            continue
        agree &= found <= CLOSE
        text = f"{found:.1e}" + ("" if found <= CLOSE else f" > {CLOSE:g}")
        table.add_row(name, text, f"{time.perf_counter() - started:.1f}")
    screen.print(table)
    return agree


def show_waits(device: str) -> None:
    """Print where the host waits in an epoch, and how often: the difference of two lengths."""
    work = replace(WORKS["A"], n=1024)
    with on(device):
        short, long = (waits(epoch_of(work, 4, epochs), device) for epochs in (2, 3))
    table = Table("place", "waits an epoch", box=None)
    for where, count in (long - short).most_common():
        table.add_row(where, str(count))
    screen.print(table)
    steps = -(-work.n // work.batch_size)
    screen.print(
        f"an epoch has {steps} steps; the host waits {sum((long - short).values())} times"
    )


def show_rates(device: str, stacks: tuple[int, ...]) -> None:
    """Print networks a second, and their ratio to those of a plain loop."""
    table = Table("work", "way", "networks a second", "of the plain loop's", box=None)
    for key, work in WORKS.items():
        found = dict(rates(work, device, stacks))
        for way, rate in found.items():
            ratio = rate / found["plain loop"]
            table.add_row(f"{key}: {work.name}", way, f"{rate:.3g}", f"{ratio:.3g}")
    screen.print(table)


def show_densities(device: str) -> None:
    """Print the seconds of short trainings of density models on the processor and on a device."""
    x = np.random.default_rng(0).standard_normal((DENSITY_POINTS, 2))
    table = Table("density model", "steps", "processor, s", f"{device}, s", "ratio", box=None)
    for model in (LED(steps=DENSITY_STEPS), Flow(steps=DENSITY_STEPS)):
        found = []
        for where in ("cpu", device):
            with on(where):
                model.fit(x, np.random.default_rng(0))  # what runs first takes longer
                found.append(timed(partial(model.fit, x, np.random.default_rng(0))))
        here, there = found
        numbers = (f"{here:.3g}", f"{there:.3g}", f"{here / there:.3g}")
        table.add_row(type(model).__name__, str(DENSITY_STEPS), *numbers)
    screen.print(table)


def _check_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises:
        BenchError: With the way out.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise BenchError(
            f"torch {torch.__version__} finds no GPU here: run this on a machine with a GPU and a "
            f"build of torch for it, or rehearse it with --device cpu"
        )
    with on(device):
        check_device()


def _stacks(device: str, given: str | None) -> tuple[int, ...]:
    """Return the numbers of networks in a stack; a rehearsal has small ones.

    Raises:
        BenchError: If the text is no list of numbers above zero.
    """
    if given is None:
        return REHEARSED if device == "cpu" else STACKS
    texts = given.split(",")
    if not all(text.strip().isdecimal() and int(text) > 0 for text in texts):
        raise BenchError(f"--stacks {given!r}: numbers of networks are written like 64,256")
    return tuple(map(int, texts))


@app.command()
def main(
    device: Annotated[str, typer.Option(help="cuda, cuda:1, or cpu for a rehearsal.")] = "cuda",
    stacks: Annotated[
        str | None, typer.Option(help="Numbers of networks in a stack, such as 64,256.")
    ] = None,
) -> None:
    """Check and time training on a GPU; exit with 1 if results differ, with 2 without a GPU."""
    try:
        _check_device(device)
        counts = _stacks(device, stacks)
    except BenchError as error:
        screen.print(f"error: {error}", markup=False)
        raise typer.Exit(2) from None
    kind = (
        torch.cuda.get_device_name(device) if device != "cpu" else "a rehearsal on the processor"
    )
    screen.print(f"torch {torch.__version__}, {device}: {kind}")
    with one_thread():
        agree = show_agreement(device)
        show_waits(device)
        show_rates(device, counts)
        show_densities(device)
    if not agree:
        screen.print(f"some results differ by more than {CLOSE:g}, or there are none")
        sys.exit(1)


if __name__ == "__main__":
    app()
