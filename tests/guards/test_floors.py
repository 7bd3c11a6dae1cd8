"""The floors of the house hold: imports run downwards only, and the package is light to import."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "workbench").rglob("*.py"))


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as lint; lint()", "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_every_import_contract_is_kept() -> None:
    outcome = _lint_imports(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "0 broken" in outcome.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("maths/tensors.py", "import workbench.engine"),
        ("maths/tensors.py", "import workbench.models"),
        ("engine/run.py", "import workbench.diagnostics"),
        ("drawing/curves.py", "import workbench.widgets"),
        ("records/run.py", "import torch"),
        ("maths/tensors.py", "import sklearn"),
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, module: str, line: str) -> None:
    floors = "widgets reports drawing engine diagnostics methods settings models data maths records"
    for floor in floors.split():
        (tmp_path / "workbench" / floor).mkdir(parents=True)
        (tmp_path / "workbench" / floor / "__init__.py").touch()
    (tmp_path / "workbench" / "__init__.py").touch()
    (tmp_path / "workbench" / "records" / "result.py").write_text("def table():\n    import pandas\n")
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    assert _lint_imports(tmp_path).returncode == 0
    (tmp_path / "workbench" / module).write_text(line)
    outcome = _lint_imports(tmp_path)
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    assert "1 broken" in outcome.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Neither at run time nor in annotations nor inside functions."""
    assert _circle(MODULES, ROOT) == []


def test_a_circle_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("def f():\n    from two import it\n")
    (tmp_path / "two.py").write_text("if TYPE_CHECKING:\n    from one import f\n")
    assert _circle(sorted(tmp_path.glob("*.py")), tmp_path) == ["one", "two", "one"]


def _circle(paths: list[Path], root: Path) -> list[str]:
    modules = {".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}
    graph = {name: {*_imported(path, modules)} & modules.keys() - {name} for name, path in modules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def _imported(path: Path, modules: Container[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in modules else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize(
    ("statement", "heavy"),
    [
        ("import workbench", ("torch", "numpy", "pandas", "plotly", "sklearn", "ipywidgets")),
        ("import workbench.records", ("torch", "pandas", "plotly", "scipy", "sklearn")),
        ("import workbench.maths", ("pandas", "plotly", "sklearn", "ipywidgets")),
        ("import workbench.maths.resampling, workbench.maths.verdict", ("torch", "pandas", "plotly", "ipywidgets")),
    ],
)
def test_an_import_stays_light(statement: str, heavy: tuple[str, ...]) -> None:
    script = f"import sys; {statement}; print(*sorted(set(sys.modules) & {set(heavy)!r}))"
    outcome = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert outcome.stdout.split() == []


WIDGETS, PLOTS = {"IPython", "anywidget", "ipywidgets"}, {"plotly"}


def _forbidden(path: Path) -> set[str]:
    """The libraries that a file may not import, by its place: a measure draws nothing, a figure computes nothing."""
    floor, name = path.parts[0], path.name
    if floor in ("widgets", "lab"):
        return set()
    if floor == "diagnostics" and (name.startswith("panel") or name in ("run_cards.py", "run_gallery.py")):
        return {"torch"}
    if floor == "drawing" or (floor == "diagnostics" and name.startswith("figure")):
        return WIDGETS | {"torch"}
    return WIDGETS | PLOTS


def _stray(path: Path, source: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(source)))
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in named} & _forbidden(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_panels_make_widgets_and_only_figures_draw(path: Path) -> None:
    assert _stray(path.relative_to(ROOT / "workbench"), path.read_text()) == set()


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("engine/run.py", "import ipywidgets"),
        ("reports/page.py", "import plotly.graph_objects as go"),
        ("diagnostics/flips/measure.py", "def f():\n    from plotly import io"),
        ("diagnostics/flips/measure_codes.py", "import plotly"),
        ("diagnostics/flips/figure.py", "import torch"),
        ("diagnostics/flips/figure_dots.py", "from ipywidgets import HTML"),
        ("diagnostics/flips/panel_menus.py", "import torch"),
        ("drawing/curves.py", "from torch import Tensor"),
    ],
)
def test_a_forbidden_library_is_seen(path: str, line: str) -> None:
    assert len(_stray(Path(path), line)) == 1
