"""A setting is never changed after it was made: who wants another one asks for a copy."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from workbench.settings.fields import Fields

ROOT = Path(__file__).parents[2]
FINDINGS = ROOT / "workbench" / "findings"
"""Not yet: a kept outcome carries the digest of its finding's file, so these follow when the outcomes are computed anew."""
FILES = [
    path
    for folder in ("workbench", "tests")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if FINDINGS not in path.parents
]
FIELDS = {each.name for each in fields(Fields)} - {"name", "notes"}
OTHERS = ("self", "cls", "trial", "arm.trial")
"""What has fields of the same names and is no setting."""


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    given = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    for target in given:
        yield from target.elts if isinstance(target, ast.Tuple) else [target]


def changed(source: str) -> list[str]:
    """The places where a field of a setting is set on an object."""
    return [
        f"line {node.lineno}: {ast.unparse(target)}; write .but({target.attr}=...)"
        for node in ast.walk(ast.parse(source))
        for target in _targets(node)
        if isinstance(target, ast.Attribute) and target.attr in FIELDS and ast.unparse(target.value) not in OTHERS
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_setting_is_changed(path: Path) -> None:
    assert changed(path.read_text()) == []


def test_the_guard_sees_a_change() -> None:
    source = "setting.budget = b\nwhere.test, x = t, 1\nself.train = t\nmade = setting.but(budget=b)"
    assert [each.split(";")[0] for each in changed(source)] == ["line 1: setting.budget", "line 2: where.test"]
