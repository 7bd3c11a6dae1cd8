"""What a constructor signature says about its parameters: the one source of checks, sliders, flags and saved JSON."""

from __future__ import annotations

import inspect
import math
import re
import sys
from abc import ABCMeta
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from difflib import get_close_matches
from functools import lru_cache
from types import NoneType, SimpleNamespace, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from workbench.records.annotations import Limit, Range

LARGEST = {int: 2**63 - 1, float: 3.4028234663852886e38}
"""Of whole numbers that fit into 64 bits, and of numbers that fit into float32."""

SPOKEN = {
    float: "a float (a finite number)",
    int: "an int (a whole number)",
    bool: "a bool (True or False)",
    str: "a str (a text)",
}
VARIADIC = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


@dataclass(frozen=True)
class Parameter:
    """One configuration parameter.

    Attributes:
        kind: the plain type float, int, bool or str; object for any other annotation, which is not checked.
        default: from the signature.
        choices: of a ``Literal``.
        range: of an ``Annotated`` number.
        limit: of an ``Annotated`` number without a slider.
        optional: None is allowed.
        function: a function of the user's own is allowed.
        about: its line in the class docstring.
    """

    name: str
    kind: type
    default: Any
    choices: tuple[Any, ...] = ()
    range: Range | None = None
    limit: Limit | None = None
    optional: bool = False
    function: bool = False
    about: str = ""

    def check(self, value: Any) -> Any:
        """The value as a plain Python value; NumPy numbers and tensors of one number are converted.

        Raises:
            ValueError: not of that type, not a choice, not finite, or out of range.
        """
        if value is self.default or (value is None and self.optional) or (self.function and callable(value)):
            return value
        if self.choices:
            return self._chosen(value)
        if self.kind is not object:
            return self._plain(value)
        if self.function:
            raise ValueError(f"{self._given(value)} must be a function{' or None' if self.optional else ''}")
        return value

    def read(self, value: Any) -> Any:
        """As ``check``, but a text that spells a number or a truth value is accepted, as from the command line."""
        if isinstance(value, str) and self.kind not in (str, object) and value not in self.choices:
            value = _spelled(self.kind, value)
        return self.check(value)

    def _plain(self, value: Any) -> Any:
        try:
            plain = _convert(self.kind, scalar(value))
        except (TypeError, ValueError, OverflowError, RuntimeError):
            raise ValueError(f"{self._given(value)} is not {self._expected()}") from None
        if self.kind in LARGEST and abs(plain) > LARGEST[self.kind]:
            raise ValueError(f"{self._given(value)} is too large for {self._expected()}")
        for bounds in (self.range, self.limit):
            if bounds is not None:
                bounds.check(self.name, plain)
        return plain

    def _chosen(self, value: Any) -> Any:
        plain = scalar(value)
        for choice in self.choices:
            if type(choice) is type(plain) and choice == plain:
                return choice
        function = ", or a function of your own" if self.function else ""
        raise ValueError(f"{self._given(value)} is not one of {', '.join(map(repr, self.choices))}{function}")

    def _expected(self) -> str:
        within = f" in [{self.range.low:g}, {self.range.high:g}]" if self.range else ""
        return f"{SPOKEN[self.kind]}{within}{' or None' if self.optional else ''}"

    def _given(self, value: Any) -> str:
        return f"{self.name} = {_short(value)}"


class Checked(ABCMeta):
    """Metaclass of classes with a configuration: arguments are checked and converted before the constructor runs.

    Only what the signature annotates as a plain value is checked; other arguments are passed on as they are.
    Copies and pickles are made without the constructor, and are not checked again.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """A new object.

        Raises:
            TypeError: an argument is unknown, missing or given twice.
            ValueError: an argument is not allowed; see ``Parameter.check``.
        """
        known, wanted = parameters(cls), cls.__signature__
        try:
            bound = wanted.bind(*args, **kwargs)
        except TypeError as error:
            unknown = [name for name in kwargs if name not in wanted.parameters]
            lost = unknown and str(error).startswith("got an unexpected keyword")
            raise TypeError(_unknown(cls, unknown[0], known) if lost else f"{cls.__name__}: {error}") from None
        for name, value in bound.arguments.items():
            if name in known:
                bound.arguments[name] = known[name].check(value)
        return super().__call__(*bound.args, **bound.kwargs)

    @property
    def __signature__(cls) -> inspect.Signature:
        """That of the constructor; ``inspect.signature`` would show the one of ``__call__`` above."""
        return _signature(cls)


@lru_cache(maxsize=1024)
def parameters(cls: type) -> dict[str, Parameter]:
    """The configuration parameters of a class, by name, in the order of its signature; ``*args`` is none of them."""
    hints = _hints(cls)
    lines: dict[str, str] = {}
    for base in reversed(cls.__mro__):  # an argument that a class hands on is described where it is used
        lines |= _argument_lines(inspect.cleandoc(base.__doc__ or ""))
    return {
        name: parameter(name, hints.get(name, object), p.default, lines.get(name, ""))
        for name, p in inspect.signature(cls).parameters.items()
        if p.kind not in VARIADIC
    }


def check(cls: type, name: str, value: Any) -> Any:
    """One value, checked against the signature of a class; a text may spell it.

    Raises:
        KeyError: no such parameter; the message names the nearest.
        ValueError: not allowed there.
    """
    known = parameters(cls)
    if name not in known:
        raise KeyError(_unknown(cls, name, known))
    return known[name].read(value)


def given(name: str, value: Any, annotation: Any) -> Any:
    """An argument of a function, checked as a constructor's is.

    Raises:
        ValueError: not allowed by the annotation; see ``Parameter.check``.
    """
    return parameter(name, annotation).check(value)


def spoken(value: Any) -> str:
    """What was given, in a few words, of whatever it is: its class, and its shape or value where these are short."""
    if value is None or isinstance(value, type):
        return "None" if value is None else f"the class {value.__name__}"
    name = type(value).__name__
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    if isinstance(value, str | bytes | bool | int | float | complex):
        return f"the {name} {_short(value)}"
    shape = getattr(value, "shape", None)
    article = "an" if name[0] in "aeiouAEIO" else "a"
    return f"{article} {name}{f' of shape {tuple(shape)}' if isinstance(shape, tuple) else ''}"


def _short(value: Any) -> str:
    """How Python prints it, on one line of 80 characters at most."""
    try:
        text = re.sub(r" at 0x[0-9a-f]+", "", " ".join(repr(value).split()))
    except ValueError:  # Python does not print whole numbers of more than 4,300 digits
        text = "a number of thousands of digits"
    except Exception:  # whatever a class of the user's own raises
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else text[:77] + "..."


def _unknown(cls: type, name: str, known: Collection[str]) -> str:
    near = ", ".join(get_close_matches(name, known, 3, 0.3) or known)
    return f"{cls.__name__} has no parameter {name!r}; {f'nearest: {near}' if near else 'it has none'}"


@lru_cache(maxsize=1024)
def _signature(cls: type) -> inspect.Signature:
    whole = inspect.signature(cls.__init__)
    return whole.replace(parameters=[*whole.parameters.values()][1:], return_annotation=inspect.Signature.empty)


def _hints(cls: type) -> dict[str, Any]:
    """The annotations of the constructor as types; those of a dataclass's fields are read where each class stands."""
    found: dict[str, Any] = {}
    if is_dataclass(cls):
        for base in reversed(cls.__mro__):
            found |= _resolved(inspect.get_annotations(base), vars(sys.modules[base.__module__]))
    constructor = inspect.unwrap(cls.__init__)
    return found | _resolved(inspect.get_annotations(constructor), getattr(constructor, "__globals__", {}))


def _resolved(annotations: Mapping[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Types by name; an annotation that cannot be resolved, as of a class in a function, is left out alone."""
    found: dict[str, Any] = {}
    for name, text in annotations.items():
        lonely: Any = SimpleNamespace(__annotations__={name: text})
        with suppress(Exception):  # whatever a user's annotation raises: it says nothing that could be checked
            found |= get_type_hints(lonely, names, include_extras=True)
    return found


def scalar(value: Any) -> Any:
    """A NumPy number, or an array or tensor of one number, as a Python number; anything else as it is."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    return value


def _convert(kind: type, value: Any) -> Any:
    if kind is bool and isinstance(value, bool):
        return value
    if kind is str and isinstance(value, str):
        return str.__str__(value)
    if kind in (bool, str):
        raise TypeError(value)
    if isinstance(value, bool | str | bytes | complex) or getattr(value, "shape", ()):
        raise TypeError(value)
    if kind is int:
        whole = int(value)
        if whole != value:
            raise ValueError(value)
        return whole
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _spelled(kind: type, text: str) -> Any:
    """The value that a text spells, or the text itself where it spells none."""
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        return words.get(text.strip().lower(), text)
    for read in (int, float) if kind is int else (float,):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def parameter(name: str, hint: Any, default: Any = inspect.Parameter.empty, about: str = "") -> Parameter:
    """What an annotation says of a parameter."""
    kinds, extras = taken_apart(hint)
    function = any(kind is Callable or get_origin(kind) is Callable for kind in kinds)
    plain = [kind for kind in kinds if kind is not NoneType and not (kind is Callable or get_origin(kind) is Callable)]
    kind = plain[0] if len(plain) == 1 else object
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    if choices:
        kind = type(choices[0])
    return Parameter(
        name,
        kind if kind in SPOKEN else object,
        default,
        choices,
        next((extra for extra in extras if isinstance(extra, Range)), None),
        next((extra for extra in extras if isinstance(extra, Limit)), None),
        optional=NoneType in kinds or None in choices,
        function=function and len(plain) < 2,
        about=about,
    )


def taken_apart(hint: Any) -> tuple[list[Any], list[Any]]:
    """The members of a union, however nested in ``Annotated``, and what the annotations add."""
    if get_origin(hint) is Annotated:
        inner, *extras = get_args(hint)
        kinds, further = taken_apart(inner)
        return kinds, [*extras, *further]
    if get_origin(hint) in (Union, UnionType):
        parts = [taken_apart(each) for each in get_args(hint)]
        return [kind for kinds, _ in parts for kind in kinds], [extra for _, extras in parts for extra in extras]
    return [hint], []


def _argument_lines(docstring: str) -> dict[str, str]:
    lines: dict[str, str] = {}
    for line in docstring.partition("Args:")[2].splitlines():
        head, colon, text = line.strip().partition(": ")
        if colon and head.isidentifier():
            lines[head] = text
        elif line and not line.startswith(" "):
            break
    return lines
