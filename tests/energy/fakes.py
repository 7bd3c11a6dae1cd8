"""A machine made of paper: a clock that is set by hand, counters in files, boards that do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.energy.component import Component
from workbench.energy.meter import Meter
from workbench.energy.trace import Trace


class Time:
    """Seconds of the wall, of the processor and of the day, moved by hand."""

    def __init__(self) -> None:
        self.wall, self.cpu, self.day = 100.0, 5.0, 1.7e9

    def pass_(self, seconds: float, cpu: float = 0.0) -> None:
        self.wall, self.cpu, self.day = self.wall + seconds, self.cpu + cpu, self.day + seconds

    @property
    def clocks(self) -> dict[str, Callable[[], float]]:
        return {"clock": lambda: self.wall, "cpu": lambda: self.cpu, "civil": lambda: self.day}


class Plug(Meter):
    """Power at the plug as a function of time, sampled at the edges of stages."""

    method, scope = "nvml_power", "machine"
    interval_s = 1.0

    def __init__(self, watts: Callable[[float], float]) -> None:
        self.watts, self.trace = watts, Trace()

    def poll(self, now: float) -> None:
        self.trace.add(now, self.watts(now))

    def spent(self, usage):
        joules = self.trace.integral(usage.spans)
        return [Component("gpu 0", joules, joules, joules, self.method, self.scope, self.status)]

    def seen(self):
        return {"gpu 0": self.trace.counted()}


def domain(root: Path, name: str, kind: str, now_uj: int, range_uj: int) -> Path:
    """One RAPL domain in a fake sysfs."""
    folder = root / name
    folder.mkdir(parents=True)
    for file, value in (("name", kind), ("energy_uj", now_uj), ("max_energy_range_uj", range_uj)):
        (folder / file).write_text(f"{value}\n")
    return folder


class Boards:
    """What pynvml would be on a machine with some boards."""

    class NVMLError(Exception):
        """As the library's own."""

    def __init__(self, count: int = 1, counter: bool = True, watts: float = 200.0) -> None:
        self.count, self.counter, self.watts, self.down = count, counter, watts, False
        self.millijoules = [1_000_000] * count

    def nvmlInit(self) -> None:  # noqa: N802
        pass

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.down = True

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetPowerUsage(self, handle: int) -> int:  # noqa: N802
        return int(1000 * self.watts)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: int) -> int:  # noqa: N802
        if not self.counter:
            raise self.NVMLError("Not Supported")
        return self.millijoules[handle]
