"""The linear-Gaussian laboratory: sliders for rank, samples, noise, temperature and ridge over the four costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.linear_gaussian.measure import GRIDS, Laboratory, LinearGaussian, linear_gaussian
from workbench.widgets.controls import Controls
from workbench.widgets.picture_frame import PictureFrame


def panel(result: LinearGaussian) -> LinearGaussianPanel:
    """The laboratory, its sliders where those of a result stand."""
    return LinearGaussianPanel(result)


class LinearGaussianPanel(PictureFrame):
    """Five sliders, and a choice of the one along which the costs are drawn.

    Args:
        result: where to start; ``result`` is what is shown now, and ``wb.draw`` draws the same picture of it.
    """

    def __init__(self, result: LinearGaussian) -> None:
        """Shows the result as it is."""
        self.controls = Controls(Laboratory, result.laboratory, on_change=lambda name, value: self._move())
        self.along = widgets.ToggleButtons(options=[*GRIDS], value=result.along, style={"button_width": "auto"})
        swept = widgets.Box([widgets.Label("draw along"), self.along], layout={"flex_flow": "row wrap"})
        super().__init__("Linear-Gaussian laboratory", result, [self.controls, swept])
        self.along.observe(lambda _: self._move(), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it."""
        return {**self.controls.values, "along": self.along.value, "seed": self.result.seed}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The inverse of ``state``."""
        rest = {name: value for name, value in state.items() if name not in ("along", "seed")}
        return cls(linear_gaussian(Laboratory(**rest), state["along"], seed=state["seed"]))

    def _move(self) -> None:
        here, along, seed = self.controls.values, self.along.value, self.result.seed
        self.refresh(lambda: linear_gaussian(Laboratory(**here), along, seed=seed))
