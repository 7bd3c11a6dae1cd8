"""Every notebook runs from top to bottom in a kernel of its own, without an error or a word on standard error."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PLOT, WIDGET = "application/vnd.plotly.v1+json", "application/vnd.jupyter.widget-view+json"
HARMLESS = "Kernel is running over TCP without encryption"  # of ipykernel 7, about itself

pytestmark = [pytest.mark.notebook, pytest.mark.slow]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_draws_and_says_something_without_a_kernel(path: Path, tmp_path: Path) -> None:
    book = executed(path, tmp_path)
    check_outputs(book)
    check_saved_copy(book)


def executed(path: Path, folder: Path) -> NotebookNode:
    """The notebook after Run All, with two seeds instead of its own number."""
    import nbformat  # slow to load, and every process that collects tests reads this file
    from nbclient import NotebookClient

    book = nbformat.read(path, as_version=4)
    first = next(cell for cell in book.cells if cell.cell_type == "code")
    assert "SEEDS = 3" in first.source
    first.source = first.source.replace("SEEDS = 3", "SEEDS = 2")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("PYTHONPATH", ROOT),
            ("IPYTHONDIR", folder / "ipython"),
            ("WORKBENCH_HOME", folder / "home"),
        ):
            patch.setenv(name, str(value))
        NotebookClient(
            book, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    return book


def check_outputs(book: NotebookNode) -> None:
    """No error, nothing on standard error, and in every cell the kind of output that it promises."""
    said = [output for cell in book.cells for output in cell.get("outputs", [])]
    assert [o for o in said if o.output_type == "error"] == []
    assert [o.text for o in said if o.output_type == "stream" and o.name == "stderr" and HARMLESS not in o.text] == []

    for cell in (cell for cell in book.cells if cell.cell_type == "code"):
        shown = {kind for output in cell.outputs for kind in output.get("data", {})}
        last = cell.source.splitlines()[-1]
        if last.startswith("wb.draw("):
            assert PLOT in shown, f"{cell.id} draws no figure"
        elif cell.id.endswith("panel") or last.startswith(("wb.lab(", "wb.panel(")):
            assert WIDGET in shown, f"{cell.id} shows no panel"
        elif last.startswith("wb.study(") or cell.id.endswith("study"):
            assert "text/html" in shown, f"{cell.id} shows no table"


def check_saved_copy(book: NotebookNode) -> None:
    """What a panel leaves in a saved notebook is a sentence."""
    panels = [cell for cell in book.cells if cell.cell_type == "code" and cell.id.endswith("panel")]
    assert panels
    for cell in panels:
        (output,) = [output for output in cell.outputs if "data" in output]
        said = output.data["text/plain"]
        assert re.match(r"[A-Z]\w+\(.+", said), f"{cell.id} says {said}"
        assert " object at 0x" not in said
        assert cell.id != "panel" or said == "LivePanel(digits, kd): Press Start."
        assert not said.startswith("LivePanel") or said.endswith(": Press Start.")
