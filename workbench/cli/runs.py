"""``workbench runs``: what is in the store."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

from workbench.cli.options import Json
from workbench.cli.output import emit, print_table

Of = Annotated[str | None, typer.Option("--setting", "-s", help="Only runs on this setting.")]
By = Annotated[str | None, typer.Option("--method", "-m", help="Only runs of this method.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="The newest so many.")]

COLUMNS = ("id", "method", "seed", "control", "test score", "teacher", "agreement", "seconds", "warnings", "when (UTC)")


def runs(setting: Of = None, method: By = None, limit: Limit = 50, json: Json = False) -> None:
    """List finished runs and studies, newest first."""
    from workbench.engine.store import open_store

    store = open_store()
    found = store.runs(setting, method, limit)
    studies = store.studies(limit)
    if not found:
        _check(setting, method)
    if json:
        emit({"runs": found, "studies": studies})
        return
    if not found:
        print("no such runs yet; `workbench distill --setting digits --method kd` makes some")
        return
    print_table(COLUMNS, map(_row, found), numbers=COLUMNS[2:9])
    for message, count in Counter(message for run in found for message in run["warnings"]).items():
        print(f"! {message} ({count} run{'s' if count > 1 else ''})")
    if studies:
        print_table(("study", "setting", "seeds", "arms"), map(_study_row, studies))


def _check(setting: str | None, method: str | None) -> None:
    """Say which names are known, where one is not; asked only when nothing is stored under it."""
    if setting is not None:
        from workbench.settings.catalog import find as find_setting

        find_setting(setting)
    for part in (method or "").split("+") if method else ():
        from workbench.methods.catalog import find as find_method

        find_method(part)


def _row(run: dict[str, Any]) -> tuple[Any, ...]:
    agreement = None if run["agreement"] is None else f"{run['agreement']:.1%}"
    control = "" if run["control"] == "none" else run["control"]
    numbers = (_number(run[name]) for name in ("last", "teacher"))
    seconds, warned = _number(run["seconds"]), len(run["warnings"]) or None
    return run["id"], run["method"], run["seed"], control, *numbers, agreement, seconds, warned, run["created"]


def _study_row(study: dict[str, Any]) -> tuple[Any, ...]:
    return study["id"], study["setting"], len(study["seeds"]), ", ".join(study["arms"])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
