"""The checklist of an account of energy: what no number in it contains, and what would put it there."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from workbench.diagnostics.energy.measure_books import Books
from workbench.energy.baseline import Baseline
from workbench.energy.carbon import Grid

SENSORS = {"nvml_power": "graphics boards (NVML)", "rapl": "processor's own counters (RAPL)"}


def missing_of(
    books: Books, stages: Sequence[dict[str, Any]], grid: Grid | None, baseline: Baseline | None
) -> tuple[str, ...]:
    """One sentence for each gap: of the sensors, of what the user was not asked, of what is never seen."""
    return (*_sensors(books), *_not_given(stages, grid, baseline), *_never())


def _sensors(books: Books) -> Iterator[str]:
    first = next(iter(books.values()))[0]
    lacking = first["machine"].get("lacking", {})
    yield from (f"{words}: {lacking[name]}" for name, words in SENSORS.items() if name in lacking)
    if str(first["device"]).startswith("cuda") and "nvml_power" in lacking:
        yield "the board that computed: it is in none of these joules, only in the operations"


def _not_given(stages: Sequence[dict[str, Any]], grid: Grid | None, baseline: Baseline | None) -> Iterator[str]:
    for stage in dict.fromkeys(row["stage"] for row in stages if math.isnan(row["energy_j"])):
        yield f"{stage.replace('_', ' ')}: nobody wrote down what it cost"
    if baseline is None and any(row["status"] == "measured" for row in stages):
        yield "the idle part of what sensors say: give idle_baseline() as baseline"
    if grid is None:
        yield "carbon: give the grid's intensity with its source, year and region"


def _never() -> Iterator[str]:
    yield "memory, disks, display, network, cooling and the losses of the power supply: no meter here sees them"
    yield "making the machine: embodied carbon is left out"
