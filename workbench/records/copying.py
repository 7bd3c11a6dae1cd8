"""The state of an object: its attributes, or what Python's protocol for copies says."""

from __future__ import annotations

import copyreg
import functools
import pickle
import sys
from collections.abc import Mapping
from typing import Any

from workbench.records.released import release_of

POINTER = object.__basicsize__ // 2


def attributes(thing: Any) -> Mapping[str, Any]:
    """All attributes, in its ``__dict__`` or in slots, without properties that were worked out once and kept."""
    cls = type(thing)
    slots = {name: getattr(thing, name) for name in copyreg._slotnames(cls) if hasattr(thing, name)}  # pyright: ignore[reportAttributeAccessIssue]
    return slots | {
        name: value
        for name, value in getattr(thing, "__dict__", {}).items()
        if not isinstance(getattr(cls, name, None), functools.cached_property)
    }


def is_hidden(cls: type) -> bool:
    """Whether its objects hold more than attributes: those of compiled classes do."""
    known = object.__basicsize__ + POINTER * len(copyreg._slotnames(cls))  # pyright: ignore[reportAttributeAccessIssue]
    known += POINTER * ((cls.__dictoffset__ > 0) + (cls.__weakrefoffset__ > 0))
    return cls.__basicsize__ > known or cls.__itemsize__ > 0


def is_declared(cls: type) -> bool:
    """Whether it says itself what is kept when its objects are copied."""
    names = ("__reduce_ex__", "__reduce__", "__getstate__")
    return cls in copyreg.dispatch_table or any(getattr(cls, name) is not getattr(object, name) for name in names)


def reduced(thing: Any) -> list[Any]:
    """What a copy would be made from.

    Raises:
        TypeError: it cannot be copied; or whatever its class raises.
    """
    if hasattr(thing, "get_tree_stats"):  # a search tree, which counts its questions
        return [part for part in thing.__getstate__() if type(part) is not int]
    reduce = copyreg.dispatch_table.get(type(thing))
    made: Any = reduce(thing) if reduce else thing.__reduce_ex__(4)
    if isinstance(made, str):
        return [_name(thing, made)]
    function, arguments, state, items, pairs = (*made, None, None, None)[:5]
    return [function, arguments, state, list(items or ()), list(pairs or ())]


def _name(thing: Any, name: str) -> str:
    module = vars(pickle)["whichmodule"](thing, name)  # which the stubs of the library leave out
    if not release_of(module) or getattr(sys.modules[module], name, None) is not thing:
        raise TypeError("it is compiled, and not part of a release")
    return f"{release_of(module)} {module}.{name}"
