"""A data root with tiny encoders."""

import shutil

import pytest

from algorithms._features import encoders as encoding
from algorithms.runtime.paths import CACHE_VARIABLE, VARIABLE
from tests.helpers.tiny_encoders import save_data, save_encoders


@pytest.fixture(scope="session")
def transformers():
    """The library, whose import takes seconds; without it all these tests are skipped."""
    return pytest.importorskip(
        "transformers",
        reason="pip install 'collective-bench[text]': transformers is not installed",
    )


@pytest.fixture(scope="session")
def peft():
    """The library of adapters; without it all tests of trained encoders are skipped."""
    return pytest.importorskip(
        "peft", reason="pip install 'collective-bench[text]': peft is not installed"
    )


@pytest.fixture(scope="session")
def encoders(transformers, tmp_path_factory):
    """A folder with the encoders and data."""
    folder = tmp_path_factory.mktemp("encoders")
    save_encoders(folder)
    save_data(folder)
    return folder


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """A cache folder for all tests that don't look at what is encoded."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def root(encoders, shared, tmp_path, monkeypatch):
    """A data root with the encoders, and a file of texts and one of images."""
    shutil.copytree(encoders, tmp_path / "data")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv(CACHE_VARIABLE, str(shared))
    encoding.encoder.cache_clear()
    yield tmp_path / "data"
    encoding.encoder.cache_clear()
