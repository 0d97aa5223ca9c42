"""Figures of merit of density models of images."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from algorithms.density.images.base import ImageDensity, ImageModel
from algorithms.runtime.threads import one_thread
from bench.core.random_streams import stream
from bench.datasets.base import Array
from bench.density.clock import training_clock
from bench.density.images.classifier import ImageClassifier
from bench.density.images.data import ImageSet
from bench.density.images.frechet import frechet_distance
from bench.density.images.modes import class_scores
from bench.density.images.neighbours import memorisation, neighbour_scores
from bench.density.images.smoothness import smoothness

#: The largest number of images in a figure of merit, of images whose likelihood is bounded, draws
#: of the encoder for each, proposals for log Z, and snapshots of a training.
MEASURED, BOUNDED, DRAWS, PROPOSALS, SNAPSHOTS = 1000, 500, 16, 4000, 5
#: Generated images for each class of a set whose images have three parts.
PER_CLASS = 25
#: The largest number of training images among which copies are looked for.
COPIED = 10_000
#: Generated images, lines between latents, and images along each of them, for a figure.
SHOWN, LINES, ALONG = 24, 4, 10


@dataclass(frozen=True)
class LearntImages:
    """A trained model of images.

    Arguments:
        row: Its figures of merit, by name.
        curve: Its figures of merit during training, a row a snapshot.
        samples: Generated images, (SHOWN, h, w).
        lines: Images along latent lines without noise, (LINES, ALONG, h, w).
    """

    row: dict[str, float]
    curve: list[dict[str, float]]
    samples: Array
    lines: Array


@dataclass(frozen=True, eq=False)
class ImageBench:
    """A set of images with a classifier, and the figures of merit that need both.

    Arguments:
        images: The images.
        classifier: The classifier.
    """

    images: ImageSet
    classifier: ImageClassifier

    def learn(self, model: ImageModel, seed: int) -> LearntImages:
        """Train a model on one thread, and measure it during and after its training.

        The row has, of samples of the generator: ``frechet``, the Fréchet distance to test
        images; ``precision``, ``recall``, ``density`` and ``coverage`` from nearest neighbours;
        ``classes``, ``modes`` and ``class_kl``, coverage of the classes, of more images if each
        has three parts. The same with ``resampled_``
        is of samples resampled by their weights, and with ``plain_`` of images without noise.
        Likelihoods are bounds: ``nll``, the negative log-likelihood of test images in nats, of
        the tilted density if the model has one and of the generator otherwise; ``bits``, the same
        for each pixel; ``gap``, the log-likelihood of training images less that of test images,
        with its standard error over images. ``log_z`` with its error, ``effective`` and
        ``alarms`` are of the weights; ``critic`` is the mean of the energy, WGAN's estimate of
        log Z. ``copies`` compares distances to training images, ``detour`` and ``jump`` are the
        smoothness of latents, ``classifier`` is the classifier's accuracy, ``seconds``
        the time of the training by :func:`~bench.density.clock.training_clock`.

        Arguments:
            model: The model.
            seed: The seed of training and samples.
        """
        seconds, curve = 0.0, []
        with one_thread():
            training = model.train(self.images.train, stream(seed, "fit"), SNAPSHOTS)
            while True:
                started = training_clock()
                density = next(training, None)
                seconds += training_clock() - started
                if density is None:
                    break
                last, x = density, density.propose(self.size, stream(seed, "samples"))[0]
                curve.append({"seconds": seconds} | self.quality(x))
            row = curve[-1] | self._density_scores(last, model, seed)
            rng = stream(seed, "figure")
            ends = rng.standard_normal((2, LINES, 1, model.latent))
            t = np.linspace(0, 1, ALONG)[:, None]
            lines = last.decode(((1 - t) * ends[0] + t * ends[1]).reshape(-1, model.latent))
            side = lines.shape[1:]
            return LearntImages(
                row, curve, last.sample(SHOWN, rng), lines.reshape(LINES, ALONG, *side)
            )

    def training_rows(self) -> dict[str, float]:
        """Return the figures of merit of training images in place of generated ones."""
        images = self.images.train
        return self.quality(images[: self.size]) | self._modes(images[: self.drawn])

    @property
    def size(self) -> int:
        """The number of real and of generated images in a figure of merit."""
        return min(MEASURED, len(self.images.test), len(self.images.train) // 2)

    @property
    def drawn(self) -> int:
        """The number of images whose classes are counted; 0 if those of a measure suffice."""
        return PER_CLASS * self.images.classes if self.images.parts > 1 else 0

    def _modes(self, x: Array) -> dict[str, float]:
        """Return the coverage of the classes by images (n, h, w); nothing for no images."""
        return class_scores(self.classifier.predict(x), self.images.classes) if len(x) else {}

    def quality(self, x: Array) -> dict[str, float]:
        """Return figures of merit of images (n, h, w) against as many test images."""
        ours = self.classifier.features(x)
        return (
            {"frechet": frechet_distance(self._real, ours)}
            | neighbour_scores(self._real, ours)
            | class_scores(self.classifier.predict(x), self.images.classes)
        )

    @cached_property
    def _real(self) -> Array:
        """Features of test images."""
        return self.classifier.features(self.images.test[: self.size])

    def _density_scores(
        self, density: ImageDensity, model: ImageModel, seed: int
    ) -> dict[str, float]:
        """Return likelihoods, weights, other samples' quality, copies and smoothness."""
        images, rng = self.images, stream(seed, "measures")
        z = density.log_partition(PROPOSALS, rng)
        train, test = (
            self._bounds(density, x[:BOUNDED], z.value, rng) for x in (images.train, images.test)
        )
        likely = float(test.mean())
        resampled, plain = (
            density.sample(self.size, rng),
            density.decode(rng.standard_normal((self.size, model.latent))),
        )
        flat = [
            part.reshape(len(part), -1)
            for part in (images.train[:COPIED], images.test[: self.size], resampled)
        ]
        energy = density.energy(density.propose(self.size, rng)[0])
        return (
            {"nll": -likely, "bits": images.bits(likely)}
            | {"gap": float(train.mean()) - likely}
            | {"gap_error": float(np.hypot(train.std(), test.std()) / len(test) ** 0.5)}
            | z.report()
            | {"beta": density.beta, "critic": float(energy.mean())}
            | {f"resampled_{k}": v for k, v in self.quality(resampled).items()}
            | {f"plain_{k}": v for k, v in self.quality(plain).items()}
            | {"copies": memorisation(*flat)}
            | smoothness(density.decode, self.classifier.features, model.latent, rng)
            | {"classifier": self.classifier.accuracy}
            | (self._modes(density.propose(self.drawn, rng)[0]) if self.drawn else {})
        )

    @staticmethod
    def _bounds(density: ImageDensity, x: Array, log_z: float, rng: np.random.Generator) -> Array:
        """Return lower bounds of log-densities: of the tilted density, or of the generator's."""
        bound = density.log_bound(x, DRAWS, rng)
        return bound + density.energy(x) - log_z if density.tilted else bound
