"""The same work seen by other tools, if they are installed: CodeCarbon and Zeus beside our own meters.

They are asked side by side and never enter a total of ours. CodeCarbon is used offline only: its online tracker asks
services on the network where it is. Its processor seconds become joules by the rated power of a chip it looks up by
name, and its memory draws a constant that it assumes; Zeus tells what it measures and nothing else.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from workbench.energy.component import KWH_J, Component, Scope, Status
from workbench.energy.energy_meter import EnergyMeter

HINT = "is not installed: pip install kd-workbench[energy]"
MODEL_ERROR = 0.4
"""CodeCarbon's estimates were found to be off by up to so much (arXiv:2509.22092)."""
SENSOR_ERROR = 0.05


@dataclass(frozen=True)
class CrossCheck:
    """One piece of work in the eyes of several tools.

    Attributes:
        components: by tool.
        missing: why a tool says nothing, by tool.
    """

    components: dict[str, tuple[Component, ...]]
    missing: dict[str, str]


def cross_check(act: Callable[[], object]) -> CrossCheck:
    """Do something once while every installed tool looks on; no tool that is missing or fails stops it."""
    found: dict[str, tuple[Component, ...]] = {}
    missing: dict[str, str] = {}
    with contextlib.ExitStack() as stack:
        readers = {}
        for tool, watch in TOOLS.items():
            try:
                readers[tool] = stack.enter_context(watch())
            except Exception as error:
                missing[tool] = f"{tool} {HINT}" if find_spec(tool) is None else f"{tool} fails here: {error}"
        with EnergyMeter() as meter, meter.stage("checked"):
            act()
        for tool, read in readers.items():
            try:
                found[tool] = read()
            except Exception as error:
                missing[tool] = f"{tool} fails here: {error}"
    found["workbench"] = meter.costs()[0].components
    return CrossCheck({tool: parts for tool, parts in found.items() if parts}, missing | _silent(found))


def _silent(found: dict[str, tuple[Component, ...]]) -> dict[str, str]:
    return {tool: f"{tool} finds no sensor that it may read" for tool, parts in found.items() if not parts}


@contextlib.contextmanager
def _codecarbon() -> Iterator[Callable[[], tuple[Component, ...]]]:
    with contextlib.redirect_stdout(io.StringIO()):  # a library of its own prints what it does not find
        from codecarbon import OfflineEmissionsTracker  # pyright: ignore[reportMissingImports]

        tracker = OfflineEmissionsTracker(
            country_iso_code="FRA",  # it wants one; only its carbon depends on it, which is not used
            save_to_file=False,
            log_level="critical",
            tracking_mode="process",
            measure_power_secs=1,
            allow_multiple_runs=True,
        )
        tracker.start()

    def read() -> tuple[Component, ...]:
        with contextlib.redirect_stdout(io.StringIO()):
            tracker.stop()
        data = tracker.final_emissions_data
        modes = [getattr(each, "_mode", None) for each in getattr(tracker, "_hardware", [])]
        measured = any("rapl" in str(mode) for mode in modes)
        cpu = _component("cpu", data.cpu_energy, *(("socket", "measured") if measured else ("process", "estimated")))
        memory = _component("memory", data.ram_energy, "machine", "assumed")
        boards = [_component("gpu", data.gpu_energy, "machine", "measured")] if data.gpu_energy else []
        return (cpu, memory, *boards)

    yield read


def _component(part: str, kwh: float, scope: Scope, status: Status) -> Component:
    joules, error = kwh * KWH_J, SENSOR_ERROR if status == "measured" else MODEL_ERROR
    high = math.inf if status == "assumed" else joules * (1 + error)
    low = 0.0 if status == "assumed" else joules * (1 - error)
    return Component(part, joules, low, high, "codecarbon", scope, status)


@contextlib.contextmanager
def _zeus() -> Iterator[Callable[[], tuple[Component, ...]]]:
    with contextlib.redirect_stdout(io.StringIO()):
        from zeus.monitor import ZeusMonitor  # pyright: ignore[reportMissingImports]

        monitor = ZeusMonitor()
    monitor.begin_window("checked")

    def read() -> tuple[Component, ...]:
        found = monitor.end_window("checked")
        parts = [("gpu", "machine", found.gpu_energy), ("cpu", "socket", found.cpu_energy)]
        return tuple(
            Component(f"{part} {k}", j, j * (1 - SENSOR_ERROR), j * (1 + SENSOR_ERROR), "zeus", scope, "measured")
            for part, scope, joules in parts
            for k, j in (joules or {}).items()
        )

    yield read


TOOLS: dict[str, Callable[[], Any]] = {"codecarbon": _codecarbon, "zeus": _zeus}
