"""Finds the findings by walking the package, and tries them again."""

from __future__ import annotations

import ast
import hashlib
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

from workbench.records.finding import Finding

Tell = Callable[[float, str], object]


@cache
def catalog() -> dict[str, ModuleType]:
    """Every finding's module by the name of its file: those that have a ``find`` and a ``CLAIM``."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    found = {
        name: import_module(f"workbench.findings.{name}")
        for name in names
        if name not in ("__init__", "catalog", "kept")
    }
    return {name: module for name, module in found.items() if hasattr(module, "find") and hasattr(module, "CLAIM")}


def find(name: str, seeds: int | Sequence[int] = 5, tell: Tell | None = None) -> Finding:
    """Try a claim again.

    Args:
        name: of its file.
        seeds: how many, or which.
        tell: called with the share done in [0, 1] and a message.

    Raises:
        KeyError: no such finding; the message names the nearest.
    """
    module, start = _module(name), time.monotonic()
    found = module.find(tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds), tell)
    packages = {"workbench": "kd-workbench", "torch": "torch", "numpy": "numpy"}
    made = {key: version(package) for key, package in packages.items()} | {"python": platform.python_version()}
    made |= {"seconds": round(time.monotonic() - start, 1), "code": code_of(name), "finished": round(time.time())}
    return replace(found, made=made)


def code_of(name: str) -> str:
    """12 hexadecimal digits of what the file of a claim does; a kept outcome is stale when they differ.

    Imports, docstrings and layout do not count: where a function lives does not change what it computes.
    """
    return digest(Path(_module(name).__file__ or "").read_text(encoding="utf-8"))


def digest(source: str) -> str:
    """The same for the text of a file."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef):
            node.body = [part for part in node.body if not _says_nothing(part)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12]


def _says_nothing(part: ast.stmt) -> bool:
    is_text = isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
    return is_text or isinstance(part, ast.Import | ast.ImportFrom)


def _module(name: str) -> ModuleType:
    known = catalog()
    if name not in known:
        raise KeyError(f"no finding {name!r}; nearest: {', '.join(get_close_matches(name, known, 3, 0.4) or known)}")
    return known[name]
