"""Goes through a thing and everything it reaches, and digests what it finds; see ``workbench.records.code``."""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib
import logging
import secrets
import sys
import types
import typing
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time, timedelta, tzinfo
from enum import Enum
from operator import is_
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from workbench.records import copying
from workbench.records.bytecode import compiled
from workbench.records.released import is_released, release_of
from workbench.records.tensors import is_net, is_tensor, net_state, tensor_parts, tensor_words

PLAIN = (type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented))
SPELT = (range, slice, date, time, timedelta, tzinfo, types.GenericAlias, types.UnionType, typing.TypeVar)
SPELT_IN_TORCH = ("dtype", "device", "layout", "memory_format")
"""Told apart by their ``repr``, as are the plain values."""

WITHOUT_EFFECT = (logging.Logger, weakref.WeakKeyDictionary, weakref.WeakValueDictionary)
DESCRIPTORS = (
    types.MemberDescriptorType,
    types.GetSetDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.ClassMethodDescriptorType,
)
REMEMBERING = type(functools.lru_cache(lambda: None))

NO_MEMBERS = frozenset(
    [
        "__module__",
        "__qualname__",
        "__doc__",
        "__dict__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
        "__annotate__",
        "__annotate_func__",
        "__annotations_cache__",
        "__conditional_annotations__",
        "__dataclass_fields__",
        "__dataclass_params__",
        "__match_args__",
        "__abstractmethods__",
        "__slotnames__",
        "_abc_impl",
        "__orig_bases__",
        "__parameters__",
        "__type_params__",
        "_backward_cls",
    ]
)
"""Entries of a class that say where it stands, or that Python and PyTorch make from its other entries."""

ABSENT = object()

ONLY_ITS_ADDRESS = "_inject_property.<locals>.get_cached_parametrization"
"""Of ``torch.nn.utils.parametrize``: its closure holds the net, of which it takes the address as the key of a cache."""

_looked_through: dict[type, tuple[dict[str, Any], dict[str, Any]]] = {}
"""Of classes of releases, the members they had when they were looked through, and those that were not of a release."""

READS_ANYTHING = {("eval",), ("exec",), ("globals",), ("os", "environ"), ("os", "getenv")}
"""Calls whose answer no code shows; what asks them is computed afresh."""


class Walk:
    """One walk, in which everything is digested once.

    Args:
        drawn: tensors whose content does not count.

    Attributes:
        own: whether code was met that is not part of a release.
        unaddressed: what could not be read, in words.
        places: where in memory trained tensors are, numbered as they were met.
    """

    def __init__(self, drawn: Iterable[Any] = ()) -> None:
        """Nothing has been seen."""
        self._drawn = {id(tensor) for tensor in drawn}
        self.own, self.unaddressed = False, []
        self._found: dict[int, bytes] = {}
        self._alive: list[Any] = []  # so that no two things of one walk have the same id
        self._within: list[str] = []
        self.places: dict[int, int] = {}
        self._foreign: dict[str, bool] = {}

    def digest(self, thing: Any) -> bytes:
        """32 bytes."""
        try:
            return _joined([self._of(thing)])
        except Exception as error:  # whatever a class of somebody else's raises when it is looked at
            return self._unread(thing, f"{type(error).__name__}: {error}")

    # --- what is digested once -----------------------------------------------------------------------------------
    def _of(self, thing: Any) -> bytes:
        kind = type(thing)
        if kind in PLAIN:
            return f"{kind.__name__} {thing!r}".encode()
        if (found := self._found.get(id(thing))) is not None:
            return found
        self._found[id(thing)] = b"above %d" % len(self._within)
        self._alive.append(thing)
        self._within.append(thing.__name__ if isinstance(thing, FunctionType | type) else "")
        digest = _joined(self._parts(thing))
        self._within.pop()
        shared = is_tensor(thing) or is_net(thing)  # one net in two places is not two equal ones
        self._found[id(thing)] = b"again " + digest if shared else digest
        return digest

    def _parts(self, thing: Any) -> Iterable[bytes]:
        for kinds, parts in _READERS:
            if isinstance(thing, kinds):
                return parts(self, thing)
        if is_tensor(thing):
            return self._tensor(thing)
        if is_net(thing):
            return self._object(thing, net_state(thing))
        return self._other(thing)

    def _all(self, *things: Any) -> Iterator[bytes]:
        return map(self._of, things)

    def _called(self, name: Any, value: Any) -> bytes:
        if type(value) in PLAIN:
            return self._of(value)
        self._within.append(str(name)[:40])
        digest = self._of(value)
        self._within.pop()
        return digest

    def _attributes(self, found: Mapping[str, Any]) -> Iterator[bytes]:
        for name in sorted(found, key=str):
            yield self._of(name)
            yield self._called(name, found[name])

    def _unread(self, thing: Any, why: str) -> bytes:
        """Another digest each time, so that nothing is ever taken for this."""
        where = ".".join(dict.fromkeys(name for name in self._within if name))
        kind = f"{type(thing).__module__}.{type(thing).__qualname__}".removeprefix("builtins.")
        self.unaddressed.append(f"{where} (a {kind}): {why}" if where else f"a {kind}: {why}")
        return secrets.token_bytes(32)

    # --- code ----------------------------------------------------------------------------------------------------
    def _function(self, function: FunctionType) -> Iterator[bytes]:
        yield b"function"
        if released := release_of(function.__globals__.get("__name__")):
            yield f"{released} {function.__module__}.{function.__qualname__}".encode()
            if is_released(function) or function.__qualname__ == ONLY_ITS_ADDRESS:
                return
        else:
            self.own = True
            yield compiled(function.__code__).digest
            yield from self._globals(function)
        if hasattr(function, "registry") and hasattr(function, "dispatch"):  # functools.singledispatch, without caches
            yield self._of(dict(function.registry))
            return
        yield from self._all(function.__defaults__, function.__kwdefaults__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            yield self._called(name, cell)
        yield from self._attributes(vars(function))

    def _globals(self, function: FunctionType) -> Iterator[bytes]:
        code, names = compiled(function.__code__), function.__globals__
        for name, *attributes in code.reads:
            value = names.get(name, ABSENT)
            if value is not ABSENT or not hasattr(builtins, name):
                yield self._read(value, name, *attributes)
            elif (name,) in READS_ANYTHING:
                yield self._unread(function, f"it calls {name}, which can read anything")
        for level, name, taken in code.imports:
            module = _imported(level, name, names)
            yield from (self._read(module, name, attribute) for attribute in taken)
            if not taken:
                yield self._read(module, name)

    def _read(self, value: Any, *names: str) -> bytes:
        """What a chain of names stands for: followed through modules, and those of a release while they are as released."""
        chain, released = list(names[1:]), ABSENT
        while isinstance(value, ModuleType) and chain:
            if release_of(value.__name__) and released is ABSENT:
                released = value
            if (value.__name__, chain[0]) in READS_ANYTHING:
                return self._unread(value, f"its {chain[0]} is read, which another process may have otherwise")
            value = getattr(value, chain.pop(0), ABSENT)
        if released is not ABSENT and not self._is_replaced(value):
            value = released
        if value is ABSENT:
            return f"{'.'.join(names)} is not there".encode()
        return self._called(names[0], value)

    def _is_replaced(self, value: Any) -> bool:
        """Whether a user put a function or class of their own in the place of one of a release."""
        if not isinstance(value, FunctionType | type):
            return False
        own = str(value.__globals__.get("__name__") if isinstance(value, FunctionType) else value.__module__)
        if own not in self._foreign:
            self._foreign[own] = own in sys.modules and not release_of(own)
        return self._foreign[own]

    def _replaced(self, base: type) -> dict[str, Any]:
        """The members of a class of a release that are not of one; looked for again where a member is another one."""
        now, (before, found) = vars(base), _looked_through.get(base, ({}, {}))
        if list(before) != list(now) or not all(map(is_, before.values(), now.values())):
            found = {name: value for name, value in now.items() if self._is_replaced(value)}
            _looked_through[base] = dict(now), found
        return found

    def _class(self, cls: type) -> Iterator[bytes]:
        yield f"class {cls.__name__}".encode()
        if released := release_of(cls.__module__):
            yield f"{released} {cls.__module__}".encode()
            if is_released(cls):
                for base in cls.__mro__:
                    yield from self._attributes(self._replaced(base))
                return
        else:
            self.own = True
        yield from self._all(*(() if type(cls) is type else (type(cls),)), *cls.__bases__)
        yield from self._attributes({name: value for name, value in vars(cls).items() if name not in NO_MEMBERS})

    def _module(self, module: ModuleType) -> Iterator[bytes]:
        yield b"module"
        if released := release_of(module.__name__):
            yield f"{released} {module.__name__}".encode()
        else:
            yield from self._attributes({k: v for k, v in vars(module).items() if not k.startswith("__")})

    def _builtin(self, function: BuiltinFunctionType) -> Iterator[bytes]:
        yield f"builtin {function.__module__}.{function.__qualname__}".encode()
        if not isinstance(function.__self__, ModuleType | type | None):
            yield self._of(function.__self__)
        elif not is_released(function):
            yield self._unread(function, "it is compiled, and not part of a release")

    def _remembering(self, function: Any) -> Iterator[bytes]:
        yield b"lru_cache"
        yield self._of(function.__wrapped__)

    # --- values --------------------------------------------------------------------------------------------------
    def _head(self, found: Any) -> Iterator[bytes]:
        """The class of a container, and what a subclass keeps beside the contents."""
        if type(found) in (dict, list, tuple, set, frozenset):
            yield type(found).__name__.encode()
            return
        yield from self._all(type(found), getattr(found, "default_factory", None), getattr(found, "maxlen", None))
        yield from self._attributes(copying.attributes(found))

    def _dict(self, found: Mapping[Any, Any]) -> Iterator[bytes]:
        yield from self._head(found)
        for key, value in found.items():
            yield self._of(key)
            yield self._called(key, value)

    def _list(self, found: Iterable[Any]) -> Iterator[bytes]:
        yield from self._head(found)
        yield from map(self._of, found)

    def _set(self, found: Iterable[Any]) -> Iterator[bytes]:
        yield from self._head(found)
        before, parts = self._found, []
        for value in found:  # in any order, so none may know of another
            self._found = dict(before)
            parts.append(self._of(value))
        self._found = before
        yield from sorted(parts)

    def _array(self, array: np.ndarray) -> Iterator[bytes]:
        yield self._of(type(array))
        yield f"{array.shape} {array.dtype.str}".encode()
        if array.dtype.names:  # by field, since the bytes between fields may be anything
            yield from self._attributes({name: np.asarray(array[name]) for name in array.dtype.names})
        elif array.dtype.hasobject:
            yield self._of(array.ravel().tolist())
        else:
            yield hashlib.sha256(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data).digest()

    def _tensor(self, tensor: Any) -> Iterator[bytes]:
        yield self._of(type(tensor))
        yield tensor_words(tensor).encode()
        if id(tensor) in self._drawn:
            return
        try:
            arrays, stored = tensor_parts(tensor)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            yield self._unread(tensor, str(error))
            return
        yield b"stored %d" % (self.places.setdefault(stored, len(self.places)) if stored else -1)
        yield from (hashlib.sha256(array.data).digest() for array in arrays)
        yield from self._attributes(getattr(tensor, "__dict__", {}))

    # --- objects -------------------------------------------------------------------------------------------------
    def _object(self, thing: Any, state: Mapping[str, Any]) -> Iterator[bytes]:
        yield b"object"
        yield self._of(type(thing))
        yield from self._attributes(state)

    def _other(self, thing: Any) -> Iterable[bytes]:
        """By its attributes, or by what is kept of it when it is copied: of a release's own, and where those fail."""
        cls = type(thing)
        if cls.__module__ == "torch" and cls.__name__ in SPELT_IN_TORCH:
            return [repr(thing).encode()]
        if copying.is_hidden(cls) or (copying.is_declared(cls) and release_of(cls.__module__)):
            return self._copied(thing)
        said, seen = len(self.unaddressed), len(self._found)
        parts = list(self._object(thing, copying.attributes(thing)))
        if len(self.unaddressed) == said or not copying.is_declared(cls):
            return parts
        del self.unaddressed[said:]
        for key in list(self._found)[seen:]:
            del self._found[key]
        return self._copied(thing)

    def _copied(self, thing: Any) -> Iterator[bytes]:
        yield b"object"
        yield self._of(type(thing))
        try:
            made = copying.reduced(thing)
        except Exception as error:  # whatever a class of somebody else's raises
            yield self._unread(thing, str(error))
        else:
            yield from map(self._of, made)


def _joined(parts: Iterable[bytes]) -> bytes:
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(4, "big") + part)
    return sha.digest()


def _imported(level: int, name: str, names: Mapping[str, Any]) -> Any:
    """The module that an import inside a function finds."""
    try:
        return importlib.import_module("." * level + name, names.get("__package__"))
    except Exception:  # it will raise the same where the function is called
        return ABSENT


def _cell(walk: Walk, cell: CellType) -> Iterator[bytes]:
    try:
        yield walk._of(cell.cell_contents)
    except ValueError:
        yield b"empty"


_READERS: tuple[tuple[Any, Callable[[Walk, Any], Iterable[bytes]]], ...] = (
    (FunctionType, Walk._function),
    (type, Walk._class),
    (ModuleType, Walk._module),
    (BuiltinFunctionType, Walk._builtin),
    (MethodType, lambda walk, method: walk._all("method", method.__func__, method.__self__)),
    (functools.partial, lambda walk, made: walk._all("partial", made.func, made.args, made.keywords)),
    (REMEMBERING, Walk._remembering),
    (property, lambda walk, found: walk._all("property", found.fget, found.fset, found.fdel)),
    (functools.cached_property, lambda walk, found: walk._all("cached", found.func)),
    (staticmethod | classmethod, lambda walk, found: walk._all(type(found).__name__, found.__func__)),
    (CellType, _cell),
    (CodeType, lambda walk, code: [compiled(code).digest]),
    (Enum, lambda walk, member: walk._all(type(member), member.name, member.value)),
    (dict | types.MappingProxyType, Walk._dict),
    (list | tuple | deque, Walk._list),
    (set | frozenset, Walk._set),
    (np.ndarray, Walk._array),
    (np.generic, lambda walk, number: walk._array(np.asarray(number))),
    (weakref.ReferenceType, lambda walk, reference: walk._all("weak", reference())),
    (WITHOUT_EFFECT, lambda walk, found: [type(found).__name__.encode()]),
    (SPELT, lambda walk, found: [f"{type(found).__name__} {found!r}".encode()]),
    (DESCRIPTORS, lambda walk, found: [f"{found.__objclass__.__name__}.{found.__name__}".encode()]),
)
