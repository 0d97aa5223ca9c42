"""Digests of fetched files, which are noted in the data root where none is known."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from bench.datasets.io.data_root import root

#: The digests of fetched files without a known digest: file -> SHA-256.
CHECKSUMS = "checksums.json"


@dataclass(frozen=True)
class FetchedFile:
    """A fetched file.

    Arguments:
        path: The file.
        sha256: The digest of its contents.
        verified: Whether the digest was compared with an earlier one.
    """

    path: Path
    sha256: str
    verified: bool


def noted_digest(file: str) -> str | None:
    """Return the digest with which a file was fetched before; None if it was not."""
    digest = _noted().get(file)
    return None if digest is None else str(digest)


def note_digest(file: str, digest: str) -> None:
    """Note the digest of a file, which is expected from now on."""
    text = json.dumps(_noted() | {file: digest}, indent=1)
    write_whole(root() / CHECKSUMS, text.encode())


def write_whole(path: Path, raw: bytes) -> None:
    """Write a file in one step, so that no reader finds a part of it."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_bytes(raw)
    os.replace(draft, path)


def _noted() -> dict[str, str]:
    path = root() / CHECKSUMS
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
