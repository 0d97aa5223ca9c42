"""What is remembered by identity."""

from bench.core.identity_cache import IdentityCache


def test_what_is_remembered_is_not_told_of_another_object_of_that_identity():
    spec, here, gone = IdentityCache(str), [1], [2]
    spec.values[id(here)] = gone, "[2]"  # as in a copy that was made elsewhere
    assert spec(here) == "[1]"
    assert spec(here) is spec(here)
