"""Labels are short, tell texts apart, and are never evaluated."""

from pathlib import Path

import pandas as pd
import pytest

from results.display_names import abbreviate, labels, parse, resolve, shortened, titles

CVAR = "CVaRDRO(network=MLP(hidden=(64,)), epochs=20, level={})"
ERM = "ERM(network=MLP(hidden=(64,)), epochs=20)"


def test_a_class_alone_is_its_name() -> None:
    assert labels([ERM, CVAR.format(0.1)]) == {ERM: "ERM", CVAR.format(0.1): "CVaRDRO"}


def test_variants_show_only_the_fields_that_differ() -> None:
    given = [CVAR.format(0.1), CVAR.format(0.5), ERM]
    assert labels(given) == {
        CVAR.format(0.1): "CVaRDRO(level=0.1)",
        CVAR.format(0.5): "CVaRDRO(level=0.5)",
        ERM: "ERM",
    }


def test_nested_values_are_shortened_alike() -> None:
    a = "FeatureLabel(signal=Pixels(value=2.0, cells=(0, 1)), label=7)"
    b = "FeatureLabel(signal=Pixels(value=3.0, cells=(0, 1)), label=7)"
    c = "FeatureLabel(signal=Token(word=3), label=7)"
    assert list(labels([a, b, c]).values()) == [
        "FeatureLabel(signal=Pixels(value=2.0))",
        "FeatureLabel(signal=Pixels(value=3.0))",
        "FeatureLabel(signal=Token)",
    ]


@pytest.mark.parametrize(
    "given",
    [
        ["A()", "A"],
        ["A(x=1)", "A(x=1 )"],
        ["A(1)", "A(2)", "A(1, k=3)"],
        ["A(x=1)", "A()"],
        ["A(x=B())", "A(x=B)"],
        ["<object at 0x1>", "<object at 0x2>", "A(x=<B>)"],
        ["A(x=-1.5)", "A(x=1e-05)", "A(x='b')", "A(x=None)"],
        ["m.A(x=1)", "A(x=1)"],
        ["", "\x00", "1 + "],
    ],
)
def test_different_texts_have_different_labels(given: list[str]) -> None:
    assert len(set(labels(given).values())) == len(given)


def test_labels_do_not_depend_on_order_or_repetition() -> None:
    given = [CVAR.format(0.1), ERM, CVAR.format(0.5)]
    assert labels(given) == labels(given[::-1] + given)


def test_nothing_is_evaluated(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"A(x=open({str(mark)!r}, 'w'))"
    assert parse(text)[0] == "A"
    assert labels([text, "A(x=1)"])[text].startswith("A(x=open")
    assert not mark.exists()


def test_resolve_takes_labels_and_texts() -> None:
    texts = [CVAR.format(0.1), CVAR.format(0.5), ERM]
    assert resolve("ERM", texts) == resolve(ERM, texts) == ERM
    assert resolve("CVaRDRO(level=0.5)", texts) == CVAR.format(0.5)


@pytest.mark.parametrize(("given", "nearest"), [("ERN", "ERM"), ("CVaRDRO(level=0.2)", "CVaRDRO")])
def test_resolve_names_what_is_allowed_and_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(ValueError, match=rf"ERM.*nearest: {nearest}") as error:
        resolve(given, [CVAR.format(0.1), CVAR.format(0.5), ERM])
    assert "CVaRDRO(level=0.1), CVaRDRO(level=0.5), ERM" in str(error.value)


def test_an_ambiguous_class_name_is_no_label() -> None:
    with pytest.raises(ValueError, match="is none of"):
        resolve("CVaRDRO", [CVAR.format(0.1), CVAR.format(0.5)])


def test_shortened_frame() -> None:
    frame = pd.DataFrame({"learner": [ERM, ERM], "dataset": ["D(n=1)", "D(n=2)"], "area": 0.5})
    short = shortened(frame)
    assert short["learner"].tolist() == ["ERM", "ERM"]
    assert short["dataset"].tolist() == ["D(n=1)", "D(n=2)"]
    assert frame["learner"].tolist() == [ERM, ERM]


SET = "FeatureLabel(signal=SetFeature(column=-1, value={}), label={})"


def test_signals_are_letters_where_only_equality_matters() -> None:
    pair = "Several(strategies=({}, {}), noise=0.0)"
    texts = {
        "met": pair.format(SET.format(1.0, 1), SET.format(1.0, 0)),
        "apart": pair.format(SET.format(1.0, 1), SET.format(2.0, 0)),
    }
    assert abbreviate(texts) == {
        "apart": "Several((FeatureLabel(g, label=1), FeatureLabel(k, label=0)))",
        "met": "Several((FeatureLabel(g, label=1), FeatureLabel(g, label=0)))",
    }


def test_signals_are_said_where_they_tell_apart_their_zeros_too() -> None:
    texts = {str(value): SET.format(value, 1) for value in (0.0, 0.5)}
    assert abbreviate(texts) == texts


def test_titles_are_terse_where_labels_are_long() -> None:
    def frame(*strategies: str) -> pd.DataFrame:
        return pd.DataFrame({"dataset": "D()", "strategy": strategies})

    assert titles(frame("Plant(label=1)", "Erase()")) == {
        ("D()", "Plant(label=1)"): "Plant",
        ("D()", "Erase()"): "Erase",
    }
    long = [
        f"Noisy(base=Plant(), dropout={d}, wrong_label={w}, wrong_signal=0.0)"
        for d, w in ((0.25, 0.5), (0.5, 0.0), (0.0, 0.123456789012))
    ]
    assert titles(frame(*long))["D()", long[1]] == "Noisy(dropout=0.5)"
    assert titles(frame(*long))["D()", long[2]] == "Noisy(wrong_label=0.123456789012)"
