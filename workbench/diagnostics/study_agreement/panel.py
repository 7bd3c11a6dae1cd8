"""How do arms agree with their teacher? A measure to choose, and the samples in dispute behind every seed's dot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.run_cards import CardsPanel, hints
from workbench.diagnostics.study_agreement.figure import WORDS
from workbench.diagnostics.study_agreement.measure import StudyAgreement
from workbench.drawing.draw import draw
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.plot_view import PlotView


def panel(result: StudyAgreement, setting: Setting | None = None, **state: Any) -> StudyAgreementPanel:
    """The picture with its measures, and the samples of a seed where the study is at hand.

    Args:
        result: to be shown.
        setting: of the study; made again from the catalogue if None.
        state: where the controls stand, as ``state()`` gives them.
    """
    return StudyAgreementPanel(result, setting, state)


class StudyAgreementPanel(CardsPanel):
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
        super().__init__(result, setting)
        state = dict(state or {})
        measures = [(words, name) for name, words in WORDS.items()]
        self.measure = widgets.Dropdown(options=measures, value=state.get("measure", "top1"), description="measure")
        arms = [(arm.replace("_", " "), arm) for arm in result.arms]
        self.arm = widgets.Dropdown(options=arms, value=state.get("arm", result.arms[-1]), description="arm")
        self.seed = widgets.Dropdown(description="seed")
        made = draw(result, measure=self.measure.value)
        self.picture = PlotView(made, height=int(made.layout.height), label="Agreement of the arms of a study")
        self.measure.observe(lambda _: self.picture.show(draw(self.result, measure=self.measure.value)), "value")
        self.arm.observe(lambda _: self._choose(self.arm.value, self.seed.value), "value")
        self.seed.observe(lambda _: self._moved(), "value")
        self._arrange("Do taught students agree more with their teacher?", self.picture, self._below())
        self._choose(self.arm.value, state.get("seed"))

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"measure": self.measure.value, "arm": self.arm.value, "seed": self.seed.value}

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"StudyAgreementPanel({self.measure.value}: {self.arm.value}, seed {self.seed.value})"

    def _below(self) -> list[widgets.Widget]:
        words = widgets.HTML(hints([self.result.explain(), *(f"{each}." for each in self.result.warnings)]))
        if self.result.study is None:
            return [self.measure, self.picture, words]
        hint = widgets.HTML(hints(["Click a seed's mark: its samples in dispute."]))
        row = widgets.Box([self.arm, self.seed], layout={"flex_flow": "row wrap"})
        return [self.measure, self.picture, words, hint, row, self.cards]

    def _choose(self, arm: str, seed: int | None) -> None:
        """A run of an arm, its first one where it has no such seed."""
        if self._busy:
            return
        seeds = self.result.seeds[arm]
        with self._moving():
            self.arm.value, self.seed.options = arm, seeds
            self.seed.value = seed if seed in seeds else seeds[0]

    def _clicked(self, point: Mapping[str, Any]) -> None:
        self._choose(self.result.arms[point["arm"]], point.get("seed", self.seed.value))

    def _show(self) -> None:
        if self.result.study is None:
            return
        run = self.result.study.run(self.arm.value, self.seed.value)
        differ = disagreement_of(run)
        name = f"{self.arm.value.replace('_', ' ')}, seed {self.seed.value}: student and teacher differ"
        self.cards.show(run, Selection(differ.ids, name))
