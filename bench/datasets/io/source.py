"""Sources of data."""

from dataclasses import dataclass
from typing import Literal


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


@dataclass(frozen=True)
class Download:
    """A file, or a folder in an archive, at the site of its authors.

    Arguments:
        file: The file or folder that the data set reads, relative to the data root. In an archive
            it has the same name.
        urls: The addresses of the file or of the archive; all but the first are mirrors.
        archive: The format of the archive; empty if the address is that of the file.
        sha256: The digest of what the addresses give, if it is known.
    """

    file: str
    urls: tuple[str, ...]
    archive: Literal["", "zip", "tar"] = ""
    sha256: str | None = None
