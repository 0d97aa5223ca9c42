"""What all tests share."""

from collections.abc import Iterator

import pytest

from bench.backends import one_thread


@pytest.fixture(autouse=True, scope="session")
def arithmetic_on_one_thread() -> Iterator[None]:
    """As in a worker: the number of threads changes the last digits of sums."""
    with one_thread():
        yield
