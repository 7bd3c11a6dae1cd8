"""The frame around a panel of one picture: a title, its controls, the picture, and what it says in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from threading import RLock
from typing import Any

import ipywidgets as widgets

from workbench.drawing.draw import draw
from workbench.records.result import Result
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


class PictureFrame(widgets.VBox):
    """Shows one result at a time.

    Args:
        title: above everything.
        result: shown first; it has ``explain()``.
        controls: between title and picture.
        options: of the figure.

    Attributes:
        result: what is shown now.
        view: the picture.
        sentence: what the result says, or what went wrong.
    """

    def __init__(self, title: str, result: Result, controls: Sequence[widgets.Widget], **options: Any) -> None:
        """Draws the result as it is."""
        self.result, self._turn = result, RLock()
        first = draw(result, **options)
        self.view = PlotView(first, height=int(first.layout.height), label=title)
        self.sentence = widgets.HTML()
        head = widgets.HTML(f'<div class="wb-head">{escape(title)}</div>')
        super().__init__([panel_style(), head, *controls, self.view, self.sentence], layout={"width": "100%"})
        self.add_class("wb-panel")
        self._say()
        unblock(self)

    def refresh(self, make: Callable[[], Result] | None = None, **options: Any) -> None:
        """Make another result, or none, and draw what there is; a value that is refused is said below the picture."""
        with self._turn:
            try:
                self.result = self.result if make is None else make()
                self.view.show(draw(self.result, **options))
            except ValueError as error:
                self.sentence.value = f'<div class="wb-problem">{escape(str(error))}</div>'
            else:
                self._say()

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"{type(self).__name__}({self.result.explain()})"

    def _say(self) -> None:
        notes = "".join(f"<br>{escape(warning)}" for warning in self.result.warnings)
        self.sentence.value = f'<div class="wb-hint">{escape(self.result.explain())}{notes}</div>'
