"""``workbench methods``: what the student can be asked to match."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.options import Json
from workbench.cli.output import emit, print_table

if TYPE_CHECKING:
    from workbench.methods.method import Method
    from workbench.records.parameters import Parameter

Family = Annotated[str | None, typer.Option("--family", "-f", help="Only these, such as logits or features.")]


def methods(family: Family = None, json: Json = False) -> None:
    """List the distillation methods."""
    found = listing(family)
    if json:
        emit(found)
        return
    columns = ("name", "family", "paper", "reads", "learns besides the student", "evidence", "also called")
    print_table(
        columns,
        (
            (
                m["name"],
                m["family"],
                f"{m['venue']} {m['year']}",
                m["reads"],
                m["learns"],
                m["evidence"],
                ", ".join(m["aliases"]),
            )
            for m in found
        ),
    )


def listing(family: str | None = None) -> list[dict[str, Any]]:
    """Every method of a family, or of all.

    Raises:
        KeyError: no such family.
    """
    from workbench.methods.catalog import catalog, family_of

    families = sorted({family_of(cls) for cls in catalog().values()})
    if family is not None and family not in families:
        raise KeyError(f"no family {family!r}; there are {', '.join(families)}")
    return [_entry(name, cls) for name, cls in catalog().items() if family in (None, family_of(cls))]


def parameter_entry(parameter: Parameter) -> dict[str, Any]:
    """One parameter as plain values."""
    bounds = parameter.range
    return {
        "kind": parameter.kind.__name__,
        "default": parameter.default,
        "choices": list(parameter.choices),
        "range": None if bounds is None else [bounds.low, bounds.high],
        "optional": parameter.optional,
        "about": parameter.about,
    }


def _entry(name: str, cls: type[Method]) -> dict[str, Any]:
    from workbench.methods.catalog import family_of
    from workbench.records.parameters import parameters

    doc = inspect.getdoc(cls) or ""
    return {
        "name": name,
        "family": family_of(cls),
        "title": cls.citation.title,
        "authors": cls.citation.authors,
        "venue": cls.citation.venue,
        "year": cls.citation.year,
        "arxiv": cls.citation.arxiv or None,
        "reads": _line(doc, "Reads"),
        "learns": _line(doc, "Learns").removesuffix(" besides the student"),
        "evidence": cls.evidence.grade,
        "read_where": cls.evidence.where,
        "filled_in": cls.evidence.filled_in,
        "aliases": list(cls.aliases),
        "tasks": list(cls.tasks),
        "parameters": {key: parameter_entry(p) for key, p in parameters(cls).items()},
    }


def _line(doc: str, head: str) -> str:
    """What the class docstring says after ``Reads:`` or ``Learns:``, up to the next line that is not indented."""
    found = re.search(rf"^{head}: (.+(?:\n +.+)*)", doc, re.MULTILINE)
    return " ".join(found[1].split()).rstrip(".").replace("``", "") if found else ""
