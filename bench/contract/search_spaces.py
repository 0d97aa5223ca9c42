"""The check of learners' search spaces."""

from algorithms.base import Learner
from bench.contract.every import Check, Unfit, demand
from bench.core.errors import BenchError
from bench.spec.search import settings, space_of, variants


def has_a_valid_search_space(learner: Learner) -> None:
    """Its search space names fields of it, and each value is one that the field allows."""
    try:
        space = space_of(learner)
    except BenchError as error:
        raise Unfit(f"space builds no learner: {error}") from error
    for key, values in space.items():
        search = {"learner": repr(learner), key: values}
        try:
            variants(search if isinstance(values, list) else search | {"draws": 4})
        except BenchError as error:
            raise Unfit(
                f"space has {key!r}: {values!r}, which builds no learner: {error}"
            ) from error
    tried = settings(learner, 8)
    demand(tried == settings(learner, 8), "its settings differ from draw to draw")
    demand(not space or len(tried) > 1, "its search space has no setting but its default")


SPACE: list[Check] = [has_a_valid_search_space]
