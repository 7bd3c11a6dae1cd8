"""A quantity over time as a sensor saw it, and what it adds up to between two moments."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import ArrayLike

from workbench.energy.usage import Span


def trapezoid(times: ArrayLike, watts: ArrayLike, start: float, end: float) -> float:
    """Joules between two moments from samples of the power.

    The power is a straight line between samples, and stays what it was before the first and after the last one. So the
    joules of adjoining spans add up to those of the whole.

    Args:
        times: (n,) seconds, ascending, n >= 1.
        watts: (n,) the power at these times.
        start: seconds on the same clock.
        end: likewise.

    Example:
        >>> trapezoid([0.0, 2.0], [100.0, 200.0], 0.0, 2.0)
        300.0
    """
    seconds, known = np.asarray(times, np.float64), np.asarray(watts, np.float64)
    inside = (seconds > start) & (seconds < end)
    at = np.concatenate([[start], seconds[inside], [end]])
    power = np.interp(at, seconds, known)
    return float(((power[1:] + power[:-1]) * np.diff(at)).sum() / 2)


class Trace:
    """Samples of one quantity, added by one thread and read by another."""

    def __init__(self) -> None:
        """No sample yet."""
        self._lock, self._times, self._values = Lock(), [], []

    def add(self, now: float, value: float) -> None:
        """One more sample; one that is not later than the last is left out."""
        with self._lock:
            if not self._times or now > self._times[-1]:
                self._times.append(now)
                self._values.append(value)

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Times and values so far."""
        with self._lock:
            return np.array(self._times, np.float64), np.array(self._values, np.float64)

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Times, and the joules since the first where the samples are watts."""
        times, watts = self.arrays()
        return times, np.concatenate([[0.0], ((watts[1:] + watts[:-1]) * np.diff(times) / 2).cumsum()])[: len(times)]

    def risen(self, spans: Sequence[Span]) -> float:
        """By how much a counter rose during the spans; between two samples it rises evenly. NaN without a sample."""
        times, values = self.arrays()
        if not len(times):
            return float("nan")
        ends = np.interp(np.array(spans, np.float64).reshape(-1, 2), times, values)
        return float((ends[:, 1] - ends[:, 0]).sum())

    def integral(self, spans: Sequence[Span]) -> float:
        """Joules during the spans where the samples are watts; NaN without a sample."""
        times, values = self.arrays()
        if not len(times):
            return float("nan")
        return float(sum(trapezoid(times, values, start, end) for start, end in spans))

    def samples(self, spans: Sequence[Span]) -> int:
        """How many samples fell into the spans."""
        times, _ = self.arrays()
        return int(sum(((times >= start) & (times <= end)).sum() for start, end in spans))

    def blur_s(self, spans: Sequence[Span], update_s: float) -> float:
        """How far the edges of the spans lie from what was really seen, in seconds, added up as independent errors.

        Args:
            spans: at least one.
            update_s: how old a reading of the sensor may be.
        """
        times, _ = self.arrays()
        edges = np.array(spans, np.float64).ravel()
        if not len(times) or not len(edges):
            return float("inf")
        later = np.searchsorted(times, edges).clip(1, max(1, len(times) - 1)).clip(max=len(times) - 1)
        gaps = np.minimum(np.abs(times[later] - edges), np.abs(times[later - 1] - edges))
        return float(np.sqrt((gaps**2 + update_s**2).sum()))
