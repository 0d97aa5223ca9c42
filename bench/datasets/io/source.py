"""Sources of data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """A data set on OpenML, and the file made of it.

    Arguments:
        name: Its name there.
        version: Its version there.
        file: The file to write, in the data root: ``.npz`` for images, ``.csv.xz`` for tables.
        shape: For images, the shape of one image there.
        train: For images, the number of first rows in the official training part.
        rename: For tables, the columns with other names there.
        sha256: The digest of the contents, if it is known.
    """

    name: str
    version: int
    file: str
    shape: tuple[int, ...] = ()
    train: int = 0
    rename: tuple[tuple[str, str], ...] = ()
    sha256: str | None = None
