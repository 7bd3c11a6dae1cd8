"""Flags that several verbs have, so that they mean the same everywhere."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Annotated, Any, get_type_hints

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else on standard output.")]
Pairs = list[str] | None


@dataclass(kw_only=True)
class StudyFlags:
    """What is run, on what, and how long: the flags of ``distill`` and ``compare``."""

    setting: Annotated[
        str,
        typer.Option(
            "--setting", "-s", help="What to play on; `workbench settings` lists them; file.py:name is your own."
        ),
    ]
    with_: Annotated[
        Pairs, typer.Option("--with", metavar="NAME=VALUE", help="An option of the setting: student_labels=60.")
    ] = None
    seeds: Annotated[int, typer.Option("--seeds", "-n", help="How many; below 3 there is no verdict.")] = 3
    epochs: Annotated[int | None, typer.Option("--epochs", help="Of the student; else the setting's.")] = None
    budget: Annotated[
        Pairs, typer.Option("--budget", metavar="NAME=VALUE", help="More of the student's budget: learning_rate=0.1.")
    ] = None
    smallest_effect: Annotated[
        float | None,
        typer.Option("--smallest-effect", help="The least difference worth having; 0.5 points by default."),
    ] = None
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Processes at the same time; -1 is one per core.")] = 1
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Compute everything again, the teacher too, and replace what is stored.")
    ] = False
    quick: Annotated[bool, typer.Option("--quick", help="Leave the permuted controls out: no verdict.")] = False
    json: Json = False


def flags(of: type) -> Callable[[Callable[[Any], None]], Callable[..., None]]:
    """Makes a verb out of a function of one dataclass, whose annotated fields become the flags."""
    hints = get_type_hints(of, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(of)
    ]

    def decorate(act: Callable[[Any], None]) -> Callable[..., None]:
        def verb(**given: Any) -> None:
            act(of(**given))

        verb.__name__, verb.__doc__ = act.__name__, act.__doc__
        verb.__signature__ = inspect.Signature(parameters)
        return verb

    return decorate


def assignments(texts: Sequence[str] | None, flag: str) -> dict[str, str | None]:
    """``["temperature=4"]`` as ``{"temperature": "4"}``; ``none`` is None.

    Raises:
        ValueError: a text without ``=``, or a name given twice.
    """
    found: dict[str, str | None] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            raise ValueError(f"{flag} {text!r} is not of the form NAME=VALUE, such as temperature=4")
        if name in found:
            raise ValueError(f"{flag} {name} is given twice: {found[name]} and {value}")
        found[name] = None if value.lower() == "none" else value
    return found
