"""The fields of a record, in one table.

Columns of frames, published columns, the means of success curves and the table in the
documentation follow from it. A new field is a line here and a line where it is computed
(:mod:`bench.experiment.evaluation`).
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Field:
    """A field of a record.

    Arguments:
        name: Its name in a record.
        type: "text", "number", "integer", "json" (lists by name), or "numbers": numbers by name,
            each of which is a column of frames.
        unit: The unit of its numbers; "share" is a number from 0 to 1.
        description: What it is.
        averaged: Whether success curves show its mean over seeds. It must be a share.
        published: Whether published records have it.
        prefix: How the columns of "numbers" begin.
    """

    name: str
    type: Literal["text", "number", "integer", "json", "numbers"]
    unit: str
    description: str
    averaged: bool = False
    published: bool = False
    prefix: str = ""


RECORD_FIELDS = (
    Field("dataset", "text", "", "Spec of the dataset.", published=True),
    Field("learner", "text", "", "Spec of the learner.", published=True),
    Field("strategy", "text", "", "Spec of the strategy.", published=True),
    Field("size", "number", "share", "Members' share of the training set.", published=True),
    Field("seed", "integer", "", "Seed of all random streams.", published=True),
    Field("validation", "text", "", "Whether members are in validation data.", published=True),
    Field("groups", "text", "", "Groups that the firm knows.", published=True),
    Field("recruitment", "text", "", "How members are chosen.", published=True),
    Field("members", "integer", "rows", "Members in the training set.", published=True),
    Field("n", "integer", "rows", "Rows of the training set.", published=True),
    Field("code", "text", "", "Versions of dataset, learner and strategy.", published=True),
    Field("environment", "text", "", "Digest of versions and machine.", published=True),
    Field("success", "number", "share", "Success of the collective on test data.", published=True),
    Field("tested", "number", "rows", "Test rows that success is about.", published=True),
    Field(
        "success_others",
        "number",
        "share",
        "Success on test rows whose label is not the target.",
        averaged=True,
        published=True,
    ),
    Field("accuracy", "number", "share", "Test accuracy.", averaged=True, published=True),
    Field(
        "constant", "number", "share", "Test accuracy of the best constant answer.", published=True
    ),
    Field(
        "worst_group",
        "number",
        "share",
        "Test accuracy in the worst group.",
        averaged=True,
        published=True,
    ),
    Field(
        "effective_size",
        "number",
        "share",
        "Members' share of all training weight.",
        averaged=True,
        published=True,
    ),
    Field(
        "stand_in_groups",
        "integer",
        "",
        "1 if the learner needs groups and the data have none, so that labels stand in.",
        published=True,
    ),
    Field("firm_accuracy", "number", "share", "Accuracy on the firm's validation data."),
    Field("firm_worst_group", "number", "share", "The same in the worst group."),
    Field("firm_loss", "number", "nats", "Log loss on the firm's validation data."),
    Field(
        "flagged", "number", "share", "Share of training rows that training flags.", averaged=True
    ),
    Field("precision", "number", "share", "Members' share of flagged rows.", averaged=True),
    Field("recall", "number", "share", "Flagged share of members.", averaged=True),
    Field("seconds", "number", "s", "Time of the trial.", published=True),
    Field("status", "text", "", "ok or failed.", published=True),
    Field("error", "text", "", "Reason of a failure.", published=True),
    Field("epochs", "json", "", "Success, accuracy and more after each epoch, if traced."),
    Field("report", "numbers", "", "Numbers that the learner reports.", prefix="report_"),
    Field("measures", "numbers", "", "Numbers that the strategy measures.", prefix="measure_"),
    Field("signal", "numbers", "", "Properties of the signal.", prefix="signal_"),
    Field("bounds", "numbers", "", "Bounds on success.", prefix="bound_"),
)
#: The columns of every frame, in order.
COLUMNS = [field.name for field in RECORD_FIELDS if field.type != "numbers"]
#: The columns of published records.
PUBLISHED = [field.name for field in RECORD_FIELDS if field.published]
#: The columns that success curves average beside success.
AVERAGED = [field.name for field in RECORD_FIELDS if field.averaged]


def markdown() -> str:
    """Return the table of fields for the documentation."""
    rows = [["column", "type", "unit", "averaged", "published", "meaning"]]
    for field in RECORD_FIELDS:
        name = f"`{field.prefix}*`" if field.prefix else f"`{field.name}`"
        marks = ["yes" if mark else "" for mark in (field.averaged, field.published)]
        rows.append([name, field.type, field.unit, *marks, field.description])
    rows.insert(1, ["---"] * len(rows[0]))
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
