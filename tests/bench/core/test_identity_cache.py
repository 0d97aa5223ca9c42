"""What is remembered by identity."""

from bench.core.identity_cache import IdentityCache


def test_a_cached_result_belongs_to_one_object_only():
    spec, here, gone = IdentityCache(str), [1], [2]
    spec.values[id(here)] = gone, "[2]"  # as in a copy that was made elsewhere
    assert spec(here) == "[1]"
    assert spec(here) is spec(here)
