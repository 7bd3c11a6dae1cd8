"""Finds the settings by walking the package: every file that defines a ``Setting`` of its own name."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import Any

from workbench.records.names import key_of
from workbench.records.parameters import check
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
                and cls is not Setting
            ):
                found[info.name] = cls
    return found


def find(name: str) -> type[Setting]:
    """The setting of a key or class name, ignoring case and underscores.

    Raises:
        KeyError: none; the message names the nearest.
    """
    return catalog()[key_of("setting", name, {n: key for key, cls in catalog().items() for n in (key, cls.__name__)})]


def make(name: str, settings: dict[str, Any] | None = None) -> Setting:
    """A setting by name, with checked parameters."""
    cls = find(name)
    return cls(**{key: check(cls, key, value) for key, value in (settings or {}).items()})
