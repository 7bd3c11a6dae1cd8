"""When distilling pays, live: how many share the teacher's work, how often each is asked, and who pays for the teacher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.break_even.measure import BreakEven, break_even
from workbench.diagnostics.break_even.measure_parts import Assumptions
from workbench.diagnostics.energy.measure_books import MODELS
from workbench.diagnostics.energy.panel_grid import GridFields
from workbench.energy.presets import PRESETS
from workbench.widgets.picture_frame import PictureFrame

MACHINE = "of this machine"
MOST_REUSE, MOST_SERVED = 4, 9
"""Powers of ten at which the sliders end."""

LOOK = {"style": {"description_width": "19em"}, "layout": {"width": "38em"}}


def panel(result: BreakEven) -> BreakEvenPanel:
    """The break-even of a result with its sliders."""
    return BreakEvenPanel(result)


class BreakEvenPanel(PictureFrame):
    """Sliders for reuse, served volume, allocation and runs; the price and the electricity.

    Args:
        result: where to start; ``result`` is what is shown now, and ``wb.draw`` draws the same picture of it.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(self, result: BreakEven, state: Mapping[str, Any] | None = None) -> None:
        """Shows the result as it is."""
        given = {"reuse": result.at["reuse"], "served": result.at["served"], "allocation": result.allocation}
        given |= {"runs": 1, "preset": MACHINE, "method": "best", "grid": None} | dict(state or {})
        self._failed = result.failed
        self.sliders = {
            "reuse": _log("students sharing the teacher", given["reuse"], 0, MOST_REUSE),
            "served": _log("samples that one student serves", max(1, given["served"]), 0, MOST_SERVED),
            "allocation": widgets.FloatSlider(
                given["allocation"], min=0, max=1, step=0.01, description="share of the teacher's training", **LOOK
            ),
            "runs": widgets.IntSlider(given["runs"], min=1, max=100, description="trainings per student", **LOOK),
        }
        self.menus = {
            "preset": _menu("watts per core", [MACHINE, *PRESETS], given["preset"]),
            "method": _menu("joules from", ["best", *MODELS], given["method"]),
        }
        self.grid = GridFields(self._move, given["grid"])
        boxes = [*self.sliders.values(), *self.menus.values()]
        controls = [widgets.Box(boxes, layout={"flex_flow": "row wrap"}), self.grid]
        super().__init__("When distilling pays", result, controls)
        for each in boxes:
            each.observe(lambda _: self._move(), "value")
        if state:
            self._move()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same ledgers."""
        chosen = {name: control.value for name, control in (self.sliders | self.menus).items()}
        return {**chosen, "grid": self.grid.values}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: BreakEven) -> Self:
        """The inverse of ``state``; the ledgers are given again, in any result made from them."""
        return cls(result, state)

    def _move(self) -> None:
        chosen, shown = self.state(), self.result

        def made() -> BreakEven:
            assuming = Assumptions(
                preset=None if chosen["preset"] == MACHINE else chosen["preset"],
                method=chosen["method"],
                allocation=chosen["allocation"],
                runs=chosen["runs"],
                failed=self._failed,
                grid=self.grid.grid(),
                seed=shown.seed,
            )
            arms = {"plain": shown.plain, "distilled": shown.distilled}
            return break_even(
                shown.books, **arms, reuse=round(chosen["reuse"]), served=round(chosen["served"]), assuming=assuming
            )

        self.refresh(made)


def _log(words: str, value: float, low: int, high: int) -> widgets.FloatLogSlider:
    ends = {"min": low, "max": high, "step": 0.05, "readout_format": ".3s"}
    return widgets.FloatLogSlider(value, base=10, description=words, **ends, **LOOK)


def _menu(words: str, options: list[str], value: str) -> widgets.Dropdown:
    return widgets.Dropdown(options=options, value=value, description=words, style={"description_width": "10em"})
