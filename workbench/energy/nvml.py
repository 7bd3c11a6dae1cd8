"""What NVIDIA's management library says of the boards: an energy counter where there is one, else sampled power.

The counter (Volta and newer) loses nothing however rarely it is read, but it is updated only now and then: a stage
shorter than that may see it stand still. Power is a sample; between two of them anything may have happened, and a load
that swings in step with the polling is seen wrongly, so the polling is jittered. Both tell of the whole board, whoever
uses it.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from workbench.energy.component import Component
from workbench.energy.meter import Meter
from workbench.energy.trace import Trace
from workbench.energy.usage import Usage

UPDATE_S = 0.1
"""How old the counter may be when it is read."""

TOLERANCE = 0.05
"""Of the sensors, as NVIDIA states it."""

FEWEST_SAMPLES = 20
"""Of the power, below which a stage is too short for it."""


class NvmlPower(Meter):
    """Power of each board, polled and integrated.

    Args:
        library: the module ``pynvml``; imported if None.
    """

    method, scope = "nvml_power", "machine"
    interval_s = 0.2

    def __init__(self, library: Any = None) -> None:
        """Finds the boards; ``reason`` says why there are none."""
        self.boards, self.reason = {}, ""
        try:
            self.library = library or _library()
            self.library.nvmlInit()
            self.boards = {f"gpu {index}": self.library.nvmlDeviceGetHandleByIndex(index) for index in self._visible()}
            for handle in self.boards.values():
                self._try(handle)
        except ImportError:
            self.reason = "nvidia-ml-py is not installed: pip install kd-workbench[energy]"
        except Exception as error:  # whatever the library calls its errors: no driver, no permission, not supported
            self.boards, self.reason = {}, f"NVML says: {error}"
        if not self.boards and not self.reason:
            self.reason = "no board is visible to this process"
        self.power = {part: Trace() for part in self.boards}
        self.divided = {part for part, handle in self.boards.items() if self._is_divided(handle)}

    def poll(self, now: float) -> None:
        """Read every board."""
        for part, handle in self.boards.items():
            self.power[part].add(now, self._watts(handle))

    def spent(self, usage: Usage) -> list[Component]:
        """One component per board."""
        return [self._component(part, *self._sampled(part, usage)) for part in self.boards]

    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Joules by board."""
        return {part: trace.counted() for part, trace in self.power.items()}

    def close(self) -> None:
        """Let the library go."""
        if self.boards:
            self.library.nvmlShutdown()

    def _try(self, handle: Any) -> None:
        """Fails where the board has no such sensor."""
        self._watts(handle)

    def _watts(self, handle: Any) -> float:
        return self.library.nvmlDeviceGetPowerUsage(handle) / 1000

    def _sampled(self, part: str, usage: Usage) -> tuple[float, float, str]:
        """Joules, how many of them the edges may be wrong by, and what weakens them."""
        trace = self.power[part]
        found, count = trace.integral(usage.spans), trace.samples(usage.spans)
        blur = found * min(1.0, trace.blur_s(usage.spans, UPDATE_S) / max(usage.wall_s, UPDATE_S))
        return found, blur, "" if count >= FEWEST_SAMPLES else f"below resolution: {count} samples of the power"

    def _is_divided(self, handle: Any) -> bool:
        """Whether the board is cut into instances (MIG), whose energy nobody tells apart."""
        try:
            return self.library.nvmlDeviceGetMigMode(handle)[0] == 1
        except Exception:  # older boards and drivers cannot be asked, nor divided
            return False

    def _component(self, part: str, found: float, blur: float, note: str) -> Component:
        if part in self.divided:
            note = "; ".join(
                filter(None, [note, "the board is divided (MIG): its joules are of all instances together"])
            )
        low, high = max(0.0, found * (1 - TOLERANCE) - blur), found * (1 + TOLERANCE) + blur
        return Component(part, found, low, high, self.method, self.scope, self.status, note)

    def _visible(self) -> list[int]:
        """The boards that this process may use; names other than numbers cannot be told apart, so all are taken."""
        every, asked = list(range(self.library.nvmlDeviceGetCount())), os.environ.get("CUDA_VISIBLE_DEVICES")
        if asked is None or not all(word.strip().lstrip("-").isdigit() for word in asked.split(",") if word.strip()):
            return every
        return [index for index in every if str(index) in [word.strip() for word in asked.split(",")]]


class NvmlCounter(NvmlPower):
    """Energy counter of each board; where a stage is too short for it, power times time, and then it is estimated."""

    method = "nvml_counter"

    def __init__(self, library: Any = None) -> None:
        """As for the power; ``reason`` says if there is no counter."""
        super().__init__(library)
        self.counted = {part: Trace() for part in self.boards}

    def poll(self, now: float) -> None:
        """Read every board's counter and power."""
        super().poll(now)
        for part, handle in self.boards.items():
            self.counted[part].add(now, self._joules(handle))

    def spent(self, usage: Usage) -> list[Component]:
        """One component per board."""
        return [self._counted(part, usage) for part in self.boards]

    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Joules by board."""
        return {part: trace.arrays() for part, trace in self.counted.items()}

    def _counted(self, part: str, usage: Usage) -> Component:
        trace = self.counted[part]
        found = trace.risen(usage.spans)
        if found > 0 and usage.wall_s > UPDATE_S:
            blur = found * min(1.0, trace.blur_s(usage.spans, UPDATE_S) / usage.wall_s)
            return self._component(part, found, blur, "")
        power = self.power[part].integral(usage.spans)
        note = f"below resolution: {usage.wall_s:.2g} s, and the counter is updated every {UPDATE_S:g} s"
        return Component(part, power, 0.0, 2 * power, self.method, self.scope, "estimated", note)

    def _try(self, handle: Any) -> None:
        self._joules(handle)

    def _joules(self, handle: Any) -> float:
        return self.library.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000


def _library() -> Any:
    import pynvml  # pyright: ignore[reportMissingImports]

    return pynvml
