"""Values of specs in words, by what differs among them."""

import ast
import copy
import string
from collections import defaultdict
from collections.abc import Mapping, Sequence

#: The strategy of members that do nothing, to which all others are compared.
CONTROL = "Idle"
#: Classes whose name says less than a word.
_SPOKEN = {CONTROL: "control"}
#: Fields whose values speak for themselves.
_SILENT = ("base", "strategies", "objective", "way")


def tree(text: str) -> ast.expr:
    """Return the syntax tree of a text; of a text that is no expression, the text as a name."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return ast.Name(text)
    return node if isinstance(node, ast.Call) else ast.Name(text)


def spell(nodes: Sequence[ast.expr], inside: bool = False) -> list[str]:
    """Return words for values that have one role, by what differs among them.

    Arguments:
        nodes: Their syntax trees.
        inside: Whether they are fields of another value, whose own fields no comma separates.
    """
    words: dict[str, str] = {}
    classes: dict[str, dict[str, ast.Call]] = defaultdict(dict)
    items = {ast.unparse(e): e for n in nodes if isinstance(n, ast.Tuple) for e in n.elts}
    item_words = dict(zip(items, _spell_items(list(items.values())), strict=True)) if items else {}
    for node in nodes:
        text = ast.unparse(node)
        if isinstance(node, ast.Call):
            classes[ast.unparse(node.func)][text] = node
        elif isinstance(node, ast.Tuple):
            words[text] = " + ".join(item_words[ast.unparse(e)] for e in node.elts) or "none"
        else:
            words[text] = _constant(node)
    for name, calls in classes.items():
        words |= _spell_calls(name, calls, " " if inside else ", ")
    return [words[ast.unparse(node)] for node in nodes]


def _spell_items(items: list[ast.expr]) -> list[str]:
    """Return words for the items of tuples, in which signals are letters."""
    signals: dict[str, str] = {}
    named = []
    for item in copy.deepcopy(items):
        for field in item.keywords if isinstance(item, ast.Call) else []:
            if field.arg == "signal" and not isinstance(field.value, ast.Constant):
                letter = string.ascii_uppercase[len(signals) % 26]
                field.value = ast.Name(signals.setdefault(ast.unparse(field.value), letter))
        named.append(item)
    return spell(named, inside=True)


def _spell_calls(name: str, calls: Mapping[str, ast.Call], comma: str) -> dict[str, str]:
    """Return words for calls of one class, by text: its name, and the fields that differ."""
    fields = {
        text: {str(i): value for i, value in enumerate(call.args)}
        | {str(field.arg): field.value for field in call.keywords}
        for text, call in calls.items()
    }
    words = {text: [_SPOKEN.get(name, name)] for text in calls}
    keys = dict.fromkeys(key for call in fields.values() for key in call)
    values = {key: {t: f[key] for t, f in fields.items() if key in f} for key in keys}
    shown = [
        key
        for key, having in values.items()
        # An argument without a name is part of the class, such as the name of an estimator.
        if key.isdigit()
        or len({ast.unparse(value) for value in having.values()}) > 1
        or len(having) < len(calls)
    ]
    for key in shown:
        spelled = spell(list(values[key].values()), inside=True)
        for text, value, word in zip(values[key], values[key].values(), spelled, strict=True):
            plain = value.value if isinstance(value, ast.Constant) else word
            # Of values of one field None is one at most: the name alone is its own.
            if plain is None or (len(shown) > 1 and (plain is False or repr(plain) == "0.0")):
                continue
            if plain is True:
                words[text].append(key.replace("_", " "))
            else:
                silent = key.isdigit() or key in _SILENT
                words[text].append(word if silent else f"{key.replace('_', ' ')} {word}")
    return {text: comma.join(parts) for text, parts in words.items()}


def _constant(node: ast.expr) -> str:
    """Return words for a value without fields."""
    if isinstance(node, ast.Name):
        return node.id
    try:
        value = ast.literal_eval(node)
    except (ValueError, SyntaxError, TypeError):
        return ast.unparse(node)
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)
