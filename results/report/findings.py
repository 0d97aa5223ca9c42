"""What a run found, in three sentences."""

import numpy as np
import pandas as pd

from results.display_names import display, parse, titles
from results.plots.axes import percent
from results.plots.control import without_control
from results.stats.analysis import LEVELS, Analysis
from results.stats.gate import MARGIN, gate
from results.stats.paired import compare
from results.stats.verdicts import MARGINS

#: The class that others are compared with.
_BASELINE = "ERM"


def findings(analysis: Analysis) -> list[str]:
    """Return sentences on critical masses, on differences from ERM, and on accuracy.

    A sentence says so where the records decide nothing.

    Arguments:
        analysis: The records of a run.
    """
    if not (analysis.records["status"] == "ok").any():
        return ["No trial has succeeded, so that nothing was found."]
    return [_masses(analysis), _differences(analysis.records), _accuracies(analysis)]


def _names(frame: pd.DataFrame) -> "pd.Series[str]":
    """Return where each row of a table belongs: learner, dataset and strategy, in words."""
    learners, datasets = display(frame["learner"]), display(frame["dataset"])
    strategies = titles(frame)
    return pd.Series(
        [
            f"{learners[row['learner']]} on {datasets[row['dataset']]}, "
            f"{strategies[row['dataset'], row['strategy']]}"
            for row in frame.to_dict("records")
        ],
        frame.index,
        dtype=object,
    )


def _masses(analysis: Analysis) -> str:
    """Return a sentence on the smallest and the largest critical mass."""
    level = LEVELS[0]
    all_masses = without_control(analysis.critical)
    masses = all_masses[all_masses["level"] == level]
    masses = masses.assign(name=_names(masses))
    inside = masses[masses["reached"] == "inside"].sort_values(["estimate", "name"])
    rest = {
        "beyond": "do not reach it at any size",
        "below": "reach it at the smallest size",
        "control": "are already there at size 0",
        "unknown": "are unknown",
    }
    counts = masses["reached"].value_counts()
    others = [f"{counts[key]} {text}" for key, text in rest.items() if counts.get(key, 0)]
    more = f" Of {_count(len(masses), 'curve')}, {', '.join(others)}." if others else ""
    if not len(inside):
        return f"No critical mass at level {level:g} lies between two sizes.{more}"
    first, last = inside.iloc[0], inside.iloc[-1]
    if len(inside) == 1:
        return f"The only critical mass at level {level:g} is {_mass(first)}.{more}"
    return (
        f"The smallest critical mass at level {level:g} is {_mass(first)}; the largest is "
        f"{_mass(last)}.{more}"
    )


def _mass(row: "pd.Series") -> str:
    """Return a critical mass with its interval and its curve."""
    low = "0" if row["low"] == 0 else percent(float(f"{row['low']:.2g}"))
    high = "above all sizes" if np.isinf(row["high"]) else percent(float(f"{row['high']:.2g}"))
    estimate = percent(float(f"{row['estimate']:.2g}"))
    return f"{estimate} (95 % interval {low} to {high}; {row['name']})"


def _count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _differences(records: pd.DataFrame) -> str:
    """Return a sentence on the areas that differ from ERM's."""
    acted = without_control(records)
    bases = [text for text in acted["learner"].unique() if parse(str(text))[0] == _BASELINE]
    base = min(bases, key=lambda text: (len(text), text), default=None)
    if base is None:
        return f"The run has no {_BASELINE} with which learners could be compared."
    table = compare(acted, base)
    areas = table[table["measure"] == "area"]
    if not len(areas):
        return f"The run has no learner beside {_BASELINE}."
    words = areas["verdict"].value_counts()
    wins, losses = int(words.get("win", 0)), int(words.get("loss", 0))
    ties, open_ = int(words.get("tie", 0)), int(words.get("cannot tell", 0))
    if not wins + losses and (areas["attainable"] > 0.05).all():
        seeds = int(areas["seeds"].max())
        return (
            f"Whether a learner's area differs from {_BASELINE}'s cannot be decided: "
            f"{_count(seeds, 'seed')} cannot reach p at most .05 for "
            f"{_count(areas['learner'].nunique(), 'learner')}, whatever the differences."
        )
    clear = areas[areas["verdict"].isin(["win", "loss"])]
    clear = clear.assign(name=_names(clear), size_of=clear["difference"].abs())
    clear = clear.sort_values(["size_of", "name"], ascending=[False, True])
    largest = ""
    if len(clear):
        row = clear.iloc[0]
        largest = (
            f" The largest difference is {row['difference']:+.2f} "
            f"[{row['low']:.2f}, {row['high']:.2f}] ({row['name']})."
        )
    return (
        f"Of {_count(len(areas), 'area')} compared with {_BASELINE}'s, {wins} "
        f"{'is' if wins == 1 else 'are'} significantly larger and {losses} significantly smaller "
        f"(p at most .05, corrected); {ties} {'is' if ties == 1 else 'are'} equal within "
        f"{MARGINS['area']:g}, and {open_} cannot be decided.{largest}"
    )


def _accuracies(analysis: Analysis) -> str:
    """Return a sentence on the learners whose accuracy is below ERM's without a collective."""
    gated = gate(analysis.records)
    gated = gated[gated["accuracy_difference"].notna()]
    if not len(gated):
        return f"The records have no accuracies that could be compared with {_BASELINE}'s."
    names = display(analysis.records["learner"])
    learners = gated["learner"].unique()
    failing = gated[~gated["ranked"]]
    if not len(failing):
        return (
            f"Without a collective, no learner is more than {MARGIN:g} less accurate than "
            f"{_BASELINE} on any dataset."
        )
    listed = ", ".join(sorted(names[text] for text in failing["learner"].unique()))
    return (
        f"Without a collective, {failing['learner'].nunique()} of "
        f"{_count(len(learners), 'learner')} are more than {MARGIN:g} less accurate than "
        f"{_BASELINE} on some dataset ({listed}): their success there is not compared."
    )
