"""Files, functions and signatures stay small enough to be read in one go; raising a cap is a reviewed edit."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "workbench").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MODULE_LINES, TEST_LINES, BODY_LINES, PARAMETERS = 400, 400, 40, 8
MEDIAN_MODULE, MEDIAN_BODY = 95, 8

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(source: str) -> Iterator[Function]:
    return (node for node in ast.walk(ast.parse(source)) if isinstance(node, Function))


def _body_lines(function: Function) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def _parameters(function: Function) -> int:
    arguments = function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def _too_large(source: str, cap: int) -> list[str]:
    found = []
    if (length := len(source.splitlines())) > cap:
        found.append(f"{length} lines, at most {cap}")
    for function in _functions(source):
        if (lines := _body_lines(function)) > BODY_LINES:
            found.append(f"line {function.lineno}: {function.name} has a body of {lines} lines, at most {BODY_LINES}")
        if (count := _parameters(function)) > PARAMETERS:
            found.append(f"line {function.lineno}: {function.name} has {count} parameters, at most {PARAMETERS}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_are_small(path: Path) -> None:
    assert _too_large(path.read_text(), MODULE_LINES) == []


def test_most_modules_and_functions_are_much_smaller(record_property: Callable[[str, object], None]) -> None:
    texts = [path.read_text() for path in MODULES]
    lines = statistics.median(len(text.splitlines()) for text in texts)
    body = statistics.median(_body_lines(function) for text in texts for function in _functions(text))
    record_property("median lines of a module", lines)
    record_property("median lines of a function's body", body)
    assert lines <= MEDIAN_MODULE, f"the median of the modules has {lines} lines"
    assert body <= MEDIAN_BODY, f"the median of the functions has {body} lines"


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_test_file_is_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= TEST_LINES


def test_the_guard_sees_what_is_too_large() -> None:
    statements = "\n".join(["    x = 1"] * 41)
    assert len(_too_large("x = 1\n" * 401, MODULE_LINES)) == 1
    assert len(_too_large(f"def f():\n{statements}", MODULE_LINES)) == 1
    assert len(_too_large("def f(a, b, c, d, *, e, f, g, h, i): ...", MODULE_LINES)) == 1


def test_the_guard_leaves_docstrings_and_self_out() -> None:
    docstring = "\n".join(["    words"] * 41)
    source = f'class C:\n  def f(self, a, b, c, d, e, f, g):\n    """One.\n{docstring}\n    """\n    return 1'
    assert _too_large(source, MODULE_LINES) == []
