"""Download of files from the sites of their authors into the data root."""

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from bench.core.errors import BenchError
from bench.datasets.io.checksums import FetchedFile, note_digest, noted_digest
from bench.datasets.io.data_root import root
from bench.datasets.io.source import Download

#: Seconds without an answer after which a mirror is given up.
TIMEOUT = 60


class _Watch:
    """A progress bar, in the form that pooch takes, that calls a function.

    Arguments:
        watch: A function of the number of bytes so far.
    """

    def __init__(self, watch: Callable[[int], None]) -> None:
        self.watch, self.total, self.done = watch, 0, 0

    def update(self, size: int) -> None:
        """Add a number of bytes."""
        self.done += size
        self.watch(self.done)

    def reset(self) -> None:
        """Start again."""
        self.done = 0

    def close(self) -> None:
        """End."""


def download(source: Download, watch: Callable[[int], None] = lambda size: None) -> FetchedFile:
    """Download a file, check its digest, and move what a dataset reads into the data root.

    Mirrors are tried in their order.

    Arguments:
        source: The addresses of the file, and its place in the data root.
        watch: A function that is called with the number of bytes so far.

    Raises:
        BenchError: If no mirror gives the expected file; then nothing is written.
    """
    # Imported here, since only this function needs it.
    import pooch

    pooch.get_logger().setLevel("WARNING")
    folder = root()
    folder.mkdir(parents=True, exist_ok=True)
    expected, failures = source.sha256 or noted_digest(source.file), []
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder) as home:
        for number, url in enumerate(source.urls):
            client = pooch.HTTPDownloader(progressbar=_Watch(watch), timeout=TIMEOUT)
            hash_ = expected and f"sha256:{expected}"
            try:
                raw = Path(pooch.retrieve(url, hash_, f"raw{number}", home, downloader=client))
                digest = hashlib.sha256(raw.read_bytes()).hexdigest()
                path = _place(source, raw)
            except (OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
                failures.append(f"{url}: {str(error) or type(error).__name__}")
                continue
            if not source.sha256:
                note_digest(source.file, digest)
            return FetchedFile(path, digest, expected is not None)
    raise BenchError(
        f"{source.file} cannot be downloaded, and nothing was written: {'; '.join(failures)}. "
        f"Where there is no network, put it into {folder} by hand"
    )


def _place(source: Download, raw: Path) -> Path:
    """Move a downloaded file, or its part that a dataset reads, into the data root."""
    if source.archive:
        unpacked = raw.with_name(f"{raw.name}.unpacked")
        if source.archive == "tar":
            _unpack_tar(raw, unpacked)
        else:  # zipfile ignores the part of a name that leads out of the folder
            shutil.unpack_archive(raw, unpacked, source.archive)
        raw = unpacked / source.file
        if not raw.exists():
            raise ValueError(f"the archive has no {source.file}")
    path = root() / source.file
    if raw.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    os.replace(raw, path)
    return path


def _unpack_tar(raw: Path, folder: Path) -> None:
    """Unpack a tar archive.

    Raises:
        tarfile.TarError: If a member would be outside of the folder.
    """
    with tarfile.open(raw) as archive:
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
            return
        # Python below 3.11.4 has no filters. Links are refused, as they may lead out as well.
        for member in archive:
            inside = (folder / member.name).resolve().is_relative_to(folder.resolve())
            if not inside or not (member.isfile() or member.isdir()):
                raise tarfile.TarError(f"{member.name} is a link, or outside of the folder")
        archive.extractall(folder)
