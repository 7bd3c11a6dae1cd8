"""Where student and teacher differ: their confusion, a map of the samples and their cards, linked by selections."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.agreement.measure import OUTCOMES, agreement_of
from workbench.diagnostics.agreement.measure_cohorts import clicked_of, outcomes_of, within
from workbench.diagnostics.agreement.measure_disagreement import disagreement_of
from workbench.diagnostics.projection.measure import projection
from workbench.diagnostics.run_gallery import run_gallery
from workbench.drawing import theme
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.plot_view import PlotView
from workbench.widgets.sample_map import SampleMap
from workbench.widgets.unblocked import unblock

HEIGHT = 520


class Explore(widgets.VBox):
    """Three linked views of a run's test samples: click a cell or bar, or brush the map, and the cards follow.

    Args:
        run: finished, with the outputs of its teacher.
        setting: it was run on.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(self, run: Run, setting: Setting, state: Mapping[str, Any] | None = None) -> None:
        """Shows the samples on which the two disagree."""
        self._run, self._state = run, dict(state or {})
        self.differ = disagreement_of(run)
        self.chosen: Selection | None = None
        self.confusion = self._confusion()
        self.maps = self._maps(setting)
        self.gallery = run_gallery(run, setting, self.differ, self._state.get("temperature", 1.0))
        self.colour = widgets.ToggleButtons(options=[*self.maps], style={"button_width": "9em"})
        self.only = widgets.Checkbox(value=True, description="only samples on which they disagree", indent=False)
        self.everything = widgets.Button(description="Clear the selection", layout={"width": "13em"})
        self.caption = widgets.HTML()
        self._place = widgets.Box(layout={"width": "100%"})
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.colour.observe(lambda _: self._recolour(), "value")
        self.only.observe(lambda _: self._follow(), "value")
        self.everything.on_click(lambda _: self.choose(None))
        self._recolour()
        saved = self._state.get("selection")
        self.choose(Selection.from_state(saved) if saved else None)
        for each in (self, *self.maps.values()):
            unblock(each)

    def choose(self, selection: Selection | None, source: SampleMap | None = None) -> None:
        """Show these samples in every view; None or an empty selection shows all of them."""
        self.chosen = selection if selection is not None and len(selection) else None
        for each in self.maps.values():
            if each is not source:
                each.select(self.chosen or Selection(np.zeros(0, np.int64)))
        self._follow()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same run."""
        chosen = None if self.chosen is None else self.chosen.state()
        return {"temperature": self.gallery.temperature, "selection": chosen}

    def discard(self) -> None:
        """Free the views; another run takes their place."""
        for view in (self.confusion, *self.maps.values(), self.gallery, self):
            view.close()

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"Explore({self._run.id}: {len(self.differ)} of {len(self._run.test_ids)} samples in dispute)"

    # --- the three views -----------------------------------------------------------------------------------------
    def _confusion(self) -> PlotView:
        figure = draw(agreement_of(self._run))
        view = PlotView(figure, height=int(figure.layout.height), label="Confusion of teacher and student")
        view.on_click(self._clicked)
        return view

    def _maps(self, setting: Setting) -> dict[str, SampleMap]:
        run, names = self._run, list(setting.class_names)
        if setting.look == "points":
            points, label = setting.test.in_memory().inputs.numpy(), "Test samples in the plane"
        else:
            found = projection(run.predictions["student"])
            points, label = found.points, f"Student's outputs in two dimensions ({found.share:.0%} of their variance)"
        outcomes = [name.replace("_", " ") for name in OUTCOMES]
        colours = [theme.OUTCOMES[name] for name in OUTCOMES]
        made = {
            "class": SampleMap(points, run.test_ids, run.test_labels, class_names=names, label=label, height=HEIGHT),
            "who is right": SampleMap(
                points,
                run.test_ids,
                outcomes_of(run),
                class_names=outcomes,
                palette=colours,
                label=label,
                height=HEIGHT,
            ),
        }
        for each in made.values():
            each.on_selection(lambda selection, source=each: self.choose(selection, source))
        return made

    # --- event wiring ------------------------------------------------------------------------------------------
    def _arranged(self) -> list[widgets.Widget]:
        self.confusion.layout = widgets.Layout(flex="1 1 24em", min_width="0", width="auto")
        row = widgets.HBox([widgets.Label("colour by"), self.colour], layout={"align_items": "center"})
        right = widgets.VBox([row, self._place], layout={"flex": "1 1 24em", "min_width": "0"})
        pair = widgets.Box([self.confusion, right], layout={"flex_flow": "row wrap", "width": "100%"})
        bar = widgets.Box([self.only, self.everything], layout={"flex_flow": "row wrap", "align_items": "center"})
        head = widgets.HTML('<div class="wb-head">Where student and teacher differ (test samples)</div>')
        hint = widgets.HTML(
            '<div class="wb-hint">Click a cell or a bar, or drag over the map: the cards below show those samples.</div>'
        )
        return [head, hint, pair, self.caption, bar, self.gallery]

    def _recolour(self) -> None:
        self._place.children = [self.maps[self.colour.value]]

    def _clicked(self, point: Mapping[str, Any]) -> None:
        selection = clicked_of(self._run, point)
        if selection is not None:
            self.choose(selection)

    def _follow(self) -> None:
        """The cards and the line above them."""
        everyone = Selection(self._run.test_ids, "all test samples")
        wanted = self.chosen or everyone
        shown = within(wanted, self.differ) if self.only.value else wanted
        note = ""
        if not len(shown):
            shown, note = wanted, " They agree on every one of these, so all are shown."
        self.gallery.show(shown)
        counts = f"{len(within(wanted, self.differ)):,} of {len(wanted):,} in dispute"
        self.caption.value = f'<div class="wb-hint"><b>{escape(wanted.name)}</b>: {counts}.{note}</div>'
