"""Which concepts move a score, live: choose the score, a model and its layer, and the concepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any, Self, get_args

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.attribution.measure_plan import ScoreName
from workbench.diagnostics.attribution.measure_scores import ABOUT
from workbench.diagnostics.attribution.measure_source import Source
from workbench.diagnostics.concepts.measure import Concepts, concepts_of
from workbench.models.layers import stages_of
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.latest import Latest
from workbench.widgets.picture_frame import PictureFrame
from workbench.widgets.unblocked import unblock

EVERY = "all models"
MENUS = ("score", "model", "layer")
LOOK = {"style": {"description_width": "5em"}, "layout": {"width": "22em", "max_width": "100%"}}


def panel(result: Concepts, run: Run | None = None, **options: Any) -> ConceptsPanel:
    """Concepts, live; with their run it can be asked about other scores, layers and concepts."""
    return ConceptsPanel(result, run, **options)


class ConceptsPanel(PictureFrame):
    """Menus of scores, models, layers and concepts, and the bars.

    Args:
        result: of ``concepts_of(run)``.
        run: it is of; without it, only what the result holds is shown.
        selections: concepts that may be chosen, beside those of the result and the classes.
        control: the run it was compared with, if one.
        setting: of the run, if it is not of the catalogue.
        state: of an earlier one, as ``state`` gives it.

    Attributes:
        known: the samples of the concepts that can be asked about.
    """

    def __init__(
        self,
        result: Concepts,
        run: Run | None = None,
        *,
        selections: Sequence[Selection] = (),
        control: Run | None = None,
        setting: Setting | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Shows the result as it is."""
        state, self._base = state or {}, result
        self._source = None if run is None else Source.of(run, setting, control)
        given = {"setting": None if self._source is None else self._source.setting, "control": control}
        self._ask, self._answers = partial(concepts_of, run, **given), {self._key(result): result}
        self._work, self._told = Latest(self._answer, self._fail), list[Callable[[Selection], object]]()
        extra = [Selection.from_state(each) for each in state.get("selections", ())]
        self.known = {each.name: each for each in (*self._classes(run), *selections, *extra)}
        self._made_of(result)
        row = widgets.Box([self.score, self.model, self.layer, self.concepts], layout={"flex_flow": "row wrap"})
        super().__init__("Which concepts move the score?", result, [row])
        for name in MENUS:
            getattr(self, name).value = state.get(name, getattr(self, name).value)
        self.concepts.value = tuple(state.get("concepts", result.names))
        for menu in (self.score, self.layer, self.concepts):
            menu.observe(lambda _: self._shown(), "value")
        self.concepts.observe(lambda _: self._tell(), "value")
        self._shown()
        unblock(self)

    def choose(self, selection: Selection | None) -> None:
        """Take samples chosen elsewhere for a concept, and show it beside those shown; None or no samples change nothing."""
        if self._source is None or selection is None or not len(selection):
            return
        self.known[selection.name] = selection
        self._answers = {key: found for key, found in self._answers.items() if selection.name not in found.names}
        shown = tuple(name for name in self.concepts.value if name != selection.name)
        self.concepts.options = tuple(dict.fromkeys((*self.concepts.options, selection.name)))
        self.concepts.value = (*shown, selection.name)

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of the concept, where a single one is chosen."""
        self._told.append(callback)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same result and run."""
        chosen = [self.known[name].state() for name in self.concepts.value if name in self.known]
        return {name: getattr(self, name).value for name in MENUS} | {
            "concepts": list(self.concepts.value),
            "selections": chosen,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Concepts, run: Run | None = None, **options: Any) -> Self:
        """The inverse of ``state``."""
        return cls(result, run, state=state, **options)

    def wait(self, seconds: float = 60) -> bool:
        """Until what was asked for is shown; False if it took longer."""
        return self._work.wait(seconds)

    # --- menus -------------------------------------------------------------------------------------------------------
    def _made_of(self, result: Concepts) -> None:
        alone = self._source is None
        scores = [(f"{name.replace('_', ' ')}: {ABOUT[name]}", name) for name in get_args(ScoreName)]
        self.score = widgets.Dropdown(
            options=scores, value=result.plan["score"], description="score", disabled=alone, **LOOK
        )
        self.model = widgets.Dropdown(options=[EVERY, *result.parties], description="model", **LOOK)
        self.layer = widgets.Dropdown(description="layer", **LOOK)
        names = tuple(dict.fromkeys((*result.names, *self.known)))
        self.concepts = widgets.SelectMultiple(
            options=names, value=result.names, description="concepts", rows=5, **LOOK
        )
        self.model.observe(lambda _: self._fill_layers(), "value")
        self._fill_layers()

    def _fill_layers(self) -> None:
        """The layers of the model that is chosen, the result's own first; of all models none can be chosen."""
        party = self.model.value
        own = self._base.layers.get(party, "as in the result")
        more = [] if self._source is None or party == EVERY else stages_of(self._source.models[party])
        self.layer.options = list(dict.fromkeys((own, *more)))
        self.layer.value = own
        self.layer.disabled = len(self.layer.options) < 2
        if hasattr(self, "view"):
            self._shown()

    def _classes(self, run: Run | None) -> list[Selection]:
        """Every class that has two test samples, and that two have not."""
        if run is None or self._source is None:
            return []
        names, rows = (
            self._source.setting.class_names,
            (run.test_labels == k for k in range(self._source.setting.classes)),
        )
        found = [Selection(run.test_ids[row], name) for name, row in zip(names, rows, strict=True)]
        return [each for each in found if 2 <= len(each) <= len(run.test_ids) - 2]

    # --- event wiring ----------------------------------------------------------------------------------------------
    def _request(self) -> tuple[str, dict[str, str], tuple[str, ...]]:
        """Score, layers and concepts as they stand; those of the result are asked together, so that nothing is computed."""
        layers = dict(self._base.layers)
        if self.model.value != EVERY:
            layers[self.model.value] = self.layer.value or layers[self.model.value]
        chosen = self.concepts.value or self._base.names
        return self.score.value, layers, self._base.names if set(chosen) <= set(self._base.names) else chosen

    @staticmethod
    def _key(result: Concepts) -> str:
        return repr((result.plan["score"], result.layers, result.names))

    def _shown(self) -> None:
        request = self._request()
        if repr(request) in self._answers:
            self._draw(self._answers[repr(request)])
        else:
            self.sentence.value = '<div class="wb-hint">computing \u2026</div>'
            self._work.ask(request)

    def _answer(self, request: tuple[str, dict[str, str], tuple[str, ...]]) -> None:
        """On the thread: what the result does not hold."""
        score, layers, names = request
        if missing := [name for name in names if name not in self.known]:
            raise ValueError(f"the samples of {missing[0]!r} are not known here: give selections")
        plan = self._base.plan
        pair = None if plan["pair"] is None else tuple(plan["pair"])
        same = {"temperature": plan["temperature"], "pair": pair, "seed": self._base.seed, "samples": self._base.n}
        chosen = [self.known[name] for name in names]
        sets = self._base.sign_counts.shape[2]
        found = self._ask(chosen, layers=layers, score=score, counter_sets=sets, **same)
        self._answers[repr(request)] = found
        if request == self._request():
            self._draw(found)

    def _draw(self, found: Concepts) -> None:
        party = None if self.model.value == EVERY else self.model.value
        self.refresh(lambda: found, party=party, names=self.concepts.value or None)
        self.view.height = int(self.view.figure.layout.height)

    def _fail(self, error: Exception) -> None:
        words = str(error.args[0] if error.args else error)
        self.sentence.value = f'<div class="wb-problem">{escape(words)}</div>'

    def _tell(self) -> None:
        chosen = [self.known[name] for name in self.concepts.value if name in self.known]
        if len(chosen) == len(self.concepts.value) == 1:
            for callback in self._told:
                callback(Selection(np.asarray(chosen[0].ids), chosen[0].name))
