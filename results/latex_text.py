"""Text as LaTeX."""

_ESCAPED = {
    "\\": r"\textbackslash{}",
    **{sign: rf"\{sign}" for sign in "{}#$%&_"},
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "\N{DAGGER}": r"\dag{}",
    "\N{EM DASH}": "---",
    "\N{PLUS-MINUS SIGN}": r"\ensuremath{\pm}",
    "\N{LESS-THAN OR EQUAL TO}": r"\ensuremath{\le}",
    "\N{GREATER-THAN OR EQUAL TO}": r"\ensuremath{\ge}",
    "\N{INFINITY}": r"\ensuremath{\infty}",
    "\N{GREEK SMALL LETTER ALPHA}": r"\ensuremath{\alpha}",
    "\N{GREEK SMALL LETTER EPSILON}": r"\ensuremath{\epsilon}",
    "\N{GREEK SMALL LETTER CHI}": r"\ensuremath{\chi}",
    "\N{SUPERSCRIPT TWO}": r"\ensuremath{^2}",
    "\n": " ",
}
_TABLE = str.maketrans(_ESCAPED)


def escape(text: str) -> str:
    r"""Return text that LaTeX prints as it is.

    Example:
        >>> print(escape("50 % of A_b < \N{GREEK SMALL LETTER ALPHA}"))
        50 \% of A\_b \textless{} \ensuremath{\alpha}
    """
    return text.translate(_TABLE)
