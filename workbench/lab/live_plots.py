"""The plots of a session while it runs: drawn whole when their traces are new, then only grown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
import numpy as np
import plotly.graph_objects as go

from workbench.diagnostics.loss_doctor.measure import loss_doctor_live
from workbench.diagnostics.loss_doctor.panel import findings
from workbench.lab import live_curves as live
from workbench.lab.decision import regions
from workbench.records.snapshot import Snapshot
from workbench.widgets.plot_view import PlotView

Columns = Mapping[str, Mapping[str, np.ndarray]]


class LivePlots(widgets.VBox):
    """Loss terms, scores, what the loss doctor finds, and the decision regions of a setting that lives in the plane."""

    def __init__(self) -> None:
        """Nothing is shown before there are points: empty axes say nothing."""
        self.losses = PlotView(height=340, label="Weighted loss terms of student and control")
        self.scores = PlotView(height=340, label="Validation score, and agreement with the teacher")
        self.doctor = PlotView(height=340, label="Loss doctor: gradients of the terms and the angles between them")
        self.findings = widgets.HTML()
        self.regions = PlotView(height=300, label="Decision regions")
        self._growing = (_Growing(self.losses), _Growing(self.scores), _Growing(self.doctor))
        for view in (self.losses, self.scores, self.doctor):
            view.layout = widgets.Layout(flex="1 1 24em", min_width="0", width="auto")
        row = {"flex_flow": "row wrap", "width": "100%"}
        plots = widgets.Box([self.losses, self.scores, self.doctor], layout=row)
        super().__init__([plots, self.findings, self.regions], layout={"width": "100%"})
        self.show(Snapshot())

    def show(self, snapshot: Snapshot, class_names: tuple[str, ...] = ("0", "1")) -> None:
        """Draw what is new in a snapshot.

        Args:
            snapshot: of the session.
            class_names: of a setting that lives in the plane.
        """
        terms = {lane.name: tuple(lane.terms) for lane in snapshot.lanes}
        losses, scores, _ = self._growing
        losses.show(
            snapshot, live.loss_points(snapshot, log_loss=True), terms, lambda: live.losses(terms, log_loss=True)
        )
        scores.show(snapshot, live.score_points(snapshot), snapshot.score, lambda: live.scores(snapshot.score))
        self._examine(snapshot)
        if snapshot.regions is not None:
            self.regions.show(regions(snapshot.regions, class_names))
        self.regions.layout.display = "none" if snapshot.regions is None else ""
        self.layout.display = "" if any(lane.step for lane in snapshot.lanes) else "none"

    def _examine(self, snapshot: Snapshot) -> None:
        """The third plot and the line below; neither is there for a student that learns from labels alone."""
        names = live.doctor_names(snapshot)
        self.doctor.layout.display = self.findings.layout.display = "" if names[0] else "none"
        if names[0]:
            self._growing[2].show(snapshot, live.doctor_points(snapshot), names, lambda: live.doctor(*names))
            student = next(lane for lane in snapshot.lanes if lane.name == "student")
            self.findings.value = findings(loss_doctor_live(student))


class _Growing:
    """Sends a view only the points that it has not been sent yet."""

    def __init__(self, view: PlotView) -> None:
        self.view = view
        self._drawn: Any = None
        self._last: dict[str, float] = {}

    def show(self, snapshot: Snapshot, columns: Columns, traces: Any, skeleton: Callable[[], go.Figure]) -> None:
        """Draw whole what has other traces or marks, or is not running yet; else append."""
        kind = (traces, snapshot.marks)
        fresh = {name: _after(column, self._last.get(name, -1)) for name, column in columns.items()}
        if kind != self._drawn or snapshot.status in ("idle", "preparing"):
            self.view.show(live.filled(skeleton(), dict(columns), snapshot))
            self._drawn = kind
        elif grown := {name: column for name, column in fresh.items() if len(column["x"])}:
            self.view.extend(grown)
        self._last = {name: column["x"][-1] for name, column in columns.items() if len(column["x"])}


def _after(column: Mapping[str, np.ndarray], step: float) -> dict[str, np.ndarray]:
    new = column["x"] > step
    return {name: values[new] for name, values in column.items()}
