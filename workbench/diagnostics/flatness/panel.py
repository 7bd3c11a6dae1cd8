"""Flatness with a choice of how noise is measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.flatness.measure import Flatness
from workbench.widgets.picture_frame import PictureFrame

KINDS = {"shares of the filter norms": "share", "one size for all weights": "radius"}


def panel(result: Flatness) -> FlatnessPanel:
    """The rise of the loss and the spectra, with noise measured either way."""
    return FlatnessPanel(result)


class FlatnessPanel(PictureFrame):
    """A switch and the picture.

    Args:
        result: to be shown.
        by: how noise is measured, as in the figure.
    """

    def __init__(self, result: Flatness, by: str = "share") -> None:
        """Shows the result."""
        self.by = widgets.ToggleButtons(options=KINDS, value=by, style={"button_width": "15em"})
        row = widgets.Box([widgets.Label("noise in"), self.by], layout={"flex_flow": "row wrap"})
        super().__init__("Flatness of the loss", result, [row], by=by)
        self.by.observe(lambda _: self.refresh(by=self.by.value), "value")

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"by": self.by.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Flatness) -> Self:
        """The inverse of ``state``."""
        return cls(result, state["by"])
