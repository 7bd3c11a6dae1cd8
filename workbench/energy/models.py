"""Energy where there is no sensor: from processor seconds, or from counted operations; always as a range."""

from __future__ import annotations

from workbench.energy.component import Component
from workbench.energy.meter import Meter
from workbench.energy.presets import EFFICIENCIES, Efficiency, Preset, likely_preset, preset
from workbench.energy.usage import Usage


class CpuTimeModel(Meter):
    """``E = (idle_w + core_w) * cpu_s``: what the cores drew while they worked for this process.

    The upper end also charges it the idle power of one core while it waited.

    Args:
        given: watts of a core; what fits the machine best if None.
    """

    method, status = "cpu_time_model", "estimated"

    def __init__(self, given: Preset | None = None) -> None:
        """Nothing to open."""
        self.preset = given or preset(likely_preset())

    def spent(self, usage: Usage) -> list[Component]:
        """The processor's energy, low, central and high."""
        low, central, high = (
            idle + work
            for idle, work in zip(self.idle(usage), (w * usage.cpu_s for w in self.preset.core_w), strict=True)
        )
        return [Component("cpu", central, low, high, self.method, self.scope, self.status)]

    def idle(self, usage: Usage) -> list[float]:
        """The part of it that the cores would have drawn without any work: low, central, high."""
        low, central, high = self.preset.idle_w
        return [low * usage.cpu_s, central * usage.cpu_s, high * max(usage.wall_s, usage.cpu_s)]


class FlopsModel(Meter):
    """``E = operations / (operations per joule)``; a view of the counted work that no clock enters.

    Args:
        given: operations per joule; a processor's if None.
    """

    method, status = "flops_model", "estimated"

    def __init__(self, given: Efficiency | None = None) -> None:
        """Nothing to open."""
        self.efficiency = given or EFFICIENCIES["processor"]

    def spent(self, usage: Usage) -> list[Component]:
        """The energy of the computation; nothing where no operation was counted."""
        if not usage.flops:
            return []
        worst, central, best = (usage.flops / (1e9 * g) for g in self.efficiency.gflops_per_w)
        return [Component("compute", central, best, worst, self.method, self.scope, self.status)]
