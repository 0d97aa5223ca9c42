"""Runs and trials from Python equal those of the command line."""

import signal
import threading

import pandas as pd
import pytest

import collective_bench as cb
from bench.core.errors import BenchError
from tests.helpers.python_interface import AXES, Failing, lasting


def test_a_run_equals_that_of_the_command_line_which_reads_it(bench, tmp_path, no_figures):
    run = cb.run(
        learners=[cb.KNN(), "EmpiricalBayes"],
        datasets=cb.Coins(n=200, n_test=100),
        jobs=0,
        out="runs/mine",
        **AXES,
    )
    words = "--strategies FeatureLabel --sizes 0.05,0.3 --seeds 2 --jobs 0 --out runs/other"
    axes = ["--datasets", "Coins(n=200, n_test=100)", "--learners", "KNN,EmpiricalBayes"]
    assert bench("run", *axes, *words.split()).code == 0
    other = cb.load("runs/other")
    pd.testing.assert_frame_equal(lasting(run.frame), lasting(other.frame), check_exact=True)
    assert len(run.frame) == 2 * 3 * 2 == (run.frame["status"] == "ok").sum()
    assert str(run) == "Run('runs/mine'): 12 trials of EmpiricalBayes, KNN"
    status = bench("status", "mine", "--format", "csv").out.splitlines()
    assert [line.rpartition(",")[2] for line in status] == ["left", "0", "0"]
    assert bench("critical", "mine").out == bench("critical", "other").out
    again = bench(*cb.load("mine").about["command"], "--jobs", "0")
    assert "12 trials, 0 to run" in again.line


def test_the_tables_and_figures_of_a_run(tmp_path, no_figures):
    run = cb.run("EmpiricalBayes,KNN", "Coins(n=200)", jobs=0, out=tmp_path / "run", **AXES)
    for value, column in (("headline", "success_others"), ("success", "success")):
        means = run.frame.groupby(["learner", "size"])[column].mean()
        curves = run.curves(value).set_index(["learner", "size"])["mean"]
        pd.testing.assert_series_equal(curves.sort_index(), means, check_names=False)
    high = {row.learner: row.mean for row in run.curves().query("size == 0.3").itertuples()}
    critical = run.critical(0.5).set_index("learner")["estimate"]
    assert all((critical[name] <= 0.3) == (mean >= 0.5) for name, mean in high.items())
    assert set(run.compare("EmpiricalBayes")["learner"]) == {repr(cb.KNN())}
    run.plot("success").savefig(tmp_path / "success.png")
    assert (tmp_path / "success.png").stat().st_size > 1000
    assert "KNN" in run.report().read_text()
    with pytest.raises(BenchError, match="Did you mean 'success'"):
        run.plot("sucess")
    with pytest.raises(BenchError, match="ERN"):
        run.compare("ERN")
    with pytest.raises(BenchError, match="nothing here"):
        cb.load("nothing here")


def test_a_trial_has_the_signal_of_its_dataset_and_raises_its_error():
    trial = cb.Trial("Coins(n=100)", cb.KNN, cb.FeatureLabel(), size=0.1, seed=3)
    coins = cb.Coins(n=100)
    assert trial.prepared().strategy == cb.FeatureLabel(coins.signal, coins.label)
    assert trial.run()["seed"] == 3
    with pytest.raises(BenchError, match="ZeroDivisionError: on purpose"):
        cb.Trial("Coins(n=100)", Failing()).run()
    with pytest.raises(BenchError, match="size=2 is not a share"):
        cb.Trial("Coins", "KNN", size=2).run()
    with pytest.raises(BenchError, match="describes 2 learners"):
        cb.Trial("Coins", "KNN,ERM").run()


def test_failed_trials_are_rows(tmp_path, capsys):
    axes = {**AXES, "progress": True}
    run = cb.run(Failing, "Coins(n=100, n_test=50)", jobs=0, out=tmp_path, patience=0, **axes)
    assert len(run.failed) == len(run.frame) == 6
    assert "6 of 6 trials failed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"learners": "ERN"}, "Did you mean 'ERM'"),
        ({"learners": 3}, "3 is not a learner"),
        ({"learners": []}, "learners is empty"),
        ({"learners": cb.Coins()}, "is not a learner"),
        ({"learners": cb.Learner}, "Learner lacks fit"),
        ({"learners": None}, "lacks learners"),
        ({"sizes": [2]}, "less than or equal to 1"),
        ({"seeds": 0}, "greater than or equal to 1"),
        ({"groups": "all"}, "groups"),
        ({"grid": "quik"}, "Did you mean 'quick'"),
        ({"strategies": cb.FeatureLabel(label=7)}, "aims at the label 7"),
        ({"time_limit": 1.0, "jobs": 0}, "jobs=1"),
    ],
)
def test_wrong_arguments_are_named(arguments, words, tmp_path):
    known = {"learners": "KNN", "datasets": "Coins(n=100)", "seeds": 1, "jobs": 0}
    with pytest.raises(BenchError, match=words):
        cb.run(**known | {"out": tmp_path, "progress": False} | arguments)


def test_it_runs_in_a_thread_and_restores_the_handler_of_signals(tmp_path):
    def run(out):
        cb.run("EmpiricalBayes", "Coins(n=100)", jobs=0, out=tmp_path / out, **AXES)

    before = signal.getsignal(signal.SIGTERM)
    run("here")
    assert signal.getsignal(signal.SIGTERM) == before
    thread = threading.Thread(target=run, args=["there"])
    thread.start()
    thread.join()
    frames = [lasting(cb.load(tmp_path / out).frame) for out in ("here", "there")]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
