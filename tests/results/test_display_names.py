"""Labels are short, tell texts apart, and are never evaluated."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.display_names import (
    display,
    labels,
    matching,
    parse,
    resolve,
    shortened,
    titles,
)

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
    met = pair.format(SET.format(1.0, 1), SET.format(1.0, 0))
    apart = pair.format(SET.format(1.0, 1), SET.format(2.0, 0))
    assert display([apart, met]) == {
        apart: "Several, FeatureLabel signal A label 1 + FeatureLabel signal B label 0",
        met: "Several, FeatureLabel signal A label 1 + FeatureLabel signal A label 0",
    }


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["Coins(noise=0.1)", "Digits(n=3)"], ["Coins", "Digits"]),
        (["Coins(noise=0.1)", "Coins(noise=0.4)"], ["Coins, noise 0.1", "Coins, noise 0.4"]),
        (
            [SET.format(v, 1) for v in (0.0, 0.5)],
            [f"FeatureLabel, signal SetFeature value {v}" for v in ("0", "0.5")],
        ),
        (["A(base=ERM(k=1))", "A(base=ERM(k=2))"], ["A, ERM k 1", "A, ERM k 2"]),
        (["A(on=True)", "A(on=False)"], ["A, on", "A, on no"]),
        (["A(x=0.0, y=0.5)", "A(x=0.5, y=0.0)"], ["A, y 0.5", "A, x 0.5"]),
        (["A(label=0, y=1)", "A(label=1, y=2)"], ["A, label 0, y 1", "A, label 1, y 2"]),
        (["Sklearn('SVC')"], ["Sklearn, SVC"]),
        (["Idle(label=1)", "S()"], ["control", "S"]),
        (["A(wrong_label=1)", "A(wrong_label=2)"], ["A, wrong label 1", "A, wrong label 2"]),
    ],
)
def test_figures_name_what_differs_in_words(texts: list[str], names: list[str]) -> None:
    assert [display(texts)[text] for text in texts] == names


VALUES = st.recursive(
    st.sampled_from(["0", "0.0", "1", "1.0", "None", "True", "False", "'a'", "'b, x 1'"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(
            lambda items: "(" + "".join(f"{i}, " for i in items) + ")"
        ),
        st.dictionaries(st.sampled_from(["x", "signal"]), inner, max_size=2).map(
            lambda fields: f"B({', '.join(f'{k}={v}' for k, v in fields.items())})"
        ),
    ),
    max_leaves=4,
)
TEXTS = st.lists(
    st.tuples(st.sampled_from(["A", "Idle", "control"]), VALUES, VALUES).map(
        lambda parts: f"{parts[0]}(x={parts[1]}, y={parts[2]})"
    ),
    max_size=6,
)


@given(TEXTS)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_different_texts_have_different_names(texts: list[str]) -> None:
    names = display(texts)
    assert set(names) == set(texts)
    assert len(set(names.values())) == len(set(texts))


@pytest.mark.parametrize("text", ["not python", "", "1 + ", "<object at 0x1>", "$x^{_$"])
def test_a_text_that_is_no_spec_is_its_own_name(text: str) -> None:
    assert display([text, "A(x=1)"])[text] == text


def test_names_in_titles_are_those_of_one_dataset() -> None:
    frame = pd.DataFrame(
        {"dataset": ["D()", "D()", "E()"], "strategy": ["S(k=1)", "S(k=2)", "S(k=1)"]}
    )
    assert list(titles(frame).values()) == ["S, k 1", "S, k 2", "S"]


def test_a_name_means_its_class_or_one_variant() -> None:
    texts = ["JTT(k=2)", "JTT(k=5)", "ERM(k=1)"]
    assert matching("JTT", texts) == ["JTT(k=2)", "JTT(k=5)"]
    for name in ("JTT(k=5)", "JTT, k 5"):
        assert matching(name, texts) == ["JTT(k=5)"]
    with pytest.raises(ValueError, match=r"'JTTT' is none of .*nearest: JTT"):
        matching("JTTT", texts)
