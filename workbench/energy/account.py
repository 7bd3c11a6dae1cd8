"""Charges time, work and joules to stages: every moment belongs to one of them, or to nobody."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.energy.cost import Cost
from workbench.energy.poller import Poller
from workbench.energy.usage import Usage, children_cpu_s, peak_memory_bytes

LONG_S = 1.0
"""After so long in one piece it is worth asking whether the clock can be trusted; a jump is at least as long."""

NOTHING_S = 5e-5
"""So short a pause costs more to look into than it can have used."""

POINTS, FIRST_S = 128, 0.02
"""Points of a timeline at most, and the seconds between its first ones."""

TOUCHING_S = 1e-3
"""Two pieces of the same stage that lie no further apart are one span; the joules in between are nobody's."""


@dataclass
class Row:
    """What is written down for a stage while it goes on."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    spans: list[list[float]] = field(default_factory=list)
    amounts: Counter[str] = field(default_factory=Counter)
    flops: Counter[str] = field(default_factory=Counter)
    peak_memory_bytes: int | None = None
    marks: dict[str, None] = field(default_factory=dict)


class Timeline:
    """How the seconds added up, as (wall, processor, stage) at no more than ``POINTS`` moments."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.points: list[tuple[float, float, str]] = []
        self.wall_s, self.cpu_s, self.due, self._every = 0.0, 0.0, 0.0, FIRST_S

    def add(self, wall_s: float, cpu_s: float, stage: str) -> None:
        """So much more of a stage."""
        self.wall_s += wall_s
        self.cpu_s += cpu_s
        if self.wall_s >= self.due:
            self.mark(stage)

    def mark(self, stage: str) -> None:
        """Write down how it stands; ever less often."""
        self.points.append((self.wall_s, self.cpu_s, stage))
        if len(self.points) >= POINTS:
            self.points, self._every = self.points[1::2], 2 * self._every
        self.due = self.wall_s + self._every

    def resume(self, points: Sequence[Sequence[Any]]) -> None:
        """Go on behind what an earlier session wrote down."""
        if points:
            self.wall_s, self.cpu_s = self.wall_s + points[-1][0], self.cpu_s + points[-1][1]
            self.due = self.wall_s
            self.points = [(wall_s, cpu_s, stage) for wall_s, cpu_s, stage in points]


class Account:
    """The rows of some stages.

    Args:
        poller: of the meters that turn usage into joules.
        cpu: seconds of this process.
        civil: the time of day, only to notice that the clock jumped.

    Attributes:
        rows: by stage.
        timeline: all stages one after the other.
    """

    def __init__(
        self,
        poller: Poller,
        cpu: Callable[[], float] = time.process_time,
        civil: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is charged yet."""
        self.poller, self.rows, self.timeline = poller, {}, Timeline()
        self._clock, self._cpu, self._civil = poller.clock, cpu, civil
        self._stage, self._row, self._sensing = "", Row(), bool(poller.sensors)
        self._at, self._cpu_at = self._clock(), cpu()
        self._children, self._offset = children_cpu_s(), civil() - self._at

    def resume(self) -> None:
        """What passed until now is nobody's; the processor is not asked again after next to no time."""
        now = self._clock()
        if not 0 <= now - self._at <= NOTHING_S:
            self._cpu_at = self._cpu()
        self._at = now

    def charge(self, stage: str) -> tuple[float, float]:
        """What passed since the last call is this stage's; returns its seconds, of the wall and of the processor."""
        now, cpu = self._clock(), self._cpu()
        if begins := stage != self._stage:
            self._stage, self._row = stage, self.row(stage)
        wall, used, row = now - self._at, cpu - self._cpu_at, self._row
        if begins or not 0 <= wall <= LONG_S:
            wall = self._audited(wall)
        row.wall_s += wall
        row.cpu_s += used
        timeline = self.timeline
        timeline.wall_s += wall
        timeline.cpu_s += used
        if timeline.wall_s >= timeline.due:
            timeline.mark(stage)
        if self._sensing:
            self._span(row, now)
        self._at, self._cpu_at = now, cpu
        return wall, used

    def exclude(self, wall_s: float, cpu_s: float) -> None:
        """So much of what passed since the last call is charged elsewhere."""
        self._at += wall_s
        self._cpu_at += cpu_s

    def row(self, stage: str) -> Row:
        """The row of a stage; empty at first."""
        return self.rows.setdefault(stage, Row())

    def audit(self) -> None:
        """What need not be known at every moment: memory, child processes, and whether the clock jumped."""
        row, children = self._row, children_cpu_s()
        row.cpu_s += children - self._children
        self._children, row.peak_memory_bytes = children, peak_memory_bytes()
        offset = self._civil() - self._clock()
        if abs(offset - self._offset) > LONG_S:
            row.marks[f"the clock jumped by {offset - self._offset:+.0f} s: asleep, or the time was set"] = None
        self._offset = offset

    def costs(self) -> dict[str, Cost]:
        """The rows with their energy, in the order in which they began."""
        self.audit()
        self.poller.poll()
        return {stage: self._cost(stage, row) for stage, row in self.rows.items()}

    def _cost(self, stage: str, row: Row) -> Cost:
        spans = tuple((start, end) for start, end in row.spans)
        usage = Usage(spans, row.wall_s, row.cpu_s, float(sum(row.flops.values())))
        length = sum(end - start for start, end in spans)
        worked = row.wall_s / length if length > row.wall_s else 1.0
        components = tuple(
            each.scaled(worked) if meter.interval_s else each
            for meter in self.poller.meters
            for each in meter.spent(usage)
        )
        failures = [f"{method} failed: {why}" for method, why in self.poller.failed.items()]
        amounts: Mapping[str, int] = row.amounts
        return Cost(
            stage,
            row.wall_s,
            row.cpu_s,
            flops=dict(row.flops),
            peak_memory_bytes=row.peak_memory_bytes,
            components=components,
            marks=(*row.marks, *failures),
            **amounts,
        )

    def _audited(self, wall: float) -> float:
        self.audit()
        if wall < 0:
            self._row.marks["the clock went backwards"] = None
        return max(0.0, wall)

    def _span(self, row: Row, now: float) -> None:
        if row.spans and self._at - row.spans[-1][1] <= TOUCHING_S:
            row.spans[-1][1] = now
        else:
            row.spans.append([self._at, now])
