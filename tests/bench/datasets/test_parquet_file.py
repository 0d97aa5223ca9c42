"""Parquet files: types are read as in a CSV file, and what is no feature is refused."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.csv_file import CSV
from tests.helpers.csv_texts import ROWS, columns, numbers


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
