"""Specs: text and object are the same, both ways; all else is an error that a user can mend."""

import math
import os
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.core.errors import BenchError
from bench.spec.parsing import LONGEST, parse, parse_any, split_specs
from bench.spec.registry import REGISTRY

EVERY = [(name, kind) for kind, classes in REGISTRY.kinds.items() for name in sorted(classes)]
ALTERED = [
    ("CVaRDRO(level=0.05)", "learners"),
    ("ERM(network=MLP(hidden=(8, 4)), learning_rate=0.5)", "learners"),
    ("ERM(network=Linear(), optimiser='adam')", "learners"),
    ("Sklearn('SVC', C=10)", "learners"),
    ("Sklearn('SVC', C=10, kernel='poly', coef0=-0.5)", "learners"),
    ("FeatureLabel(signal=Patch(size=3, value=-1.5, corner='top-left'), label=2)", "strategies"),
    ("FeatureLabel(signal=Category(blocks=((0, 2), (2, 5)), values=(1, 0)))", "strategies"),
    ("FeatureLabel(signal=None)", "strategies"),
    ("SetFeature(column=-2, value=-1e-9)", "signals"),
    ("Offset(columns=(0, -1), amount=0.1)", "signals"),
    ("Pixels(at=((0, -1),), value=2.0)", "signals"),
    ("Coins(n=10, overlap=0.5)", "datasets"),
]


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_a_repr_reads_back_to_its_object(name, kind):
    made = parse(name, kind)
    assert repr(parse(repr(made), kind)) == repr(made)
    assert parse(repr(made), kind) == made == parse(f"{name}()", kind) == parse_any(name)
    assert hash(parse(repr(made), kind)) == hash(made)


@pytest.mark.parametrize(("text", "kind"), ALTERED)
def test_an_altered_component_reads_back(text, kind):
    made = parse(text, kind)
    assert parse(repr(made), kind) == made
    assert made != parse(text.partition("(")[0], kind) or "None" in text


def test_spaces_lists_and_order_do_not_matter():
    text = " ERM( learning_rate = 0.5 ,\n network=MLP(hidden=[8, 4]) ) "
    assert parse(text, "learners") == parse(
        "ERM(network=MLP((8, 4)), learning_rate=.5)", "learners"
    )


def test_an_int_for_a_float_becomes_a_float():
    one, same = (
        parse("ERM(learning_rate=1)", "learners"),
        parse("ERM(learning_rate=1.0)", "learners"),
    )
    assert repr(one) == repr(same)
    assert isinstance(one.learning_rate, float)
    assert repr(parse("Patch(value=2)", "signals")) == repr(parse("Patch(value=2.0)", "signals"))
    nested = parse("FeatureLabel(signal=Patch(value=2))", "strategies")
    assert isinstance(nested.signal.value, float)


def test_infinity_is_a_number():
    assert parse("Sklearn('SVC', C=inf)", "learners").params == (("C", math.inf),)
    assert "C=inf" in repr(parse("Sklearn('SVC', C=inf)", "learners"))


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("CVaRDR", "learners", ["'CVaRDR'", "Did you mean 'CVaRDRO'", "ERM"]),
        ("CVaRDR(level=0.1)", "learners", ["'CVaRDR'", "Did you mean 'CVaRDRO'"]),
        ("FeatureLable", "strategies", ["strategy", "Did you mean 'FeatureLabel'"]),
        ("Coin", "datasets", ["dataset", "Did you mean 'Coins'"]),
        ("Patch", "learners", ["'Patch' is not a learner", "Allowed: ", "ERM"]),
        ("CVaRDRO(lvel=0.1)", "learners", ["'lvel'", "Did you mean 'level'", "epochs"]),
        ("CVaRDRO(level=2)", "learners", ["level=2", "less than or equal to 1"]),
        ("CVaRDRO(level=0)", "learners", ["level=0", "greater than 0"]),
        ("CVaRDRO(level=nan)", "learners", ["level=nan"]),
        ("ERM(epochs=2.5)", "learners", ["epochs=2.5", "integer"]),
        ("ERM(epochs=True)", "learners", ["epochs=True", "integer"]),
        ("ERM(learning_rate=True)", "learners", ["learning_rate=True"]),
        ("ERM(learning_rate='fast')", "learners", ["learning_rate='fast'", "number"]),
        ("ERM(optimiser='adm')", "learners", ["'adm'", "'sgd'", "Did you mean 'adam'"]),
        ("ERM(network=Patch)", "learners", ["network=Patch("]),
        ("ERM(network=MPL)", "learners", ["'MPL'", "Did you mean 'MLP'"]),
        ("ERM(network=MLP(hidden=4))", "learners", ["hidden=4", "tuple"]),
        ("Patch(corner='bottom')", "signals", ["'bottom'", "'bottom-left'", "Did you mean"]),
        ("Patch(value=inf)", "signals", ["value=inf", "finite"]),
        (
            "ERM(learning_rate=0.1, learning_rate=0.2)",
            "learners",
            ["not a spec like Name(field=value)"],
        ),
        ("ERM(**{'learning_rate': 1})", "learners", ["not a spec like Name(field=value)"]),
        ("ERM(*[1])", "learners", ["not a spec like Name(field=value)"]),
        ("KNN(1, 'none', 2)", "learners", ["KNN", "too many positional", "(n_neighbors: "]),
        ("KNN(1, n_neighbors=2)", "learners", ["multiple values", "'n_neighbors'"]),
        ("Sklearn('SVM')", "learners", ["'SVM'", "'SVC'"]),
        ("Sklearn('SVC', c=1)", "learners", ["'c'", "allowed are C"]),
        ("Sklearn('SVC', self=1)", "learners", ["self"]),
        ("Sklearn('SVC', C=...)", "learners", ["not a spec"]),
        ("Sklearn('VotingClassifier', voting='soft')", "learners", ["estimators"]),
        ("3", "learners", ["'3' is not a learner"]),
        ("'ERM'", "learners", ["is not a learner"]),
        ("", "learners", ["not a spec"]),
        ("ERM(", "learners", ["not a spec"]),
        ("ERM\0", "learners", ["not a spec"]),
        ("\ud800", "learners", ["not a spec"]),
        ("ERM(learning_rate=-'a')", "learners", ["not a spec"]),
        ("ERM(learning_rate=-True)", "learners", ["not a spec"]),
        ("ERM().network", "learners", ["not a spec"]),
        ("[ERM for x in y]", "learners", ["not a spec"]),
        ("-" * 4000 + "1", "learners", ["not a spec"]),
        ("ERM(network=" * 400 + "1" + ")" * 400, "learners", ["not a spec"]),
        ("(" * 300 + "ERM" + ")" * 300, "learners", ["not a spec"]),
        ("ERM(learning_rate=" + "9" * 5000 + ")", "learners", ["not a spec"]),
        ("ERM" + " " * LONGEST, "learners", [f"longer than {LONGEST}"]),
    ],
)
def test_what_is_no_spec_is_said(text, kind, says):
    with pytest.raises(BenchError) as caught:
        parse(text, kind)
    for words in says:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')",
        "ERM(learning_rate=__import__('os').system('x'))",
        "ERM(network=(lambda: 1)())",
        "ERM(learning_rate=open('/tmp/x', 'w'))",
        "(os := 1)",
        "f'{__import__(\"os\")}'",
    ],
)
def test_nothing_is_executed(text, monkeypatch):
    def never(*given, **named):
        raise AssertionError("it ran")

    monkeypatch.setattr(os, "system", never)
    monkeypatch.setattr("builtins.open", never)
    with pytest.raises(BenchError):
        parse(text, "learners")


def test_any_kind_is_found_by_name():
    with pytest.raises(BenchError, match="Did you mean 'KNN'"):
        parse_any("KMN(n_neighbors=3)")


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (None, None),
        (["ERM"], ["ERM"]),
        (["ERM,KNN"], ["ERM", "KNN"]),
        (
            ["ERM", "KNN(3), JTT(first=1, upweight=5)"],
            ["ERM", "KNN(3)", "JTT(first=1, upweight=5)"],
        ),
        (["ERM,"], ["ERM"]),
        (["Sklearn('SVC', C='é, ü'), ERM"], ["Sklearn('SVC', C='é, ü')", "ERM"]),
    ],
)
def test_lists_are_cut_between_specs(texts, expected):
    assert split_specs(texts) == expected


@pytest.mark.parametrize(
    "text", ["", ",", "ERM)", "ERM],[KNN", "ERM,,KNN", "x for x in y", "(" * 999]
)
def test_what_is_no_list_is_said(text):
    with pytest.raises(BenchError, match="separated by commas"):
        split_specs([text])


PROBE = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="ERMSklearn(),='\"[]{}*-+.:0123456789einf# \\\n", max_size=60),
    st.sampled_from([t for t, _ in ALTERED] + [repr(parse(n, k)) for n, k in EVERY]),
)


@st.composite
def mutated(draw):
    """A spec, or anything, with a piece of it cut out, doubled or replaced."""
    text = draw(PROBE)
    for _ in range(draw(st.integers(0, 3))):
        a, b = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        middle = draw(st.sampled_from(["", text[a:b] * 2, "(", ")", "=", ",", "-", "'", "1e999"]))
        text = text[:a] + middle + text[b:]
    return text


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutated(), st.sampled_from(list(REGISTRY.kinds)))
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
def test_parse_gives_a_component_or_a_bench_error(text, kind):
    try:
        made = parse(text, kind)
    except BenchError:
        return
    assert parse(repr(made), kind) == made


@pytest.mark.parametrize(("name", "kind"), EVERY)
def test_every_field_is_checked(name, kind):
    cls = REGISTRY.kinds[kind][name]
    for field in fields(cls):
        if name != "Sklearn":
            with pytest.raises(BenchError, match=field.name):
                parse(f"{name}({field.name}=(1.5, 'no', None))", kind)
