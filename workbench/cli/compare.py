"""``workbench compare``: several methods over the same seeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from workbench.cli.options import StudyFlags, flags
from workbench.cli.studies import carry_out
from workbench.cli.summary import of_compare


@dataclass(kw_only=True)
class CompareFlags(StudyFlags):
    """Several methods with their defaults."""

    methods: Annotated[
        list[str],
        typer.Option("--methods", "-m", help="Names with commas between: kd,dkd,fitnets; may be repeated."),
    ]
    seeds: Annotated[int, typer.Option("--seeds", "-n", help="How many; below 3 there is no verdict.")] = 5


@flags(CompareFlags)
def compare(asked: CompareFlags) -> None:
    """Run several methods beside their controls.

    All have their published defaults, the same budget, seeds and initialisations. Runs that are stored are not run
    again without --fresh.
    """
    given = ",".join(asked.methods)
    names = [name.strip() for name in given.split(",") if name.strip()]
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"--methods {given!r} must name each method once, such as kd,dkd")
    carry_out(asked, dict.fromkeys(names), of_compare)
