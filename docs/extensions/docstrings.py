"""A Sphinx extension that adapts the project's docstrings to napoleon and cross-references."""

import re
from typing import Any

#: "Arguments (and those of :class:`Base`):", the heading of fields that a class adds to its base.
_INHERITING = re.compile(r"^(\s*)Arguments \((and those of .*)\):$")
#: A role with a bare name: :class:`ERM`.
_BARE = re.compile(r":(class|func|meth|attr|exc|data):`(\w[\w.]*)`")


def adapt(lines: list[str]) -> list[str]:
    """Return the lines of a docstring in the form that napoleon and the Python domain read.

    The heading "Arguments (and those of X):" becomes "Arguments:" after a sentence on X. A role
    finds its target in any module.
    """
    adapted: list[str] = []
    for line in lines:
        if match := _INHERITING.match(line):
            base = match[2].removeprefix("and those of ")
            sentence = f"{match[1]}All arguments of {base}, and the following ones."
            adapted += [sentence, "", f"{match[1]}Arguments:"]
        else:
            adapted.append(line)
    return [_BARE.sub(r":\1:`.\2`", line) for line in adapted]


def setup(app: Any) -> dict[str, bool]:
    """Adapt docstrings before napoleon reads them."""

    def process(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
        lines[:] = adapt(lines)

    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True}
