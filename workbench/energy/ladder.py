"""Which meters this machine has, from the best to the last resort, and why it lacks the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from workbench.energy.meter import Meter
from workbench.energy.models import CpuTimeModel, FlopsModel
from workbench.energy.nvml import NvmlCounter, NvmlPower
from workbench.energy.rapl import Rapl

KINDS: tuple[type[Meter], ...] = (NvmlCounter, NvmlPower, Rapl, CpuTimeModel, FlopsModel)
"""In the order of trust; the models at the end can always tell something."""


def every_meter() -> list[Meter]:
    """One of every kind."""
    return [kind() for kind in KINDS]


def usable(meters: Sequence[Meter]) -> list[Meter]:
    """Those that can tell something; where the boards have a counter, sampling their power adds nothing."""
    found = [meter for meter in meters if meter.available]
    if any(meter.method == "nvml_counter" for meter in found):
        found = [meter for meter in found if meter.method != "nvml_power"]
    return found


def lacking(meters: Sequence[Meter]) -> dict[str, str]:
    """Why the others cannot, by method."""
    return {meter.method: meter.reason for meter in meters if not meter.available}


@cache
def missing_here() -> Mapping[str, str]:
    """The same for this machine, looked up once in a process."""
    return lacking(every_meter())


def meters_here() -> list[Meter]:
    """New meters of the kinds that this machine has."""
    absent = missing_here()
    return usable([kind() for kind in KINDS if kind.method not in absent])
