"""Knowledge points with a threshold and a picture to choose."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.knowledge_points.measure import KnowledgePoints
from workbench.drawing.draw import draw
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


def panel(result: KnowledgePoints, **options: Any) -> KnowledgePointsPanel:
    """The counts and one picture, with the threshold as a slider."""
    return KnowledgePointsPanel(result, **options)


class KnowledgePointsPanel(widgets.VBox):
    """A threshold, a picture and the counts; of both forms where two are given.

    Args:
        result: to be shown.
        other: of the same nets in the other mode, corrected or paper; a button switches between them.
        threshold: to begin with; that of the result if None.
        image: row of the picture.
        form: mode that is shown; that of ``result`` if None.
    """

    def __init__(
        self,
        result: KnowledgePoints,
        other: KnowledgePoints | None = None,
        *,
        threshold: float | None = None,
        image: int = 0,
        form: str | None = None,
    ) -> None:
        """Counts at the threshold and shows the picture."""
        start = result.threshold if threshold is None else threshold
        self._forms = {each.mode: each.at(start) for each in (result, other) if each is not None}
        self.form = widgets.ToggleButtons(options=list(self._forms), value=form or result.mode, description="form")
        self.form.style.button_width = "auto"
        self.form.layout.display = "flex" if other is not None else "none"
        wide = {"description_width": "6em"}
        self.threshold = widgets.FloatSlider(
            value=start, min=0.02, max=max(1.0, start), step=0.02, description="threshold", style=wide
        )
        self.image = widgets.IntSlider(value=image, min=0, max=result.n - 1, description="image", style=wide)
        made = draw(self.result, image=image)
        self.picture = PlotView(made, height=int(made.layout.height), label="Knowledge points")
        self.words = widgets.HTML(layout={"width": "100%"})
        row = widgets.Box([self.form, self.threshold, self.image], layout={"flex_flow": "row wrap"})
        super().__init__([panel_style(), row, self.picture, self.words], layout={"width": "100%"})
        self.add_class("wb-panel")
        self.threshold.observe(lambda _: self._count(), "value")
        self.image.observe(lambda _: self._show(), "value")
        self.form.observe(lambda _: (self._show(), self._say()), "value")
        self._say()
        unblock(self)

    @property
    def result(self) -> KnowledgePoints:
        """The form that is shown, counted at the threshold that is set."""
        return self._forms[self.form.value]

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"threshold": self.threshold.value, "image": self.image.value, "form": self.form.value}

    @classmethod
    def from_state(
        cls, state: Mapping[str, Any], result: KnowledgePoints, other: KnowledgePoints | None = None
    ) -> Self:
        """The inverse of ``state``."""
        return cls(result, other, **state)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"KnowledgePointsPanel(threshold {self.threshold.value:g}, {self.result.n} images)"

    def _count(self) -> None:
        self._forms = {mode: each.at(self.threshold.value) for mode, each in self._forms.items()}
        self._show()
        self._say()

    def _show(self) -> None:
        self.picture.show(draw(self.result, image=self.image.value))

    def _say(self) -> None:
        chosen, *rest = sorted(self._forms.values(), key=lambda each: each is not self.result)
        lines = [chosen.explain(), *(f"In the {each.mode} form: {each.explain()}" for each in rest)]
        self.words.value = "".join(f'<div class="wb-hint">{escape(line)}</div>' for line in lines)
