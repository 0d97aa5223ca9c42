"""Where data can be fetched from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where OpenML has a dataset, and what becomes of it.

    Arguments:
        name: Its name there.
        version: Its version there.
        file: The file to write, in the data root: ``.npz`` for images, ``.csv.xz`` for tables.
        shape: Of images, the shape of one, as it is stored there.
        train: Of images, how many of the first rows are the official training part.
        rename: Of tables, columns that have other names there.
        sha256: The digest of the contents, where it is known.
    """

    name: str
    version: int
    file: str
    shape: tuple[int, ...] = ()
    train: int = 0
    rename: tuple[tuple[str, str], ...] = ()
    sha256: str | None = None
