"""What one stage cost: what is counted exactly on any machine, and the energy as far as it is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from workbench.energy.component import Component, merged

SUMS = ("wall_s", "cpu_s", "steps", "samples", "tokens", "bytes")


@dataclass(frozen=True)
class Cost:
    """One row of the ledger.

    Attributes:
        stage: its name.
        wall_s: seconds that passed while it ran; pauses and other stages inside it are not in them.
        cpu_s: seconds of all cores.
        steps: optimiser steps.
        samples: samples shown to the model.
        tokens: positions of these, padding included, where samples are texts.
        flops: floating-point operations by who and what, as in ``student forward``; twice the multiply-adds.
        bytes: of what it left on disk for others to use.
        peak_memory_bytes: the most the process had held by then; None if unknown.
        components: energy by part and method.
        marks: what makes the row doubtful.
    """

    stage: str
    wall_s: float = 0.0
    cpu_s: float = 0.0
    steps: int = 0
    samples: int = 0
    tokens: int = 0
    flops: Mapping[str, float] = field(default_factory=dict)
    bytes: int = 0
    peak_memory_bytes: int | None = None
    components: tuple[Component, ...] = ()
    marks: tuple[str, ...] = ()

    @property
    def total_flops(self) -> float:
        """All operations that were counted."""
        return float(sum(self.flops.values()))

    @property
    def macs(self) -> float:
        """Multiply-adds: two operations each."""
        return self.total_flops / 2

    @property
    def _sensors(self) -> set[str]:
        """The sensors; models can always be asked again."""
        return {each.method for each in self.components if each.status == "measured"}

    def plus(self, other: Cost) -> Cost:
        """Both together, under this one's name."""
        peaks = [peak for peak in (self.peak_memory_bytes, other.peak_memory_bytes) if peak is not None]
        keys = dict.fromkeys([*self.flops, *other.flops])
        marks = [*self.marks, *other.marks]
        if self.wall_s and other.wall_s and self._sensors != other._sensors:
            marks.append("not all of it was measured by the same sensors")
        return replace(
            self,
            **{name: getattr(self, name) + getattr(other, name) for name in SUMS},
            flops={key: self.flops.get(key, 0.0) + other.flops.get(key, 0.0) for key in keys},
            peak_memory_bytes=max(peaks, default=None),
            components=merged([*self.components, *other.components]),
            marks=tuple(dict.fromkeys(marks)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self) | {
            "flops": dict(self.flops),
            "components": [each.to_dict() for each in self.components],
            "marks": list(self.marks),
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Cost:
        """The inverse of ``to_dict``."""
        components = tuple(Component.from_dict(each) for each in found["components"])
        return cls(**{**found, "components": components, "marks": tuple(found["marks"])})


def together(costs: Iterable[Cost], stage: str) -> Cost:
    """The sum of costs under a new name."""
    total = Cost(stage)
    for each in costs:
        total = total.plus(each)
    return total
