"""A drift of one setting of a generated dataset."""

from dataclasses import dataclass, fields, replace
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from bench.core.errors import BenchError, unknown
from bench.datasets.base import Dataset
from bench.rounds.drift import Drift


@dataclass(frozen=True)
class FieldDrift(Drift):
    r"""A field of the dataset that moves along a line from round to round.

    .. math:: \lambda_t = \lambda_1 + \frac{t - 1}{T - 1} (\lambda_T - \lambda_1)

    for rounds t = 1, ..., T. The field's own value is that of the first round. With
    ``FieldDrift("noise", 0.4)`` more and more labels are wrong. The law of each round is that of
    the dataset with this setting, so that bounds and oracles stay exact.

    References:
        | A Survey on Concept Drift Adaptation (Gama et al., 2014)
        | https://doi.org/10.1145/2523813

    Arguments:
        field: The name of a field of the dataset whose value is a number.
        until: Its value in the last round.

    Example:
        >>> from bench.datasets.synthetic.coins import Coins
        >>> drift = FieldDrift("noise", 0.3)
        >>> [round(drift.at(Coins(noise=0.1), p).noise, 2) for p in (0.0, 0.5, 1.0)]
        [0.1, 0.2, 0.3]
    """

    field: str = "noise"
    until: float = 0.4

    def at(self, dataset: Dataset, progress: float) -> Dataset:
        """Return the dataset with the value of the field at this round."""
        # Datasets are dataclasses, which their base class does not say.
        data: Any = dataset
        name = type(dataset).__name__
        numeric = [
            field.name for field in fields(data) if type(getattr(dataset, field.name)) is float
        ]
        if self.field not in numeric:
            raise unknown(
                f"field of {name} with a number that can drift, named", self.field, numeric
            )
        start = getattr(dataset, self.field)
        value = start + progress * (self.until - start)
        hint = get_type_hints(type(dataset), include_extras=True)[self.field]
        try:
            TypeAdapter(hint).validate_python(value)
        except ValidationError as error:
            reason = error.errors()[0]["msg"]
            raise BenchError(
                f"{self!r}: {self.field}={value:g} is not allowed for {name}: {reason}"
            ) from error
        drifted: Dataset = replace(data, **{self.field: value})
        return drifted
