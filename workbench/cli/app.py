"""The verbs, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.bench import bench
from workbench.cli.compare import compare
from workbench.cli.diagnose import diagnose
from workbench.cli.distill import distill
from workbench.cli.errors import OneLineErrors
from workbench.cli.findings import findings
from workbench.cli.lab import lab
from workbench.cli.methods import methods
from workbench.cli.new import new
from workbench.cli.questions import questions
from workbench.cli.report import report
from workbench.cli.runs import runs
from workbench.cli.settings import settings

app = typer.Typer(
    cls=OneLineErrors,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (lab, distill, compare, diagnose, questions, findings, methods, settings, runs, report, bench, new):
    app.command()(verb)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(version("kd-workbench"))
        raise typer.Exit


@app.callback()
def workbench(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run and dissect knowledge distillations: every number with its uncertainty and a control.

    Listing and result verbs take --json: one JSON document on standard output, everything else on standard error.
    Exit status: 0 done, 2 bad input (one line says what), 130 interrupted. WORKBENCH_DEBUG=1 shows tracebacks.
    """
