"""Which code is part of a release, so that its version tells it apart: installed packages and Python itself."""

from __future__ import annotations

import sys
import sysconfig
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

OWN_NAME = {"workbench": "kd-workbench", "sklearn": "scikit-learn", "PIL": "pillow", "yaml": "PyYAML"}
"""Distributions that are called otherwise than the package they hold."""


def release_of(module: Any) -> str:
    """``"torch 2.13.0"`` for a module of an installed package, ``"python 3.11"`` for one of Python's own.

    Empty for everything else: notebooks, scripts, a project's own files, packages installed in editable mode.
    """
    top = module.partition(".")[0] if isinstance(module, str) else "builtins"  # compiled ones may not say
    found = None if top == "__main__" else sys.modules.get(top)  # a notebook's, whatever file started the kernel
    return _release(top, _home(found), str(vars(found).get("__version__", ""))) if found is not None else ""


def is_released(thing: Any) -> bool:
    """Whether it is a function or class that a release holds under its own name, so that name and version say all."""
    if isinstance(thing, BuiltinFunctionType):
        return isinstance(thing.__self__, ModuleType | type | None) and bool(release_of(thing.__module__))
    if isinstance(thing, FunctionType) and not release_of(thing.__globals__.get("__name__")):
        return False
    return isinstance(thing, FunctionType | type) and bool(release_of(thing.__module__)) and _is_named(thing)


def _home(module: Any) -> str:
    """The file of a module, or the first folder of a package without one; empty if it has neither."""
    file = getattr(module, "__file__", None)
    if file is None:
        file = next(iter(getattr(module, "__path__", ())), "")
    return file or getattr(getattr(module, "__spec__", None), "origin", None) or ""


@lru_cache(maxsize=4096)
def _release(top: str, home: str, said: str) -> str:
    if top == "workbench" or top.startswith("_cython_"):  # the latter holds what all compiled by Cython share
        return f"{top} {_version(top, said)}"
    parts = Path(home).parts
    if "site-packages" in parts or "dist-packages" in parts:
        return f"{top} {_version(top, said)}"
    if home in ("built-in", "frozen") or (home and Path(home).is_relative_to(sysconfig.get_paths()["stdlib"])):
        return f"python {sys.version_info.major}.{sys.version_info.minor}"
    return ""


def _version(top: str, said: str) -> str:
    try:
        return version(OWN_NAME.get(top, top))
    except PackageNotFoundError:
        return said


def _is_named(thing: Any) -> bool:
    found: Any = sys.modules.get(thing.__module__ if isinstance(thing.__module__, str) else "builtins")
    for name in thing.__qualname__.split("."):
        found = vars(found).get(name) if isinstance(found, type | ModuleType) else None
        found = found.__func__ if isinstance(found, staticmethod | classmethod) else found
    return found is thing
