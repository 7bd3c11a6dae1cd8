"""Downloads one file; what was cut off or altered is thrown away, never kept under the file's name."""

from __future__ import annotations

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from http.client import HTTPException, HTTPResponse
from pathlib import Path

Progress = Callable[[str, int, int | None], None]
"""Told the file's name, the bytes done, and the bytes there are if the server says so."""

PROGRESS: ContextVar[Progress | None] = ContextVar("PROGRESS", default=None)
BLOCK, STALE = 1 << 16, 3600.0


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


def download(urls: Sequence[str], target: Path, verify: Callable[[Path], None], licence: str) -> None:
    """Fetch a file from the first place that has it whole.

    The bytes go to a name of this process beside the target, which is renamed only after ``verify`` agreed. Nothing is
    fetched if ``WORKBENCH_OFFLINE`` is set.

    Args:
        urls: tried in this order.
        target: where to put it.
        verify: raises ValueError if the file is not the right one.
        licence: written to standard error before the first byte.

    Raises:
        DataUnavailable: no place has it; the message says why, and where to put the file by hand.
    """
    if os.environ.get("WORKBENCH_OFFLINE"):
        raise DataUnavailable(_by_hand(target, urls, ["WORKBENCH_OFFLINE is set"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    _sweep(target)
    sys.stderr.write(f"downloading {target.name}; licence: {licence}\n")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    failures = []
    try:
        for url in urls:
            try:
                _stream(url, part, target.name)
                verify(part)
            except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
                failures.append(f"{url}: {error}")
            else:
                part.replace(target)
                return
    finally:
        part.unlink(missing_ok=True)
    raise DataUnavailable(_by_hand(target, urls, failures))


def _by_hand(target: Path, urls: Sequence[str], failures: list[str]) -> str:
    return (
        f"{target.name} is not here and could not be downloaded ({'; '.join(failures)}). Put {urls[0]} at {target}, "
        f"or at $WORKBENCH_DATA/{target.parent.name}/{target.name}"
    )


def _stream(url: str, part: Path, name: str) -> None:
    with urllib.request.urlopen(url, timeout=30) as response, part.open("wb") as file, _reporter() as report:
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


def _sweep(target: Path) -> None:
    """Throw away what killed processes left; a fresh part may belong to one that is still at it."""
    for part in target.parent.glob(f"{target.name}.*.part"):
        if time.time() - part.stat().st_mtime > STALE:
            part.unlink(missing_ok=True)
