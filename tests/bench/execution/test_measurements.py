"""Experiments of their own: records of a run, that stay, fail and go stale as those of trials."""

from dataclasses import dataclass

import pytest

from bench.core.errors import BenchError
from bench.execution import measurements
from bench.execution.measurements import (
    measured,
    missing,
    records_of_measurements,
    run_measurements,
)
from bench.experiment.trial import Key
from bench.records.store import Store


@dataclass(frozen=True)
class Square:
    """Squares a number, or fails."""

    number: float = 0.0
    seed: int = 0

    @property
    def key(self):
        return Key("D()", "L()", "S()", self.number, self.seed, "clean", "given", "uniform")

    def measure(self):
        if self.number == 0.5:
            raise ValueError("a half")
        return {"success": self.number**2, "measures": {"root": self.number}}


ALL = [Square(number, seed) for number in (0.0, 0.5, 0.9) for seed in (0, 1)]


def test_records_are_those_of_a_run_and_are_made_once(tmp_path):
    ticks = []
    run_measurements(ALL[:3], tmp_path, advance=lambda: ticks.append(1))
    assert missing(ALL, tmp_path) == ALL[3:]
    run_measurements(missing(ALL, tmp_path), tmp_path)
    frame = records_of_measurements(ALL, tmp_path)
    assert len(ticks) == 3
    assert frame["size"].tolist() == [0.0, 0.0, 0.5, 0.5, 0.9, 0.9]
    good = frame[frame["status"] == "ok"]
    assert good["success"].tolist() == pytest.approx([0, 0, 0.81, 0.81])
    assert good["measure_root"].tolist() == [0.0, 0.0, 0.9, 0.9]
    assert frame["seconds"].ge(0).all()
    bad = frame[frame["status"] == "failed"]
    assert bad["success"].isna().all()
    assert bad["error"].str.contains("ValueError: a half").all()


def test_failed_and_stale_records_are_made_again_on_request(tmp_path, monkeypatch):
    run_measurements(ALL, tmp_path)
    assert missing(ALL, tmp_path) == missing(ALL, tmp_path, rerun_stale=True) == []
    assert missing(ALL, tmp_path, retry_failed=True) == ALL[2:4]
    monkeypatch.setattr(measurements, "component_version", lambda one: "changed")
    assert missing(ALL, tmp_path) == []
    assert missing(ALL, tmp_path, rerun_stale=True) == ALL


def test_a_folder_without_records_of_an_experiment_says_so(tmp_path):
    run_measurements(ALL[:1], tmp_path)
    with pytest.raises(BenchError, match="no records of this experiment"):
        records_of_measurements(ALL[4:], tmp_path)
    assert len(records_of_measurements(ALL[:2], tmp_path)) == 1


def test_the_version_of_a_component_is_that_of_its_code():
    (record,) = [measured(ALL[0])]
    assert record["status"] == "ok"
    assert measurements.component_version(ALL[0]) == measurements.component_version(ALL[-1])


def test_measurements_that_are_sent_return_the_same_records(tmp_path):
    for jobs in (0, 1):
        run_measurements(ALL, tmp_path / str(jobs), jobs)
    one, two = (list(Store(tmp_path / str(jobs)).frame()["success"]) for jobs in (0, 1))
    assert one == pytest.approx(two, nan_ok=True)
