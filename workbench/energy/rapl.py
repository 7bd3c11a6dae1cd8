"""The processor's own energy counters (RAPL) as Linux shows them below ``/sys/class/powercap``.

Every domain counts microjoules up to a range of its own and starts over. The difference of two readings is therefore
taken modulo that range, domain by domain, and readings must be close enough that no counter goes round twice.
Cores and graphics are parts of their package and are left out; memory is not. On modern kernels only root may read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from workbench.energy.component import Component
from workbench.energy.meter import Meter
from workbench.energy.trace import Trace
from workbench.energy.usage import Usage

ROOT = Path("/sys/class/powercap")
MOST_W = 500.0
"""Assumed where a domain does not say how much it may draw."""

UPDATE_S = 0.001
"""The counters are updated about every millisecond."""


@dataclass
class Domain:
    """One counter.

    Attributes:
        folder: in sysfs.
        part: ``cpu 0`` for a package, ``memory 0`` for its memory.
        range_uj: where it starts over.
        most_w: the most it may draw.
        last_uj: its last reading.
        total_j: what it has counted since it was opened.
    """

    folder: Path
    part: str
    range_uj: int
    most_w: float
    last_uj: int
    total_j: float = 0.0
    trace: Trace = field(default_factory=Trace)

    def read(self, now: float) -> None:
        """Add what was counted since the last reading."""
        found = _number(self.folder / "energy_uj")
        self.total_j += (found - self.last_uj) % self.range_uj / 1e6
        self.last_uj = found
        self.trace.add(now, self.total_j)


class Rapl(Meter):
    """Energy of whole sockets, whoever uses them.

    Args:
        root: of the tree in sysfs.
    """

    method, scope = "rapl", "socket"

    def __init__(self, root: Path = ROOT) -> None:
        """Finds the packages and reads each once; ``reason`` says why there are none."""
        self.domains, self.reason = [], ""
        try:
            self.domains = _domains(root)
        except PermissionError:
            self.domains, self.reason = [], f"only root may read the counters below {root}"
        except (OSError, ValueError) as error:
            self.domains, self.reason = [], f"the counters below {root} cannot be read: {error}"
        if not self.domains and not self.reason:
            self.reason = f"there are no counters below {root}"
        rounds = [domain.range_uj / 1e6 / (2 * domain.most_w) for domain in self.domains]
        self.interval_s = min([0.5, *rounds]) if rounds else 0.0

    def poll(self, now: float) -> None:
        """Read every counter."""
        for domain in self.domains:
            domain.read(now)

    def spent(self, usage: Usage) -> list[Component]:
        """One component per package and per memory."""
        return [self._spent(domain, usage) for domain in self.domains]

    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Joules by package and memory."""
        return {domain.part: domain.trace.arrays() for domain in self.domains}

    def _spent(self, domain: Domain, usage: Usage) -> Component:
        found, note = domain.trace.risen(usage.spans), ""
        if not found > 0:  # a counter that stands still is not a processor that needs nothing
            found, note = math.nan, "the counter did not move"
        blur = found * min(1.0, domain.trace.blur_s(usage.spans, UPDATE_S) / max(usage.wall_s, UPDATE_S))
        return Component(domain.part, found, found - blur, found + blur, self.method, self.scope, self.status, note)


def _domains(root: Path) -> list[Domain]:
    found = []
    for folder in sorted(root.glob("intel-rapl:*")):  # AMD's are called so too; intel-rapl-mmio counts the same joules
        name = (folder / "name").read_text().strip()
        kind = "cpu" if name.startswith("package") else "memory" if name == "dram" else None
        if kind is not None:
            part = f"{kind} {folder.name.split(':')[1]}"
            most_w = _ceiling_w(folder / "constraint_0_max_power_uw")
            range_uj, now_uj = _number(folder / "max_energy_range_uj"), _number(folder / "energy_uj")
            found.append(Domain(folder, part, range_uj, most_w, now_uj))
    return found


def _number(path: Path) -> int:
    return int(path.read_text())


def _ceiling_w(path: Path) -> float:
    try:
        return _number(path) / 1e6 or MOST_W
    except (OSError, ValueError):
        return MOST_W
