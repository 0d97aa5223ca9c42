"""What the tests of the Python interface share."""

import pytest


@pytest.fixture(autouse=True)
def own_folders(monkeypatch, tmp_path):
    """A cache and a registry that no other test shares."""
    from bench.spec.registry import REGISTRY

    monkeypatch.setenv("COLLECTIVE_BENCH_CACHE", str(tmp_path / "cache"))
    for kind, classes in list(REGISTRY.kinds.items()):
        monkeypatch.setitem(REGISTRY.kinds, kind, dict(classes))
