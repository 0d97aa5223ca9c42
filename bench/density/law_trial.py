"""A density model of a planar law as a trial: from points to a record."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge

from algorithms.density.base import DensityModel
from algorithms.density.led import LED
from bench.datasets.synthetic.planar import Planar
from bench.density.known_laws import learn
from bench.density.trial_record import density_key, finite
from bench.experiment.trial import Key, Record


@dataclass(frozen=True)
class LawTrial:
    """A model that is trained on points of a known law, and compared with the law.

    The key names the law as the data set :class:`bench.datasets.synthetic.planar.Planar` in which
    no point has the signal bit. The model has the points without the bit.

    Arguments:
        law: The name of the law.
        model: The model.
        seed: The seed of points, training and samples.
        n: The number of training points.
        test: The number of test points.
    """

    law: str = "moons"
    model: DensityModel = LED()  # noqa: RUF009 (frozen)
    seed: int = 0
    n: Annotated[int, Ge(1)] = 20_000
    test: Annotated[int, Ge(1)] = 10_000

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        data = Planar(shape=self.law, n=self.n, n_test=self.test, overlap=0.0)
        return density_key(repr(data), self.model, self.seed)

    def measure(self) -> Record:
        """Train the model, and return the fields of the record.

        ``measures`` has those of :func:`bench.density.known_laws.learn`, None where they are not
        finite.
        """
        row = learn(self.law, self.model, self.seed, self.n, self.test).row
        return {"n": self.n, "members": 0, "measures": finite(row)}
