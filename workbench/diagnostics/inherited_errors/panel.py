"""Whose errors are these? A model and what it made of the teacher's answers, and the samples on which it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

import ipywidgets as widgets

from workbench.diagnostics.agreement.measure_cohorts import Following, following_of, without
from workbench.diagnostics.inherited_errors.measure import STUDENT, InheritedErrors
from workbench.diagnostics.run_cards import CardsPanel, hints
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.plot_view import PlotView

NOBODY = "(anyone)"
BY_NUMBER: dict[str, Following] = {
    "when_right": "right answer followed",
    "when_wrong": "error taken over",
    "same_error": "error taken over",
    "gain_right": "right answer followed",
    "gain_wrong": "error taken over",
}


def panel(result: InheritedErrors, setting: Setting | None = None, **state: Any) -> InheritedErrorsPanel:
    """The picture with the samples behind its dots.

    Args:
        result: what ``inherited_errors_of`` gave.
        setting: of the run; made again from the catalogue if None.
        state: where the controls stand, as ``state()`` gives them.

    Raises:
        ValueError: it was computed from arrays, so there are no samples to show.
    """
    return InheritedErrorsPanel(result, setting, state)


class InheritedErrorsPanel(CardsPanel):
    """Three choices make a set of samples: who, what it made of the teacher's answer, and who did not do the same.

    Args:
        result: to be shown.
        setting: of the run; made again from the catalogue if None.
        state: of an earlier one, as ``state`` gives it.

    Raises:
        ValueError: the result was computed from arrays.
    """

    def __init__(
        self, result: InheritedErrors, setting: Setting | None = None, state: Mapping[str, Any] | None = None
    ) -> None:
        """Shows the errors that the student took over."""
        if not result.runs:
            raise ValueError("these numbers came without their runs; a panel needs them: inherited_errors_of(run, ...)")
        super().__init__(result, setting)
        state = dict(state or {})
        self._runs = dict(zip(result.models, result.runs, strict=True))
        self.model = widgets.Dropdown(options=result.models, value=state.get("model", STUDENT), description="model")
        self.following = widgets.Dropdown(
            options=get_args(Following), value=state.get("following", "error taken over"), description="samples"
        )
        others = [NOBODY, *result.models]
        self.unlike = widgets.Dropdown(options=others, value=state.get("unlike", NOBODY), description="unlike")
        made = draw(result)
        self.picture = PlotView(made, height=int(made.layout.height), label="Agreement with the teacher's errors")
        for control in (self.model, self.following, self.unlike):
            control.observe(lambda _: self._moved(), "value")
        hint = "Click a dot for its samples; one of the lower picture, for those that the student alone follows."
        row = widgets.Box([self.model, self.following, self.unlike], layout={"flex_flow": "row wrap"})
        below = [self.picture, widgets.HTML(hints([hint])), row, self.cards]
        self._arrange("Does the student take over its teacher's errors?", self.picture, below)
        self._show()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result."""
        return {"model": self.model.value, "following": self.following.value, "unlike": self.unlike.value}

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"InheritedErrorsPanel({self.model.value}, {self.following.value}: {len(self.selection)} samples)"

    def _clicked(self, point: Mapping[str, Any]) -> None:
        if point.get("number") not in BY_NUMBER:
            return  # a difference of differences has no samples of its own
        with self._moving():
            self.model.value = self.result.models[point["model"]] if "model" in point else STUDENT
            self.following.value = BY_NUMBER[point["number"]]
            self.unlike.value = self.result.models[point["unlike"]] if "unlike" in point else NOBODY

    def _show(self) -> None:
        model, unlike = self.model.value, self.unlike.value
        found = self._following(model)
        name = f"{model}: {found.name}"
        if unlike != NOBODY:
            found, name = without(found, self._following(unlike)), f"{name}, unlike {unlike}"
        self.cards.show(self._seen(model), Selection(found.ids, name), f"The cards show {model} beside the teacher.")

    def _following(self, model: str) -> Selection:
        other = None if model == STUDENT else self._runs[model]
        return following_of(self.result.runs[0], self.following.value, other)

    def _seen(self, model: str) -> Run:
        """The run with the outputs of this model in the student's place."""
        run = self.result.runs[0]
        outputs = {"student": self._runs[model].predictions["student"], "teacher": run.predictions["teacher"]}
        return replace(run, predictions=outputs)
