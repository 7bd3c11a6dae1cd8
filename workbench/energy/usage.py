"""What a process uses, read from the operating system: processor seconds and memory."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

Span = tuple[float, float]


@dataclass(frozen=True)
class Usage:
    """What one stage used, which is all that a meter needs to know of it.

    Attributes:
        spans: when it ran, as (start, end) on the monotonic clock; empty if nobody asked.
        wall_s: the sum of their lengths.
        cpu_s: seconds of all cores, children included.
        flops: floating-point operations that were counted.
    """

    spans: tuple[Span, ...]
    wall_s: float
    cpu_s: float
    flops: float = 0.0


def children_cpu_s() -> float:
    """Processor seconds of all child processes that have ended (data loaders, for example)."""
    times = os.times()
    return times.children_user + times.children_system


def peak_memory_bytes() -> int | None:
    """The most memory this process has held so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
