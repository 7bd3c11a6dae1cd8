"""``workbench bench``: what it costs, against the stated bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.errors import say
from workbench.cli.options import Json
from workbench.cli.output import emit, only_the_document, print_table

if TYPE_CHECKING:
    from workbench.benchmarks.measurement import Measurement

Only = Annotated[list[str] | None, typer.Option("--only", help="This benchmark only; may be repeated.")]
Methods = Annotated[bool, typer.Option("--methods", help="Only what every method's run costs beside one of kd.")]
Tiny = Annotated[bool, typer.Option("--tiny", help="Only show that everything runs; the numbers mean nothing.")]


def bench(only: Only = None, methods: Methods = False, tiny: Tiny = False, json: Json = False) -> None:
    """Measure speed against the stated bars.

    Takes a few minutes, and an otherwise idle machine; with --methods some ten.
    """
    from workbench.benchmarks.measurement import TINY, Size
    from workbench.benchmarks.suite import run

    found: list[Measurement] = []
    with only_the_document():
        for name, measured in run([*(only or []), "methods"] if methods else only, TINY if tiny else Size()):
            say(f"bench {name}: done")
            found += measured
    if json:
        emit({"machine": _machine(), "tiny": tiny, "entries": [m.to_dict() for m in found]})
        return
    print_table(("what", "value", "bar", "kept", "how"), [_row(m) for m in found], numbers=("value", "bar"))
    shared = {id(m.details): m for m in reversed(found)}  # entries of one race have the same numbers behind them
    for m in shared.values():
        for name, value in m.details.items():
            print(f"  {m.name}: {name} = {value}")


def _row(m: Measurement) -> tuple[str, ...]:
    value = "not measured" if m.value is None else f"{m.value:.3g} {m.unit}"
    bar = "" if m.bar is None else f"{m.bar:g} {m.unit}"
    return m.name, value, bar, {True: "yes", False: "NO", None: ""}[m.passes], m.how


def _machine() -> dict[str, Any]:
    import os
    import platform

    import torch

    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "platform": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "cuda": torch.cuda.is_available(),
    }
