"""Settings of libraries that are imported while settings are kept."""

import sys

import pytest
import sklearn
import torch

from algorithms.runtime.settings import LIBRARIES, restored_settings, settings


@pytest.fixture
def unloaded(monkeypatch):
    """Hide the libraries from the settings; the value brings them back, as an import does."""
    modules = {name: sys.modules[name] for name in LIBRARIES}
    for name in LIBRARIES:
        monkeypatch.delitem(sys.modules, name)
    return lambda: sys.modules.update(modules)


def test_libraries_that_are_not_imported_have_no_settings(unloaded):
    assert not any(name.startswith(LIBRARIES) for name in settings())
    unloaded()
    assert any(name.startswith("torch") for name in settings())
    assert any(name.startswith("sklearn") for name in settings())


@pytest.mark.usefixtures("no_device_context")
def test_settings_of_a_library_that_is_imported_in_the_context_become_initial(unloaded):
    with restored_settings():
        unloaded()
        before = settings()
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.set_num_threads(2)
        torch.use_deterministic_algorithms(True)
        sklearn.set_config(assume_finite=True)
        changed = {name for name, value in settings().items() if value != before[name]}
        assert changed >= {name for name in before if name.startswith(LIBRARIES)}
    assert settings() == before
