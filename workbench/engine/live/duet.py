"""A student and its control, trained in turns, one step each."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from workbench.data.transfer import TransferSet
from workbench.engine.conditions import Conditions
from workbench.engine.controls import Controls
from workbench.engine.distill import Distillation
from workbench.methods.catalog import make
from workbench.methods.method import Method
from workbench.models.tracing import Tracer
from workbench.records import events
from workbench.records.budget import Budget
from workbench.records.probes import measured
from workbench.records.run import Curve, Run
from workbench.records.snapshot import EMPTY, Lane, Regions
from workbench.settings.setting import Setting

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


Listener = Callable[[events.Event], None]

GRID = 60


class Duet:
    """Two distillations with the same seed, and what has been seen of them so far.

    Args:
        setting: of both.
        method: the student's; copied, so that another duet starts from the untrained one.
        budget: of both.
        conditions: of both.
        seed: of both.
    """

    def __init__(self, setting: Setting, method: Method, budget: Budget, conditions: Conditions, seed: int = 0) -> None:
        """Nothing is trained yet."""
        self.setting = setting
        methods = {"student": copy.deepcopy(method), "control": make("labels_only")}
        self.controls = Controls(methods["student"])
        self.distillations = {lane: Distillation(setting, m, budget, seed, conditions) for lane, m in methods.items()}
        self.views = {lane: LaneView(lane, distillation) for lane, distillation in self.distillations.items()}
        self.runs: dict[str, Run] = {}
        self._seconds = dict.fromkeys(methods, 0.0)

    def play(self, listener: Listener) -> Iterator[None]:
        """Yields after each turn in which both took a step; the student goes first and has the teacher trained.

        While the student's method trains somebody else (an assistant), the control waits.

        Args:
            listener: called with every event of either.
        """
        control = self.distillations["control"]
        streams = {
            "student": self.distillations["student"].run(self.controls),
            "control": control.run(Controls(control.method)),
        }
        try:
            self._advance("student", streams["student"], events.Stage, listener)
            while len(self.runs) < len(streams):
                for lane, stream in streams.items():
                    if lane not in self.runs and (lane == "student" or not self._ahead):
                        self._advance(lane, stream, events.Step, listener)
                yield
        finally:
            for stream in streams.values():
                stream.close()

    @property
    def _ahead(self) -> bool:
        """Whether the control has taken every step that the student has."""
        return "student" not in self.runs and self.views["control"].step >= self.views["student"].step

    def _advance(self, lane: str, stream: Iterator[events.Event], until: type, listener: Listener) -> None:
        """Let one of them go on to its next step of anybody but the teacher, or to its end."""
        began = time.monotonic()
        for event in stream:
            self._seconds[lane] += time.monotonic() - began
            if isinstance(event, events.Finished):
                self.runs[lane] = self._timed(lane, event.run)
            elif event.party == "teacher" and not self.views[lane].step:
                self._seconds[lane] = 0.0  # as in a study, where the teacher is there before
            listener(event)
            began = time.monotonic()
            if isinstance(event, until) and event.party != "teacher":
                return

    def _timed(self, lane: str, run: Run) -> Run:
        """With its own seconds, without those of the other one or of a pause."""
        return replace(run, facts={**run.facts, "seconds": self._seconds[lane]})

    @property
    def share(self) -> float:
        """Share of all steps that is done."""
        views = self.views.values()
        return sum(view.step for view in views) / max(1, sum(view.steps for view in views))

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """Both students as they stand."""
        return tuple(view.view() for view in self.views.values())

    def regions(self) -> Regions | None:
        """Their decision regions and the teacher's, in a setting that lives in the plane."""
        trials = {lane: d.trial for lane, d in self.distillations.items() if d.trial is not None}
        if self.setting.look != "points" or "student" not in trials:
            return None
        models = {"teacher": trials["student"].parties.get("teacher")}
        models |= {lane: trial.parties.get("student") for lane, trial in trials.items()}
        return regions({name: model for name, model in models.items() if model is not None}, self.setting.train)

    def forget(self) -> None:
        """Drop the checkpoints: the next start begins anew."""
        for distillation in self.distillations.values():
            distillation.checkpoint_path.unlink(missing_ok=True)


@torch.no_grad()
def regions(models: Mapping[str, nn.Module], data: TransferSet, grid: int = GRID) -> Regions:
    """The share of the second class on a grid that covers the data.

    Args:
        models: by party; asked in evaluation mode and put back.
        data: inputs (N, 2) and labels.
        grid: points per side.
    """
    inputs = data.in_memory().inputs
    if not isinstance(inputs, Tensor):
        raise TypeError("regions are drawn of inputs that are one tensor (N, 2)")
    points = inputs.reshape(len(data), 2).cpu()
    low, high = points.amin(0) - 0.3, points.amax(0) + 0.3
    x, y = (torch.linspace(float(low[k]), float(high[k]), grid) for k in (0, 1))
    mesh = torch.stack(torch.meshgrid(x, y, indexing="xy"), -1).reshape(-1, 2).to(data.ids.device)
    classes = {party: _second_class(model, mesh).reshape(grid, grid).cpu().numpy() for party, model in models.items()}
    labels = torch.full((len(data),), -1) if data.labels is None else data.labels.cpu()
    return Regions(x.numpy(), y.numpy(), classes, points.numpy(), labels.numpy())


def _second_class(model: nn.Module, mesh: torch.Tensor) -> torch.Tensor:
    was_training = model.training
    model.eval()
    try:
        return Tracer(model)(mesh).outputs.float().softmax(1)[:, 1]
    finally:
        model.train(was_training)
