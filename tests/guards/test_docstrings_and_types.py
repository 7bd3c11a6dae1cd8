"""Every function of the package is annotated, and everything public says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "workbench").rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _public(name: str) -> bool:
    """Dunders are public, except the constructor: its arguments are documented in the class."""
    return not name.startswith("_") or (name.endswith("__") and name != "__init__")


def _documentable(body: list[ast.stmt]) -> Iterator[Function | ast.ClassDef]:
    """The public classes and functions of a module, and the public methods of those classes; not nested functions."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef) and _public(node.name):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _documentable(node.body)


def _bare_names(function: Function) -> list[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    bare = [a.arg for a in every if a is not None and a.annotation is None and a.arg not in ("self", "cls")]
    return bare + ["return"] * (function.returns is None)


def _undocumented(source: str) -> list[str]:
    tree = ast.parse(source)
    found = [] if ast.get_docstring(tree) else ["the module"]
    return found + [f"line {n.lineno}: {n.name}" for n in _documentable(tree.body) if not ast.get_docstring(n)]


def _unannotated(source: str) -> list[str]:
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))
    return [f"line {f.lineno}: {f.name} ({', '.join(bare)})" for f in functions if (bare := _bare_names(f))]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_everything_public_has_a_docstring(path: Path) -> None:
    assert _undocumented(path.read_text()) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_function_is_annotated(path: Path) -> None:
    assert _unannotated(path.read_text()) == []


def test_the_guard_sees_what_is_missing() -> None:
    source = "class C:\n  def __len__(self): return 0\n  def _f(self, a): ...\n  def __init__(self, *b): ..."
    assert _undocumented(source) == ["the module", "line 1: C", "line 2: __len__"]
    assert _unannotated(source) == [
        "line 2: __len__ (return)",
        "line 3: _f (a, return)",
        "line 4: __init__ (b, return)",
    ]
