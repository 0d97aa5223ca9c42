"""Which settings are tried, and in which trials."""

from dataclasses import fields

from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from bench.spec.part import Entry
from bench.spec.registry import LEARNERS
from bench.spec.shard import Shard
from bench.tuning.stage import FIRST_SEED, candidates, tuning_grid

COINS = "Coins(n=200, n_test=40)"


def grid(*learners, strategies=("Erase", "FeatureLabel"), **more):
    part = Part((COINS,), learners, strategies, (0.1,), 2, **more)
    return Grid("g", (Part((COINS,), ("KNN",), ("Idle",), (0.1,), 2), part))


def test_all_learners_get_the_same_number_of_settings_the_named_one_first():
    tried = candidates(grid("ERM", "EmpiricalBayes"), 5)
    numbers = {parse(e.learner, "learners").__class__.__name__: len(s) for e, s in tried.items()}
    assert numbers == {"KNN": 5, "ERM": 5, "EmpiricalBayes": 1}
    for entry, specs in tried.items():
        assert specs[0] == entry.learner
        assert len(set(specs)) == len(specs)
    assert candidates(grid("ERM"), 5) == {e: s for e, s in tried.items() if "Empi" not in e[1]}


def test_fields_that_an_entry_sets_are_not_searched():
    tried = candidates(grid("ERM(optimiser='adam')", "HashedBag(base=KNN(7))"), 8)
    *_, adam, bag = tried.values()
    found = [parse(text, "learners") for text in adam]
    assert {one.optimiser for one in found} == {"adam"}
    assert len({one.learning_rate for one in found}) > 2
    assert bag == [repr(parse("HashedBag(base=KNN(7))", "learners"))]


def test_learners_in_fields_are_searched_too():
    specs = candidates(grid("Ensemble(base=KNN(), members=3)"), 4)
    found = [parse(text, "learners") for text in [*specs.values()][-1]]
    assert len({one.base.n_neighbors for one in found}) == 4
    assert {one.members for one in found} == {3}


def test_tuning_trials_plant_on_seeds_of_no_grid():
    g = grid("ERM", validation=("clean", "contaminated"))
    tried = candidates(g, 3)
    trials = list(tuning_grid(g, tried).trials())
    assert {type(t.strategy).__name__ for t in trials} == {"FeatureLabel"}
    assert {t.size for t in trials} == {0.0, 0.01}
    assert min(t.seed for t in trials) == FIRST_SEED
    assert not {t.key for t in trials} & {t.key for t in g.trials()}
    # KNN on clean data alone, ERM on both kinds: three settings at two sizes with three seeds.
    assert len(trials) == 3 * (3 * 2 * 3)
    assert {(t.validation, type(t.learner).__name__) for t in trials} == {
        ("clean", "KNN"),
        ("clean", "ERM"),
        ("contaminated", "ERM"),
    }


def test_without_a_planting_strategy_the_first_one_is_followed():
    g = Grid("g", (Part((COINS,), ("KNN",), ("Erase", "Idle"), (0.1,), 1),))
    (part,) = tuning_grid(g, candidates(g, 2)).parts
    assert part.strategies[0].startswith("Erase(")


def test_a_share_tunes_its_own_entries():
    g = grid("ERM", "LDA", "QDA", "LogisticRegression", "NaiveBayes")
    shares = [candidates(g, 2, Shard(i, 3)) for i in (1, 2, 3)]
    assert sum(map(len, shares)) == len(g.entries())
    assert {e for s in shares for e in s} == set(g.entries())
    assert max(map(len, shares)) < len(g.entries())


def test_chosen_settings_take_the_place_of_entries():
    g = grid("ERM", validation=("clean", "contaminated"))
    first, second, third = g.entries()
    assert second == Entry(first.dataset, second.learner, "clean")
    written = g.written_out({second: ["KNN(n_neighbors=9)"], third: ["KNN(n_neighbors=1)"]})
    assert [(p.learners, p.validation) for p in written.parts] == [
        (("KNN(n_neighbors=9)",), ("clean",)),
        (("KNN(n_neighbors=1)",), ("contaminated",)),
    ]


def test_a_part_sets_networks_and_wrappers_and_keeps_the_names():
    learners = ("ERM", "ERM(network=Linear())", "KNN", "Ensemble")
    part = Part((COINS,), learners, network="MLP((3,))", wrapper="HashedBag")
    (data,) = part.sources()
    runs = {type(n).__name__: r.base for n, r in part.learners_on(data).items()}
    named = list(part.learners_on(data))
    assert repr(named[0]) == repr(LEARNERS["ERM"]())
    linear = part.learners_on(data)[named[1]].base
    assert "Linear" in repr(linear.network)
    assert repr(runs["Ensemble"].base.network) == repr(parse("MLP((3,))", "networks"))
    assert repr(runs["KNN"]) == repr(LEARNERS["KNN"]())
    (written,) = part.written_out()
    assert (written.network, written.wrapper) == (None, None)
    assert len(written.learners) == 4
    assert all(spec.startswith("HashedBag(") for spec in written.learners)


def test_every_field_of_a_search_space_exists():
    for name, cls in LEARNERS.items():
        names = {f.name for f in fields(cls)}
        found = {n.strip() for key in cls.space for n in key.split(",")}
        assert found <= names, name
