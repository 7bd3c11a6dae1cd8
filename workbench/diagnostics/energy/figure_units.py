"""Joules in the unit in which their number is short."""

from __future__ import annotations

import math
from typing import NamedTuple

from workbench.energy.component import KWH_J


class Unit(NamedTuple):
    """A name, and how many joules one of it is."""

    name: str
    joules: float


UNITS = (Unit("\u00b5J", 1e-6), Unit("mJ", 1e-3), Unit("J", 1.0), Unit("kJ", 1e3), Unit("kWh", KWH_J))


def unit_for(largest_j: float) -> Unit:
    """The largest unit of which there is one at least; joules where nothing is known."""
    if not math.isfinite(largest_j) or largest_j <= 0:
        return UNITS[2]
    return max((unit for unit in UNITS if unit.joules <= largest_j), key=lambda unit: unit.joules, default=UNITS[0])
