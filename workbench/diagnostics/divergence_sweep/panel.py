"""The sweep of divergence against gap: which estimate, which loss, which factor, and what axis and colours mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.divergence_sweep.measure import DivergenceSweep
from workbench.diagnostics.divergence_sweep.measure_narrowed import factors_of, narrowed
from workbench.drawing.text import sentence
from workbench.widgets.picture_frame import PictureFrame

ACROSS = {"divergence": "divergence", "point by point": "points"}
COLORS = {"what is varied": "factor", "the seed": "seed"}
START = {"factor": "", "across": "divergence", "color": "factor"}


def panel(result: DivergenceSweep) -> DivergenceSweepPanel:
    """The sweep, whole or one factor alone."""
    return DivergenceSweepPanel(result)


class DivergenceSweepPanel(PictureFrame):
    """Five controls and the picture; the correlation is that of the points that are shown.

    Args:
        found: the whole sweep; ``result`` is what is shown now.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(self, found: DivergenceSweep, state: Mapping[str, Any] | None = None) -> None:
        """Shows all points, as the sweep has them."""
        self.found = found
        state = START | {"estimator": found.estimator, "loss": found.loss} | dict(state or {})
        named = {sentence(name): name for name in factors_of(found)}
        style = {"style": {"button_width": "9em"}}
        self.estimator = widgets.Dropdown(options=found.estimators, value=state["estimator"], description="estimate")
        self.factor = widgets.Dropdown(options={"all": "", **named}, value=state["factor"], description="varied")
        self.loss = widgets.ToggleButtons(options=found.losses, value=state["loss"], style={"button_width": "5em"})
        self.across = widgets.ToggleButtons(options=ACROSS, value=state["across"], **style)
        self.color = widgets.ToggleButtons(options=COLORS, value=state["color"], **style)
        rows = [
            [self.estimator, self.factor, widgets.Label("loss"), self.loss],
            [widgets.Label("across"), self.across, widgets.Label("colour"), self.color],
        ]
        boxes = [widgets.Box(row, layout={"flex_flow": "row wrap"}) for row in rows]
        super().__init__("Divergence and the excess of the gap", self._shown(), boxes, **self._look())
        for control in (self.estimator, self.factor, self.loss, self.across, self.color):
            control.observe(lambda _: self.refresh(self._shown, **self._look()), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same sweep."""
        chosen = {"estimator": self.estimator.value, "loss": self.loss.value, "factor": self.factor.value}
        return chosen | self._look()

    @classmethod
    def from_state(cls, state: Mapping[str, Any], found: DivergenceSweep) -> Self:
        """The inverse of ``state``."""
        return cls(found, state)

    def _shown(self) -> DivergenceSweep:
        chosen = {"estimator": self.estimator.value, "loss": self.loss.value}
        return narrowed(self.found, **chosen, factor=self.factor.value or None)

    def _look(self) -> dict[str, Any]:
        return {"across": self.across.value, "color": self.color.value}
