"""Short labels of the specs of learners, datasets and strategies."""

import ast
import difflib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import TypeVar

import pandas as pd

K = TypeVar("K", str, tuple[str, str])
# The most letters that fit above a panel on two lines.
_LONG = 45


def parse(text: str) -> tuple[str, dict[str, str]]:
    """Return the class name and the fields of a text like ``CVaRDRO(level=0.1)``.

    Nothing is evaluated. A text that is not a call has no fields; a positional argument is
    a field named by its position.

    Example:
        >>> parse("FeatureLabel(signal=Patch(size=2), label=7)")
        ('FeatureLabel', {'signal': 'Patch(size=2)', 'label': '7'})
        >>> parse("not python")
        ('not python', {})
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return text, {}
    if not isinstance(node, ast.Call):
        return text, {}
    fields = {str(i): ast.unparse(value) for i, value in enumerate(node.args)}
    fields |= {str(k.arg): ast.unparse(k.value) for k in node.keywords}
    return ast.unparse(node.func), fields


def labels(texts: Iterable[str]) -> dict[str, str]:
    """Return the shortest label of each text that is different from all other labels.

    A label is the class name if only one text has it. Otherwise it is the class name with the
    fields in which the texts of that class differ, whose values are shortened in the same way.

    Example:
        >>> learners = ["ERM(epochs=20)", "CVaRDRO(epochs=20, level=0.1)"]
        >>> list(labels(learners).values())
        ['CVaRDRO', 'ERM']
        >>> list(labels([*learners, "CVaRDRO(epochs=20, level=0.5)"]).values())
        ['CVaRDRO(level=0.1)', 'CVaRDRO(level=0.5)', 'ERM']
    """
    distinct = sorted(set(texts))
    parsed = {text: parse(text) for text in distinct}
    classes = defaultdict(list)
    for text, (name, _) in parsed.items():
        classes[name].append(text)
    short = {}
    for name, members in classes.items():
        if len(members) == 1:
            short[members[0]] = name
        else:
            short |= _apart(name, {text: parsed[text][1] for text in members})
    count = Counter(short.values())
    return {t: short[t] if count[short[t]] == 1 else t for t in distinct}


def _apart(name: str, fields: dict[str, dict[str, str]]) -> dict[str, str]:
    """Return labels of texts of one class, with the fields in which they differ."""
    names = dict.fromkeys(key for call in fields.values() for key in call)
    values = {key: [call.get(key) for call in fields.values()] for key in names}
    shorts = {
        key: labels(value for value in column if value is not None)
        for key, column in values.items()
        if len(set(column)) > 1
    }
    return {text: _call(name, call, shorts) for text, call in fields.items()}


def _call(name: str, fields: dict[str, str], shorts: dict[str, dict[str, str]]) -> str:
    """Return the text of a call with some of its fields.

    Arguments:
        name: The class.
        fields: All fields of the call.
        shorts: The fields to write, each with short texts of its values.
    """
    parts = [
        short[fields[key]] if key.isdigit() else f"{key}={short[fields[key]]}"
        for key, short in shorts.items()
        if key in fields
    ]
    return f"{name}({', '.join(parts)})" if parts else name


def within(frame: pd.DataFrame, outer: str, inner: str) -> dict[tuple[str, str], str]:
    """Return labels of one column's texts, unique among rows of the same outer text.

    A strategy that takes its signal from the dataset has one label on all datasets.

    Arguments:
        frame: A table.
        outer: The column that groups rows.
        inner: The column of texts.

    Returns:
        (outer text, inner text) -> label.
    """
    return {
        (str(key), text): label
        for key, part in frame.groupby(outer)
        for text, label in labels(part[inner]).items()
    }


def abbreviate(texts: dict[K, str]) -> dict[K, str]:
    """Abbreviate texts: signals become letters, and fields that are zero are left out.

    Signals stay where texts differ in their only signal. If two abbreviations are equal, the
    texts are returned unchanged.

    Example:
        >>> plant = "FeatureLabel(signal=Patch(size=2), label=1)"
        >>> noisy = f"Noisy(base={plant}, dropout=0.0, wrong_signal=0.0)"
        >>> list(abbreviate({"a": noisy, "b": noisy.replace("out=0.0", "out=0.5")}).values())
        ['Noisy(FeatureLabel(g, label=1))', 'Noisy(FeatureLabel(g, label=1), dropout=0.5)']
        >>> list(abbreviate({"a": plant, "b": plant.replace("2", "3")}).values())
        ['FeatureLabel(signal=Patch(size=2), label=1)', 'FeatureLabel(signal=Patch(size=3), label=1)']
    """  # noqa: E501 (a doctest)
    signals: dict[str, int] = {}

    def number_signals(text: str) -> str:
        """Replace signals by their numbers, and leave out zeros and names of fields."""
        while match := re.search(r"\bsignal=", text):
            start, place = match.span()
            end, depth = place, 0
            while end < len(text) and (depth or text[end] not in ",)"):
                depth += (text[end] == "(") - (text[end] == ")")
                end += 1
            number = signals.setdefault(text[place:end], len(signals))
            text = f"{text[:start]}<{number}>{text[end:]}"
        text = re.sub(r", \w+=0\.0\b|\b\w+=0\.0, ", "", text)
        return re.sub(r"\b(base|strategies)=", "", text)

    made = {name: number_signals(text) for name, text in sorted(texts.items(), key=str)}
    letters = len(signals) < 2 or any(text.count("signal=") > 1 for text in texts.values())
    for signal, number in signals.items():
        written = "gkqruvw"[number % 7] if letters else f"signal={signal}"
        made = {name: text.replace(f"<{number}>", written) for name, text in made.items()}
    return made if len(set(made.values())) == len(set(texts.values())) else dict(texts)


def titles(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the titles of strategies, by dataset: labels, abbreviated if some are long."""
    names = within(frame, "dataset", "strategy")
    return abbreviate(names) if max(map(len, names.values()), default=0) > _LONG else names


def shortened(frame: pd.DataFrame) -> pd.DataFrame:
    """Replace the texts of datasets, strategies and learners by their labels."""
    short = {}
    if {"dataset", "strategy"} <= set(frame.columns):
        names = within(frame, "dataset", "strategy")
        pairs = zip(frame["dataset"], frame["strategy"], strict=True)
        short["strategy"] = pd.Series([names[pair] for pair in pairs], frame.index, dtype=object)
    for name in ("dataset", "strategy", "learner"):
        if name in frame.columns and name not in short:
            short[name] = frame[name].map(labels(frame[name]))
    return frame.assign(**short)


def resolve(name: str, texts: Iterable[str]) -> str:
    """Return the full text of a label or of a text.

    Arguments:
        name: A label, or a full text.
        texts: All full texts.

    Raises:
        ValueError: If it is neither; the error lists all labels and the nearest one.

    Example:
        >>> resolve("ERM", ["ERM(epochs=20)", "JTT(epochs=20)"])
        'ERM(epochs=20)'
    """
    short = labels(texts)
    full = {label: text for text, label in short.items()}
    if name in short or name in full:
        return full.get(name, name)
    near = difflib.get_close_matches(name, [*full, *short], n=1, cutoff=0.0)
    hint = f"; nearest: {near[0]}" if near else ""
    raise ValueError(f"{name!r} is none of {', '.join(full) or 'nothing'}{hint}")
