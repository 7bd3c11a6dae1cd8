"""Finds a published file: the folder the user names, else the cache, else a download; its hash is always checked."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from workbench.data.download import download
from workbench.data.sources import File, Source


def cache() -> Path:
    """The user's cache of downloads: ``$WORKBENCH_CACHE``, or where the platform keeps caches."""
    if folder := os.environ.get("WORKBENCH_CACHE"):
        return Path(folder)
    from platformdirs import user_cache_path

    return user_cache_path("kd-workbench")


def places(source: Source) -> list[Path]:
    """Folders that may hold the files of a data set, best first."""
    given = os.environ.get("WORKBENCH_DATA")
    roots = ([Path(given)] if given else []) + [cache()]
    return [place for root in roots for place in (root / source.folder, root)]


def present(source: Source, file: File) -> Path | None:
    """Where a file lies, checked; None if nowhere.

    Raises:
        ValueError: a file of that name has other contents.
    """
    for place in places(source):
        if (path := place / file.name).is_file():
            verify(path, file)
            return path
    return None


def locate(source: Source, file: File) -> Path:
    """Where a file lies, downloaded into the cache if need be.

    Raises:
        DataUnavailable: it is nowhere and cannot be downloaded; the message says where to put it. Or its SHA-256 is
            not known, so that nobody could tell what was downloaded.
        ValueError: its contents are not the published ones.
    """
    if path := present(source, file):
        return path
    target = cache() / source.folder / file.name
    download([url + file.name for url in source.urls], target, file.sha256, source.licence)
    return target


def verify(path: Path, file: File) -> None:
    """Refuse a file whose hash is not the published one, packed or unpacked.

    Raises:
        ValueError: the hash differs; the message has both.
    """
    with path.open("rb") as stream:
        found = _md5(stream)
    if found == file.md5 or (file.unpacked_md5 and _unpacked_md5(path) == file.unpacked_md5):
        return
    raise ValueError(f"{path} is not the published {file.name}: md5 {found}, expected {file.md5}; remove or replace it")


def _unpacked_md5(path: Path) -> str:
    try:
        with gzip.open(path) as stream:
            return _md5(stream)
    except (OSError, EOFError):
        return ""


def _md5(stream: BinaryIO | gzip.GzipFile) -> str:
    digest = hashlib.md5(usedforsecurity=False)  # the only hash the publishers give
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
