"""Published files: where they are looked for, how they are fetched, and what is refused."""

from __future__ import annotations

import gzip
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.data.archives import cifar100, md5, pack
from workbench.data.cifar import load_cifar, unpickle
from workbench.data.download import DataUnavailable, _SecureOnly, showing
from workbench.data.idx import load_idx, read_idx
from workbench.data.locate import cache, locate, places
from workbench.data.sources import SOURCES, File, Source

CONTENT = bytes(range(256)) * 1024
SHA256 = sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder and an empty cache."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("WORKBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("WORKBENCH_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("workbench.data.download.SECURE", "http://")  # the publisher on the loopback has no certificate
    return tmp_path


class Server(ThreadingHTTPServer):
    """Publishes CONTENT on the loopback interface; ``sent`` of its bytes, slowly if asked to."""

    sent, pause, asked, daemon_threads = len(CONTENT), 0.0, 0, True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Handler(BaseHTTPRequestHandler):
    """Answers every request with the same file."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        if self.path.startswith("/absent"):
            self.send_error(404)
            return
        if self.path.startswith("/moved"):
            self.send_response(302)
            self.send_header("Location", "ftp://elsewhere/blocks.bin")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        for start in range(0, self.server.sent, 1 << 14):
            self.wfile.write(CONTENT[start : min(start + (1 << 14), self.server.sent)])
            time.sleep(self.server.pause)

    def log_message(self, *_: object) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A publisher."""
    with Server() as published:
        thread = threading.Thread(target=published.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield published
        published.shutdown()
        thread.join()


def source(*urls: str, digest: str = "") -> Source:
    """A data set of one file."""
    return Source("toys", (File("blocks.bin", md5(CONTENT), sha256=digest or SHA256),), urls, "free for all")


def test_the_named_folder_comes_before_the_cache(folders: Path) -> None:
    """And a folder per data set before the root."""
    assert places(source()) == [folders / "data/toys", folders / "data", folders / "cache/toys", folders / "cache"]
    for place in reversed(places(source())):
        place.mkdir(exist_ok=True, parents=True)
        (place / "blocks.bin").write_bytes(CONTENT)
        assert locate(source(), source().files[0]) == place / "blocks.bin"


def test_without_a_named_folder_there_is_the_platform_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the distribution's name."""
    monkeypatch.delenv("WORKBENCH_CACHE")
    monkeypatch.delenv("WORKBENCH_DATA")
    assert cache().name == "kd-workbench"
    assert places(source()) == [cache() / "toys", cache()]


def test_download_into_the_cache_once(server: Server, folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its licence on standard error, progress to the callback, and no second request."""
    seen: list[tuple[str, int, int | None]] = []
    given = source(server.url)
    with showing(lambda *step: seen.append(step)):
        path = locate(given, given.files[0])
    assert path == folders / "cache/toys/blocks.bin"
    assert path.read_bytes() == CONTENT
    assert "free for all" in capsys.readouterr().err
    assert seen[-1] == ("blocks.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    assert locate(given, given.files[0]) == path
    assert server.asked == 1


def test_the_next_place_is_tried(server: Server) -> None:
    """If the first has nothing."""
    given = source(f"{server.url}absent/", server.url)
    assert locate(given, given.files[0]).read_bytes() == CONTENT
    assert server.asked == 2


def left_over(folders: Path) -> list[str]:
    """Files in the cache."""
    return [path.name for path in (folders / "cache").rglob("*") if path.is_file()]


def test_a_cut_off_download_is_thrown_away(server: Server, folders: Path) -> None:
    """And the next attempt starts afresh."""
    server.sent = 100_000
    given = source(server.url)
    with pytest.raises(DataUnavailable, match=rf"cut off after 100000 of {len(CONTENT)} bytes"):
        locate(given, given.files[0])
    assert left_over(folders) == []
    server.sent = len(CONTENT)
    assert locate(given, given.files[0]).read_bytes() == CONTENT


def test_a_download_with_another_hash_is_thrown_away(server: Server, folders: Path) -> None:
    """File, expected and found hash are named."""
    other = sha256(b"other").hexdigest()
    given = source(server.url, digest=other)
    with pytest.raises(DataUnavailable, match=f"blocks.bin: SHA-256 {SHA256}, expected {other}"):
        locate(given, given.files[0])
    assert left_over(folders) == []


def test_a_local_file_with_another_hash_is_refused(folders: Path) -> None:
    """Not replaced, not skipped."""
    (folders / "data/blocks.bin").write_bytes(b"forged")
    with pytest.raises(ValueError, match=f"data/blocks.bin is not the published .* md5 {md5(b'forged')}"):
        locate(source(), source().files[0])


def test_without_a_network_the_message_says_where_to_put_it(folders: Path) -> None:
    """Both places, and why it failed."""
    given = source("http://127.0.0.1:1/")
    with pytest.raises(DataUnavailable) as caught:
        locate(given, given.files[0])
    for words in ("refused", str(folders / "cache/toys/blocks.bin"), "$WORKBENCH_DATA/toys/blocks.bin"):
        assert words in str(caught.value)


def test_what_does_not_come_by_https_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither asked for nor followed to."""
    monkeypatch.setattr("workbench.data.download.SECURE", "https://")
    with pytest.raises(DataUnavailable, match="is not https://, so anybody on the way could exchange the file"):
        locate(source(server.url), source().files[0])
    assert server.asked == 0
    with pytest.raises(ValueError, match="http://elsewhere/x is not https://"):
        _SecureOnly().redirect_request(None, None, 302, "Found", {}, "http://elsewhere/x")


def test_a_redirect_out_of_the_secure_place_is_refused(server: Server) -> None:
    """Whatever comes behind it."""
    with pytest.raises(DataUnavailable, match=r"ftp://elsewhere/blocks\.bin is not http://"):
        locate(source(f"{server.url}moved/"), source().files[0])


def test_a_file_without_a_hash_is_not_downloaded(server: Server) -> None:
    """Nobody could tell what came."""
    given = Source("toys", (File("blocks.bin", md5(CONTENT)),), (server.url,), "free for all")
    with pytest.raises(DataUnavailable, match="its SHA-256 is not known"):
        locate(given, given.files[0])
    assert server.asked == 0


def test_offline_asks_nobody(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """If told so."""
    monkeypatch.setenv("WORKBENCH_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="WORKBENCH_OFFLINE is set"):
        locate(source(server.url), source().files[0])
    assert server.asked == 0


def test_a_killed_download_is_never_trusted(server: Server, folders: Path) -> None:
    """What it left is not under the file's name, and is swept away when it is old."""
    server.pause = 0.2
    code = (
        "from workbench.data import download; download.SECURE = 'http://';"
        "from workbench.data.locate import locate; from workbench.data.sources import File, Source;"
        f"f = File('blocks.bin', '{md5(CONTENT)}', sha256='{SHA256}'); locate(Source('toys', (f,), ('{server.url}',), ''), f)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2])
    while not left_over(folders):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    (name,) = left_over(folders)
    assert name.startswith("blocks.bin.")
    assert name.endswith(".part")
    os.utime(folders / "cache/toys" / name, (0, 0))
    server.pause = 0.0
    assert locate(source(server.url), source().files[0]).read_bytes() == CONTENT
    assert left_over(folders) == ["blocks.bin"]


# --- IDX -----------------------------------------------------------------------------------------------------------
def idx(array: np.ndarray) -> bytes:
    """An IDX file of bytes."""
    head = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes(), mtime=0)


def test_images_and_labels_from_idx(folders: Path) -> None:
    """A copy that was packed again passes by the hash of what is inside."""
    images, labels = np.arange(24).reshape(2, 3, 4), np.array([5, 6])
    files = []
    for name, array in (("a.gz", images), ("b.gz", labels), ("c.gz", images + 1), ("d.gz", labels + 1)):
        (folders / "data" / name).write_bytes(idx(array))
        files.append(File(name, "another container", md5(gzip.decompress(idx(array)))))
    train, test = load_idx(Source("toys", tuple(files), (), ""))
    assert train[0].dtype == torch.uint8
    assert train[0].tolist() == images[:, None].tolist()
    assert train[1].tolist() == [5, 6]
    assert test[0].tolist() == (images + 1)[:, None].tolist()
    assert test[1].tolist() == [6, 7]


@pytest.mark.parametrize("data", [b"", b"\x00\x00\x08\x01\x00\x00\x00\x09abc", b"\x00\x00\x0d\x01\x00\x00\x00\x00"])
def test_no_idx_file(data: bytes, tmp_path: Path) -> None:
    """Too short, of another length, or of another type."""
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(data))
    with pytest.raises(ValueError, match="not an IDX file"):
        read_idx(path)


@pytest.mark.parametrize("name", ["fashion_mnist", "mnist"])
def test_the_real_files(name: str, real_archives: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """70,000 images, ten balanced classes in the case of Fashion-MNIST."""
    monkeypatch.setenv("WORKBENCH_DATA", str(real_archives))
    (images, labels), (test, test_labels) = load_idx(SOURCES[name])
    assert tuple(images.shape) == (60_000, 1, 28, 28)
    assert tuple(test.shape) == (10_000, 1, 28, 28)
    assert labels.unique().tolist() == test_labels.unique().tolist() == list(range(10))
    if name == "fashion_mnist":
        assert labels.bincount().tolist() == [6000] * 10


@pytest.fixture(scope="module")
def real_archives() -> Path:
    """The folder with the canonical archives, read before ``folders`` hides it; skipped where there is none."""
    if not (folder := os.environ.get("WORKBENCH_DATA")):
        pytest.skip("WORKBENCH_DATA is not set: it names the folder with the canonical archives")
    return Path(folder)


# --- CIFAR ---------------------------------------------------------------------------------------------------------
def test_cifar_from_the_archive_and_from_its_folder(folders: Path) -> None:
    """Rows are red, green and blue planes, row by row."""
    members = cifar100(2, 2)
    archive = folders / "data/cifar-100-python.tar.gz"
    given = pack(members, archive)
    images = load_cifar(given)
    rows = pickle.loads(members["cifar-100-python/train"])[b"data"]
    for n, channel, y, x in ((0, 0, 0, 0), (1, 1, 2, 3), (3, 2, 31, 30)):
        assert images.train[n, channel, y, x].item() == rows[n][1024 * channel + 32 * y + x]
    assert images.train_labels.tolist() == [0, 1, 0, 1]
    assert images.test_labels.tolist() == [0, 1]
    assert images.names == ("fruit 0", "fruit 1")
    archive.unlink()
    (folders / "data/cifar-100-python").mkdir()
    for name, data in members.items():
        (folders / "data" / name).write_bytes(data)
    assert torch.equal(load_cifar(given).train, images.train)


def test_cifar10_has_five_batches_in_order(folders: Path) -> None:
    """And other keys."""
    members = {}
    for number in (1, 2, 3, 4, 5):
        data = {b"data": np.full((1, 3072), number, np.uint8), b"labels": [number % 2]}
        members[f"cifar-10-batches-py/data_batch_{number}"] = pickle.dumps(data, 2)
    members["cifar-10-batches-py/test_batch"] = pickle.dumps(
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [1]}, 2
    )
    members["cifar-10-batches-py/batches.meta"] = pickle.dumps({b"label_names": [b"plane", b"car"]}, 2)
    images = load_cifar(pack(members, folders / "data/cifar-10-python.tar.gz"))
    assert images.train[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 5]
    assert images.train_labels.tolist() == [1, 0, 1, 0, 1]
    assert images.names == ("plane", "car")


def test_an_archive_without_a_member(folders: Path) -> None:
    """The missing one is named."""
    members = cifar100(2, 2)
    given = pack(members, folders / "data/cifar-100-python.tar.gz")
    lacking = pack({"cifar-100-python/meta": b""}, folders / "data/cifar-100-python.tar.gz")
    with pytest.raises(ValueError, match=r"lacks .*cifar-100-python/test"):
        load_cifar(replace(given, files=lacking.files))


class Malicious:
    """Runs a command when unpickled by the ordinary means."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_malicious_pickle_is_refused(protocol: int, tmp_path: Path) -> None:
    """Before it runs anything."""
    with pytest.raises(ValueError, match=r"asks for .*system, which is refused"):
        unpickle(pickle.dumps({b"data": Malicious(tmp_path / "broken-in")}, protocol))
    assert not (tmp_path / "broken-in").exists()


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps(np.arange(5))[:-9]])
def test_a_broken_pickle_is_refused(data: bytes) -> None:
    """As one line."""
    with pytest.raises(ValueError, match="not a pickle of arrays"):
        unpickle(data)


def test_every_source_states_its_hashes() -> None:
    """32 hexadecimal digits for every file and member, and a licence line."""
    for given in SOURCES.values():
        for file in (*given.files, *given.members):
            hashes = [file.md5, file.unpacked_md5] if file.unpacked_md5 else [file.md5]
            assert all(len(digest) == 32 and int(digest, 16) for digest in hashes)
        assert given.licence
        assert all(url.endswith("/") for url in given.urls)
        assert all(url.startswith("https://") for url in given.urls)
        assert all(len(file.sha256) == 64 and int(file.sha256, 16) for file in given.files)
