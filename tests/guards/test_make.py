"""The targets of the Makefile reach every test."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_browser_tests_are_in_the_folders_that_make_browser_collects() -> None:
    (given,) = re.findall(r"-m browser (.+)", (ROOT / "Makefile").read_text())
    folders = [ROOT / name for name in given.split()]
    marked = [path for path in (ROOT / "tests").rglob("test_*.py") if "pytest.mark.browser" in path.read_text()]
    assert [path for path in marked if path != Path(__file__) and not any(f in path.parents for f in folders)] == []
    assert len(marked) > len(folders)


def test_slow_and_notebook_tests_are_in_the_folder_that_make_slow_collects() -> None:
    assert re.findall(r'-m "\(slow or notebook\) and not browser" (.+)', (ROOT / "Makefile").read_text()) == ["tests"]
    assert [path for path in (ROOT / "workbench").rglob("*.py") if "pytest.mark" in path.read_text()] == []
