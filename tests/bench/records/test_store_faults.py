"""The store on a full disk, with stale records, and with damaged files."""

import errno
import os

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.errors import BenchError
from bench.records import columns
from bench.records.lines import Have, key_of
from bench.records.merge import lasting
from bench.records.store import Store
from tests.helpers.records import stored_record, write_run


def test_a_full_disk_leaves_whole_records_and_says_so(tmp_path, monkeypatch):
    """The kernel cuts a write short and refuses the next one."""
    with Store(tmp_path) as store:
        store.commit([stored_record(0)])
        before = store.path.read_bytes()
        write = os.write

        def short(file, data):
            monkeypatch.setattr(os, "write", refuse)
            return write(file, data[:50])

        def refuse(file, data):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "write", short)
        with pytest.raises(BenchError, match="no room for more records"):
            store.commit([stored_record(1)])
        monkeypatch.undo()
        assert store.path.read_bytes() == before
        store.commit([stored_record(2)])
    assert [r["seed"] for r in store.records()] == [0, 2]


def test_a_failed_rerun_of_a_stale_record_is_seen(tmp_path):
    write_run(
        tmp_path,
        [stored_record(code="old"), stored_record(status="failed", error="E", code="new")],
    )
    (kept,) = Store(tmp_path).records()
    assert kept["status"] == "failed"
    assert list(Store(tmp_path).have().values()) == [Have(False, "new")]
    assert Store(tmp_path).frame()["status"].tolist() == ["failed"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from("ab"), st.booleans(), st.floats(0, 1)),
        max_size=12,
    )
)
def test_columns_and_lines_agree_on_what_counts(tmp_path_factory, fields):
    folder = tmp_path_factory.mktemp("store")
    records = [
        stored_record(seed, code=code, status="ok" if good else "failed", success=x)
        for seed, code, good, x in fields
    ]
    write_run(folder, records)
    kept = sorted(Store(folder).records(), key=key_of)
    frame = Store(folder).frame()
    assert frame["success"].tolist() == [r["success"] for r in kept]
    assert frame["status"].tolist() == [r["status"] for r in kept]
    have = Store(folder).have()
    assert have == {key_of(r): Have(r["status"] == "ok", r["code"]) for r in kept}


@pytest.fixture
def eager(monkeypatch):
    """Renew copies by columns after each record."""
    monkeypatch.setattr(columns, "RENEW", 1)


def test_the_copy_by_columns_never_leads_the_file(tmp_path, eager):
    records = [stored_record(s, epochs={"success": [0.1, s / 3]}) for s in range(8)]
    write_run(tmp_path, records[:5])
    whole = columns.frame(columns.table(records))
    assert Store(tmp_path).frame().equals(columns.frame(columns.table(records[:5])))
    copy = tmp_path / "records.parquet"
    assert pq.read_metadata(copy).num_rows == 5
    with Store(tmp_path) as store:
        store.commit(records[5:])
    assert Store(tmp_path).frame().equals(whole)
    # The copy holds neither a torn tail nor the bytes that follow in its place.
    data = store.path.read_bytes()
    store.path.write_bytes(data[:-3])
    assert len(Store(tmp_path).frame()) == 7
    store.path.write_bytes(data)
    assert Store(tmp_path).frame().equals(whole)
    # The copy is ignored if the file differs from it, and if the copy is damaged.
    with Store(tmp_path / "other") as other:
        other.commit([stored_record(s, success=0.25) for s in range(8)])
    store.path.write_bytes(other.path.read_bytes())
    assert set(Store(tmp_path).frame()["success"]) == {0.25}
    copy.write_bytes(copy.read_bytes()[:-9])
    assert set(Store(tmp_path).frame()["success"]) == {0.25}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_bytes_are_read_or_refused_in_a_line(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("fuzz")
    write_run(folder, [stored_record(seed) for seed in range(3)])
    path = folder / "records.jsonl"
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    junk = data.draw(st.binary(max_size=30) | st.sampled_from([b'{"check":"', b"\n", b"\x00"]))
    path.write_bytes(whole[:at] + junk + whole[at + data.draw(st.integers(0, 40)) :])
    with Store(folder) as store:
        kept = list(store.records())
        assert all(lasting(r) == lasting(stored_record(r["seed"])) for r in kept)
        store.commit([stored_record(9)])
    assert 9 in [r["seed"] for r in store.records()]
