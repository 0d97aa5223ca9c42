"""Users' own tables, arrays and texts: read rightly, or refused with the value and a way out."""

import datetime
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.io.data_root import CACHE_VARIABLE, VARIABLE
from bench.datasets.real.csv_file import CSV
from bench.datasets.real.npz_file import Npz
from bench.datasets.real.text_file import TextFile
from bench.spec.parsing import parse
from collectives.signals.tabular import Category, SetFeature

ROWS = 60
COUNT = [str(k) for k in range(ROWS)]


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root of its own."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "prepared"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def columns(**changes):
    """Sixty rows of a number, a town and a label; some columns in other words."""
    plain = {
        "income": [f"{1000 + 7 * k}.5" for k in range(ROWS)],
        "town": [("ulm", "bonn", "jena")[k % 3] for k in range(ROWS)],
        "label": [("no", "yes")[k % 2] for k in range(ROWS)],
    }
    return {**plain, **changes}


def text(table, delimiter=",", end="\n"):
    lines = [
        delimiter.join(table),
        *(delimiter.join(row) for row in zip(*table.values(), strict=True)),
    ]
    return end.join(lines) + end


def written(root, content, name="table.csv"):
    raw = content if isinstance(content, bytes) else content.encode()
    (root / name).write_bytes(raw)
    return CSV(name, mark="town=bonn")


def numbers(data):
    """The numeric columns, before they are standardised."""
    return dict(zip(data.schema.numbers, data._table().rows.numbers.T, strict=True))


# ---- how a CSV file is laid out ------------------------------------------------------------


def test_layouts_of_one_table_are_read_alike(root):
    plain = text(columns())
    quoted = plain.replace("ulm", '"ulm"').replace("town", '"town"')
    spaced = plain.replace(",", " ,  ")
    layouts = {
        "bom": b"\xef\xbb\xbf" + plain.encode(),
        "utf-16": plain.encode("utf-16"),
        "windows": plain.replace("\n", "\r\n"),
        "old mac": plain.replace("\n", "\r"),
        "semicolons": text(columns(), ";"),
        "tabs": text(columns(), "\t"),
        "bars": text(columns(), "|"),
        "blank lines": "\n" + plain.replace("\n", "\n\n") + "  \n",
        "quotes": quoted,
        "blanks": spaced,
        "commas at all ends": plain.replace("\n", ",\n"),
        "index": text({"": COUNT} | columns()),
        "index twice": text(
            {"": map(str, range(ROWS)), "Unnamed: 0": map(str, range(ROWS))} | columns()
        ),
    }
    wanted = written(root, plain).split(stream(0, "data"))
    for k, (name, content) in enumerate(layouts.items()):
        data = written(root, content, f"{k}.csv")
        assert data.schema.columns == ("income", "town=bonn", "town=jena", "town=ulm"), name
        split = data.split(stream(0, "data"))
        np.testing.assert_array_equal(split.x, wanted.x, err_msg=name)
        np.testing.assert_array_equal(split.y, wanted.y, err_msg=name)


PLAIN = text(columns())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PLAIN.replace("bonn,yes\n", "bonn,yes,\n", 1), "line 3 has 4 fields, and the header 3"),
        (PLAIN.replace("bonn,yes\n", "bonn\n", 1), "line 3 has 2 fields, and the header 3"),
        (PLAIN.replace(",yes\n", ",yes,\n").replace(",no\n", ",no,\n"), "line 2 has 4 fields"),
        (PLAIN.replace("bonn", '"bonn', 1), "begins in line 3 has a quotation mark"),
        (PLAIN.replace("bonn", '"bonn', 1).replace("jena,", 'jena",', 1), "several lines|fields"),
        (PLAIN.replace("bonn", 'bo"nn', 1).replace("jena", '"jen"a', 1), "line 4"),
        (PLAIN.replace("town", "label"), "several columns named 'label'"),
        (PLAIN.replace("town", " label "), "several columns named 'label'"),
        (PLAIN.replace("town", ""), "column 2 has no name"),
        (
            PLAIN.replace("bonn", "köln").encode("latin1"),
            r"line 3 is not UTF-8 .*0xf6",
        ),
        (PLAIN.replace("bonn", "bo\0nn"), "zero byte"),
        (PLAIN.split("\n")[0] + "\n", "has a header and no rows"),
        ("\n \n", "it is empty"),
        ("label\n" + "no\nyes\n" * 30, "no column beside 'label'"),
        ("made by me\n" + PLAIN, "label"),
    ],
)
def test_what_is_no_table_is_refused_with_the_line(root, content, says):
    with pytest.raises(BenchError, match=says) as error:
        written(root, content).split(stream(0, "data"))
    assert "table.csv" in str(error.value)


# ---- columns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["NA", "nan", "NaN", "?", "", " ", "N/A", "null", "None", "-", "#N/A", "<NA>", "n/a"]
)
def test_a_missing_number_is_the_median(root, word):
    table = columns()
    table["income"][4] = word
    data = written(root, text(table))
    income = numbers(data)["income"]
    assert np.flatnonzero(np.isnan(income)).tolist() == [4]
    split = data.split(stream(0, "data"))
    assert np.isfinite(split.x).all()
    assert "table.csv: numbers: income (1 missing)" in data.description()


@pytest.mark.parametrize(
    "word",
    [
        *("inf", "-inf", "Infinity", "1,000", "1.000,5", "3,14", "$5", "€ 5", "5 %", "12%"),
        *("1'000", "(5)", "1 000", "1e999", "1e300", "abc", "12o", "5 kg", "2020-01-01"),
        "\u22125",
    ],
)
def test_a_number_in_another_notation_is_refused_with_its_place(root, word):
    table = columns()
    table["income"][4] = f'"{word}"'
    with pytest.raises(BenchError, match=r"table\.csv") as error:
        written(root, text(table)).split(stream(0, "data"))
    for part in ("'income'", repr(word), "row 5", "drop=('income',)", "categories=('income',)"):
        assert part in str(error.value)


@pytest.mark.parametrize(
    "words",
    [
        [f'"{k % 9},000"' for k in range(ROWS)],
        [f"{k} %" for k in range(ROWS)],
        [f"${k % 5}" for k in range(ROWS)],
        [f"USD {k}" for k in range(ROWS)],
        [f"{k} km" for k in range(ROWS)],
        [str(datetime.date(2020, 1, 1) + datetime.timedelta(k)) for k in range(ROWS)],
        [f"{k % 28 + 1}/3/2020" for k in range(ROWS)],
        [f"{k % 28 + 1} March 2020" for k in range(ROWS)],
        [f"person {k}" for k in range(ROWS)],
        ["inf"] * ROWS,
    ],
)
def test_columns_that_are_no_features_need_permission(root, words):
    written(root, text(columns(income=words)))
    with pytest.raises(BenchError, match=r"'income' has .*drop=\('income',\)"):
        CSV(mark="town=bonn").split(stream(0, "data"))
    assert "income" not in CSV(mark="town=bonn", drop=("income",)).schema.blocks
    data = CSV(mark="town=bonn", categories=("income",))
    assert data.schema.blocks["income"] == (0, len(set(words)))
    assert data.split(stream(0, "data")).x.shape == (ROWS, 3 + len(set(words)))


def test_plain_columns_keep_what_they_mean(root):
    table = columns(
        children=[("0", "1", "2", "3+")[k % 4] for k in range(ROWS)],
        rank=[("1st", "2nd", "3rd")[k % 3] for k in range(ROWS)],
        band=[("10-19", "20-29")[k % 2] for k in range(ROWS)],
        member=[("True", "False")[k % 2] for k in range(ROWS)],
        country=[("NA", "DE", "")[k % 3] for k in range(ROWS)],
        small=[f"{k}e-3" for k in range(ROWS)],
        signed=[f"+{k}" for k in range(ROWS)],
        same=["7"] * ROWS,
        long=[str(10**22 + 7**k % 100 * 10**20) for k in range(ROWS)],
        empty=["", "NA"] * (ROWS // 2),
    )
    data = written(root, text(table))
    assert data.schema.numbers == ("income", "small", "signed", "same", "long")
    assert dict(data.schema.categories) == {
        "town": ("bonn", "jena", "ulm"),
        "children": ("0", "1", "2", "3+"),
        "rank": ("1st", "2nd", "3rd"),
        "band": ("10-19", "20-29"),
        "member": ("False", "True"),
        "country": ("?", "DE", "NA"),
    }
    np.testing.assert_array_equal(numbers(data)["small"], list(map(float, table["small"])))
    assert "table.csv: dropped: empty (it has no values)" in data.description()
    assert np.isfinite(data.split(stream(0, "data")).x).all()


def test_one_word_among_few_numbers_is_a_slip(root):
    stars = [str(k % 5) for k in range(ROWS)]
    stars[8] = "two"
    with pytest.raises(BenchError, match="'stars' has 'two' in row 9"):
        written(root, text(columns(stars=stars))).split(stream(0, "data"))


def test_a_copy_of_the_label_is_no_feature(root):
    written(root, text(columns(Label=columns()["label"])))
    with pytest.raises(BenchError, match=r"'Label' is the same as 'label'.*drop=\('Label',\)"):
        CSV(mark="town=bonn").split(stream(0, "data"))
    assert CSV(mark="town=bonn", drop=("Label",)).split(stream(0, "data")).x.shape == (ROWS, 4)


def test_a_table_of_two_rows_is_refused(root):
    with pytest.raises(BenchError, match="too few"):
        written(root, "town,label\nbonn,no\nulm,yes\n").split(stream(0, "data"))


def test_codes_can_be_categories(root):
    written(root, text(columns(zone=[str(k % 4) for k in range(ROWS)])))
    assert "zone" in CSV(mark="town=bonn").schema.numbers
    data = CSV(mark="zone=3", categories=("zone",))
    assert data.signal == Category(blocks=((4, 4),), values=(3,))
    with pytest.raises(BenchError, match=r"'zones'.*Did you mean 'zone'"):
        CSV(mark="zone=3", categories=("zones",)).split(stream(0, "data"))


# ---- labels --------------------------------------------------------------------------------


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


# ---- marks ---------------------------------------------------------------------------------


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


# ---- Parquet -------------------------------------------------------------------------------


def parquet(root, table):
    pq.write_table(table, root / "table.parquet")
    return CSV("table.parquet", mark="town=bonn")


def test_types_of_parquet_are_read_as_in_a_csv_file(root):
    table = columns()
    arrays = pa.table(
        {
            "income": pa.array([None, *map(float, table["income"][1:])]),
            "count": pa.array([None, *range(1, ROWS)]),
            "town": pa.array(table["town"]).dictionary_encode(),
            "flag": pa.array([k % 3 == 0 for k in range(ROWS)]),
            "label": pa.array([k % 2 for k in range(ROWS)]),
        }
    )
    data = parquet(root, arrays)
    assert data.schema.numbers == ("income", "count")
    assert dict(data.schema.categories)["flag"] == ("False", "True")
    assert np.isnan(numbers(data)["count"]).tolist() == [True] + [False] * (ROWS - 1)
    assert data._table().labels == ("0", "1")


def test_an_index_in_parquet_is_left_out_or_a_column(root):
    frame = pd.DataFrame(columns())
    keyed = frame.set_index(pd.Index([k**2 for k in range(ROWS)], name="key"))
    keyed.to_parquet(root / "table.parquet")
    assert CSV("table.parquet", mark="town=bonn").schema.numbers == ("income", "key")
    frame.to_parquet(root / "plain.parquet", index=True)
    assert CSV("plain.parquet", mark="town=bonn").schema.numbers == ("income",)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([[k, k] for k in range(ROWS)], "'odd' holds list<"),
        ([{"a": k} for k in range(ROWS)], "'odd' holds struct<"),
        ([b"raw"] * ROWS, "'odd' holds binary"),
        ([float("inf"), *map(float, range(1, ROWS))], "'inf' in row 1"),
        ([datetime.datetime(2020, 1, 1 + k % 28) for k in range(ROWS)], "a date or time"),
    ],
)
def test_columns_of_parquet_that_are_no_features_are_refused(root, values, says):
    arrays = pa.table({**columns(), "odd": values})
    with pytest.raises(BenchError, match=says):
        parquet(root, arrays).split(stream(0, "data"))
    kept = CSV("table.parquet", mark="town=bonn", drop=("odd",))
    assert kept.split(stream(0, "data")).x.shape == (ROWS, 4)


def test_a_name_twice_in_parquet_is_refused(root):
    table = columns()
    arrays = pa.table([table["town"], table["label"], table["label"]], ["town", "label", "label"])
    with pytest.raises(BenchError, match="several columns named 'label'"):
        parquet(root, arrays).split(stream(0, "data"))


# ---- texts ---------------------------------------------------------------------------------


def test_texts_may_have_several_lines_but_no_rows(root):
    rows = [f'"line {k}\nand, more",{("no", "yes")[k % 2]}\n' for k in range(ROWS)]
    (root / "texts.csv").write_text("text,label\n" + "".join(rows))
    assert len(TextFile().corpus().y) == ROWS
    broken = "text,label\n" + "".join(rows).replace('line 3\nand, more"', "line 3", 1)
    (root / "broken.csv").write_text(broken)
    with pytest.raises(BenchError, match="quotation mark"):
        TextFile("broken.csv").split(stream(0, "data"))
    swallowed = ['text,label\n"first,no\n', 'second,yes\nthird",no\n']
    (root / "two.csv").write_text("".join(swallowed) + "fourth,yes\nfifth,no\n" * 20)
    with pytest.raises(BenchError, match="'second,yes' looks like a row of its own"):
        TextFile("two.csv").split(stream(0, "data"))
    with pytest.raises(BenchError, match="both the column 'text'"):
        TextFile(target="text").split(stream(0, "data"))


# ---- arrays --------------------------------------------------------------------------------


def archive(root, **arrays):
    plain = {"x": np.arange(ROWS * 3.0).reshape(ROWS, 3), "y": np.arange(ROWS) % 3}
    file = io.BytesIO()
    np.savez(file, **{**plain, **arrays})
    (root / "arrays.npz").write_bytes(file.getvalue())


X, Y = np.ones((ROWS, 3)), np.arange(ROWS) % 3


def changed(x, value):
    x = x.copy()
    x[4] = value
    return x


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y": 0 * Y}, "1 different labels"),
        ({"y": Y + 1}, r"from 1 to 3, and no row has 0; save np\.unique"),
        ({"y": 2 * Y}, "no row has 1"),
        ({"y": changed(Y, 10**6)}, "no row has 3"),
        ({"y": Y - 1}, "from -1 to 1"),
        ({"y": np.arange(ROWS)}, "60 different labels in 60 rows"),
        ({"y": np.arange(ROWS) % 3 / 1.0}, r"y is float64, like 0\.0, not whole numbers"),
        ({"y": Y.astype(str)}, "not whole numbers"),
        ({"y": Y[:, None]}, r"y is int64 \(60, 1\).*reshape"),
        ({"y": np.eye(3)[Y]}, r"\(60, 3\)"),
        ({"y": Y[:-1]}, r"\(59,\)"),
        ({"x": X[:-1]}, r"\(60,\)"),
        ({"x": X[:0], "y": Y[:0]}, "not real numbers"),
        ({"x": X.astype(complex)}, "x is complex128"),
        ({"x": X.astype(str)}, "not real numbers"),
        ({"x": X.astype("m8[s]")}, "not real numbers"),
        ({"x": X.astype(object)}, "pickled objects"),
        ({"x": X[:, 0]}, r"\(60,\)"),
        ({"x": changed(X, np.nan)}, "x has nan in row 4"),
        ({"x": changed(X, np.inf)}, "x has inf in row 4"),
        ({"x": changed(X, 1e300)}, r"x has 1e\+300 in row 4"),
        ({"x": np.ones((ROWS, 8, 8, 3))}, r"channels last; save np\.moveaxis\(x, -1, 1\)"),
        ({"x": np.ones((ROWS, 8, 8, 1), "u1")}, "channels last"),
        ({"g": np.arange(ROWS) * 1000}, "no row has 1"),
        ({"g": Y[:-1]}, r"\(59,\)"),
        ({"t": np.arange(ROWS)}, "it takes 1 for rows of the training part"),
        ({"t": np.ones(ROWS, bool)}, "some of both"),
    ],
)
def test_arrays_that_are_no_data_set_are_refused(root, arrays, says):
    plain = {"g": Y, "t": np.arange(ROWS) < 40}
    archive(root, **{**plain, **arrays})
    with pytest.raises(BenchError, match=says) as error:
        Npz(groups="g", train="t").split(stream(0, "data"))
    assert "arrays.npz" in str(error.value)


def test_arrays_of_all_plain_types_are_read(root):
    for kind in ("bool", "u1", "i8", "f2", "f4", "f8"):
        archive(root, x=(np.arange(ROWS * 3).reshape(ROWS, 3) % 2).astype(kind), y=Y > 0)
        split = Npz().split(stream(0, "data"))
        assert (split.x.dtype, split.classes) == (np.float32, 2)
    archive(root, x=np.ones((ROWS, 3, 8, 8), "u1"))
    assert Npz().split(stream(0, "data")).x.shape == (ROWS, 3, 8, 8)
    assert Npz().description() == (
        "arrays.npz: points (60, 3, 8, 8); labels 0 (20), 1 (20), 2 (20)",
    )


def test_aims_and_marks_that_nothing_has_are_refused(root):
    archive(root)
    for aim in (3, -1):
        with pytest.raises(BenchError, match=f"aim={aim} is no label; the labels are 0, 1, 2"):
            Npz(aim=aim).split(stream(0, "data"))
    with pytest.raises(BenchError, match="can't carry the mark"):
        Npz(mark=SetFeature(column=3)).split(stream(0, "data"))
    with pytest.raises(BenchError, match="n=50 training and 12 validation rows"):
        Npz(n=50).split(stream(0, "data"))
