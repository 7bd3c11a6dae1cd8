"""The one interface of all meters."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from workbench.energy.component import Component, Scope, Status
from workbench.energy.usage import Usage


class Meter:
    """Tells the energy of a stage; this one knows nothing and says so by returning no component.

    A model computes from what was used. A sensor is polled, from any thread, and looks up the times.

    Attributes:
        method: as in ``LADDER``.
        scope: whose energy it tells.
        status: of its values.
        interval_s: how often it wants to be polled; 0 is never.
        reason: why it tells nothing here; empty if it does.
    """

    method: ClassVar[str] = "null"
    scope: ClassVar[Scope] = "process"
    status: ClassVar[Status] = "measured"
    interval_s: float = 0.0
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether it can tell anything on this machine."""
        return not self.reason

    def poll(self, now: float) -> None:
        """Read the sensor; ``now`` is the time on the monotonic clock."""

    def spent(self, usage: Usage) -> list[Component]:
        """The energy of a stage, one component per part of the machine."""
        return []

    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """What a sensor saw so far: by part, moments on the monotonic clock and the joules it had counted by then."""
        return {}

    def close(self) -> None:
        """Let the sensor go."""
