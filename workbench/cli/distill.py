"""``workbench distill``: one method beside its controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from workbench.cli.options import Pairs, StudyFlags, flags
from workbench.cli.studies import carry_out
from workbench.cli.summary import of_distill


@dataclass(kw_only=True)
class DistillFlags(StudyFlags):
    """One method and its parameters."""

    method: Annotated[
        str,
        typer.Option(
            "--method",
            "-m",
            help="What is matched, or a sum, whose first method weighs the labels: kd+rkd; see `workbench methods`; "
            "file.py:Name is your own.",
        ),
    ]
    set_: Annotated[
        Pairs, typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the method: temperature=4.")
    ] = None


@flags(DistillFlags)
def distill(asked: DistillFlags) -> None:
    """Run one method beside its controls.

    The same student is trained on labels only at the same budget and seeds, and on permuted targets; the paired
    difference comes with its interval and, from 3 seeds on, a verdict. Runs that are stored are not run again
    without --fresh.
    """
    carry_out(asked, {asked.method: asked.set_}, of_distill)
