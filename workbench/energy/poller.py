"""Keeps sensors read while the work goes on, in a thread of its own, at times that follow no beat."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from random import Random

from workbench.energy.meter import Meter

JITTER = 0.5
"""Share of the interval by which each wait is longer or shorter."""


class Poller:
    """Polls the sensors among some meters; without one among them there is no thread.

    Args:
        meters: all that are used, models included.
        clock: monotonic seconds.
        background: False only polls when asked.

    Attributes:
        failed: why a sensor is not read any more, by method.
    """

    def __init__(
        self, meters: Sequence[Meter], clock: Callable[[], float] = time.perf_counter, *, background: bool = True
    ) -> None:
        """Nothing runs yet."""
        self.meters, self.clock, self.failed = list(meters), clock, {}
        self.sensors = [meter for meter in self.meters if meter.interval_s > 0]
        self._background, self._over, self._thread = background, threading.Event(), threading.Thread()

    def open(self) -> None:
        """Read every sensor, and go on doing so."""
        self.poll()
        if self.sensors and self._background and not self._thread.is_alive():
            self._over.clear()
            self._thread = threading.Thread(target=self._keep_polling, name="energy", daemon=True)
            self._thread.start()

    def poll(self) -> None:
        """Read every sensor now; one that fails is left alone from then on."""
        for meter in self.sensors:
            if meter.method in self.failed:
                continue
            try:
                meter.poll(self.clock())
            except Exception as error:  # a counter that vanishes must not end a training
                self.failed[meter.method] = f"{type(error).__name__}: {error}"

    def close(self) -> None:
        """Read every sensor for the last time and let them go."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self.poll()
        for meter in self.meters:
            meter.close()

    def _keep_polling(self) -> None:
        """Its random numbers are its own: nobody else's are disturbed."""
        luck, interval = Random(), min(meter.interval_s for meter in self.sensors)
        while not self._over.wait(interval * luck.uniform(1 - JITTER, 1 + JITTER)):
            self.poll()
