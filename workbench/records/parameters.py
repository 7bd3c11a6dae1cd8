"""What a constructor signature says about its parameters: the one source of sliders, flags and saved JSON."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from workbench.records.annotations import Range


@dataclass(frozen=True)
class Parameter:
    """One configuration parameter.

    Attributes:
        kind: the plain type: float, int, bool or str.
        default: from the signature.
        choices: of a ``Literal``.
        range: of an ``Annotated`` number.
        optional: None is allowed.
        about: its line in the class docstring.
    """

    name: str
    kind: type
    default: Any
    choices: tuple[Any, ...] = ()
    range: Range | None = None
    optional: bool = False
    about: str = ""

    def check(self, value: Any) -> Any:
        """The value as its type.

        Raises:
            ValueError: not of that type, not a choice, or out of range.
        """
        if value is None and self.optional:
            return None
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.name} = {value!r} is not one of {', '.join(map(repr, self.choices))}")
        try:
            value = _convert(self.kind, value)
        except (KeyError, TypeError, ValueError):
            raise ValueError(f"{self.name} = {value!r} is not a {self.kind.__name__}") from None
        if self.range:
            self.range.check(self.name, value)
        return value


def parameters(cls: type) -> dict[str, Parameter]:
    """The configuration parameters of a class, by name, in the order of its signature."""
    hints = get_type_hints(cls.__init__, include_extras=True)
    lines = _argument_lines(inspect.getdoc(cls) or "")
    return {
        name: _parameter(name, hints[name], p.default, lines.get(name, ""))
        for name, p in inspect.signature(cls).parameters.items()
    }


def check(cls: type, name: str, value: Any) -> Any:
    """One value, checked against the signature of a class.

    Raises:
        KeyError: no such parameter; the message names the nearest.
        ValueError: not allowed there.
    """
    known = parameters(cls)
    if name not in known:
        near = get_close_matches(name, known, 3, 0.3) or list(known)
        raise KeyError(
            f"{cls.__name__} has no parameter {name!r}; " + (f"nearest: {', '.join(near)}" if near else "it has none")
        )
    return known[name].check(value)


def _convert(kind: type, value: Any) -> Any:
    if kind is bool and isinstance(value, str):
        return {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}[value.lower()]
    if kind is int and float(value) != int(float(value)):
        raise ValueError(value)
    return kind(float(value)) if kind is int else kind(value)


def _parameter(name: str, hint: Any, default: Any, about: str) -> Parameter:
    extras: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *extras = get_args(hint)
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    optional = NoneType in kinds
    kind = next(k for k in kinds if k is not NoneType)
    choices = get_args(kind) if get_origin(kind) is Literal else ()
    bounds = next((e for e in extras if isinstance(e, Range)), None)
    return Parameter(name, type(choices[0]) if choices else kind, default, choices, bounds, optional, about)


def _argument_lines(docstring: str) -> dict[str, str]:
    lines: dict[str, str] = {}
    for line in docstring.partition("Args:")[2].splitlines():
        head, colon, text = line.strip().partition(": ")
        if colon and head.isidentifier():
            lines[head] = text
        elif line and not line.startswith(" "):
            break
    return lines
