"""Finds the settings by walking the package: every file that defines a ``Setting`` of its own name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

from workbench.records.names import key_of
from workbench.records.parameters import check, spoken
from workbench.records.plugins import called, outside
from workbench.settings.setting import Setting


@cache
def catalog() -> dict[str, type[Setting]]:
    """Every setting by its key, the name of its file."""
    found = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = importlib.import_module(f"workbench.settings.{info.name}")
        for cls in vars(module).values():
            if (
                isinstance(cls, type)
                and issubclass(cls, Setting)
                and cls.__module__ == module.__name__
                and cls.about  # else it is a base of others
            ):
                found[info.name] = cls
    return found


def find(name: str) -> type[Setting]:
    """The setting of a key or class name, ignoring case and underscores.

    Raises:
        KeyError: no setting has that name; the message names the nearest.
    """
    return catalog()[key_of("setting", name, spellings())]


def spellings() -> dict[str, str]:
    """The key of every name a setting has: key and class name."""
    return {n: key for key, cls in catalog().items() for n in (key, cls.__name__)}


def as_setting(given: Any) -> Setting:
    """A setting: as it is, of a class with its defaults, or by a name that ``make`` knows.

    Raises:
        TypeError: It is none of these.
        KeyError: Unknown name; the message names the nearest.
        ValueError: A file or a package that cannot be used.
    """
    if isinstance(given, str):
        return make(given)
    if isinstance(given, type) and issubclass(given, Setting) and given is not Setting:
        return given()
    if not isinstance(given, Setting):
        raise TypeError(
            f"{spoken(given)} is not a setting; give a Setting, such as settings.Digits(), or a name: 'digits'"
        )
    return given


def make(name: str, settings: dict[str, Any] | None = None) -> Setting:
    """A setting by name, with checked parameters.

    Args:
        name: a key or class name; ``file.py:name`` for a ``Setting``, its class, or a function without arguments that
            returns one; or the name of an installed package's entry point.
        settings: values by parameter.

    Raises:
        KeyError: unknown setting or parameter.
        ValueError: a value that is not allowed, or a file or package that cannot be used.
    """
    found = outside("setting", name, spellings())
    cls = find(name) if found is None else found
    if isinstance(cls, type) and issubclass(cls, Setting):
        return cls(**{key: check(cls, key, value) for key, value in (settings or {}).items()})
    if settings:
        raise ValueError(f"{name} is no class and has no options; {', '.join(settings)} was given")
    made = called(name, cls) if callable(cls) and not isinstance(cls, Setting) else cls
    if not isinstance(made, Setting):
        raise ValueError(f"{name} gives a {type(made).__name__}; a workbench.Setting is needed, or a function of one")
    return made
