"""What a live session shows of one student, read from what its run records anyway."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from workbench.engine.distill import Distillation
from workbench.records.probes import measured
from workbench.records.run import Curve
from workbench.records.snapshot import EMPTY, Lane

POINTS = 1000


class LaneView:
    """The curves of one run as far as it has come; asked by the thread that trains it.

    Args:
        name: ``student`` or ``control``.
        distillation: whose history is shown.
    """

    def __init__(self, name: str, distillation: Distillation) -> None:
        """Nothing is averaged yet."""
        self.name, self._distillation = name, distillation
        self._means: dict[str, tuple[list[int], list[float]]] = {}

    @property
    def step(self) -> int:
        """Optimiser steps that the student has taken."""
        trial = self._distillation.trial
        return 0 if trial is None else trial.done.get("student", 0)

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run, 0 before it has begun."""
        trial = self._distillation.trial
        return 0 if trial is None else trial.steps

    def view(self) -> Lane:
        """The student as it stands."""
        name, trial = self._distillation.method.name, self._distillation.trial
        if trial is None:
            return Lane(self.name, name)
        points, terms, probes = trial.history.points, {}, {}
        for key, (steps, values) in points.items():
            kind, _, what = key.partition("/")
            if kind == "terms":
                terms[what] = self._averaged(key, steps, values)
            elif kind == "probe" and measured(what):
                probes[what] = _curve(steps, values)
        validation, agreement = (
            _curve(*points[key]) if key in points else EMPTY for key in ("validation/student", "probe/agreement")
        )
        return Lane(self.name, name, self.step, self.steps, terms, validation, agreement, probes)

    def _averaged(self, key: str, steps: Sequence[int], values: Sequence[float]) -> Curve:
        """Means over as many steps as leave about ``POINTS`` points; the last may be half averaged, the first less."""
        stride = math.ceil(self.steps / POINTS)
        ends, means = self._means.setdefault(key, ([], []))
        for end in range((len(means) + 1) * stride, len(values) + 1, stride):
            ends.append(steps[end - 1])
            means.append(sum(values[end - stride : end]) / stride)
        rest = values[len(means) * stride :]
        if rest and (not means or 2 * len(rest) >= stride):
            return _curve([*ends, steps[-1]], [*means, sum(rest) / len(rest)])
        return _curve(ends, means)


def _curve(steps: Sequence[int], values: Sequence[float]) -> Curve:
    return Curve(np.array(steps), np.array(values))
