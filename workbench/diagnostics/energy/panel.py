"""What a student cost, live: another price, another share of the teacher, the carbon of a grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.energy.measure import Energy, energy
from workbench.diagnostics.energy.measure_books import MODELS
from workbench.diagnostics.energy.panel_grid import GridFields
from workbench.energy.baseline import Baseline
from workbench.energy.presets import PRESETS
from workbench.widgets.picture_frame import PictureFrame

MACHINE = "of this machine"
WIDE = {"description_width": "10em"}


def panel(result: Energy) -> EnergyPanel:
    """The stages of a result with their controls."""
    return EnergyPanel(result)


class EnergyPanel(PictureFrame):
    """A price, a method, the share of the teacher that is charged, and the electricity.

    Args:
        result: where to start; ``result`` is what is shown now, and ``wb.draw`` draws the same picture of it.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(self, result: Energy, state: Mapping[str, Any] | None = None) -> None:
        """Shows the result as it is."""
        given = state or {}
        self.preset = widgets.Dropdown(
            options=[MACHINE, *PRESETS], value=given.get("preset", MACHINE), description="watts per core", style=WIDE
        )
        self.method = widgets.Dropdown(
            options=["best", *MODELS], value=given.get("method", result.method), description="joules from", style=WIDE
        )
        self.allocation = widgets.FloatSlider(
            given.get("allocation", result.allocation),
            min=0,
            max=1,
            step=0.01,
            description="share of the teacher's training",
            style={"description_width": "16em"},
            layout={"width": "34em"},
        )
        self.grid = GridFields(self._move, given.get("grid"))
        row = widgets.Box([self.preset, self.method, self.allocation], layout={"flex_flow": "row wrap"})
        super().__init__("What one student costs", result, [row, self.grid])
        for each in (self.preset, self.method, self.allocation):
            each.observe(lambda _: self._move(), "value")
        if state:
            self._move()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same ledgers."""
        chosen = {name: getattr(self, name).value for name in ("preset", "method", "allocation")}
        return {**chosen, "grid": self.grid.values}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Energy) -> Self:
        """The inverse of ``state``; the ledgers are given again, in any result made from them."""
        return cls(result, state)

    def _move(self) -> None:
        preset = None if self.preset.value == MACHINE else self.preset.value
        shown = self.result
        chosen = {
            "preset": preset,
            "method": self.method.value,
            "allocation": self.allocation.value,
            "seed": shown.seed,
        }
        chosen["baseline"] = Baseline(**shown.idle) if shown.idle else None
        self.refresh(lambda: energy(shown.books, grid=self.grid.grid(), **chosen))
