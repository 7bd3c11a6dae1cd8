"""What the machine draws before and after the work: the part of the energy that the work did not cause."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from workbench.energy.component import Component
from workbench.energy.ladder import meters_here
from workbench.energy.poller import Poller
from workbench.energy.usage import Usage

PIECES = 10
UNSTABLE = 0.1
"""Relative standard deviation of the power above which it was not really idle."""


@dataclass(frozen=True)
class Baseline:
    """Idle power of the parts that a sensor covers.

    Attributes:
        watts: by part.
        seconds: how long it was watched.
        warnings: what weakens it.
    """

    watts: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    def joined(self, after: Baseline) -> Baseline:
        """The mean of what was found before and after the work; a part that was watched only once is left out."""
        both = {part: (watts, after.watts[part]) for part, watts in self.watts.items() if part in after.watts}
        moved = [
            f"{part} drew {first:.3g} W idle before the work and {last:.3g} W after it"
            for part, (first, last) in both.items()
            if abs(last - first) > UNSTABLE * (first + last) / 2
        ]
        watts = {part: (first + last) / 2 for part, (first, last) in both.items()}
        warnings = dict.fromkeys([*self.warnings, *after.warnings, *moved])
        return Baseline(watts, self.seconds + after.seconds, tuple(warnings))

    def net(self, component: Component, wall_s: float) -> Component:
        """The component without what its part would have drawn anyway; unknown where the part was not watched."""
        if component.part not in self.watts:
            return replace(component, value_j=math.nan, low_j=math.nan, high_j=math.nan, note="no idle baseline")
        idle_j = self.watts[component.part] * wall_s
        ends = {name: max(0.0, getattr(component, name) - idle_j) for name in ("value_j", "low_j", "high_j")}
        return replace(component, **ends)


def idle_baseline(seconds: float = 10.0, before: Baseline | None = None) -> Baseline:
    """Watch this machine do nothing: once before the runs, and again after them with what was found ``before``.

    Returns:
        For ``energy_of(run, baseline=...)``; without watts, and at once, where there is no sensor.

    Raises:
        ValueError: no time to watch.
    """
    poller = Poller(meters_here())
    poller.open()
    try:
        found = baseline_of(poller, seconds)
    finally:
        poller.close()
    return found if before is None else before.joined(found)


def baseline_of(poller: Poller, seconds: float) -> Baseline:
    """Watch an opened poller's sensors do nothing.

    Raises:
        ValueError: no time to watch.
    """
    if not seconds > 0:
        raise ValueError(f"{seconds} seconds are no time to watch an idle machine; 10 is usual")
    if not poller.sensors:
        return Baseline(warnings=("no sensor: the idle part is the model's",))
    powers: dict[str, list[float]] = {}
    for _ in range(PIECES):
        poller.poll()
        start = poller.clock()
        time.sleep(seconds / PIECES)
        poller.poll()
        end = poller.clock()
        usage = Usage(((start, end),), end - start, 0.0)
        for component in (each for meter in poller.sensors for each in meter.spent(usage)):
            powers.setdefault(component.part, []).append(component.value_j / usage.wall_s)
    warnings = [
        f"{part} was not idle: its power varied by {np.std(watts) / np.mean(watts):.0%}"
        for part, watts in powers.items()
        if np.std(watts) > UNSTABLE * np.mean(watts)
    ]
    found = {part: float(np.mean(watts)) for part, watts in powers.items()}
    warnings += [f"{part} was watched in vain: its sensor gave no number" for part in found if math.isnan(found[part])]
    known = {part: watts for part, watts in found.items() if not math.isnan(watts)}
    return Baseline(known, seconds, tuple(warnings))
