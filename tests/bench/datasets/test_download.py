"""Download of files from a server of this machine."""

import hashlib
import io
import json
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.io.data_root import VARIABLE
from bench.datasets.io.download import download
from bench.datasets.io.source import Download
from bench.datasets.real.sms_spam import SMSSpam
from bench.datasets.real.waterbirds import Waterbirds
from bench.spec.registry import DATASETS


class Handler(SimpleHTTPRequestHandler):
    """A server that prints nothing."""

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    monkeypatch.setenv("COLLECTIVE_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    return tmp_path / "data"


@pytest.fixture
def served(tmp_path):
    """A folder, and the address under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def sms(folder):
    """An archive with forty messages."""
    lines = [f"{'spam' if k % 4 == 0 else 'ham'}\tword{k} and more" for k in range(40)]
    with zipfile.ZipFile(folder / "sms.zip", "w") as archive:
        archive.writestr("SMSSpamCollection", "\n".join(lines) + "\n")
        archive.writestr("readme", "")


def test_the_command_downloads_what_the_dataset_reads(bench, root, served, monkeypatch):
    folder, address = served
    sms(folder)
    source = Download("SMSSpamCollection", (f"{address}/none.zip", f"{address}/sms.zip"), "zip")
    monkeypatch.setattr(SMSSpam, "download", source)
    said = bench("data", "get", "SMSSpam")
    assert said.code == 0, said
    digest = hashlib.sha256((folder / "sms.zip").read_bytes()).hexdigest()
    assert f"its SHA-256 is {digest}, noted, and expected from now on" in said.line
    assert json.loads((root / "checksums.json").read_text()) == {"SMSSpamCollection": digest}
    assert np.bincount(SMSSpam().split(stream(0, "data")).y).tolist() == [30, 10]
    assert "as expected" in bench("data", "get", "SMSSpam").line
    before = (root / "SMSSpamCollection").read_bytes()
    with zipfile.ZipFile(folder / "sms.zip", "a") as archive:
        archive.writestr("another", "")
    said = bench("data", "get", "SMSSpam")
    assert said.code == 2
    assert "does not match the known hash" in said.line
    assert (root / "SMSSpamCollection").read_bytes() == before
    assert sorted(p.name for p in root.iterdir()) == ["SMSSpamCollection", "checksums.json"]


@pytest.fixture(params=[True, False], ids=["filters", "no filters"])
def filters(request, monkeypatch):
    """Tar archives with the filters of Python, and as before Python 3.11.4 without them."""
    if not request.param:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters")


def test_a_folder_in_an_archive_replaces_an_older_one(root, served, filters):
    folder, address = served
    rows = "\n".join(f"a/{k}.jpg,{k % 2},{k % 3},{k % 2}" for k in range(12))
    with tarfile.open(folder / "birds.tar.gz", "w:gz") as archive:
        for name, raw in [
            ("metadata.csv", f"img_filename,y,split,place\n{rows}\n".encode()),
            *((f"a/{k}.jpg", picture(k)) for k in range(12)),
        ]:
            member = tarfile.TarInfo(f"{Waterbirds.download.file}/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    old = root / Waterbirds.download.file / "old"
    old.mkdir(parents=True)
    sizes = []
    source = Download(Waterbirds.download.file, (f"{address}/birds.tar.gz",), "tar")
    fetched = download(source, sizes.append)
    assert (fetched.verified, old.exists()) == (False, False)
    assert sizes[-1] == (folder / "birds.tar.gz").stat().st_size
    assert len(Waterbirds(side=8).split(stream(0, "data")).train) == 4


def picture(k):
    """A small picture as JPEG."""
    file = io.BytesIO()
    Image.new("RGB", (9, 9), (20 * k, 0, 0)).save(file, "JPEG")
    return file.getvalue()


@pytest.mark.parametrize("way", ["name", "absolute name", "link"])
def test_a_tar_archive_cannot_write_outside_of_the_folder(root, served, filters, way):
    folder, address = served
    names = {"name": "../../outside", "absolute name": str(root.parent / "outside"), "link": "in"}
    with tarfile.open(folder / "bad.tar", "w") as archive:
        member = tarfile.TarInfo(names[way])
        if way == "link":
            member.type, member.linkname = tarfile.SYMTYPE, "../../outside"
        archive.addfile(member)
        archive.addfile(tarfile.TarInfo("in/outside"))
    with pytest.raises(BenchError, match=r"outside|no x"):
        download(Download("x", (f"{address}/bad.tar",), "tar"))
    assert not list(root.parent.rglob("outside"))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Download("x", ("ADDRESS/none", "ADDRESS/neither")), "none: 404.*neither: 404"),
        (Download("x", ("ADDRESS/sms.zip",), "zip"), "the archive has no x"),
        (Download("x", ("ADDRESS/text",), "zip"), "not a zip file"),
        (Download("x", ("ADDRESS/text",), sha256="0" * 64), "does not match the known hash"),
        (Download("x", ("http://127.0.0.1:9/x",)), "refused"),
    ],
)
def test_what_cannot_be_downloaded_is_said_in_a_line(root, served, source, words):
    folder, address = served
    sms(folder)
    (folder / "text").write_text("a text")
    urls = tuple(url.replace("ADDRESS", address) for url in source.urls)
    broken = Download(source.file, urls, source.archive, source.sha256)
    with pytest.raises(BenchError, match=words):
        download(broken)
    assert list(root.iterdir()) == []


def test_what_is_downloaded_is_one_of_the_layouts_of_its_dataset(root):
    sources = {cls: cls.download for cls in DATASETS.values() if cls.download}
    assert len(sources) >= 4
    for cls, source in sources.items():
        assert cls.openml is None
        assert all(url.startswith("https://") for url in source.urls)
        with pytest.raises(BenchError, match=source.file):
            cls().files()
