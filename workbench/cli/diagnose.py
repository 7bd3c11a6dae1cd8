"""``workbench diagnose``: everything that can be asked of a run or a study."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.errors import say
from workbench.cli.options import Json
from workbench.cli.output import emit, only_the_document, print_table
from workbench.cli.report import setting_of

Which = Annotated[str, typer.Argument(metavar="RUN", help="Id of a run or a study, or the beginning of it.")]
Only = Annotated[str, typer.Option("--only", help="These diagnostics, such as agreement,energy; all by default.")]


def diagnose(run: Which, only: Only = "", json: Json = False) -> None:
    """Run every diagnostic that applies to a run or a study; what does not apply says why."""
    from workbench.engine.library import load
    from workbench.reports.diagnose import diagnose as ask

    with only_the_document():
        thing = load(run)
        chosen = [name for name in only.replace(" ", "").split(",") if name]
        found = ask(thing, setting_of(thing.setting), chosen, lambda share, name: say(f"{share:4.0%} {name}"))
    if json:
        emit(found.to_dict())
        return
    for name, entry in found.to_dict()["results"].items():
        print(f"\n{name.replace('_', ' ')}\n{entry['explain']}")
        rows = [tuple(_cell(row.get(key)) for key in ("quantity", "value", "low", "high")) for row in entry["rows"]]
        print_table(("quantity", "value", "from", "to"), rows, numbers=("value", "from", "to"))
        for warning in entry.get("warnings", ()):
            print(f"! {warning}")
    for name, reason in found.reasons.items():
        print(f"\n{name.replace('_', ' ')}: does not apply: {reason}")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
