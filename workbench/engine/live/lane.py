"""What a live session remembers of one student."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from workbench.records import events
from workbench.records.probes import measured
from workbench.records.run import Curve
from workbench.records.snapshot import EMPTY, Lane

POINTS = 1000
AGREEMENT = "agreement"


class LaneRecorder:
    """Turns the events of one run into curves a view can draw at any moment.

    Args:
        name: ``student`` or ``control``.
        method: its method's name.
    """

    def __init__(self, name: str, method: str) -> None:
        """Nothing yet."""
        self.name, self.method, self.step, self.steps, self.stride = name, method, 0, 0, 1
        self._curves: dict[tuple[str, str], tuple[list[int], list[float]]] = {}
        self._sums: dict[str, float] = {}
        self._count, self.resumed = 0, False

    def take(self, event: events.Event) -> None:
        """Remember what an event says about the student."""
        if isinstance(event, events.Started):
            self.steps, self.step, self.resumed = event.steps, event.resumed_at, event.resumed_at > 0
            self.stride = math.ceil(event.steps / POINTS)
        elif event.party != "student":
            return
        elif isinstance(event, events.Step):
            self._step(event)
        elif isinstance(event, events.Epoch):
            self._add("validation", "student", event.step, event.scores["student"])
        elif isinstance(event, events.Probe) and (event.name == AGREEMENT or measured(event.name)):
            self._add("probe", event.name, event.step, event.value)

    def recall(self, curves: Mapping[str, Curve]) -> None:
        """Begin with the curves of a run that goes on from a checkpoint."""
        for name, curve in curves.items():
            kind, _, rest = name.partition("/")
            every = self.stride if kind == "terms" else 1
            self._curves[kind, rest] = curve.steps[::every].tolist(), curve.values[::every].tolist()
        self.resumed = False

    def _step(self, event: events.Step) -> None:
        self.step = event.step
        for name, value in event.terms.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if self._count == self.stride:
            for name, total in self._sums.items():
                self._add("terms", name, event.step, total / self._count)
            self._sums, self._count = {}, 0

    def _add(self, kind: str, name: str, step: int, value: float) -> None:
        steps, values = self._curves.setdefault((kind, name), ([], []))
        steps.append(step)
        values.append(value)

    def view(self) -> Lane:
        """As it stands now; a point that is half averaged is shown, and so is the very first."""
        curves = {key: Curve(np.array(steps), np.array(values)) for key, (steps, values) in self._curves.items()}
        terms = {name: curve for (kind, name), curve in curves.items() if kind == "terms"}
        probes = {name: curve for (kind, name), curve in curves.items() if kind == "probe" and name != AGREEMENT}
        for name, total in self._sums.items():
            begun = terms.get(name, EMPTY)
            if len(begun.steps) and 2 * self._count < self.stride:
                continue
            terms[name] = Curve(np.append(begun.steps, self.step), np.append(begun.values, total / self._count))
        others = {
            field: curves[key]
            for field, key in (("validation", ("validation", "student")), ("agreement", ("probe", AGREEMENT)))
            if key in curves
        }
        return Lane(self.name, self.method, self.step, self.steps, terms, probes=probes, **others)
