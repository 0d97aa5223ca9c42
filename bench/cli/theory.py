"""Commands that compare theory with records, and plan the size of a collective."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.cli.options import Data, Format, Plugins, Run
from bench.cli.shared import app, folder_of, grid_records, notes

if TYPE_CHECKING:
    import pandas as pd


@app.command()
def bounds(
    run: Run,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the figures of bounds and of strategies.")
    ] = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Compare theoretical bounds with measured success: violations and slack.

    The column "guarantee" says for which learners a bound has to hold. Other learners may have
    less success than the bound, which violates no theorem.

    Example: `python run_bench.py bounds quick`
    """
    from results.report.outputs import write_bounds
    from results.report.terminal import plain, show
    from results.stats.bound_slack import promised, violations

    records = grid_records(folder_of(run))
    table = promised(records)
    violated = violations(table)
    rows = zip(violated["bound"], violated["learner"], strict=True)
    violated["guarantee"] = [_guarantee(bound, learner) for bound, learner in rows]
    show(plain(violated), format)
    notes.print(_judgement(violated), soft_wrap=True)
    for path in write_bounds(records, table, out) if out else ():
        notes.print(f"wrote {path}")


#: Bound -> the assumption under which it holds; None stands for estimates without a guarantee.
ASSUMPTIONS = {
    "exact": "a firm that knows the distribution",
    "sample": "an optimal firm, in 95 % of samples",
    "plugin": None,
    "weighted": None,
}


def _guarantee(bound: str, learner: str) -> str:
    """Return for which firms a bound is guaranteed, and whether a learner is one of them.

    Arguments:
        bound: Name of the bound.
        learner: Spec of the learner.
    """
    from bench.core.errors import BenchError
    from bench.spec.parsing import parse

    assumption = ASSUMPTIONS.get(bound)
    if assumption is None:
        return "none: an estimate"
    if bound != "exact":
        return f"for {assumption}"
    try:
        met = parse(learner, "learners").needs_law
    except BenchError:  # a learner of a plugin that is not loaded
        met = False
    return "holds" if met else f"none: only for {assumption}"


def _judgement(violated: "pd.DataFrame") -> str:
    """Return in words what the violations of bounds mean.

    Arguments:
        violated: Numbers of violations, with the column ``guarantee``.
    """
    total = int(violated["violations"].sum())
    firm = int(violated.loc[violated["guarantee"] == "holds", "violations"].sum())
    if firm:
        return (
            f"{firm} violations are of bounds that are guaranteed for these learners: report them "
            f"as an error of the program"
        )
    if not total:
        return "no bound is violated"
    return (
        f"none of the {total} violations contradicts a theorem: they are of estimates, or of "
        f"learners outside the assumption of the bound"
    )


@app.command()
def plan(
    dataset: Annotated[str, typer.Option(help="Dataset from whose population the members come.")],
    strategy: Annotated[str, typer.Option(help="Strategy of the members.")] = "FeatureLabel",
    target_success: Annotated[float, typer.Option(min=0, max=1, help="Success to reach.")] = 0.9,
    confidence: Annotated[
        float, typer.Option(min=0.5, max=0.9999, help="Confidence of the bound.")
    ] = 0.95,
    error: Annotated[
        float,
        typer.Option(
            min=0, max=0.99, help="Distance of the firm's classifier from an optimal one."
        ),
    ] = 0.0,
    near: Annotated[
        Literal["tv", "contamination"],
        typer.Option(
            help="Measure of that distance: total variation, or the share of contaminated data."
        ),
    ] = "tv",
    test: Annotated[
        int, typer.Option(min=1, help="Number of test points on which success is measured.")
    ] = 100_000,
    root: Data = None,
    plugin: Plugins = None,
    format: Format = None,
) -> None:
    """Print the number of members from which a theoretical bound guarantees a success.

    The bound is computed from data before the collective acts. It holds for a firm whose
    classifier is nearly optimal on its training set. Other learners may need more members.

    Example: `python run_bench.py plan --dataset "Cars(n=200000)" --strategy FeatureLabel`
    """
    import pandas as pd

    from bench.spec.parsing import parse
    from bench.theory.sample_size import plan as planned
    from collectives.theory.finite_sample import Terms
    from results.report.terminal import show

    data = parse(dataset, "datasets")
    made = parse(strategy, "strategies").with_defaults(data.signal, data.label)

    def terms(people: int) -> Terms:
        return Terms(people, test, 1 - confidence, error, near)

    row = {"strategy": repr(made), **planned(data, made, target_success, terms)}
    if row["members"] is None and format is None:
        best = f"the bound guarantees a success of at most {row['promised']:.3f}, at any size"
        if row["promised"] <= 0:
            best = "the bound guarantees nothing at any size"
        print(f"no answer: with n = {row['people']} {best}")
        return
    show(pd.DataFrame([row]), format)
    if row["members"] is not None:
        notes.print(
            f"this holds with confidence {confidence:g} for a firm whose classifier is within "
            f"{error:g} of an optimal one; other learners are outside the assumption, and may "
            f"need more members",
            soft_wrap=True,
        )
