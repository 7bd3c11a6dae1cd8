"""A method on one card: its idea, what it matches as a picture, its formula, its parameters, its source, and its code."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.data.reference import hyper_parameters, reference
from workbench.drawing.schematic import svg
from workbench.methods.catalog import family_of, find, parts_of
from workbench.methods.declared import Declared, declared
from workbench.methods.matched import Matched, matched
from workbench.methods.method import Method, Sum
from workbench.records.arguments import checked_arguments
from workbench.records.parameters import Parameter, parameters
from workbench.reports.markup import Markup, facts, join, table, tag

STYLE = Path(__file__).parent / "method_card.css"

PUBLISHED = ("same_architecture", "different_architecture")

DAGGER = "\u2020"

LEAK = "may be looked at on purpose while training, see the parameters; such a run is barred from studies"


@dataclass(frozen=True)
class MethodCard:
    """What there is to know of a method before it is run; a saved notebook keeps it, since it needs no kernel.

    Attributes:
        name: key of the catalogue, or the class of one's own.
        title: of the paper, with venue and year.
        body: HTML; everything in it that was not made here is escaped.
    """

    name: str
    title: str
    body: Markup

    def _repr_html_(self) -> str:
        """The card as Jupyter shows it."""
        return join((tag("style", Markup(STYLE.read_text(encoding="utf-8"))), self.body))

    def __repr__(self) -> str:
        """What stands there without HTML."""
        return f"MethodCard({self.name}: {self.title})"


@checked_arguments
def card(method: str | Method | type[Method]) -> MethodCard:
    """The card of a method.

    Args:
        method: a key, alias or class name of the catalogue, a class, or a method, whose values are then shown beside the
            defaults.

    Raises:
        KeyError: no method of that name; the message names the nearest.
        ValueError: a sum, which has a card for each of its parts.
    """
    names = parts_of(method) if isinstance(method, str) else []
    names = [m.name for m in method.methods] if isinstance(method, Sum) else names
    if len(names) > 1:
        raise ValueError(f"a sum has a card for each part: {', '.join(f'card({each!r})' for each in names)}")
    cls = find(method) if isinstance(method, str) else method if isinstance(method, type) else type(method)
    values = method.config() if isinstance(method, Method) else {}
    said, ours = declared(cls), cls.__module__.startswith("workbench.methods.")
    name = cls.__module__.rpartition(".")[2] if ours else cls.__name__
    picture = matched(cls)
    cited = getattr(cls, "citation", None)
    title = f"{cited.title}, {cited.venue} {cited.year}" if cited else "a method of your own"
    parts = [
        tag("h3", f"{name}: {title}"),
        tag("p", *_citation(cls)),
        tag("p", said.idea, class_="idea"),
        tag("p", *_worded(said.intuition)),
        _picture(picture),
        _formula(said),
        _facts(cls, said, picture),
        _parameters(cls, values),
        *_published(name),
        _code(said),
    ]
    return MethodCard(name, title, tag("div", *parts, class_="wb-card"))


def _citation(cls: type[Method]) -> tuple[object, ...]:
    cited = getattr(cls, "citation", None)
    if cited is None:
        return ("no paper is named",)
    if not cited.arxiv:
        return (cited.authors,)
    where = f"https://arxiv.org/abs/{cited.arxiv}"
    return f"{cited.authors}, ", tag("a", f"arXiv:{cited.arxiv}", href=where, rel="noopener", target="_blank")


def _picture(found: Matched) -> Markup:
    drawing = base64.b64encode(svg(found).encode()).decode()
    picture = tag("img", src=f"data:image/svg+xml;base64,{drawing}", alt=str(found))
    return join((tag("h4", "What is matched"), tag("div", picture, class_="picture")))


def _formula(said: Declared) -> Markup:
    if not said.formula:
        return Markup("")
    source = tag("p", "Faithful to: ", *_worded(said.faithful), " Departs from it: ", *_worded(said.departs))
    return join((tag("h4", "Formula"), tag("pre", said.formula), source))


def _facts(cls: type[Method], said: Declared, picture: Matched) -> Markup:
    evidence = getattr(cls, "evidence", None)
    told = evidence and f"{evidence.grade}: {evidence.where}"
    filled = evidence and evidence.filled_in
    progress = getattr(cls, "progress", None)
    named: dict[str, object] = {
        "Family": family_of(cls),
        "Also called": ", ".join(cls.aliases),
        "Works on": ", ".join(cls.tasks),
        "Reads": cls.reads.text,
        "Terms": _flow(said.terms) or ", ".join(cls.terms),
        "Needs": ", ".join(cls.needs),
        "Learns besides the student": cls.learns.text,
        "Teacher": f"asked {picture.asked}" if picture.asked.startswith(("at", "once")) else picture.asked,
        "Cost": _flow(said.cost),
        "Stages": "several, see the code" if cls.stages is not Method.stages and cls.reads_teacher else "",
        "Moves if it works": progress and f"{progress.term} ({progress.direction})",
        "Setting": _flow(said.expected),
        "Evidence": told,
        "Filled in": filled,
        "Test data": LEAK if cls.leaks_test is not Method.leaks_test else "",
    }
    return facts({key: value for key, value in named.items() if value})


def _parameters(cls: type[Method], values: dict[str, Any]) -> Markup:
    known = parameters(cls)
    if not known:
        return Markup("")
    moved = any(name in values and values[name] != p.default for name, p in known.items())
    head = ("parameter", "default", *(("here",) if moved else ()), "range", "meaning")
    rows = [
        (name, _short(p.default), *((_short(values.get(name)),) if moved else ()), _range(p), join(_worded(p.about)))
        for name, p in known.items()
    ]
    return join((tag("h4", "Parameters"), table(head, rows)))


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(map(str, parameter.choices))
    bounds = parameter.range
    said = f"{bounds.low:g} to {bounds.high:g}" if bounds else parameter.kind.__name__
    return f"{said}, or none" if parameter.optional else said


def _published(name: str) -> list[Markup]:
    """Its rows in the published tables, and the numbers it was run with there."""
    found: dict[str, object] = {}
    for table_name in PUBLISHED:
        known = reference(table_name)
        for row, key in known.methods.items():
            if _is_of(key, name):
                cells = [cell for cell in known.cells if cell.method == row and cell.value == cell.value]
                shown = [f"{c.column} {c.value:.2f}{DAGGER * c.from_memory}" for c in cells]
                found[row] = ", ".join(filter(None, (str(found.get(row, "")), *shown)))
    numbers = [e for e in hyper_parameters() if _is_of(e.key, name)]
    told = [f"{e.name} {_short(e.value)}{f' ({e.where})' if e.where else ''}" for e in numbers]
    if told:
        found["made with"] = "; ".join(dict.fromkeys(told))
    if not found:
        return []
    head = f"Published, top-1 in percent by CIFAR-100 pair ({DAGGER}: from memory, unchecked)"
    return [tag("h4", head), facts(found)]


def _is_of(key: str | None, name: str) -> bool:
    return name in [each.partition("(")[0] for each in (key or "").split("|")]


def _code(said: Declared) -> Markup:
    if not said.code:
        return tag("p", f"The code of {said.path} cannot be read here.")
    lines = len(said.code.splitlines())
    return tag("details", tag("summary", f"The code: {said.path}, {lines} lines"), tag("pre", tag("code", said.code)))


def _flow(text: str) -> Markup:
    return Markup("".join(_worded(text)))


def _worded(text: str) -> tuple[Markup, ...]:
    """A text in which ``names`` of code are set as such."""
    pieces = text.split("``")
    return tuple(tag("code", piece) if place % 2 else tag("span", piece) for place, piece in enumerate(pieces) if piece)


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return " to ".join(map(_short, value)) if len(value) == 2 else ", ".join(map(_short, value))
    return f"{value:.4g}" if isinstance(value, float) else "none" if value is None else str(value)
