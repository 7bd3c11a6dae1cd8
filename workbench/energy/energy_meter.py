"""Measure your own code: stages that may lie inside one another, and still no joule counts twice.

with EnergyMeter() as meter:
    with meter.stage("teacher", samples=1000):
        ...
meter.costs()
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from workbench.energy.account import Account
from workbench.energy.baseline import Baseline, baseline_of
from workbench.energy.cost import Cost
from workbench.energy.ladder import meters_here
from workbench.energy.meter import Meter
from workbench.energy.poller import Poller


class EnergyMeter:
    """Charges everything between entering and leaving a stage to it, except what lies in a stage inside it.

    What passes outside all stages (a notebook waiting for its reader) is charged to nobody.

    Args:
        meters: that tell the energy; those of this machine if None.
        clock: monotonic seconds.
        cpu: processor seconds of this process.
        civil: the time of day, only to notice that the clock jumped.
        background: False reads sensors at the edges of stages only.
    """

    def __init__(
        self,
        meters: Sequence[Meter] | None = None,
        *,
        clock: Callable[[], float] = time.perf_counter,
        cpu: Callable[[], float] = time.process_time,
        civil: Callable[[], float] = time.time,
        background: bool = True,
    ) -> None:
        """Nothing is measured yet."""
        self._poller = Poller(meters_here() if meters is None else meters, clock, background=background)
        self._account, self._stack = Account(self._poller, cpu, civil), []

    def __enter__(self) -> Self:
        """Begin to read the sensors."""
        self._poller.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Let them go."""
        self._poller.close()

    @contextmanager
    def stage(self, name: str, *, samples: int = 0, tokens: int = 0, bytes_kept: int = 0) -> Iterator[Self]:
        """Everything inside belongs to this stage; entering it again adds to it.

        Args:
            name: of the stage.
            samples: that it is about.
            tokens: likewise.
            bytes_kept: that it leaves on disk.

        Raises:
            ValueError: it has no name.
        """
        if not name:
            raise ValueError("a stage needs a name, such as 'teacher' or 'student'")
        self._settle()
        self._stack.append(name)
        self._account.row(name).amounts.update({"samples": samples, "tokens": tokens, "bytes": bytes_kept})
        try:
            yield self
        finally:
            self._settle()
            self._stack.pop()

    def costs(self) -> tuple[Cost, ...]:
        """One row per stage, in the order in which they began."""
        return tuple(self._account.costs().values())

    def idle(self, seconds: float = 10.0) -> Baseline:
        """What the machine draws while nothing is asked of it; returns at once where nothing can be measured."""
        return baseline_of(self._poller, seconds)

    def _settle(self) -> None:
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_initialized():
            torch.cuda.synchronize()  # what was only queued so far belongs to the stage that queued it
        self._poller.poll()
        if self._stack:
            self._account.charge(self._stack[-1])
            self._account.audit()
        else:
            self._account.resume()
