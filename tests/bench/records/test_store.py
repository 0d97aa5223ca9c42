"""The store: what was committed is read back whole, whatever happens to the file."""

import json
import subprocess
import sys
import zlib

import numpy as np
import pandas as pd
import pytest

from bench.core.errors import BenchError
from bench.records.columns import frame as frame_of
from bench.records.columns import table
from bench.records.fields import COLUMNS
from bench.records.lines import SCHEMA, key_of
from bench.records.store import Store
from tests.helpers import records as shared


def frame(records):
    return frame_of(table(records))


def record(seed=0, size=0.0, **more):
    made = {"dataset": "Coins()", "learner": "ERM()", "strategy": "Idle()", "success": 0.1 + seed}
    return shared.record(**(made | {"size": size, "seed": seed} | more))


def write(folder, records):
    with Store(folder) as store:
        store.commit(records)
    return folder / "records.jsonl"


def test_what_is_committed_is_read_back(tmp_path):
    given = [
        record(seed, text='a "quoted" é\n{"check":"x"}', report={"a": 1.5}) for seed in range(3)
    ]
    with Store(tmp_path / "new" / "run") as store:
        store.commit(given[:2])
        store.commit(given[2:])
        assert list(store.records()) == given
    assert list(Store(tmp_path / "new" / "run").records()) == given


def test_text_that_is_no_unicode_is_read_back(tmp_path):
    given = record(log="caf\udce9", error="caf\udce9")
    path = write(tmp_path, [given])
    assert list(Store(tmp_path).records()) == [given]
    with Store(tmp_path) as store:
        assert store.damaged == []
    assert path.read_bytes().count(b"\n") == 1
    assert len(Store(tmp_path).frame()) == 1


def test_a_folder_without_records_has_none(tmp_path):
    assert list(Store(tmp_path).records()) == []
    assert list(Store(tmp_path).frame().columns) == [*COLUMNS, "success0"]


def test_only_an_open_store_is_written_to(tmp_path):
    with pytest.raises(RuntimeError, match="not open"):
        Store(tmp_path).commit([record()])


def test_the_latest_record_counts(tmp_path):
    write(tmp_path, [record(success=0.1), record(1), record(success=0.2)])
    assert [r["success"] for r in Store(tmp_path).records()] == [0.2, 1.1]


@pytest.mark.parametrize(
    ("statuses", "left"),
    [("ok failed", 0), ("failed ok", 1), ("failed failed", 1), ("ok failed failed", 0)],
)
def test_good_records_beat_failed_ones_and_late_ones_early_ones(tmp_path, statuses, left):
    write(tmp_path, [record(status=s, success=i) for i, s in enumerate(statuses.split())])
    (kept,) = Store(tmp_path).records()
    assert kept["success"] == left


def test_floats_survive_exactly(tmp_path):
    rng = np.random.default_rng(0)
    values = [*rng.normal(size=50), *rng.random(50) * 1e-300, 5e-324, 1 / 3, 0.1 + 0.2, -0.0]
    write(tmp_path, [record(i, size=float(v), success=float(v)) for i, v in enumerate(values)])
    back = [r["success"] for r in Store(tmp_path).records()]
    assert [v.hex() for v in back] == [float(v).hex() for v in values]


def test_none_becomes_nan_and_nan_is_refused(tmp_path):
    path = write(tmp_path, [record(success=None)])
    assert Store(tmp_path).frame()["success"].isna().all()
    before = path.read_bytes()
    for value in (float("nan"), float("inf")):
        with Store(tmp_path) as store, pytest.raises(ValueError, match="JSON"):
            store.commit([record(1), record(2, success=value)])
    assert path.read_bytes() == before


def test_a_line_is_json_with_a_checksum_of_what_follows(tmp_path):
    line = write(tmp_path, [record()]).read_text()
    outer = json.loads(line)
    assert list(outer) == ["check", "schema", "record"]
    assert int(outer["check"], 16) == zlib.crc32(line[len('{"check":"01234567",') : -1].encode())


# ---- damage -------------------------------------------------------------------------------


@pytest.fixture
def no_sync(monkeypatch):
    """Files that need not last: thousands of syncs take their time."""
    monkeypatch.setattr("os.fsync", lambda file: None)
    monkeypatch.setattr("os.fdatasync", lambda file: None)


def test_a_torn_tail_costs_its_record_alone(tmp_path, no_sync):
    given = [record(seed) for seed in range(3)]
    path = write(tmp_path, given)
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for end in range(last + 1, len(whole)):
        path.write_bytes(whole[:end])
        with Store(tmp_path) as store:
            assert store.damaged == ["line 3"]
            store.commit([given[2]])
            assert list(store.records()) == given
        assert path.read_bytes() == whole


def test_a_flipped_bit_costs_its_record_alone(tmp_path, no_sync):
    given = [record(seed) for seed in range(3)]
    path = write(tmp_path, given)
    whole = path.read_bytes()
    for at in range(len(whole)):
        hit = whole.count(b"\n", 0, at)
        damaged = bytearray(whole)
        # Each line has another bit of a column flipped.
        damaged[at] ^= 1 << (at - whole.rfind(b"\n", 0, at) + 3 * hit) % 8
        path.write_bytes(damaged)
        with Store(tmp_path) as store:
            assert store.damaged == [f"line {hit + 1}"], (at, whole[at : at + 1])
            assert list(store.records()) == [r for r in given if r["seed"] != hit]
        assert len((tmp_path / "damaged.jsonl").read_bytes().splitlines()) >= 1
        (tmp_path / "damaged.jsonl").unlink()


@pytest.mark.parametrize("byte", [b"\n", b"\r", b"\0", b"}", b'{"check":"'], ids=repr)
def test_a_byte_too_many_costs_its_record_alone(tmp_path, no_sync, byte):
    given = [record(seed) for seed in range(2)]
    path = write(tmp_path, given)
    whole = path.read_bytes()
    for at in range(1, whole.index(b"\n")):
        path.write_bytes(whole[:at] + byte + whole[at:])
        with Store(tmp_path) as store:
            assert store.damaged
            assert list(store.records())[-1:] == given[1:]


def test_damaged_lines_are_kept_aside(tmp_path):
    path = write(tmp_path, [record(0), record(1)])
    path.write_bytes(b"rubbish\n" + path.read_bytes() + b"\xff\xfe")
    reader = Store(tmp_path)
    assert [r["seed"] for r in reader.records()] == [0, 1]
    with Store(tmp_path) as store:
        assert store.damaged == ["line 1", "line 4"]
    assert (tmp_path / "damaged.jsonl").read_bytes() == b"rubbish\n\xff\xfe\n"
    with Store(tmp_path) as store:
        assert store.damaged == []


def test_reading_heals_nothing(tmp_path):
    path = write(tmp_path, [record()])
    path.write_bytes(path.read_bytes()[:-5])
    before = path.read_bytes()
    assert list(Store(tmp_path).records()) == []
    assert path.read_bytes() == before


def test_a_foreign_schema_is_refused_with_the_way_out(tmp_path):
    text = b'"schema":%d,"record":{}}' % (SCHEMA + 1)
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"check":"%08x",%s\n' % (zlib.crc32(text), text))
    before = path.read_bytes()
    for _ in range(2):  # nor is the folder left locked
        with pytest.raises(BenchError, match=rf"schema {SCHEMA + 1}.*new --out"), Store(tmp_path):
            pass
    with pytest.raises(BenchError, match="new --out"):
        list(Store(tmp_path).records())
    assert path.read_bytes() == before


@pytest.mark.parametrize("schema", [1, 2])
def test_records_from_before_the_renaming_are_refused_and_kept(tmp_path, schema):
    """Their specs name fields that components don't have any more."""
    text = json.dumps({"schema": schema, "record": record()}, separators=(",", ":"))[1:].encode()
    path = write(tmp_path, [record()])
    path.write_bytes(path.read_bytes() + b'{"check":"%08x",%s\n' % (zlib.crc32(text), text))
    before = path.read_bytes()
    for use in (Store(tmp_path).frame, Store(tmp_path).have, Store(tmp_path).__enter__):
        with pytest.raises(BenchError, match=f"have schema {schema}.*version that wrote them"):
            use()
    assert path.read_bytes() == before


def test_no_field_of_the_key_may_be_missing(tmp_path):
    write(tmp_path, [{k: v for k, v in record().items() if k != "recruitment"}])
    assert list(Store(tmp_path).records()) == []


# ---- one writer ---------------------------------------------------------------------------


def test_a_second_writer_is_refused(tmp_path):
    code = (
        "import sys\nfrom bench.core.errors import BenchError\n"
        "from bench.records.store import Store\n"
        "try:\n    Store(sys.argv[1]).__enter__()\n"
        "except BenchError as error:\n    sys.exit(f'refused: {error}')"
    )
    with Store(tmp_path) as store:
        store.commit([record()])
        command = [sys.executable, "-c", code, str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert list(Store(tmp_path).records()) == [record()]  # anybody may read
    assert done.returncode == 1
    assert "refused: another process is writing to" in done.stderr
    assert str(tmp_path) in done.stderr
    assert "another --out" in done.stderr
    with Store(tmp_path):
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(BenchError, match=f"cannot write to {folder}"), Store(folder):
            pass


def test_what_is_held_by_name_has_columns_whenever_it_came(tmp_path, monkeypatch):
    """From the copy, and after it; of several records of a key the one that counts."""
    monkeypatch.setattr("bench.records.columns.RENEW", 1)
    write(tmp_path, [record(0, bounds={"exact": 0.25, "plugin": None}), record(1, measures={})])
    assert Store(tmp_path).frame()["bound_exact"].tolist()[0] == 0.25
    assert (tmp_path / "records.parquet").exists()
    later = [record(2, measures={"odds": 1.0}, report=None), record(0, bounds={"plugin": 0.5})]
    write(tmp_path, later)
    got = Store(tmp_path).frame()
    named = [c for c in got if c.startswith(("bound_", "measure_", "report_", "signal_"))]
    assert named == ["measure_odds", "bound_plugin"]
    np.testing.assert_array_equal(got["bound_plugin"], [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(got["measure_odds"], [np.nan, np.nan, 1.0])
    write(tmp_path, [record(3, bounds=3)])
    with pytest.raises(BenchError, match="wrong type"):
        Store(tmp_path).frame()


@pytest.mark.parametrize("processes", [1, 2, 3, 7, 100])
def test_a_large_file_is_read_in_parts_of_whole_lines(tmp_path, monkeypatch, processes):
    write(tmp_path, [record(seed, bounds={f"of_{seed}": 0.5}) for seed in range(12)])
    path = tmp_path / "records.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:5], lines[5][:-20] + b"\n", *lines[6:], lines[0][:9]]))
    whole = Store(tmp_path).frame()
    assert whole["seed"].tolist() == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
    monkeypatch.setattr("bench.records.columns.PART", 1)
    monkeypatch.setattr("bench.records.columns.cpu_count", lambda: processes)
    pd.testing.assert_frame_equal(Store(tmp_path).frame(), whole)


def test_what_is_wrong_in_a_part_is_said(tmp_path, monkeypatch):
    write(tmp_path, [record(seed) for seed in range(8)] + [record(8, bounds=3)])
    monkeypatch.setattr("bench.records.columns.PART", 1)
    monkeypatch.setattr("bench.records.columns.cpu_count", lambda: 2)
    with pytest.raises(BenchError, match="wrong type"):
        Store(tmp_path).frame()


# ---- the frame ----------------------------------------------------------------------------


def test_the_frame_does_not_depend_on_the_order_of_finishing():
    records = [record(seed, size) for seed in range(3) for size in (0.0, 0.1)]
    turned = frame(records[::-1])
    assert turned.equals(frame(records))
    assert [tuple(row) for row in turned[["size", "seed"]].to_numpy()][:2] == [(0.0, 0), (0.0, 1)]


def test_each_row_has_the_success_of_its_own_control():
    records = [record(seed, size, success=seed + size) for seed in range(2) for size in (0.0, 0.5)]
    records += [record(0, 0.0, learner="KNN()", success=0.7), record(0, 0.5, learner="KNN()")]
    records += [record(0, 0.5, learner="LDA()")]
    table = frame(records).set_index(["learner", "size", "seed"])["success0"]
    assert table["ERM()", 0.5, 1] == 1.0
    assert table["ERM()", 0.5, 0] == 0.0
    assert table["KNN()", 0.5, 0] == 0.7
    assert np.isnan(table["LDA()", 0.5, 0])


def test_the_key_of_a_record_is_plain():
    assert tuple(key_of(record(3, 0.25))) == (
        "Coins()",
        "ERM()",
        "Idle()",
        0.25,
        3,
        "clean",
        "given",
        "uniform",
    )
