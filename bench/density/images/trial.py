"""A density model of images as a trial: from a set of images to a record."""

from dataclasses import dataclass
from functools import cache

from algorithms.density.images.base import ImageModel
from algorithms.density.images.conv_led import ConvLED
from bench.density.images.classifier import train_classifier
from bench.density.images.data import IMAGES, STACKED, image_set
from bench.density.images.measure import ImageBench
from bench.density.trial_record import density_key, finite
from bench.experiment.trial import Key, Record


@dataclass(frozen=True)
class ImageTrial:
    """A model of images that is trained on a set, and measured during and after its training.

    Arguments:
        images: The name of the set of images, see :func:`bench.density.images.data.image_set`.
        model: The model.
        seed: The seed of training and samples.
    """

    images: str = "digits"
    model: ImageModel = ConvLED()  # noqa: RUF009 (frozen)
    seed: int = 0

    @property
    def key(self) -> Key:
        """The identity of the trial and of its record."""
        name = self.images.removeprefix(STACKED)
        dataset = repr(IMAGES[name][0]) if name in IMAGES else name
        return density_key(
            f"Stacked({dataset})" if name != self.images else dataset, self.model, self.seed
        )

    def measure(self) -> Record:
        """Train the model, and return the fields of the record.

        ``measures`` has the figures of merit of
        :meth:`bench.density.images.measure.ImageBench.learn`, and each figure of its curve at
        the k-th snapshot with ``_at_k``, k from 1. Figures that are not finite are None.
        """
        bench = _bench(self.images)
        learnt = bench.learn(self.model, self.seed)
        during = {
            f"{name}_at_{number}": value
            for number, row in enumerate(learnt.curve, 1)
            for name, value in row.items()
        }
        return {
            "n": len(bench.images.train),
            "members": 0,
            "measures": finite(learnt.row | during),
        }


@cache
def _bench(name: str) -> ImageBench:
    """Return a set of images with its classifier, which the trials of a process share."""
    images = image_set(name)
    return ImageBench(images, train_classifier(images))
