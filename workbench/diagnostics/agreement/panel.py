"""A run's agreement from all sides: classes, confidence, difficulty, flips, reliability; a click shows the samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any, Self

import ipywidgets as widgets

from workbench.diagnostics.agreement.measure import Agreement, Mode, agreement_of
from workbench.diagnostics.agreement.measure_cohorts import clicked_of, flip_of, stratum_of
from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.agreement.measure_distances import SOFT
from workbench.diagnostics.calibration.measure import calibration
from workbench.diagnostics.fidelity.measure import fidelity_of
from workbench.diagnostics.flips.measure import flips_of
from workbench.diagnostics.run_gallery import run_gallery, setting_of
from workbench.diagnostics.strata.measure import Stratified
from workbench.diagnostics.strata.measure_samples import HARD, SHARES, By
from workbench.drawing.draw import draw
from workbench.records.result import Result
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

STRATA: dict[str, By] = {"teacher's confidence": "confidence", "label": "class", "difficulty": "difficulty"}
VIEWS = ("classes", *STRATA, "flips", "distances", "reliability")
TOGETHER = "who is right"
MEASURES = (TOGETHER, SHARES[0], *HARD[len(SHARES) :], *SOFT)
CLOSE = 1e-9


def panel(
    thing: Agreement | Run, baseline: Run | None = None, setting: Setting | None = None, **state: Any
) -> AgreementPanel:
    """The linked views of a run, or of the runs behind an agreement.

    Args:
        thing: what ``agreement_of`` gave, or a finished run with its teacher's outputs.
        baseline: a run on the same test samples, such as the control's; adds its flips and says what is hard.
        setting: of the run; made again from the catalogue if None.
        state: where the controls stand, as ``state()`` gives them.

    Raises:
        ValueError: the agreement was computed from arrays, so there are no samples to show.
    """
    if isinstance(thing, Run):
        return AgreementPanel(thing, baseline, setting, state)
    if not thing.runs:
        raise ValueError("this agreement was computed from arrays; a panel needs the run: agreement_of(run)")
    run, *other = thing.runs
    if other:  # its student took the teacher's place
        run = replace(run, predictions={**run.predictions, "teacher": other[0].predictions["student"]})
    return AgreementPanel(run, baseline, setting, state)


class AgreementPanel(widgets.VBox):
    """One picture at a time, the measure and temperature behind it, and the cards of what was clicked.

    Args:
        run: finished, with the outputs of its teacher.
        baseline: on the same test samples; None leaves flips against it out.
        setting: of the run; made again from the catalogue if None.
        state: of an earlier one, as ``state`` gives it.

    Attributes:
        result: behind the picture; ``wb.draw`` draws it again.
        chosen: the samples that were clicked, None for all.
    """

    def __init__(
        self,
        run: Run,
        baseline: Run | None = None,
        setting: Setting | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Shows the classes that teacher and student pick."""
        self._run, self._baseline, state = run, baseline, dict(state or {})
        self._known: dict[tuple[str, str], Result] = {}
        self._stratified = Stratified(run, baseline)
        self._on_selection: list[Callable[[Selection | None], object]] = []
        self.result: Result
        self.chosen: Selection | None = None
        self.subject = widgets.ToggleButtons(options=VIEWS, value=state.get("view", VIEWS[0]))
        self.subject.style.button_width = "auto"
        self.measure = widgets.Dropdown(
            options=[(name.replace("_", " "), name) for name in MEASURES], value=state.get("measure", TOGETHER)
        )
        self.temperature = widgets.FloatLogSlider(
            state.get("temperature", 1.0), min=-1, max=1.3, step=0.02, description="temperature", readout_format=".2f"
        )
        self.temperature.style.description_width = "initial"
        self.view = PlotView(label="Agreement of student and teacher")
        setting = setting_of(run) if setting is None else setting
        self.gallery = run_gallery(run, setting, disagreement_of(run), self.temperature.value)
        self.sentence, self.caption = widgets.HTML(), widgets.HTML()
        self.everything = widgets.Button(description="Clear the selection", layout={"width": "13em"})
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        self._wire()
        saved = state.get("selection")
        self.choose(Selection.from_state(saved) if saved else None)
        self._show()
        unblock(self)

    def choose(self, selection: Selection | None) -> None:
        """Show these samples in the gallery; None or an empty selection shows all, those in dispute first."""
        self.chosen = selection if selection is not None and len(selection) else None
        self.gallery.show(self.chosen)
        name, count = ("all test samples", len(self._run.test_ids))
        if self.chosen is not None:
            name, count = self.chosen.name, len(self.chosen)
        empty = " That group is empty, so all are shown." if selection is not None and self.chosen is None else ""
        self.caption.value = f'<div class="wb-hint"><b>{escape(name)}</b>: {count:,} samples.{empty}</div>'
        for callback in self._on_selection:
            callback(self.chosen)

    def on_selection(self, callback: Callable[[Selection | None], object]) -> None:
        """Call back with the samples that were clicked, None for all."""
        self._on_selection.append(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same runs."""
        chosen = None if self.chosen is None else self.chosen.state()
        controls = {"view": self.subject.value, "measure": self.measure.value, "temperature": self.temperature.value}
        return {**controls, "selection": chosen}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], run: Run, **given: Any) -> Self:
        """The inverse of ``state``; ``given`` holds baseline and setting."""
        return cls(run, state=state, **given)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"AgreementPanel({self._run.id}: {self.subject.value}, temperature {self.temperature.value:.2f})"

    # --- what is shown -------------------------------------------------------------------------------------------
    def _result(self) -> Result:
        """What the picture shows; whatever does not depend on the temperature is computed once."""
        view = self.subject.value
        if view in STRATA:
            measures = SHARES if self.measure.value == TOGETHER else (self.measure.value,)
            return self._stratified.strata(STRATA[view], measures, float(self.temperature.value))
        return self._measured(view)

    def _measured(self, view: str, mode: Mode = "corrected") -> Result:
        run, key = self._run, (view, mode)
        if key not in self._known:
            logits = {party: run.predictions[party] for party in ("student", "teacher")}
            ask: dict[str, Callable[[], Result]] = {
                "classes": lambda: agreement_of(run, mode=mode),
                "flips": lambda: flips_of(run, self._baseline),
                "distances": lambda: fidelity_of(run),
                "reliability": lambda: calibration(logits, run.test_labels, mode=mode),
            }
            self._known[key] = ask[view]()
        return self._known[key]

    def _released(self) -> str:
        """What the papers' released code would give, where that differs."""
        if self.subject.value == "classes":
            found: Any = self._measured("classes", "paper")
            return f"As the released code averages it, the divergence is {found.forward_kl.mean:.4g} nats."
        if self.subject.value == "reliability":
            found = self._measured("reliability", "paper")
            errors = ", ".join(f"{model} {each.mean:.3f}" for model, each in found.ece.items())
            return f"With the {found.bins} bins of the released code, the errors are: {errors}."
        return ""

    def _show(self) -> None:
        """The picture of what the controls say, and which of them matter for it."""
        self.measure.disabled = self.subject.value not in STRATA
        if self.subject.value not in STRATA and (self.subject.value, "corrected") not in self._known:
            self.sentence.value = '<div class="wb-hint">measuring, with intervals ...</div>'
        self.result = self._result()
        figure = draw(self.result)
        self.view.height = int(figure.layout.height)
        self.view.show(figure)
        said = (self.result.explain(), self._released(), *(f"{each}." for each in self.result.warnings))
        self.sentence.value = "".join(f'<div class="wb-hint">{escape(each)}</div>' for each in said if each)

    # --- event wiring ------------------------------------------------------------------------------------------
    def _arranged(self) -> list[widgets.Widget]:
        against = "its teacher" if self._baseline is None else self._baseline.method["name"].replace("_", " ")
        head = widgets.HTML('<div class="wb-head">Do student and teacher agree? (test samples)</div>')
        hint = f"Click a cell, bar or dot to see its samples. Flips are against {escape(against)}."
        row = widgets.Box([self.measure, self.temperature], layout={"flex_flow": "row wrap"})
        bar = widgets.Box([self.caption, self.everything], layout={"flex_flow": "row wrap", "align_items": "center"})
        note = widgets.HTML(f'<div class="wb-hint">{hint}</div>')
        return [panel_style(), head, self.subject, row, self.view, note, self.sentence, bar, self.gallery]

    def _wire(self) -> None:
        for each in (self.subject, self.measure):
            each.observe(lambda _: self._show(), "value")
        self.temperature.observe(lambda _: self._soften(), "value")
        self.gallery.observe(lambda _: self._follow_gallery(), "temperature")
        self.everything.on_click(lambda _: self.choose(None))
        self.view.on_click(self._clicked)

    def _soften(self) -> None:
        """The cards at the new temperature, and the picture where it shows a distance."""
        self.gallery.temperature = self.temperature.value
        if self.subject.value in STRATA and self.measure.value in SOFT:
            self._show()

    def _follow_gallery(self) -> None:
        """The cards have a slider, too."""
        if abs(self.gallery.temperature - self.temperature.value) > CLOSE:
            self.temperature.value = self.gallery.temperature

    def _clicked(self, point: Mapping[str, Any]) -> None:
        selection = self._picked(point)
        if selection is not None:
            self.choose(selection)

    def _picked(self, point: Mapping[str, Any]) -> Selection | None:
        if "group" in point:
            return stratum_of(self._run, STRATA[self.subject.value], point["group"], baseline=self._baseline)
        if "flip" in point:
            return flip_of(self._run, self._baseline, point["flip"])
        return clicked_of(self._run, point)
