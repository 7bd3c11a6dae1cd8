"""Joules that say where they come from: a value, its range, and whether it was measured, estimated or assumed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Scope = Literal["process", "socket", "machine"]
Status = Literal["measured", "estimated", "assumed"]

STATUSES = ("measured", "estimated", "assumed")
LADDER = ("nvml_counter", "nvml_power", "rapl", "zeus", "cpu_time_model", "codecarbon", "flops_model")
"""Methods from the one that is trusted most to the one that is trusted least."""

KWH_J = 3.6e6


@dataclass(frozen=True)
class Component:
    """The energy of one part of the machine during one stage.

    Attributes:
        part: ``cpu``, ``gpu 0``, ``memory 1`` ...; its first word is the device.
        value_j: best value in joules, NaN if unknown.
        low_j: lower end of its range.
        high_j: upper end.
        method: how it was found, one of ``LADDER``.
        scope: whose energy it is: this process's, a whole socket's or a whole device's or machine's.
        status: ``measured`` by a sensor, ``estimated`` by a model of what was measured, or ``assumed``.
        note: what weakens it.
    """

    part: str
    value_j: float
    low_j: float
    high_j: float
    method: str
    scope: Scope
    status: Status
    note: str = ""

    @property
    def device(self) -> str:
        """``cpu``, ``gpu``, ``memory`` ..."""
        return self.part.partition(" ")[0]

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value_j)

    def plus(self, other: Component) -> Component:
        """Both together; the ranges add up, since whatever is wrong with one is wrong with the other."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("value_j", "low_j", "high_j")}
        return replace(self, **sums, note=self.note or other.note)

    def scaled(self, factor: float) -> Component:
        """A multiple of it."""
        return replace(self, value_j=factor * self.value_j, low_j=factor * self.low_j, high_j=factor * self.high_j)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None for a missing number."""
        return {name: None if value != value else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Component:
        """The inverse of ``to_dict``."""
        values: dict[str, Any] = {name: math.nan if value is None else value for name, value in found.items()}
        return cls(**values)


def merged(components: Iterable[Component]) -> tuple[Component, ...]:
    """Components of the same part, method, scope and status added up; an unknown one stays unknown."""
    found: dict[tuple[str, ...], Component] = {}
    for each in components:
        key = (each.part, each.method, each.scope, each.status)
        found[key] = found[key].plus(each) if key in found else each
    return tuple(found.values())


def chosen(components: Iterable[Component], method: str = "best") -> tuple[Component, ...]:
    """One method per device, so that no joule counts twice.

    Args:
        components: of one stage, of several methods.
        method: only this one, or ``best``: for each device the first of ``LADDER`` that has a value. What the FLOPs
            alone say stands for all devices together and is taken only where nothing else has a value.
    """
    known = [each for each in components if each.known and method in ("best", each.method)]
    if method == "best" and any(each.device != "compute" for each in known):
        known = [each for each in known if each.device != "compute"]
    best = {
        device: min((each.method for each in known if each.device == device), key=LADDER.index)
        for device in {each.device for each in known}
    }
    return tuple(each for each in known if each.method == best[each.device])


def totals(components: Iterable[Component]) -> dict[str, Component]:
    """The sum within each scope; what belongs to a process and what belongs to a machine is never added up."""
    found: dict[str, Component] = {}
    for each in components:
        before = found.get(each.scope)
        found[each.scope] = replace(each, part="all") if before is None else _joined(before, each)
    return found


def _joined(total: Component, other: Component) -> Component:
    weakest = max(total.status, other.status, key=STATUSES.index)
    methods = dict.fromkeys([*total.method.split(" + "), other.method])
    return replace(total.plus(other), status=weakest, method=" + ".join(methods))


def measured_share(components: Iterable[Component]) -> float:
    """Share of the joules that a sensor measured, in [0, 1]; NaN where nothing is known."""
    known = [each for each in components if each.known]
    everything = math.fsum(each.value_j for each in known)
    measured = math.fsum(each.value_j for each in known if each.status == "measured")
    return measured / everything if everything > 0 else math.nan
