"""What the tests of files share."""

import pytest

from bench.datasets.io.data_root import CACHE_VARIABLE, VARIABLE


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data root of its own."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "prepared"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"
