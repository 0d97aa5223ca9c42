"""Headings of critical masses, and accuracies beside them."""

import pandas as pd

from results.stats.crossing import Above
from results.stats.gate import gate


def mass_title(level: float, above: Above) -> str:
    """Return the heading of critical masses.

    Example:
        >>> mass_title(0.5, "control"), mass_title(0.5, "zero")
        ('critical mass at 0.5 above size 0', 'critical mass at 0.5')
    """
    return f"critical mass at {level:g}{' above size 0' if above == 'control' else ''}"


def accuracies(records: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Return accuracies at size 0 as text, marked where they fail the gate.

    Arguments:
        records: One row a trial.
        rows: A table with columns ``dataset`` and ``learner``.

    Returns:
        A text for each row; empty where records have no accuracy.
    """
    gated = gate(records).set_index(["dataset", "learner"])
    pairs = list(zip(rows["dataset"], rows["learner"], strict=True))
    found = gated.reindex(pairs)
    return [
        "" if accuracy != accuracy else f"{accuracy:.3f}{'' if ranked else ', not ranked'}"
        for accuracy, ranked in zip(found["accuracy"], found["ranked"], strict=True)
    ]
