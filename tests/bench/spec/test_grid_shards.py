"""Grids hold each trial once, and shards divide them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.core.errors import BenchError
from bench.execution.sweep import Todo, chunks_of, plan
from bench.spec.grid import Grid, Part
from bench.spec.shard import Shard


@settings(max_examples=40, deadline=None)
@given(
    seeds=st.integers(1, 5),
    sizes=st.lists(st.sampled_from([0.0, 0.1, 0.25, 1.0]), min_size=1, max_size=4),
    parts=st.lists(
        st.lists(st.sampled_from(["KNN", "KNN(5)", "LDA", "EmpiricalBayes"]), min_size=1),
        min_size=1,
        max_size=3,
    ),
    of=st.integers(1, 4),
)
def test_shards_divide_a_grid_without_repeats(seeds, sizes, parts, of):
    grid = Grid(
        "g", tuple(Part(("Coins",), tuple(p), sizes=tuple(sizes), seeds=seeds) for p in parts)
    )
    trials = list(grid.trials())
    keys = [t.key for t in trials]
    assert len(set(keys)) == len(keys) == grid.count()
    assert [t.seed for t in trials] == sorted(t.seed for t in trials)
    assert set(keys) == {t.key for part in grid.parts for t in part.trials()}
    shared = [t.key for k in range(of) for t in grid.trials(Shard(k + 1, of))]
    assert sorted(shared) == sorted(keys)
    counted = plan(trials, Todo({}))
    chunks = list(chunks_of(trials, counted))
    assert sorted(t.key for c in chunks for t in c) == sorted(keys)
    assert len(chunks) == counted.chunks


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40) | st.from_regex(r"[0-9]*/[0-9]*", fullmatch=True))
def test_any_text_is_a_shard_or_an_error(text):
    try:
        shard = Shard.read(text)
    except BenchError:
        return
    assert 1 <= shard.number <= shard.count
