"""What the sensors saw over the seconds of work, thinned so that it can be kept with the run and drawn from it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from workbench.energy.account import TOUCHING_S
from workbench.energy.meter import Meter

POINTS = 200
"""Of each sensor at most."""


class Sensing:
    """When there was work, and what was seen of it; pauses are left out, as they are of every row."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._spans: list[list[float]] = []  # start, end, seconds of work in between
        self._since: float | None = None
        self._before: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._offset_s = 0.0

    def watch(self, stream: Generator[Any, None, Any], clock: Callable[[], float]) -> Generator[Any, None, Any]:
        """The same events and the same result; there is work while one is waited for."""
        with closing(stream):
            while True:
                self.begin(clock())
                try:
                    event = next(stream)
                except StopIteration as done:
                    return done.value
                finally:
                    self.end(clock())
                yield event

    def begin(self, now: float) -> None:
        """Work begins, or goes on."""
        self._since = now

    def end(self, now: float) -> None:
        """It pauses; a pause too short to be seen by any sensor ends no span."""
        start, self._since = self._since, None
        if start is None:
            return
        if self._spans and start - self._spans[-1][1] <= TOUCHING_S:
            self._spans[-1][1] = now
            self._spans[-1][2] += now - start
        else:
            self._spans.append([start, now, now - start])

    def resume(self, curves: Sequence[Mapping[str, Any]], seconds: float) -> None:
        """Go on behind what an earlier session kept, which had worked for so long."""
        self._before = {(each["part"], each["method"]): each for each in curves}
        self._offset_s = max([seconds, *(each["seconds"][-1] for each in curves)])

    def curves(self, meters: Sequence[Meter], now: float) -> list[dict[str, Any]]:
        """By sensor and part, the seconds of work and the joules so far at ``POINTS`` moments, plain values for JSON."""
        if self._since is not None:
            self.end(now)
            self.begin(now)
        seen = {(part, meter.method): curve for meter in meters for part, curve in meter.seen().items()}
        found = {key: self._curve(*curve) for key, curve in seen.items() if self._spans and len(curve[0]) > 1}
        keys = dict.fromkeys([*self._before, *found])
        return [_plain(*key, *self._joined(key, found.get(key))) for key in keys]

    def _curve(self, times: np.ndarray, joules: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        starts, ends, worked = np.array(self._spans).T
        begun = np.concatenate([[0.0], worked.cumsum()])  # seconds of work before each span, and in all
        share = worked / np.maximum(ends - starts, 1e-12)
        spent = (np.interp(ends, times, joules) - np.interp(starts, times, joules)) * share
        so_far = np.concatenate([[0.0], spent.cumsum()])
        seconds = np.linspace(0.0, begun[-1], min(POINTS, len(times)))
        span = np.searchsorted(begun, seconds, side="right").clip(1, len(worked)) - 1
        clock = starts[span] + (seconds - begun[span]) / np.maximum(share[span], 1e-12)
        within = np.interp(clock, times, joules) - np.interp(starts[span], times, joules)
        return seconds, so_far[span] + within * share[span]

    def _joined(
        self, key: tuple[str, str], found: tuple[np.ndarray, np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Behind what was kept before, again at no more than ``POINTS`` moments."""
        before = self._before.get(key, {"seconds": [], "joules": []})
        seconds, joules = np.array(before["seconds"], float), np.array(before["joules"], float)
        if found is not None:
            start = joules[-1] if len(joules) else 0.0
            seconds = np.concatenate([seconds, found[0] + self._offset_s])
            joules = np.concatenate([joules, found[1] + start])
        kept = np.unique(np.linspace(0, len(seconds) - 1, min(POINTS, len(seconds))).round().astype(int))
        return seconds[kept], joules[kept]


def _plain(part: str, method: str, seconds: np.ndarray, joules: np.ndarray) -> dict[str, Any]:
    numbers = {name: [float(f"{v:.6g}") for v in values] for name, values in (("seconds", seconds), ("joules", joules))}
    return {"part": part, "method": method, **numbers}
