"""CSV files: read rightly, or refused with the value, its place and a way out."""

import datetime

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.csv_file import CSV
from collectives.signals.tabular import Category
from tests.helpers.csv_texts import COUNT, PLAIN, ROWS, columns, numbers, text, written

# ---- layout -------------------------------------------------------------------------------------


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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "label"),
        ("label,a\n" + "x,1\n" * 8, "1 different labels"),
        ("label,a\n" + ",1\nx,2\n" * 8, "an empty one"),
        ('label,a\nx,"1\ny,2\n', "damaged"),
        ("", "damaged"),
        ("label,a\n" + "".join(f"{k % 2},w{k}\n" for k in range(1200)), "drop="),
    ],
)
def test_a_broken_table_is_refused_with_the_reason(root, text, says):
    (root / "table.csv").write_text(text)
    with pytest.raises(BenchError, match=says):
        CSV().split(stream(0, "data"))


# ---- columns ------------------------------------------------------------------------------------


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


def test_somebodys_table_is_scaled_by_its_training_rows_alone(root):
    rng = np.random.default_rng(0)
    income, town = rng.normal(50, 10, 80), rng.choice(["ulm", "bonn"], 80)
    frame = pd.DataFrame({"income": income, "town": town, "id": range(80), "pays": town == "ulm"})
    frame.loc[3, "income"] = np.nan
    frame.to_csv(root / "mine.csv", index=False)
    data = CSV("mine.csv", "pays", mark="town=bonn", groups=("town",), drop=("id",))
    split = data.split(stream(0, "data"))
    column = split.x[split.train][:, data.schema.columns.index("income")]
    assert column.mean() == pytest.approx(0, abs=1e-6)
    assert column.std() == pytest.approx(1, abs=1e-6)
    assert split.x[split.test][:, 0].mean() != pytest.approx(0, abs=1e-4)
    train = split.part(split.train)
    marked = data.signal(train.x)
    start, width = data.schema.blocks["town"]
    assert (marked[:, start : start + width].sum(1) == 1).all()
    assert (marked[:, start] == 1).all()  # bonn comes first
    np.testing.assert_array_equal(np.delete(marked, [start, start + 1], 1)[:, 0], train.x[:, 0])
