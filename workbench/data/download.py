"""Downloads one file; what was cut off or altered is thrown away, never kept under the file's name."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from glob import escape
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from ssl import SSLError
from typing import Any

from workbench.records.files import settle, sweep, writing

Progress = Callable[[str, int, int | None], None]
"""Told the file's name, the bytes done, and the bytes there are if the server says so."""

PROGRESS: ContextVar[Progress | None] = ContextVar("PROGRESS", default=None)
BLOCK, SECURE = 1 << 16, "https://"


class DataUnavailable(ValueError):
    """A data file is neither here nor to be had."""


@contextmanager
def showing(progress: Progress) -> Iterator[None]:
    """Downloads inside report to ``progress``, instead of drawing a bar in the terminal."""
    token = PROGRESS.set(progress)
    try:
        yield
    finally:
        PROGRESS.reset(token)


def download(urls: Sequence[str], target: Path, sha256: str, licence: str) -> None:
    """Fetch a file from the first place that has it whole.

    The bytes go to a temporary file beside the target, which is renamed only after their hash was found to be right.
    Nothing is fetched if ``WORKBENCH_OFFLINE`` is set, and nothing but by https, redirects included.

    Args:
        urls: tried in this order.
        target: where to put it.
        sha256: of the right file, 64 hexadecimal digits.
        licence: written to standard error before the first byte.

    Raises:
        DataUnavailable: no place has it, or its hash is not known; the message says why, and where to put it by hand.
        WriteFailed: no space or no permission.
    """
    if os.environ.get("WORKBENCH_OFFLINE"):
        raise DataUnavailable(_by_hand(target, urls, ["WORKBENCH_OFFLINE is set"]))
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise DataUnavailable(_by_hand(target, urls, ["its SHA-256 is not known"]))
    sys.stderr.write(f"downloading {target.name}; licence: {licence}\n")
    failures = []
    with writing(target) as part:
        sweep(target.parent, f"{escape(target.name)}.*.part")
        for url in urls:
            try:
                _stream(url, part, target.name)
                _verify(part, sha256)
            except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError, SSLError, ValueError) as error:
                failures.append(f"{url}: {error}")
            else:
                settle(part, target)
                return
    raise DataUnavailable(_by_hand(target, urls, failures))


def _verify(part: Path, sha256: str) -> None:
    with part.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ValueError(f"SHA-256 {found}, expected {sha256}")


def _by_hand(target: Path, urls: Sequence[str], failures: list[str]) -> str:
    return (
        f"{target.name} is not here and could not be downloaded ({'; '.join(failures)}). Put {urls[0]} at {target}, "
        f"or at $WORKBENCH_DATA/{target.parent.name}/{target.name}"
    )


class _SecureOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but not out of https."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        _check_secure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_secure(url: str) -> None:
    if not url.startswith(SECURE):
        raise ValueError(f"{url} is not {SECURE}, so anybody on the way could exchange the file")


def _stream(url: str, part: Path, name: str) -> None:
    _check_secure(url)
    opener = urllib.request.build_opener(_SecureOnly)
    with opener.open(url, timeout=30) as response, part.open("wb") as file, _reporter() as report:
        total = _length(response)
        done = 0
        while block := response.read(BLOCK):
            done += file.write(block)
            report(name, done, total)
    if total is not None and done != total:
        raise ValueError(f"cut off after {done} of {total} bytes")


def _length(response: HTTPResponse) -> int | None:
    stated = response.headers.get("Content-Length")
    return None if stated is None else int(stated)


@contextmanager
def _reporter() -> Iterator[Progress]:
    if given := PROGRESS.get():
        yield given
    elif sys.stderr.isatty():
        with _bar() as bar:
            yield bar
    else:
        yield lambda *_: None


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda name, done, total: bar.update(task, description=name, completed=done, total=total)
