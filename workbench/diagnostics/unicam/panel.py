"""UniCAM with the pictures to leaf through."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.unicam.figure import COLUMNS
from workbench.diagnostics.unicam.measure import UniCAM
from workbench.drawing.draw import draw
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


def panel(result: UniCAM, **options: Any) -> UniCAMPanel:
    """Scores and maps, some pictures at a time."""
    return UniCAMPanel(result, **options)


class UniCAMPanel(widgets.VBox):
    """Scores, and maps to leaf through.

    Args:
        result: to be shown.
        first: row of the first picture.
    """

    def __init__(self, result: UniCAM, *, first: int = 0) -> None:
        """Shows the first pictures."""
        self.result = result
        last = max(0, len(result.distilled) - COLUMNS)
        wide = {"description_width": "8em"}
        self.first = widgets.IntSlider(value=first, min=0, max=last, description="pictures from", style=wide)
        self.first.layout.display = "" if last else "none"
        made = draw(result, first=first)
        self.picture = PlotView(made, height=int(made.layout.height), label="What was distilled, and where")
        self.words = widgets.HTML(f'<div class="wb-hint">{escape(result.explain())}</div>', layout={"width": "100%"})
        super().__init__([panel_style(), self.picture, self.first, self.words], layout={"width": "100%"})
        self.add_class("wb-panel")
        self.first.observe(lambda _: self.picture.show(draw(self.result, first=self.first.value)), "value")
        unblock(self)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"first": self.first.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: UniCAM) -> Self:
        """The inverse of ``state``."""
        return cls(result, **state)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"UniCAMPanel({self.result.layer}, {self.result.n} samples)"
