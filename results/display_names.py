"""Names of learners, datasets and strategies: short specs for programs, words for figures."""

import ast
import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cache

import pandas as pd

from results.spelling import spell, tree


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
    name, fields = _parsed(text)
    return name, dict(fields)


@cache
def _parsed(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the class name and the fields of a text: all records of a cell have the same one."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return text, ()
    if not isinstance(node, ast.Call):
        return text, ()
    fields = [(str(i), ast.unparse(value)) for i, value in enumerate(node.args)]
    fields += [(str(k.arg), ast.unparse(k.value)) for k in node.keywords]
    return ast.unparse(node.func), tuple(fields)


def labels(texts: Iterable[str]) -> dict[str, str]:
    """Return the shortest label of each text that is different from all other labels.

    A label is the class name if only one text has it, or if the text is the :func:`references` of
    its class. Otherwise it is the class name with the fields in which the text differs from the
    reference, or without one, in which the texts of that class differ. Values are shortened in the
    same way.

    Example:
        >>> learners = ["ERM(epochs=20)", "CVaRDRO(epochs=20, level=0.1)"]
        >>> list(labels(learners).values())
        ['CVaRDRO', 'ERM']
        >>> list(labels([*learners, "CVaRDRO(epochs=20, level=0.5)"]).values())
        ['CVaRDRO(level=0.1)', 'CVaRDRO(level=0.5)', 'ERM']
        >>> list(labels([*learners, "ERM(epochs=5)"]).values())
        ['CVaRDRO', 'ERM', 'ERM(epochs=5)']
    """
    distinct = sorted(set(texts))
    parsed = {text: parse(text) for text in distinct}
    classes, plain = _classes(distinct), references(distinct)
    short = {}
    for name, members in classes.items():
        fields = {text: parsed[text][1] for text in members}
        if len(members) == 1:
            short[members[0]] = name
        elif name in plain:
            base = {plain[name]: parse(plain[name])[1]}
            pairs = {text: base | {text: own} for text, own in fields.items()}
            short |= {text: _apart(name, pair)[text] for text, pair in pairs.items()}
        else:
            short |= _apart(name, fields)
    count = Counter(short.values())
    return {t: short[t] if count[short[t]] == 1 else t for t in distinct}


def _classes(texts: Iterable[str]) -> dict[str, list[str]]:
    """Return texts by the class that they name."""
    classes = defaultdict(list)
    for text in texts:
        classes[parse(text)[0]].append(text)
    return classes


def references(texts: Iterable[str]) -> dict[str, str]:
    """Return the text that stands for each class of several texts, where other texts tell it.

    In the fields in which the texts of its class differ, it has the values that most texts of
    other classes have in these fields. It need not be one of the texts.

    Returns:
        Class -> text. A class has none if it has one text, or if the texts of other classes do not
        have all of these fields, or have several values equally often.

    Example:
        >>> references(["ERM(epochs=5)", "ERM(epochs=20)", "JTT(epochs=20, first=2)"])
        {'ERM': 'ERM(epochs=20)'}
        >>> references(["JTT(first=1)", "JTT(first=2)", "ERM(epochs=20)"])
        {}
    """
    found = {}
    parsed = {text: parse(text) for text in sorted(set(texts))}
    for name, members in _classes(parsed).items():
        keys = dict.fromkeys(key for text in members for key in parsed[text][1])
        differing = [k for k in keys if len({parsed[text][1].get(k) for text in members}) > 1]
        usual = {
            key: _most_common(
                [f[key] for other, f in parsed.values() if other != name and key in f]
            )
            for key in differing
        }
        if len(members) > 1 and None not in usual.values():
            fields = parsed[members[0]][1] | usual
            words = [
                f"{value}" if key.isdigit() else f"{key}={value}" for key, value in fields.items()
            ]
            found[name] = f"{name}({', '.join(words)})" if words else members[0]
    return found


def _most_common(values: list[str]) -> str | None:
    """Return the value that is there most often; None if several are, or none is there."""
    counts = Counter(values).most_common(2)
    tied = len(counts) == 2 and counts[0][1] == counts[1][1]
    return counts[0][0] if counts and not tied else None


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


def within(
    frame: pd.DataFrame,
    outer: str,
    inner: str,
    names: Callable[[Iterable[str]], dict[str, str]] = labels,
) -> dict[tuple[str, str], str]:
    """Return labels of one column's texts, unique among rows of the same outer text.

    A strategy that takes its signal from the dataset has one label on all datasets.

    Arguments:
        frame: A table.
        outer: The column that groups rows.
        inner: The column of texts.
        names: The function that names texts: :func:`labels` or :func:`display`.

    Returns:
        (outer text, inner text) -> label.
    """
    return {
        (str(key), text): label
        for key, part in frame.groupby(outer)
        for text, label in names(part[inner]).items()
    }


def display(texts: Iterable[str]) -> dict[str, str]:
    """Return the name of each text in titles and legends: words in place of code.

    A name is the class name, followed by the fields in which the texts of that class differ.
    Fields that are None are left out, and of several such fields those that are zero or False.
    In a tuple of strategies, signals are letters. Different texts have different names; where
    words do not tell two texts apart, their names are their labels.

    Example:
        >>> coins = "Coins(n=2000, noise={})"
        >>> list(display([coins.format(0.1), coins.format(0.4), "Digits()"]).values())
        ['Coins, noise 0.1', 'Coins, noise 0.4', 'Digits']
        >>> list(display(["Loss(epoch=None)", "Loss(epoch=1)"]).values())
        ['Loss, epoch 1', 'Loss']
        >>> plant = "FeatureLabel(signal=SetFeature(column={}), label={})"
        >>> pair = "Several(strategies=({}, {}), alone={})"
        >>> one, other = plant.format(0, 1), plant.format(3, 0)
        >>> for name in display([pair.format(one, other, alone) for alone in (0, 1)]).values():
        ...     print(name)
        Several, alone 0
        Several, alone 1
        >>> for name in display([pair.format(one, two, False) for two in (one, other)]).values():
        ...     print(name)
        Several, FeatureLabel signal A label 1 + FeatureLabel signal A label 1
        Several, FeatureLabel signal A label 1 + FeatureLabel signal B label 0
        >>> display(["Idle()"])["Idle()"]
        'control'
    """
    distinct = sorted(set(texts))
    spelled = dict(zip(distinct, spell([tree(text) for text in distinct]), strict=True))
    for name, base in references(distinct).items():
        for text in _classes(distinct)[name]:
            spelled[text] = spell([tree(base), tree(text)])[1] if text != base else name
    count, short = Counter(spelled.values()), labels(distinct)
    names = {t: spelled[t] if count[spelled[t]] == 1 else short[t] for t in distinct}
    return names if len(set(names.values())) == len(names) else short


def titles(frame: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the names of strategies in titles, by dataset."""
    return within(frame, "dataset", "strategy", display)


def shortened(
    frame: pd.DataFrame, naming: Callable[[Iterable[str]], dict[str, str]] = labels
) -> pd.DataFrame:
    """Replace the texts of datasets, strategies and learners by their labels, or other names."""
    short = {}
    if {"dataset", "strategy"} <= set(frame.columns):
        names = within(frame, "dataset", "strategy", naming)
        pairs = zip(frame["dataset"], frame["strategy"], strict=True)
        short["strategy"] = pd.Series([names[pair] for pair in pairs], frame.index, dtype=object)
    for name in ("dataset", "strategy", "learner"):
        if name in frame.columns and name not in short:
            short[name] = frame[name].map(naming(frame[name]))
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


def matching(name: str, texts: Iterable[str]) -> list[str]:
    """Return the texts that a name means: those of its class, or the one with its label.

    Arguments:
        name: A class, a label, a name of :func:`display`, or a full text.
        texts: All full texts.

    Raises:
        ValueError: If it is none of these; the error lists all labels and the nearest one.

    Example:
        >>> texts = ["ERM(epochs=20)", "JTT(upweight=2)", "JTT(upweight=5)"]
        >>> matching("JTT", texts), matching("JTT(upweight=5)", texts)
        (['JTT(upweight=2)', 'JTT(upweight=5)'], ['JTT(upweight=5)'])
    """
    distinct = sorted(set(texts))
    shown = display(distinct)
    found = [text for text in distinct if name in (parse(text)[0], shown[text])]
    return found or [resolve(name, distinct)]
