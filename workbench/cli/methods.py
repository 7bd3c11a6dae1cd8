"""``workbench methods``: what the student can be asked to match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.catalog_table import CatalogTable
from workbench.cli.errors import say
from workbench.cli.options import Json
from workbench.cli.output import emit, print_table
from workbench.records.files import write_text

if TYPE_CHECKING:
    from workbench.methods.method import Method
    from workbench.records.parameters import Parameter

TABLE = CatalogTable(
    "methods",
    {
        "name": "name",
        "family": "family",
        "year": "year",
        "venue": "venue",
        "reads": "reads",
        "learns besides the student": "learns",
        "cost": "cost",
        "evidence": "evidence",
    },
)
Markdown = Annotated[
    Path | None,
    typer.Option("--markdown", metavar="FILE", help="Write the table between its marks in FILE: README.md."),
]
Family = Annotated[str | None, typer.Option("--family", "-f", help="Only these, such as logits or features.")]


def methods(family: Family = None, markdown: Markdown = None, json: Json = False) -> None:
    """List the distillation methods.

    Cost is what the training of a run takes beside plain distillation: low up to 1.5 times, medium up to 3, high beyond.

    Methods are added up by name: kd+rkd. The labels of a sum weigh what they weigh in its first method, apart from that the
    order does not matter; kd+crd and kd++ (kd+norm_direction) have the weights that they were published with.
    """
    found = listing(family) + ([] if markdown or family else announced_listing())
    if markdown is not None:
        write_text(markdown, TABLE.rewritten(markdown.read_text(encoding="utf-8"), found))
    elif json:
        emit(found)
    else:
        also = (", ".join(entry["aliases"]) for entry in found)
        print_table(
            (*TABLE.columns, "also called"), ([*row, names] for row, names in zip(TABLE.rows(found), also, strict=True))
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
    return [_entry(name, cls, family_of(cls)) for name, cls in catalog().items() if family in (None, family_of(cls))]


def announced_listing() -> list[dict[str, Any]]:
    """Every method that an installed package announces; one that cannot be used is named on standard error."""
    from workbench.methods.catalog import class_or_method, spellings
    from workbench.records.plugins import announced

    found, failed = announced("method", class_or_method, spellings())
    for message in failed.values():
        say(message)
    classes = {name: each if isinstance(each, type) else type(each) for name, each in found.items()}
    return [_entry(name, cls, cls.__module__.partition(".")[0]) for name, cls in classes.items()]


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


def _entry(name: str, cls: type[Method], family: str) -> dict[str, Any]:
    from workbench.records.parameters import parameters

    cited, evidence = getattr(cls, "citation", None), getattr(cls, "evidence", None)  # one's own may have none
    return {
        "name": name,
        "family": family,
        "title": cited and cited.title,
        "authors": cited and cited.authors,
        "venue": cited and cited.venue,
        "year": cited and cited.year,
        "arxiv": (cited and cited.arxiv) or None,
        "reads": cls.reads.text,
        "learns": cls.learns.text,
        "needs": list(cls.needs),
        "cost": cls.cost,
        "evidence": evidence and evidence.grade,
        "read_where": evidence and evidence.where,
        "filled_in": evidence and evidence.filled_in,
        "aliases": list(cls.aliases),
        "tasks": list(cls.tasks),
        "parameters": {key: parameter_entry(p) for key, p in parameters(cls).items()},
    }
