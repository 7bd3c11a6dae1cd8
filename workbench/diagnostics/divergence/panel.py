"""The bound panel: which estimate, which loss and which eta make of the divergence what is allowed of the gaps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.bounds.measure import bounds
from workbench.diagnostics.divergence.measure import Divergence
from workbench.diagnostics.divergence.measure_gaps import LOSSES
from workbench.drawing.draw import draw
from workbench.widgets.picture_frame import PictureFrame
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

LOW, HIGH = -2.0, 1.0  # powers of ten of eta


def panel(result: Divergence) -> DivergencePanel:
    """The bounds that an estimate makes, and all estimates below them."""
    return DivergencePanel(result)


class DivergencePanel(PictureFrame):
    """Three controls, the bounds, and the estimates.

    Args:
        found: the estimates and the gaps.
        state: of an earlier one, as ``state`` gives it.

    Raises:
        ValueError: the gaps are not known.
    """

    def __init__(self, found: Divergence, state: Mapping[str, Any] | None = None) -> None:
        """Shows the bound of the probabilities, at the best eta."""
        self.found, state = found, {"estimator": "pred_seed", "loss": "brier", "eta": None} | dict(state or {})
        self.estimator = widgets.Dropdown(options=[*found.values], value=state["estimator"], description="estimate")
        self.loss = widgets.ToggleButtons(options=LOSSES, value=state["loss"], style={"button_width": "6em"})
        self.best = widgets.Checkbox(value=state["eta"] is None, description="best \u03b7", indent=False)
        ends = {"min": LOW, "max": HIGH, "step": 0.05, "continuous_update": False, "readout_format": ".2g"}
        self.eta = widgets.FloatLogSlider(value=state["eta"] or 1.0, description="\u03b7", **ends)
        row = widgets.Box([self.estimator, self.loss, self.best, self.eta], layout={"flex_flow": "row wrap"})
        made = draw(found)
        self.estimates = PlotView(made, height=int(made.layout.height), label="Estimates")
        super().__init__("Divergence and generalization gaps", self._bounds(), [row])
        self.children = [*self.children, self.estimates]
        for control in (self.estimator, self.loss, self.best, self.eta):
            control.observe(lambda _: self.refresh(self._bounds), "value")
        unblock(self)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same estimates."""
        return {"estimator": self.estimator.value, "loss": self.loss.value, "eta": self._eta()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], found: Divergence) -> Self:
        """The inverse of ``state``."""
        return cls(found, state)

    def _eta(self) -> float | None:
        return None if self.best.value else self.eta.value

    def _bounds(self) -> Any:
        self.eta.disabled = self.best.value
        return bounds(self.found, loss=self.loss.value, estimator=self.estimator.value, eta=self._eta())
