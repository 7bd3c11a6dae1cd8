"""Checks what public functions are called with against their annotations, before anything of them runs."""

from __future__ import annotations

import builtins
import inspect
import re
from collections.abc import Callable, Collection, Iterable, KeysView, Mapping, Sequence, ValuesView
from functools import cache, wraps
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import numpy as np
from numpy.typing import ArrayLike

from workbench.records.parameters import SPOKEN, VARIADIC, Parameter, parameter, spoken, taken_apart

F = TypeVar("F", bound=Callable[..., Any])

HOW = {
    "Budget": "wb.Budget(epochs=30) is a Budget",
    "Conditions": "Conditions(teacher_seed=1) of workbench.engine.conditions are Conditions",
    "Controls": "Controls(method) of workbench.engine.controls are Controls",
    "DivergenceSweep": "wb.diagnostics.divergence_sweep_of(study) gives a DivergenceSweep",
    "Interaction": "wb.diagnostics.interaction_of(study) gives an Interaction",
    "Method": "wb.methods.KD(temperature=4.0) is a Method",
    "OnDemand": "as_transfer_set of workbench.data.convert converts arrays, lists and tables",
    "Run": "wb.run, wb.load and study.run(arm, seed) give a Run",
    "Selection": "Selection(ids, name) of workbench.records.selection is a Selection",
    "Setting": "wb.settings.Digits() and wb.Setting(...) are a Setting",
    "Store": "Store(folder=...) of workbench.engine.store is a Store",
    "Study": "wb.study, wb.study_of and wb.load give a Study",
    "TransferSet": "setting.test and wb.TransferSet(inputs, labels) are a TransferSet",
    "Tensor": "torch.as_tensor makes a Tensor",
}
"""Where an object of a class comes from; an annotation may name these classes without loading them."""

WORDS = {
    float: "a number",
    int: "a whole number",
    bool: "True or False",
    str: "a text",
    NoneType: "None",
    np.ndarray: "an array",
}


def checked_arguments(function: F, called: str = "") -> F:
    """A function, or a class, that refuses arguments which its annotations do not allow, in one sentence.

    Plain values are checked and converted as those of a configuration are (``Parameter.check``), arrays that stand for a
    list become one, objects are checked by their class, and lists and dicts by what is in them. What no annotation
    describes, and a default, is passed on as it is.

    Args:
        function: what is checked.
        called: what its users call it, where that is not its own name.

    Raises:
        TypeError: an argument is of another kind, unknown, missing or given twice.
        ValueError: a number, text or truth value is not allowed there.
    """
    if isinstance(function, type):
        function.__init__ = checked_arguments(function.__init__, called)
        return cast(F, function)

    @wraps(function)
    def checking(*args: Any, **kwargs: Any) -> Any:
        found = bound(function, args, kwargs, called)
        return function(*found.args, **found.kwargs)

    return cast(F, checking)


def bound(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], called: str = ""
) -> inspect.BoundArguments:
    """The arguments of a call, checked.

    Args:
        function: what is to be called.
        args: by position.
        kwargs: by name.
        called: what its user calls it, where that is not its own name.

    Raises:
        TypeError: an argument is of another kind, unknown, missing or given twice.
        ValueError: a number, text or truth value is not allowed there.
    """
    signature, arguments = _arguments(function)
    called = called or function.__qualname__.removesuffix(".__init__").rpartition(".")[2]
    try:
        found = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(_unbound(called, signature, kwargs, error)) from None
    for name, value in found.arguments.items():
        if name in arguments and value is not signature.parameters[name].default:
            found.arguments[name] = _checked(arguments[name], value, called)
    return found


def _unbound(called: str, signature: inspect.Signature, given: Iterable[str], error: TypeError) -> str:
    named = [p.name for p in signature.parameters.values() if p.kind not in VARIADIC and p.name not in ("self", "cls")]
    unknown = [name for name in given if name not in signature.parameters]
    if unknown and str(error).startswith("got an unexpected keyword"):
        return f"{called} has no parameter {unknown[0]!r}; it has {', '.join(named) or 'none'}"
    return f"{called}: {error}"


def _checked(argument: tuple[Parameter, Any], value: Any, called: str) -> Any:
    plain, hint = argument
    if plain.kind is not object:
        found = plain.check(value)
        return value if type(value) is int else found  # 0 stays 0 where a float is wanted
    try:
        return _taken(hint, value)
    except _Misfit as misfit:
        needed = _words(hint)
        how = "".join(f"; {HOW[name]}" for name in dict.fromkeys(re.findall(r"\w+", needed)) if name in HOW)
        raise TypeError(f"{called}({plain.name}) needs {needed}, not {misfit}{how}") from None


class _Misfit(ValueError):
    """A value is not what an annotation allows; the message says what it is."""


def _taken(kind: Any, value: Any) -> Any:
    """A value that an annotation allows; a kind that is not understood allows everything.

    Raises:
        _Misfit: it is another one.
    """
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _taken_of(parts, value)
    if kind is float and isinstance(value, float):  # of several numbers, such as bounds, some may be infinite
        return value
    if origin in (Annotated, Literal) or kind in SPOKEN:
        try:
            return parameter("it", kind).check(value)
        except ValueError:
            raise _Misfit(spoken(value)) from None
    if origin in CONTAINERS:
        return CONTAINERS[origin](parts, value)
    if not _is_of(kind, origin, parts, value):
        raise _Misfit(spoken(value))
    return value


def _taken_of(kinds: Sequence[Any], value: Any) -> Any:
    misfits = []
    if Path in kinds and isinstance(value, str) and "\0" in value:
        raise _Misfit("a text with a null character")
    for kind in kinds:
        try:
            return _taken(kind, value)
        except _Misfit as misfit:
            misfits.append(misfit)
    raise max(misfits, key=lambda misfit: len(str(misfit)))  # the one that says which part of it is wrong


def _is_of(kind: Any, origin: Any, parts: Sequence[Any], value: Any) -> bool:
    if kind is None or kind is NoneType:
        return value is None
    if Callable in (kind, origin):
        return callable(value) and _takes(value, parts)
    if origin is type:
        return isinstance(value, type) and (not isinstance(parts[0], type) or issubclass(value, parts[0]))
    kind = origin or kind
    if kind in (Any, object, Iterable):  # a function that walks through its argument says itself what it needs
        return True
    return not isinstance(kind, type) or getattr(kind, "_is_protocol", False) or isinstance(value, kind)


def _takes(function: Callable[..., Any], parts: Sequence[Any]) -> bool:
    """Whether it can be called with as many arguments as its annotation says; what a builtin does not tell is let be."""
    if not parts or parts[0] is ...:
        return True
    try:
        inspect.signature(function).bind(*parts[0])
    except TypeError:
        return False
    except Exception:
        return True
    return True


def _as_list(parts: Sequence[Any], value: Any) -> Sequence[Any]:
    listed = list(value) if isinstance(value, KeysView | ValuesView) else _unpacked(value)
    if not isinstance(listed, Sequence) or isinstance(listed, str | bytes | bytearray):
        raise _Misfit(spoken(value))
    entries = listed if listed is value else listed[:1]  # those of an array are of one kind
    _check_each("a list", parts[0], entries)
    return listed


def _unpacked(value: Any) -> Any:
    """The entries of an array, tensor or column of one dimension as a list, anything else as it is."""
    one = len(getattr(value, "shape", ())) == 1 and hasattr(value, "tolist")
    try:
        return value.tolist() if one else value
    except Exception:  # a tensor that is sparse or without values
        return value


def _as_collection(parts: Sequence[Any], value: Any) -> Any:
    if isinstance(value, set | frozenset):
        _check_each("a set", parts[0], value)
        return value
    return _as_list(parts, value)


def _as_tuple(parts: Sequence[Any], value: Any) -> tuple[Any, ...]:
    found = tuple(_as_list(parts, value))
    if parts[1:] != (...,) and len(found) != len(parts):
        raise _Misfit(f"a list of {len(found)}")
    return found


def _as_dict(parts: Sequence[Any], value: Any) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise _Misfit(spoken(value))
    _check_each("a dict", parts[0], value, "with the key {}")
    _check_each("a dict", parts[1], value.values())
    return value


def _check_each(what: str, kind: Any, values: Iterable[Any], where: str = "with {} in it") -> None:
    try:
        for value in values:
            _taken(kind, value)
    except _Misfit as misfit:
        raise _Misfit(f"{what} {where.format(misfit)}") from None
    except Exception as error:  # whatever a class of the user's own raises when it is walked
        raise _Misfit(f"{what} that cannot be read ({type(error).__name__}: {error})") from None


CONTAINERS: dict[Any, Callable[[Sequence[Any], Any], Any]] = {
    Sequence: _as_list,
    list: _as_list,
    Collection: _as_collection,
    tuple: _as_tuple,
    Mapping: _as_dict,
    dict: _as_dict,
}


def _words(kind: Any) -> str:
    """What an annotation allows, for a reader."""
    kinds, arrays = taken_apart(kind)[0], get_args(ArrayLike)
    if {*arrays} <= {*kinds}:
        kinds = [np.ndarray, *(each for each in kinds if each not in arrays)]
    kinds = sorted(
        kinds, key=lambda each: get_origin(each) in CONTAINERS
    )  # "a text or a list of texts" has one reading
    return " or ".join(dict.fromkeys(map(_each_in_words, kinds)))


def _each_in_words(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin is Literal:
        return f"one of {', '.join(map(repr, parts))}"
    if origin in CONTAINERS:
        if origin is tuple and parts[1:] != (...,):
            return f"a list of {len(parts)}, each {' or '.join(dict.fromkeys(map(_words, parts)))}"
        is_dict = CONTAINERS[origin] is _as_dict
        return f"a {'dict whose values' if is_dict else 'list whose entries'} are each {_words(parts[is_dict])}"
    if Callable in (kind, origin):
        return "a function" + (f" of {_count(parts[0])}" if parts and parts[0] is not ... else "")
    if kind in WORDS or kind is None:
        return WORDS[kind or NoneType]
    name = getattr(parts[0] if origin is type else origin or kind, "__name__", str(kind))
    if origin is type:
        return f"a class of {name}"
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def _count(arguments: Sequence[Any]) -> str:
    return f"{len(arguments)} argument{'s' * (len(arguments) != 1)}" if arguments else "no arguments"


@cache
def _arguments(function: Callable[..., Any]) -> tuple[inspect.Signature, dict[str, tuple[Parameter, Any]]]:
    """The signature, and by name what is known of each parameter that has an annotation which can be read."""
    signature, names = inspect.signature(function), _Names(inspect.unwrap(function).__globals__)
    found = {}
    for each in signature.parameters.values():
        if each.kind not in VARIADIC and each.annotation is not each.empty:
            hint = names.read(each.annotation)
            found[each.name] = parameter(each.name, hint, each.default), hint
    return signature, found


class _Names(dict[str, Any]):
    """The names of a module; what it does not load stands for all classes of that name if ``HOW`` has it, else for anything."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        return _OfThatName(name, (), {}) if name in HOW else Any

    def read(self, annotation: Any) -> Any:
        """An annotation as an object, ``Any`` for one that cannot be read here."""
        if not isinstance(annotation, str):
            return annotation
        try:
            return eval(annotation, {}, self)  # the text of our own source
        except Exception:
            return Any


class _OfThatName(type):
    """A class that is known by its name only."""

    def __instancecheck__(cls, value: object) -> bool:
        return any(base.__name__ == cls.__name__ for base in type(value).__mro__)
