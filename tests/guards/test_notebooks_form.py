"""Notebooks are sources: no outputs, stable ids, short cells, plain Python."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL_LINES, DEF_LINES = 10, 5
READABLE_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")  # what the editors make up
OUTSIDE_PATH = re.compile(r"(/|~/|\.\./|[A-Za-z]:\\)\w")


def _faults_of_file(notebook: dict[str, Any]) -> list[str]:
    found = []
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("the kernelspec is not python3")
    if "widgets" in notebook["metadata"]:
        found.append("it carries the state of widgets")
    ids = [cell.get("id", "") for cell in notebook["cells"]]
    found += [
        f"cell id {i!r} is not a readable, lasting name"
        for i in ids
        if not READABLE_ID.fullmatch(i) or RANDOM_ID.fullmatch(i)
    ]
    if len(set(ids)) < len(ids):
        found.append("two cells share an id")
    first = next((_source(cell) for cell in notebook["cells"] if cell["cell_type"] == "code"), "")
    if not re.search(r"^(import|from) workbench\b", first, re.MULTILINE):
        found.append("the first code cell does not import workbench")
    return found


def _source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def _faults_of_cell(cell: dict[str, Any]) -> list[str]:
    found = []
    if cell["outputs"] or cell["execution_count"] is not None:
        found.append("it carries outputs or an execution count")
    source = _source(cell)
    if (length := len(source.splitlines())) > CELL_LINES:
        found.append(f"{length} lines, at most {CELL_LINES}")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:  # also every ! and % line
        return [*found, f"not plain Python: {error}"]
    return found + [fault for node in ast.walk(tree) if (fault := _fault_of_node(node))]


def _fault_of_node(node: ast.AST) -> str | None:
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}: classes belong in the package"
    if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > DEF_LINES:
        return f"def {node.name} is longer than {DEF_LINES} lines"
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and OUTSIDE_PATH.match(node.value):
        return f"{node.value!r} points outside the project"
    return None


def _faults(notebook: dict[str, Any]) -> list[str]:
    code = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return _faults_of_file(notebook) + [f"{c.get('id')}: {fault}" for c in code for fault in _faults_of_cell(c)]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_a_clean_source(path: Path) -> None:
    assert re.match(r"\d\d_[a-z0-9_]+\.ipynb", path.name), "notebooks are numbered"
    assert _faults(json.loads(path.read_text())) == []


def _notebook(*sources: str, **changes: Any) -> dict[str, Any]:
    empty = {"cell_type": "code", "outputs": [], "execution_count": None}
    cells = [{**empty, "id": f"cell-{i}", "source": [source], **changes} for i, source in enumerate(sources)]
    return {"metadata": {"kernelspec": {"name": "python3"}}, "cells": cells}


def test_the_guard_accepts_a_clean_notebook() -> None:
    assert _faults(_notebook("import workbench as wb", "wb.lab()\nratio = 'a / b'")) == []


@pytest.mark.parametrize(
    "notebook",
    [
        _notebook("import numpy"),
        _notebook("import workbench", "!pip install x"),
        _notebook("import workbench", "class C: ..."),
        _notebook("import workbench", "def f():" + "\n    x = 1" * 5),
        _notebook("import workbench", "\n".join(["x = 1"] * 11)),
        _notebook("import workbench", "open('/tmp/x')"),
        _notebook("import workbench", execution_count=1),
        _notebook("import workbench", outputs=[{}]),
        _notebook("import workbench", id="a1b2c3d4"),
        _notebook("import workbench", "x = 1", id="same"),
        {**_notebook("import workbench"), "metadata": {"kernelspec": {"name": "conda"}}},
        {**_notebook("import workbench"), "metadata": {"kernelspec": {"name": "python3"}, "widgets": {}}},
    ],
)
def test_the_guard_sees_a_fault(notebook: dict[str, Any]) -> None:
    assert len(_faults(notebook)) == 1
