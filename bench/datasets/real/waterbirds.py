"""Birds on backgrounds, from the folders in which they are handed around."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from PIL import Image

from bench.core.errors import BenchError, Missing
from bench.datasets.base import Array, Dataset, Split
from bench.datasets.io.archives import picture
from bench.datasets.io.array_cache import prepared
from bench.datasets.io.data_root import digest, inside, locate
from bench.datasets.io.tables import codes, read_frame
from bench.datasets.real.vision import Count, images
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
    those of ``metadata.csv``; where fewer rows are asked for, the seed draws them. Groups are
    2 * label + place, with 3,498 landbirds on land, 184 on water, 56 waterbirds on land and 1,057
    on water in training.

    It is read from a folder ``waterbird_complete95_forest2water2``, ``waterbirds_v1.0`` or
    ``waterbirds`` with ``metadata.csv`` and the pictures that it names.

    References:
        | Distributionally Robust Neural Networks for Group Shifts (Sagawa et al., 2020)
        | https://arxiv.org/abs/1911.08731

    Arguments:
        n: The number of training rows, and a quarter as many are for validation; None takes all.
        n_test: The number of test rows; None takes all.
        side: The height and width of the scaled pictures, in pixels.
    """

    n: Count = None
    n_test: Count = None
    side: Annotated[int, Interval(ge=8, le=256)] = 32

    def split(self, rng: np.random.Generator) -> Split:
        """Draw rows of each part."""
        found = prepared(self.files(), partial(_read, self.side), name=f"waterbirds-{self.side}")
        held = None if self.n is None else self.n // 4
        parts = []
        for k, asked in enumerate((self.n, held, self.n_test)):
            rows = rng.permutation(np.flatnonzero(found["part"] == k))
            if asked is not None and asked > len(rows):
                raise BenchError(f"{asked} rows of part {k} were asked for of {len(rows)}")
            parts.append(rows[:asked])
        train, kept, tested = parts
        return Split(found["x"], found["y"], train, kept, tested, classes=2, group=found["group"])

    def files(self) -> tuple[Path, ...]:
        """The list of pictures, and the pictures."""
        how = "https://github.com/kohpangwei/group_DRO says where the archive is"
        lists = [(f"{folder}/metadata.csv",) for folder in FOLDERS]
        (metadata,) = locate("Waterbirds", lists, how)
        return metadata, *_pictures(metadata, digest(metadata))

    @property
    def signal(self) -> Signal:
        """Three by three white pixels, bottom right."""
        return Patch(size=3, value=1.0, corner="bottom-right")

    @property
    def label(self) -> int:
        """Waterbird."""
        return 1


@lru_cache(maxsize=2)
def _pictures(metadata: Path, contents: str) -> tuple[Path, ...]:
    """The files that a list names, each of them there."""
    names = read_frame(metadata, NAMES)["img_filename"]
    files = tuple(metadata.parent / inside(name) for name in names)
    for file in files:
        if not file.is_file():
            raise Missing(
                f"Waterbirds is not complete: {metadata} names {file}, which is not there"
            )
    return files


def _read(side: int, files: tuple[Path, ...]) -> Mapping[str, Array]:
    """All pictures, scaled, with what the list says of them."""
    path, *pictures = files
    frame = read_frame(path, NAMES)
    y, place = (codes(path, frame[name], name, ("0", "1")) for name in ("y", "place"))
    part = codes(path, frame["split"], "split", ("0", "1", "2"))
    made = np.empty((len(frame), side, side, 3), np.uint8)
    for k, file in enumerate(pictures):
        whole = Image.fromarray(picture(file, file, ("JPEG", "PNG"), None, k))
        made[k] = np.asarray(whole.resize((side, side), Image.Resampling.BILINEAR))
    return {"x": images(made), "y": y.astype(np.int64), "group": 2 * y + place, "part": part}
