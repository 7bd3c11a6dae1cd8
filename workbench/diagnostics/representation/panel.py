"""Which layers are alike: a measure to choose, and a cell to click for everything about one pair of layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.representation.measure import Representation
from workbench.drawing.draw import draw
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

Pair = tuple[str, str]


def panel(result: Representation, **options: Any) -> RepresentationPanel:
    """The map of layers with its measures, and the pair that was clicked."""
    return RepresentationPanel(result, **options)


class RepresentationPanel(widgets.VBox):
    """A map that answers with a pair of layers.

    Args:
        result: to be shown.
        measure: shown first.
        pair: student's and teacher's layer that are described first; the best one if None.

    Attributes:
        pair: (student's layer, teacher's layer) that is described.
    """

    def __init__(self, result: Representation, *, measure: str = "cka", pair: Pair | None = None) -> None:
        """Shows the best pair."""
        self.result, best = result, result.hints[0]
        self.pair: Pair = (best["student"], best["teacher"]) if pair is None else (pair[0], pair[1])
        self._callbacks: list[Callable[[Pair], object]] = []
        self.measure = widgets.Dropdown(options=result.measures, value=measure, description="measure")
        made = draw(result, measure=measure)
        self.picture = PlotView(made, height=int(made.layout.height), label="Similarity of layers")
        self.words = widgets.HTML(layout={"width": "100%"})
        hint = widgets.HTML('<div class="wb-hint">Click a cell for everything about its two layers.</div>')
        super().__init__([panel_style(), self.measure, self.picture, hint, self.words], layout={"width": "100%"})
        self.add_class("wb-panel")
        self.measure.observe(lambda _: self.picture.show(draw(self.result, measure=self.measure.value)), "value")
        self.picture.on_click(self._clicked)
        self._describe()
        unblock(self)

    def on_pair(self, callback: Callable[[Pair], object]) -> None:
        """Call back with (student's layer, teacher's layer) of each cell that is clicked."""
        self._callbacks.append(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"measure": self.measure.value, "pair": list(self.pair)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Representation) -> Self:
        """The inverse of ``state``."""
        return cls(result, measure=state["measure"], pair=tuple(state["pair"]))

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"RepresentationPanel({self.measure.value}: {self.pair[0]} ~ {self.pair[1]})"

    def _clicked(self, point: Mapping[str, Any]) -> None:
        """A cell of either map names its pair of layers."""
        i, j = point["pair"]
        self.pair = self.result.student_layers[i], self.result.teacher_layers[j]
        self._describe()
        for callback in self._callbacks:
            callback(self.pair)

    def _describe(self) -> None:
        i, j = self.result.student_layers.index(self.pair[0]), self.result.teacher_layers.index(self.pair[1])
        row = self.result.rows()[i * len(self.result.teacher_layers) + j]
        said = f"cka {row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f}), p {row['p']:.3g}, for all pairs {row['p_adjusted']:.3g}"
        said += f"; control {row['control']:.3f}" if self.result.has_control else ""
        others = ", ".join(f"{escape(name)} {row[name]:.3f}" for name in self.result.measures[1:])
        mine, theirs = map(escape, self.pair)
        use = f"<code>FitNets(guided={mine!r}, hint={theirs!r})</code>"
        self.words.value = f'<div class="wb-hint"><b>student {mine}, teacher {theirs}</b>: {said}.<br>{others}.<br>As a hint: {use}</div>'
