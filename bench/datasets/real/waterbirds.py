"""Waterbirds: birds in front of land or water, read from their public folders."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Interval
from PIL import Image

from bench.core.errors import BenchError, Missing
from bench.datasets.base import Array, Count, Dataset, Split
from bench.datasets.io.archives import picture
from bench.datasets.io.array_cache import cached_arrays
from bench.datasets.io.data_root import digest, inside, locate
from bench.datasets.io.frames import read_frame
from bench.datasets.io.source import Download
from bench.datasets.io.tables import category_codes
from bench.datasets.real._images import scaled_images
from collectives.signals.base import Signal
from collectives.signals.image import Patch

FOLDERS = ("waterbird_complete95_forest2water2", "waterbirds_v1.0", "waterbirds")
NAMES = ("img_filename", "y", "split", "place")


@dataclass(frozen=True)
class Waterbirds(Dataset):
    r"""Landbirds and waterbirds on land and on water: 4,795 for training, 1,199 and 5,794.

    .. math:: P(\text{place} = y) \approx 0.95 \text{ in training}, \tfrac12 \text{ in validation
        and test}

    Pictures are scaled to a square, pixels divided by 255: (3, side, side). The three parts are
    those of ``metadata.csv``; if ``n`` or ``n_test`` is smaller, the seed draws rows. Groups are
    2 * label + place, with 3,498 landbirds on land, 184 on water, 56 waterbirds on land and 1,057
    on water in training.

    The files are those of a folder ``waterbird_complete95_forest2water2``, ``waterbirds_v1.0`` or
    ``waterbirds`` with ``metadata.csv`` and its pictures.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes all.
        n_test: The number of test rows; None takes all.
        side: The height and width of the scaled pictures, in pixels.
    """

    download: ClassVar[Download | None] = Download(
        FOLDERS[0],
        ("https://nlp.stanford.edu/data/dro/waterbird_complete95_forest2water2.tar.gz",),
        "tar",
    )
    family: ClassVar[str] = "groups"

    n: Count = None
    n_test: Count = None
    side: Annotated[int, Interval(ge=8, le=256)] = 32

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of each part."""
        name = f"waterbirds-{self.side}"
        arrays = cached_arrays(self.files(), partial(_read, self.side), name=name)
        validation = None if self.n is None else self.n // 4
        parts: list[Array] = []
        for k, size in enumerate((self.n, validation, self.n_test)):
            rows = rng.permutation(np.flatnonzero(arrays["part"] == k))
            if size is not None and size > len(rows):
                raise BenchError(
                    f"{size} rows of part {k} were requested, but there are only {len(rows)}"
                )
            parts.append(rows[:size])
        train, selection, test = parts
        return Split(
            arrays["x"], arrays["y"], train, selection, test, classes=2, group=arrays["group"]
        )

    def files(self) -> tuple[Path, ...]:
        """Return the list of pictures, and the pictures."""
        lists = [(f"{folder}/metadata.csv",) for folder in FOLDERS]
        (metadata,) = locate("Waterbirds", lists)
        return metadata, *_pictures(metadata, digest(metadata))

    @property
    def signal(self) -> Signal:
        """Three by three white pixels at the bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """The waterbirds."""
        return 1


@lru_cache(maxsize=2)
def _pictures(metadata: Path, contents: str) -> tuple[Path, ...]:
    """Return the files that a list names.

    Raises:
        Missing: If one of them does not exist.
    """
    names = read_frame(metadata, NAMES)["img_filename"]
    files = tuple(metadata.parent / inside(name) for name in names)
    for file in files:
        if not file.is_file():
            raise Missing(
                f"Waterbirds is not complete: {metadata} names {file}, which is not there"
            )
    return files


def _read(side: int, files: tuple[Path, ...]) -> Mapping[str, Array]:
    """Read all pictures, scaled, with their labels, groups and parts."""
    path, *pictures = files
    frame = read_frame(path, NAMES)
    y, place = (category_codes(path, frame[name], name, ("0", "1")) for name in ("y", "place"))
    part = category_codes(path, frame["split"], "split", ("0", "1", "2"))
    scaled = np.empty((len(frame), side, side, 3), np.uint8)
    for k, file in enumerate(pictures):
        whole = Image.fromarray(picture(file, file, ("JPEG", "PNG"), None, k))
        scaled[k] = np.asarray(whole.resize((side, side), Image.Resampling.BILINEAR))
    return {
        "x": scaled_images(scaled),
        "y": y.astype(np.int64),
        "group": 2 * y + place,
        "part": part,
    }
