"""``workbench findings``: published claims, tried at small scale."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.errors import say
from workbench.cli.options import Json
from workbench.cli.output import emit, only_the_document, print_table

if TYPE_CHECKING:
    from workbench.records.finding import Finding

Name = Annotated[str | None, typer.Argument(help="Try this claim again; without it, all are listed.")]
Seeds = Annotated[int, typer.Option("--seeds", min=1, max=100_000, help="How many seeds; below 3 nothing is decided.")]
Keep = Annotated[Path | None, typer.Option("--keep", help="Also write the outcome into this folder, as JSON.")]


def findings(name: Name = None, seeds: Seeds = 5, keep: Keep = None, json: Json = False) -> None:
    """List published findings with their last outcome, or try one again."""
    if name is None:
        _list(json=json)
        return
    from workbench.findings.catalog import find
    from workbench.findings.kept import keep as write

    with only_the_document():
        found = find(name, seeds, lambda share, words: say(f"{name}: {share:.0%} {words}"))
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            write(found, keep)
    if json:
        emit(_entry(found))
        return
    print(found.explain())
    rows = [(row["quantity"], *(f"{row[key]:.4g}" for key in ("value", "low", "high"))) for row in found.rows()[2:]]
    print_table(("quantity", "mean", "from", "to"), rows, numbers=("mean", "from", "to"))
    for note in found.notes:
        print(f"- {note}")


def _list(*, json: bool) -> None:
    from workbench.findings.catalog import catalog
    from workbench.findings.kept import is_stale, kept

    outcomes = {name: kept(name) for name in catalog()}
    if json:
        emit(
            [
                {"name": name, "claim": module.CLAIM, "source": module.SOURCE}
                | (
                    {"outcome": None}
                    if (found := outcomes[name]) is None
                    else _entry(found) | {"stale": is_stale(found)}
                )
                for name, module in catalog().items()
            ]
        )
        return
    rows = []
    for name, module in catalog().items():
        found = outcomes[name]
        stale = found is not None and is_stale(found)
        outcome = "not tried" if found is None else f"{found.outcome}{' (stale)' if stale else ''}"
        rows.append((name, outcome, "" if found is None else len(found.seeds), module.CLAIM, module.SOURCE))
    print_table(("name", "outcome", "seeds", "claim", "source"), rows, numbers=("seeds",))


def _entry(found: Finding) -> dict[str, Any]:
    numbers = {name: interval.to_dict() for name, interval in found.numbers.items()}
    plain = (
        "name",
        "claim",
        "source",
        "outcome",
        "reading",
        "per_seed",
        "seeds",
        "setting",
        "controls",
        "notes",
        "made",
    )
    return {key: getattr(found, key) for key in plain} | {"numbers": numbers}
