"""How do arms agree with their teacher? A measure to choose, and the samples in dispute behind every seed's dot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.run_cards import RunCards
from workbench.diagnostics.study_agreement.figure import WORDS
from workbench.diagnostics.study_agreement.measure import StudyAgreement
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock


def panel(result: StudyAgreement, setting: Setting | None = None, **state: Any) -> StudyAgreementPanel:
    """The picture with its measures, and the samples of a seed where the study is at hand.

    Args:
        result: to be shown.
        setting: of the study; made again from the catalogue if None.
        state: where the controls stand, as ``state()`` gives them.
    """
    return StudyAgreementPanel(result, setting, state)


class StudyAgreementPanel(widgets.VBox):
    """A measure over the accuracy, and one run of one arm; numbers that were loaded have no runs and no cards.

    Args:
        result: to be shown.
        setting: of the study; made again from the catalogue if None.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(
        self, result: StudyAgreement, setting: Setting | None = None, state: Mapping[str, Any] | None = None
    ) -> None:
        """Shows the agreement, and the first seed of the last arm."""
        self.result, state = result, dict(state or {})
        self._busy = False
        measures = [(words, name) for name, words in WORDS.items()]
        self.measure = widgets.Dropdown(options=measures, value=state.get("measure", "top1"), description="measure")
        arms = [(arm.replace("_", " "), arm) for arm in result.arms]
        self.arm = widgets.Dropdown(options=arms, value=state.get("arm", result.arms[-1]), description="arm")
        self.seed = widgets.Dropdown(description="seed")
        made = draw(result, measure=self.measure.value)
        self.picture = PlotView(made, height=int(made.layout.height), label="Agreement of the arms of a study")
        self.cards = RunCards(setting)
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        self.measure.observe(lambda _: self.picture.show(draw(self.result, measure=self.measure.value)), "value")
        self.arm.observe(lambda _: self._choose(self.arm.value, self.seed.value), "value")
        self.seed.observe(lambda _: self._show(), "value")
        self.picture.on_click(self._clicked)
        self._choose(self.arm.value, state.get("seed"))
        unblock(self)

    @property
    def selection(self) -> Selection:
        """The samples on which student and teacher of the chosen run differ."""
        return self.cards.selection

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of every run that is chosen."""
        self.cards.on_selection(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"measure": self.measure.value, "arm": self.arm.value, "seed": self.seed.value}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: StudyAgreement, setting: Setting | None = None) -> Self:
        """The inverse of ``state``."""
        return cls(result, setting, state)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"StudyAgreementPanel({self.measure.value}: {self.arm.value}, seed {self.seed.value})"

    def _arranged(self) -> list[widgets.Widget]:
        head = widgets.HTML(
            '<div class="wb-head">Do taught students agree more with their teacher? (test samples)</div>'
        )
        said = (self.result.explain(), *(f"{each}." for each in self.result.warnings))
        words = widgets.HTML("".join(f'<div class="wb-hint">{escape(each)}</div>' for each in said))
        if self.result.study is None:
            return [panel_style(), head, self.measure, self.picture, words]
        hint = widgets.HTML('<div class="wb-hint">Click a seed\'s mark: its samples in dispute.</div>')
        row = widgets.Box([self.arm, self.seed], layout={"flex_flow": "row wrap"})
        return [panel_style(), head, self.measure, self.picture, words, hint, row, self.cards]

    def _choose(self, arm: str, seed: int | None) -> None:
        """A run of an arm, its first one where it has no such seed."""
        if self._busy:
            return
        seeds = self.result.seeds[arm]
        self._busy = True  # arm, list of seeds and seed change, the samples are shown once
        self.arm.value, self.seed.options = arm, seeds
        self.seed.value = seed if seed in seeds else seeds[0]
        self._busy = False
        self._show()

    def _clicked(self, point: Mapping[str, Any]) -> None:
        self._choose(self.result.arms[point["arm"]], point.get("seed", self.seed.value))

    def _show(self) -> None:
        if self._busy or self.result.study is None:
            return
        run = self.result.study.run(self.arm.value, self.seed.value)
        differ = disagreement_of(run)
        name = f"{self.arm.value.replace('_', ' ')}, seed {self.seed.value}: student and teacher differ"
        self.cards.show(run, Selection(differ.ids, name))
