"""Loss landscapes with a slider for how far one looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.landscape.measure import Landscape
from workbench.widgets.picture_frame import PictureFrame


def panel(result: Landscape) -> LandscapePanel:
    """The surfaces side by side, near or far."""
    return LandscapePanel(result)


class LandscapePanel(PictureFrame):
    """A slider and the picture.

    Args:
        result: to be shown.
        reach: how far from the weights is shown, in filter norms.
    """

    def __init__(self, result: Landscape, reach: float = 1.0) -> None:
        """Shows the result."""
        ends = {"min": 0.25, "max": 1.0, "step": 0.25}
        self.reach = widgets.FloatSlider(reach, **ends, description="reach", continuous_update=False)
        super().__init__("Loss landscapes", result, [self.reach], reach=reach)
        self.reach.observe(lambda _: self.refresh(reach=self.reach.value), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"reach": self.reach.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Landscape) -> Self:
        """The inverse of ``state``."""
        return cls(result, state["reach"])
