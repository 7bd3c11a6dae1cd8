"""What tells two versions of somebody's own class or function apart, when both go by the same name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType
from typing import Any

RELEASED = ("workbench", "torch", "builtins", "typing", "abc")
"""Packages whose code is told apart by their version, which is kept with every run."""


def own_code(things: Iterable[Any]) -> str:
    """16 hexadecimal digits for the code of classes and functions that are not part of a release, or nothing.

    A cell of a notebook may be changed and run again: without this, the runs of its earlier version would be taken for
    those of the new one. Comments and positions in the file do not count; values that a function closes over do not.
    """
    parts = sorted(text for thing in things for text in _parts(thing))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else ""


def _parts(thing: Any) -> Iterator[str]:
    if isinstance(thing, FunctionType) and not _released(thing):
        yield f"{thing.__qualname__} {_text(thing.__code__)} {_value(thing.__defaults__)} {_value(thing.__kwdefaults__)}"
    elif isinstance(thing, type):
        for cls in thing.__mro__:
            if not _released(cls):
                yield from _members(cls)


def _members(cls: type) -> Iterator[str]:
    for name, value in vars(cls).items():
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType):
            yield f"{cls.__qualname__}.{name} {_text(function.__code__)}"
        elif not name.startswith("__"):
            yield f"{cls.__qualname__}.{name} = {_value(value)}"


def _released(thing: Any) -> bool:
    return (thing.__module__ or "").split(".")[0] in RELEASED


def _text(code: CodeType) -> str:
    return f"{code.co_code.hex()} {code.co_names} {_value(code.co_consts)}"


def _value(value: Any) -> str:
    """A text that is the same in every process: no addresses, no order of sets."""
    if isinstance(value, CodeType):
        return _text(value)
    if isinstance(value, tuple | list | set | frozenset):
        inner = [_value(item) for item in value]
        return f"{type(value).__name__}{inner if isinstance(value, tuple | list) else sorted(inner)}"
    if isinstance(value, dict):
        return f"dict{sorted((str(key), _value(item)) for key, item in value.items())}"
    return repr(value) if isinstance(value, bool | int | float | complex | str | bytes | None) else type(value).__name__
