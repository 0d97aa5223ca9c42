"""The bias of estimates of log Z, for the command ``density --bias``."""

from pathlib import Path

from bench.cli.shared import notes


def draw_bias(out: Path, format: str | None) -> None:
    """Measure and draw the bias of estimates of log Z for a known density.

    Arguments:
        out: Folder for the table and the figure.
        format: Format of the printed table.
    """
    import pandas as pd

    from bench.core.random_streams import stream
    from bench.density.log_z_bias import biases, target_constants
    from results.plots.log_z_bias import plot_bias
    from results.plots.style import save
    from results.report.terminal import show

    truth, table = target_constants(), pd.DataFrame(biases(stream(0, "bias")))
    table.assign(**truth).to_csv(out / "bias.csv", index=False)
    paths = [out / "bias.csv", *save(plot_bias(table, truth), out / "bias")]
    show(table, format)
    notes.print(f"wrote {', '.join(map(str, paths))}", soft_wrap=True)
