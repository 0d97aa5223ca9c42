"""The table of fields is complete: frames, means, published columns and the docs follow it."""

import pytest

from bench.experiment.run import run_trials
from bench.experiment.trial import Key
from bench.records import published
from bench.records.fields import AVERAGED, COLUMNS, RECORD_FIELDS
from bench.records.store import Store
from results.stats.curves import success_curves
from tests.helpers.trials import Faulty, trial


@pytest.fixture
def stored(tmp_path):
    """Records of good and failed trials, as frames see them."""
    trials = [trial(size=size, seed=seed) for size in (0.0, 0.1) for seed in range(2)]
    with Store(tmp_path) as store:
        store.commit(run_trials(trials))
        store.commit(run_trials([trial(learner=Faulty(), size=0.9)]))
    return Store(tmp_path)


def test_names_are_unique_and_the_key_comes_first():
    names = [field.name for field in RECORD_FIELDS]
    assert len(set(names)) == len(names)
    assert tuple(names[: len(Key._fields)]) == Key._fields


def test_every_value_of_a_record_has_a_field(stored):
    known = {field.name for field in RECORD_FIELDS}
    for record in stored.records():
        assert set(record) <= known | {"log"}
    assert {record["status"] for record in stored.records()} == {"ok", "failed"}


def test_averaged_fields_are_shares_and_columns_of_curves(stored):
    assert {field.unit for field in RECORD_FIELDS if field.averaged} == {"share"}
    curves = success_curves(stored.frame())
    start = list(curves.columns).index("biased") + 1
    shown = [c for c in curves.columns[start:] if not c.endswith(("_low", "_high"))]
    assert shown == [*AVERAGED, "lift"]


def test_a_new_field_becomes_a_column_and_a_mean(stored):
    records = stored.frame().assign(novelty=0.5)
    records.attrs["averaged"] = [*AVERAGED, "novelty"]
    assert (success_curves(records)["novelty"].dropna() == 0.5).all()


def test_published_records_have_the_published_fields(stored, tmp_path):
    published.write(stored.frame(), {}, tmp_path / "tiny.parquet")
    rows, _ = published.read(str(tmp_path / "tiny.parquet"))
    assert list(rows.columns) == [field.name for field in RECORD_FIELDS if field.published]
    assert rows.attrs["averaged"] == AVERAGED
    for name in published.ready():
        # Tuned records also name the setting that was run.
        assert set(published.read(name)[0].columns) - {"setting"} < set(COLUMNS)
