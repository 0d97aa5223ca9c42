"""Sizes of collectives, as shares of the population or as numbers of people."""

import re
from typing import Annotated, Any

from annotated_types import Ge, Le
from pydantic import AfterValidator, Discriminator, Tag
from pydantic_core import PydanticCustomError

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.base import Dataset

_PEOPLE = re.compile(r"([0-9]{1,12}) (?:people|person)")
ALLOWED = "shares between 0 and 1, and numbers of people like '8 people'"


def _people(text: str) -> str:
    if not _PEOPLE.fullmatch(text):
        raise PydanticCustomError("people", "a number of people is a text like '8 people'")
    return text


def _kind(value: Any) -> str:
    return "people" if isinstance(value, str) else "share"


#: A share of the population, or a text such as "8 people".
Size = Annotated[
    Annotated[float, Ge(0), Le(1), Tag("share")]
    | Annotated[str, AfterValidator(_people), Tag("people")],
    Discriminator(_kind),
]


def parse_sizes(text: str) -> list[float | str]:
    """Return the sizes in a text, separated by commas; a grid checks their ranges.

    Example:
        >>> parse_sizes("0, 8 people,0.01")
        [0.0, '8 people', 0.01]
    """
    sizes: list[float | str] = []
    for word in (word.strip() for word in text.split(",")):
        if any(noun in word for noun in ("people", "person")):
            sizes.append(" ".join(word.split()))
            continue
        try:
            sizes.append(float(word))
        except ValueError as error:
            raise BenchError(
                f"--sizes {text}: {word!r} is not a number. Allowed: {ALLOWED}, separated by "
                f"commas"
            ) from error
    return sizes


def shares(sizes: tuple[float | str, ...], data: Dataset) -> list[float]:
    """Return sizes as shares of a dataset's training rows: rising, each once, with 0.

    k people of n rows are the share k/n, so that exactly k rows are members'.

    Arguments:
        sizes: Shares, and texts such as "8 people".
        data: The dataset.

    Raises:
        BenchError: If there are fewer rows than people.

    Example:
        >>> from bench.datasets.synthetic.coins import Coins
        >>> shares((0.01, "8 people", "2 people"), Coins(n=200))
        [0.0, 0.01, 0.04]
    """
    plain = {float(size) for size in sizes if not isinstance(size, str)}
    counts = [int(_PEOPLE.fullmatch(size)[1]) for size in sizes if isinstance(size, str)]  # type: ignore[index]
    if counts:
        n = len(data.split(stream(0, "data")).train)
        if max(counts) > n:
            raise BenchError(
                f"a collective of {max(counts)} people is too large: {data!r} has {n} training "
                f"rows. Allowed are up to {n} people, or {ALLOWED.partition(',')[0]}"
            )
        plain |= {count / n for count in counts}
    return sorted({0.0, *plain})
