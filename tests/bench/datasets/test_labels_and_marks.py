"""Labels and marks of users' tables: read rightly, or refused with what is allowed."""

import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.csv_file import CSV
from bench.datasets.real.text_file import TextFile
from bench.spec.parsing import parse
from collectives.signals.tabular import Category
from tests.helpers.csv_texts import COUNT, PLAIN, ROWS, columns, text, written

# ---- labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (("0", "1", "01"), r"'01' \(row 3\) and '1' \(row 2\)"),
        (("1", "1.0", "2"), r"'1' \(row 1\) and '1.0' \(row 2\)"),
        (("+1", "1", "-1"), r"'\+1' \(row 1\) and '1' \(row 2\)"),
        (("yes", "no", "NA"), "'NA' in row 3"),
        (("yes", "no", "nan"), "'nan' in row 3"),
        (("yes", "no", ""), "an empty one in row 3"),
        (("yes", "yes", "yes"), "1 different labels"),
        (tuple(f"{k / 7:.3f}" for k in range(ROWS)), "60 different labels in 60 rows"),
        (tuple(f"name {k}" for k in range(ROWS)), "60 different labels in 60 rows"),
    ],
)
@pytest.mark.parametrize("kind", [CSV, TextFile])
def test_labels_that_are_no_classes_are_refused(root, kind, labels, says):
    table = columns(label=[labels[k % len(labels)] for k in range(ROWS)])
    (root / "table.csv").write_text(text(table))
    data = CSV(mark="town=bonn") if kind is CSV else TextFile("table.csv", "town")
    with pytest.raises(BenchError, match=says):
        data.split(stream(0, "data"))


def test_labels_are_in_one_order_whatever_the_process(root):
    labels = ["10", "9", "-1", "2.5"]
    data = written(root, text(columns(label=[labels[k % 4] for k in range(ROWS)])))
    assert data._table().labels == ("-1", "2.5", "9", "10")


@pytest.mark.parametrize("kind", [CSV, TextFile])
def test_sizes_and_targets_beyond_the_file_are_refused(root, bench, kind):
    (root / "table.csv").write_text(PLAIN)
    start = "CSV(mark='town=bonn', " if kind is CSV else "TextFile('table.csv', 'town', "
    learner = "EmpiricalBayes" if kind is CSV else "HashedBag"
    for field, says in (
        ("n=100", "n=100 training and 25 validation rows were requested, but there are only 45"),
        ("n_test=16", "n_test=16 test rows were requested, but there are only 15"),
        ("aim='maybe'", "aim='maybe' is no label; the labels are no, yes"),
    ):
        answer = bench(
            "run", "--datasets", f"{start}{field})", "--learners", learner, "--seeds", 1
        )
        assert answer.code == 2
        assert says in answer.line
        assert not (root.parent / "runs").exists()


def test_a_run_says_how_each_column_was_read(root, bench, no_figures):
    (root / "table.csv").write_text(text({"": COUNT} | columns()))
    command = ["--learners", "EmpiricalBayes", "--seeds", 1, "--jobs", 0, "--sizes", "0.1"]
    answer = bench("run", "--datasets", "CSV(mark='town=bonn')", "--strategies", "Idle", *command)
    for line in (
        "table.csv: labels: no, yes",
        "table.csv: numbers: income",
        "table.csv: categories, with numbers of values: town (3)",
        "table.csv: dropped: a column without a name (it counts the rows)",
    ):
        assert line in answer.err
        assert answer.err.count(line) == 1
        assert line in bench("data", "columns", "CSV").err


# ---- marks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mark", "blocks", "values"),
    [
        ("job=R & D", ((0, 3),), (1,)),
        ("job=a=b", ((0, 3),), (2,)),
        ("job=R & D & size=a & job", ((0, 3), (3, 2)), (1, 1)),
        ("size=a & job & job=R & D", ((3, 2), (0, 3)), (1, 1)),
        ("size=a & job=a=b", ((3, 2), (0, 3)), (0, 2)),
    ],
)
def test_values_with_signs_of_marks_can_be_named(root, mark, blocks, values):
    table = columns(
        job=[("R & D", "a=b", "HR")[k % 3] for k in range(ROWS)],
        size=[("a", "a & job")[k % 2] for k in range(ROWS)],
    )
    (root / "table.csv").write_text(text(table))
    data = CSV(mark=mark, drop=("town", "income"))
    assert data.signal == Category(blocks, values)
    assert parse(repr(data), "datasets") == data


def test_an_ambiguous_mark_is_refused_unless_a_signal(root):
    table = columns(
        a=[("x", "x & b=y", "z")[k % 3] for k in range(ROWS)], b=["y", "z"] * (ROWS // 2)
    )
    (root / "table.csv").write_text(text(table))
    with pytest.raises(BenchError, match=r"several signals: Category.* or Category"):
        _ = CSV(mark="a=x & b=y").signal
    data = parse("CSV(mark=Category(blocks=((1, 3),), values=(1,)))", "datasets")
    assert data.signal == Category(((1, 3),), (1,))
    assert parse(repr(data), "datasets") == data
    with pytest.raises(BenchError, match="can't carry the mark"):
        CSV(mark=Category(blocks=((8, 30),), values=(1,))).split(stream(0, "data"))
    with pytest.raises(BenchError, match=r"income is a number: a mark like 'income\+2'"):
        _ = CSV(mark="income=3").signal


def test_marks_that_name_nothing_are_refused_with_what_there_is(root):
    frame = pd.DataFrame({"label": [0, 1] * 10, "town": ["ulm", "bonn"] * 10, "age": range(20)})
    frame.to_csv(root / "table.csv", index=False)
    for mark, says in (("twon=ulm", "town"), ("town=ulms", "ulm"), ("agee+2", "age")):
        with pytest.raises(BenchError, match=says):
            _ = CSV(mark=mark).signal
