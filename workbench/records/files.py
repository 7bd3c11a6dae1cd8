"""Files that are whole, checked and safely named: every file the workbench writes goes through here.

A file is written under another name, flushed to the disk and renamed into place, so that a killed process or a full
disk never leaves half of it. A sealed file carries the SHA-256 of its bytes; a reader checks it before the content is
used, so that a flipped bit anywhere in the file is noticed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from mmap import ACCESS_READ, mmap
from pathlib import Path

MARK = b"workbench-sha256:"
BLANK = b"0" * 64
SEAL = (MARK + BLANK).decode()
"""What a file must contain once to be sealed; its zeros become the digest of the file with zeros in their place."""

OLD = 3600.0
"""Seconds after which a temporary file belongs to no process any more."""

UMASK = os.umask(0)
os.umask(UMASK)  # there is no way to ask without setting it

LONG = 100
PLAIN = re.compile(r"[A-Za-z0-9_@+=,()\[\]-]([A-Za-z0-9_@+=,()\[\]. -]*[A-Za-z0-9_@+=,()\[\]-])?")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class WriteFailed(OSError):
    """A file could not be written; the message names it, and nothing that was stored before is lost."""


class Damaged(ValueError):
    """A file is not the one that was written; the message says why."""


def file_name(name: str) -> str:
    """A name as a part of a path on any system: itself if it is plain and short, else shortened with a hash.

    Two different names never give the same one, and none leaves its folder.
    """
    if PLAIN.fullmatch(name) and len(name) <= LONG and not RESERVED.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", name)[: LONG // 2].strip("_") or "name"
    return f"{readable}~{digest}"  # a plain name has no "~"


@contextmanager
def replacing(path: Path, *failures: type[Exception]) -> Iterator[Path]:
    """Where to write a new file, which takes the place of ``path`` in the end; left alone if anything goes wrong.

    Args:
        path: its folder is made.
        failures: what else than OSError says that it cannot be written.

    Raises:
        WriteFailed: no space, no permission, or no such folder.
    """
    if path.exists() and not path.is_file():  # such as /dev/stdout, whose place must not be taken
        yield path
        return
    with writing(path, *failures) as part:
        sweep(path.parent, f"{escape(path.name[:LONG])}.*.part")
        yield part
        settle(part, path)


@contextmanager
def writing(path: Path, *failures: type[Exception]) -> Iterator[Path]:
    """Where to write a temporary file beside ``path``, gone in the end unless it was settled; arguments as above.

    Raises:
        WriteFailed: no space, no permission, or no such folder.
    """
    part = path.with_name(f"{path.name[:LONG]}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
    except WriteFailed:
        raise
    except (OSError, *failures) as error:
        why = getattr(error, "strerror", None) or error
        failed = WriteFailed(f"could not write {path}: {why}; nothing stored before is lost")
        failed.errno = getattr(error, "errno", None)
        raise failed from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def settle(part: Path, path: Path) -> None:
    """Bring a written file to the disk, then give it its name; others may read it as far as the system lets them."""
    part.chmod(0o666 & ~UMASK)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def write_text(path: Path, text: str) -> None:
    """Replace a text file whole.

    Raises:
        WriteFailed: no space, no permission, or no such folder.
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def seal(path: Path) -> None:
    """Put the digest of a file into the place that ``SEAL`` holds in it."""
    place, digest = _digest(path, SEAL.encode())
    with path.open("r+b") as file:
        file.seek(place)
        file.write(digest)


def check(path: Path) -> None:
    """Refuse a file that is not as it was sealed.

    Raises:
        Damaged: it carries no checksum, or another one.
        OSError: it cannot be read.
    """
    place, digest = _digest(path, MARK)
    with path.open("rb") as file:
        file.seek(place)
        if file.read(len(BLANK)) != digest:
            raise Damaged("its content is not what was written")


def sweep(folder: Path, pattern: str) -> None:
    """Remove the temporary files that killed processes left; a fresh one may belong to one that is still at it."""
    for part in folder.glob(pattern):
        if is_old(part):
            part.unlink(missing_ok=True)


def is_old(path: Path) -> bool:
    """Whether nobody has written to a file for so long that nobody will."""
    try:
        return time.time() - path.stat().st_mtime > OLD
    except FileNotFoundError:
        return False


def _digest(path: Path, mark: bytes) -> tuple[int, bytes]:
    """Where the digest of a file stands in it, and what it must be."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise Damaged("it is empty")
        with mmap(file.fileno(), 0, access=ACCESS_READ) as view, memoryview(view) as whole:
            place = view.find(mark) + len(MARK)
            if place < len(MARK) or place + len(BLANK) > len(view):
                raise Damaged("it carries no checksum: it is cut off, changed, or from an earlier workbench")
            digest = hashlib.sha256()
            for begin, end, instead in ((0, place, BLANK), (place + len(BLANK), len(view), b"")):
                with whole[begin:end] as piece:
                    digest.update(piece)
                digest.update(instead)
            return place, digest.hexdigest().encode()
