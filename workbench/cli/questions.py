"""``workbench questions``: what can be asked of a run, a study or arrays."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.catalog_table import CatalogTable
from workbench.cli.options import Json
from workbench.cli.output import emit, print_table
from workbench.records.files import write_text

TABLE = CatalogTable(
    "questions",
    {"question": "question", "name": "name", "asked of": "asked_of", "picture": "picture", "panel": "panel"},
)
Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write the table between its marks in FILE: README.md."),
]


def questions(markdown: Markdown = None, json: Json = False) -> None:
    """List the questions that ``workbench diagnose`` asks, and those that are asked of arrays only."""
    found = listing()
    if markdown is not None:
        write_text(markdown, TABLE.rewritten(markdown.read_text(encoding="utf-8"), found))
    elif json:
        emit(found)
    else:
        print_table([*TABLE.columns], TABLE.rows(found))


def listing() -> list[dict[str, Any]]:
    """Every question with what it can be asked of, and whether it has a picture and a panel."""
    from importlib import import_module

    from workbench import diagnostics
    from workbench.records.run import Run
    from workbench.records.study import Study
    from workbench.reports.diagnose import diagnostics as asked_of

    kinds = {"a run": asked_of(Run), "a study": asked_of(Study)}
    found = []
    for name in diagnostics.questions():
        folder = import_module(f"workbench.diagnostics.{name}")
        place = Path(inspect.getfile(folder)).parent
        asked = [words for words, known in kinds.items() if name in known] or [
            "a run and more, see its help" if f"{name}_of" in vars(folder) else "arrays"
        ]
        parts = {part: "yes" if (place / f"{file}.py").exists() else "no" for part, file in PARTS.items()}
        found.append({"name": name, "question": inspect.getdoc(folder), "asked_of": ", ".join(asked), **parts})
    return found


PARTS = {"picture": "figure", "panel": "panel"}
"""The files of a question's folder that show it."""
