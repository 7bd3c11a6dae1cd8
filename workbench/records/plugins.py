"""Objects of the user's own: from a Python file, or from an installed package that announces them."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from workbench.records.names import key_or_none

_read: dict[str, tuple[str, bytes]] = {}
"""By module: the file it was made from, and its text then."""


def is_file(name: str) -> bool:
    """Whether a name is of the form ``file.py:Name``."""
    return name.rpartition(":")[0].endswith(".py")


def from_file(name: str) -> Any:
    """The object that ``file.py:Name`` stands for; a file that was changed since is run again.

    The folder of the file is appended to ``sys.path``, so that the file finds its neighbours, also in worker processes.

    Raises:
        ValueError: There is no such file or name, the file cannot be run, or its module's name is taken.
    """
    path, _, wanted = name.rpartition(":")
    file = Path(path).expanduser()
    if "\0" in path or not file.is_file():
        raise ValueError(f"no file {path!r}; give an existing file and a name in it, such as mine.py:MyMethod")
    module = called(str(file), lambda: _module(file.resolve()))
    if not hasattr(module, wanted):
        names = ", ".join(key for key in vars(module) if not key.startswith("_"))
        raise ValueError(f"{path} has no {wanted!r}; it has {names or 'no names'}")
    return getattr(module, wanted)


def called(where: str, act: Callable[[], Any]) -> Any:
    """What a user's code returns.

    Raises:
        ValueError: It raises; the message names the line.
    """
    try:
        return act()
    except (Exception, SystemExit) as error:
        raise ValueError(f"{where} cannot be used: {_place(error)}{type(error).__name__}: {error}") from error


@cache
def installed(kind: str) -> dict[str, EntryPoint]:
    """What installed packages announce as entry points of ``kd_workbench.methods`` or ``kd_workbench.settings``."""
    return {entry.name: entry for entry in entry_points(group=f"kd_workbench.{kind}s")}


def outside(kind: str, name: str, own: Mapping[str, str]) -> Any:
    """The object of a file or an installed package; None where the name is neither.

    Args:
        kind: ``method`` or ``setting``.
        name: as it was written.
        own: the key of each name that is the workbench's own; a package that announces one of them is not heard, with a
            warning.

    Raises:
        ValueError: It cannot be loaded.
    """
    if is_file(name):
        return from_file(name)
    if name.endswith(".py"):
        raise ValueError(f"{name!r} is a file; say which {kind} in it: {name}:Name")
    entry = installed(kind).get(name)
    if entry is None:
        return None
    if key_or_none(name, own) is not None:
        warnings.warn(_taken(kind, name, entry), stacklevel=2)
        return None
    return called(f"{kind} {name!r} of the entry point {entry.value}", entry.load)


def announced(kind: str, make: Callable[[str], Any], own: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """What installed packages announce, loaded by ``make``, and why others of it cannot be used."""
    found: dict[str, Any] = {}
    failed = {name: _taken(kind, name, each) for name, each in installed(kind).items() if key_or_none(name, own)}
    for name in [name for name in installed(kind) if name not in failed]:
        try:
            found[name] = make(name)
        except ValueError as error:
            failed[name] = str(error)
    return found, failed


def _taken(kind: str, name: str, entry: EntryPoint) -> str:
    return (
        f"the {kind} {name!r} is the workbench's own; {entry.value}, which an installed package announces under the same "
        "name, is not used: announce it under another one"
    )


def _module(file: Path) -> Any:
    name, text = file.stem, file.read_bytes()
    if _read.get(name) == (str(file), text) and name in sys.modules:
        return sys.modules[name]
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    importlib.invalidate_caches()
    if _read.pop(name, ("", b""))[0] == str(file):
        sys.modules.pop(name, None)
    spec = None if name in sys.modules else importlib.util.find_spec(name)
    if spec is None or Path(spec.origin or "").resolve() != file:
        raise ValueError(f"another module is called {name!r}; rename the file")
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        module = importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = before
    _read[name] = (str(file), text)
    return module


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return ""  # it names its line itself
    last = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    own = [frame for frame in last if not frame.filename.startswith("<")]
    return f"{own[-1].filename}:{own[-1].lineno}: " if own else ""
