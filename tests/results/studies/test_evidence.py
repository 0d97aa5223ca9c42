"""Evidence: on which data and with which learners a claim was judged, by what its measure read."""

import pandas as pd
import pytest

from bench.spec.grid import Part
from results.studies.base import Claim, Study
from results.studies.evidence import evidence, settings
from results.studies.measures import pick, records_read, success
from results.studies.outputs import readable

COINS, DIGITS = "Coins(n=100)", "Digits(overlap=0.02)"
ERM, NET, KNN = "ERM(epochs=20)", "ERM(network=ConvNet())", "KNN(n_neighbors=3)"


def records():
    """Two data sets, three learners, two seeds, with accuracies that are known."""
    accuracy = {ERM: 0.9, NET: 0.7, KNN: 0.8}
    return pd.DataFrame(
        {
            "dataset": data,
            "learner": learner,
            "strategy": "FeatureLabel()",
            "size": size,
            "seed": seed,
            "validation": "clean",
            "groups": "given",
            "recruitment": "uniform",
            "status": "ok",
            "n": 100 if data == COINS else 1437,
            "success": 0.5 + size,
            # With members accuracies are others, and don't count.
            "accuracy": accuracy[learner] + 0.01 * seed - size,
        }
        for data in (COINS, DIGITS)
        for learner in accuracy
        for size in (0.0, 0.1)
        for seed in (0, 1)
    )


def study(claim):
    return Study("", "", lambda quick: (Part(("Coins",), ("ERM",)),), (claim,), {})


def test_data_and_learner_are_those_that_the_measure_read():
    one = success(0.1, dataset="Digits", learner="KNN")
    other = success(0.1, dataset="Coins", learner="ERM(epochs=20)")
    row = study(Claim("", "", one - other)).verdicts(records()).iloc[0]
    assert row["data"] == "Coins; Digits"
    assert row["n"] == "100; 1437"
    assert row["kind"] == "finite laws; images"
    assert row["learner"] == "ERM; KNN"
    assert row["settings"].endswith("; n_neighbors=3")
    assert row["accuracy_less_erm"] == "+0.000; -0.100"
    alone = study(Claim("", "", one)).verdicts(records()).iloc[0]
    assert (alone["data"], alone["learner"], alone["n"]) == ("Digits", "KNN", "1437")


def test_accuracy_is_beside_the_erm_of_the_most_similar_setting():
    frame = records()
    conv = "JTT(network=ConvNet())"
    more = frame[frame["learner"] == NET].assign(learner=conv)
    more["accuracy"] -= 0.05
    frame = pd.concat([frame, more], ignore_index=True)
    found = evidence(frame[frame["learner"] == conv], frame, ())
    assert found["accuracy_less_erm"] == "-0.050"
    without = frame[~frame["learner"].str.startswith("ERM")]
    assert evidence(without, without, ())["accuracy_less_erm"] == "no ERM; no ERM"


@pytest.mark.parametrize(
    ("paper_data", "data", "word"),
    [
        (("Digits",), "Digits", "replication"),
        (("Digits", "MNIST"), "Digits", "replication"),
        (("MNIST",), "Digits", "analogy"),
        ((), "Digits", "analogy"),
        (("Digits",), "Coins", "analogy"),
    ],
)
def test_a_claim_is_a_replication_only_on_the_data_of_the_paper(paper_data, data, word):
    claim = Claim("", "", success(0.1, dataset=data, learner="KNN"), paper_data=paper_data)
    assert study(claim).verdicts(records()).loc[0, "evidence"] == word


def test_one_data_set_that_is_not_the_papers_makes_an_analogy():
    both = success(0.1, dataset="Digits", learner="KNN") - success(
        0.1, dataset="Coins", learner="KNN"
    )
    claim = Claim("", "", both, paper_data=("Digits",))
    assert study(claim).verdicts(records()).loc[0, "evidence"] == "analogy"


def test_records_are_collected_inside_the_context_only():
    frame = records()
    pick(frame, learner="KNN")
    with records_read() as outer:
        pick(frame, learner="KNN")
        with records_read() as inner:
            pick(frame, learner="ERM")
    pick(frame, learner="KNN")
    assert [set(rows["learner"]) for rows in outer] == [{KNN}]
    assert [set(rows["learner"]) for rows in inner] == [{ERM, NET}]


def test_settings_of_a_learner_that_does_not_exist_are_as_written():
    assert settings("Gone(level=2)") == "level=2"
    assert settings("Gone()") == settings("ERM()") == "default"


def test_a_terminal_has_fewer_columns_than_the_files():
    claim = Claim("", "", success(0.1, dataset="Digits", learner="KNN"))
    verdicts = study(claim).verdicts(records())
    brief, full = readable(verdicts), readable(verdicts, full=True)
    assert {"evidence", "data", "learner"} <= set(brief) < set(full)
    assert set(full) - set(brief) == {"n", "kind", "settings", "accuracy_less_erm"}
