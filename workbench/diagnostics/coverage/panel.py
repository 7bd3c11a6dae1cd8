"""What a transfer set covers: click a pair of features to see its cells, and a cell to take its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.coverage.measure import Coverage
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


def panel(result: Coverage, **options: Any) -> CoveragePanel:
    """The coverage with a pair of features to choose and cells to click."""
    return CoveragePanel(result, **options)


class CoveragePanel(widgets.VBox):
    """Two features, their cells, and the samples of a cell.

    Args:
        result: to be shown.
        pair: positions of the two features.
        massed: count only cells that hold an evaluated sample.

    Attributes:
        selection: the samples of the cell that was clicked last; none at first.
    """

    def __init__(self, result: Coverage, *, pair: tuple[int, int] = (0, 1), massed: bool = True) -> None:
        """Shows the first pair."""
        self.result, self.selection = result, Selection(result.ids[:0], "no cell")
        self._callbacks: list[Callable[[Selection], object]] = []
        self._busy = False
        names = [(name, position) for position, name in enumerate(result.features)]
        self.first = widgets.Dropdown(options=names, value=pair[0], description="rows")
        self.second = widgets.Dropdown(options=names, value=pair[1], description="columns")
        self.massed = widgets.Checkbox(value=massed, description="only cells that hold samples", indent=False)
        made = draw(result, pair=pair, massed=massed)
        self.picture = PlotView(made, height=int(made.layout.height), label="Coverage of pairs of features")
        self.words = widgets.HTML(layout={"width": "100%"})
        row = widgets.Box([self.first, self.second, self.massed], layout={"flex_flow": "row wrap"})
        super().__init__([panel_style(), row, self.picture, self.words], layout={"width": "100%"})
        self.add_class("wb-panel")
        for control in (self.first, self.second, self.massed):
            control.observe(lambda _: self._redraw(), "value")
        self.picture.on_click(self._clicked)
        self._say()
        unblock(self)

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of each cell that is clicked."""
        self._callbacks.append(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"pair": [self.first.value, self.second.value], "massed": self.massed.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Coverage) -> Self:
        """The inverse of ``state``."""
        return cls(result, pair=tuple(state["pair"]), massed=state["massed"])

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"CoveragePanel({self.result.massed:.0%} of the cells with samples reached)"

    def _clicked(self, point: Mapping[str, Any]) -> None:
        first, second = point.get("pair", (0, 0))
        if first != second:
            self._busy = True  # two controls move, one picture is drawn
            self.first.value, self.second.value = first, second
            self._busy = False
            self._redraw()
        elif "cell" in point:
            self.selection = self.result.cell(self.first.value, self.second.value, *point["cell"])
            self._say()
            for callback in self._callbacks:
                callback(self.selection)

    def _redraw(self) -> None:
        if not self._busy:
            pair = (self.first.value, self.second.value)
            self.picture.show(draw(self.result, pair=pair, massed=self.massed.value))

    def _say(self) -> None:
        name, count = escape(self.selection.name), len(self.selection)
        said = f"<b>{name}</b>: {count} samples." if count else "Click a cell on the right for its samples."
        hint = "Click a pair of features on the left for its cells."
        self.words.value = f'<div class="wb-hint">{hint} {said}</div>'
