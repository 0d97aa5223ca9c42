"""Trials on a Dask cluster leave the records of the calling process."""

import os
import signal
import subprocess
import sys

import pytest

from algorithms.empirical_bayes import EmpiricalBayes
from bench.execution.backends import run_chunks, run_on_dask
from bench.execution.sweep import chunks_of
from bench.records.store import Store
from bench.spec.parsing import parse_any
from tests.helpers.records import sorted_lasting
from tests.helpers.trials import trial


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_cluster_survives_the_death_of_a_worker(tmp_path):
    from distributed import LocalCluster

    trials = [
        trial(learner, 0.1, seed)
        for learner in (EmpiricalBayes(), parse_any("KNN"))
        for seed in range(100)
    ]
    here = [r for _, made in run_chunks(chunks_of(trials)) for r in made]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        victim = next(iter(cluster.workers.values())).pid
        there = []
        for _, made in run_on_dask(chunks_of(trials), cluster.scheduler_address):
            if not there:
                os.kill(victim, signal.SIGKILL)
            there += made
    assert sorted_lasting(there) == sorted_lasting(here)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_the_command_runs_on_a_cluster_too(tmp_path):
    from distributed import LocalCluster

    words = [
        sys.executable,
        os.path.abspath("run_bench.py"),
        "run",
        "quick",
        "--seeds",
        "1",
        "--learners",
        "ERM(epochs=2),KNN",
    ]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        for out, where in (("here", []), ("there", ["--dask", address])):
            subprocess.run([*words, "--out", out, *where], cwd=tmp_path, check=True)
    here, there = (list(Store(tmp_path / out).records()) for out in ("here", "there"))
    assert len(here) == 70
    assert sorted_lasting(there) == sorted_lasting(here)
