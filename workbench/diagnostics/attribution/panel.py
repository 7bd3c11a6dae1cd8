"""Where teacher, student and control look, live: choose a sample, a score, an attributor and a temperature."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Self, get_args

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.attribution.measure import Attribution
from workbench.diagnostics.attribution.measure_plan import Attributor, ScoreName
from workbench.diagnostics.attribution.measure_scores import ABOUT
from workbench.diagnostics.attribution.panel_asker import Asker
from workbench.diagnostics.run_gallery import run_gallery
from workbench.drawing.draw import draw
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.latest import Latest
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

MENUS = ("view", "score", "attributor", "pair", "sample")

EVERYTHING = "all samples explained"

ASK, STOP = "Explain all samples", "Stop"

VIEWS = ("maps", "likeness", "divergence", "pairs")

EVERY = "all pairs"


def panel(result: Attribution, run: Run | None = None, **options: Any) -> AttributionPanel:
    """An attribution, live; with its run it can be asked about other scores, attributors, temperatures and samples."""
    return AttributionPanel(result, run, **options)


class AttributionPanel(widgets.VBox):
    """One sample's maps beside each other, and the numbers of all samples.

    Args:
        result: of ``attribution_of(run)``.
        run: it is of; without it, only what the result holds is shown.
        control: the run it was compared with, if one.
        setting: of the run, if it is not of the catalogue.
        state: of an earlier one, as ``state`` gives it.

    Attributes:
        result: of all samples, as they were explained last.
        chosen: the samples one can choose from; None for all of the result.
    """

    def __init__(
        self,
        result: Attribution,
        run: Run | None = None,
        *,
        control: Run | None = None,
        setting: Setting | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Shows the first sample as the result has it."""
        self.result, self.chosen = result, None
        self._told, self._stopped = list[Callable[[Selection], object]](), False
        self._asker = None if run is None else Asker(result, run, setting, control)
        self._one, self._every = Latest(self._explain, self._fail), Latest(self._explain_all, self._fail)
        self.view, self.score, self.attributor, self.pair, self.sample = menus_of(result, locked=run is None)
        self.all = widgets.Button(description=ASK, disabled=run is None, layout={"width": "14em"})
        self.status, self.problem = widgets.HTML(), widgets.HTML()
        self.picture = PlotView(height=300, label="Attribution maps")
        self.cards = None
        if run is not None:
            self.cards = run_gallery(run, self._asker.source.setting, temperature=result.plan["temperature"])
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        self._restore(state or {})
        self._observe()
        self._refresh()
        unblock(self)

    @property
    def choices(self) -> dict[str, Any]:
        """Score, attributor and temperature as they stand; the cards carry the temperature's slider."""
        warm = self.result.plan["temperature"] if self.cards is None else round(self.cards.temperature, 2)
        return {"score": self.score.value, "attributor": self.attributor.value, "temperature": warm}

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the sample, or the samples of the pair of classes, that is chosen."""
        self._told.append(callback)

    def choose(self, selection: Selection | None) -> None:
        """Choose among these samples from here on; None or an empty selection means those of the result.

        Without a run, only samples that the result holds can be shown.
        """
        known = set(self.result.ids.tolist()) if self._asker is None else self._asker.ids
        ids = [] if selection is None else [int(id) for id in selection.ids if int(id) in known]
        self.chosen = Selection(np.array(ids, np.int64), selection.name) if ids else None
        self._fill()

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same run."""
        chosen = None if self.chosen is None else self.chosen.state()
        menus = {name: getattr(self, name).value for name in MENUS}
        return menus | {"temperature": self.choices["temperature"], "selection": chosen}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Attribution, run: Run | None = None, **options: Any) -> Self:
        """The inverse of ``state``."""
        return cls(result, run, state=state, **options)

    def wait(self, seconds: float = 60) -> bool:
        """Until everything asked for is shown; False if it took longer."""
        return self._every.wait(seconds) and self._one.wait(seconds)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"AttributionPanel({self.result.explain()})"

    # --- event wiring ------------------------------------------------------------------------------------------
    def _arranged(self) -> list[widgets.Widget]:
        head = widgets.HTML('<div class="wb-head">Does the student look where its teacher looks?</div>')
        wrapped = {"flex_flow": "row wrap", "width": "100%", "align_items": "center"}
        rows = [
            widgets.Box([self.score, self.attributor], layout=wrapped),
            widgets.Box([self.pair, self.sample], layout=wrapped),
            widgets.Box([widgets.Label("view"), self.view, self.all], layout=wrapped),
        ]
        hint = '<div class="wb-hint">The temperature on the cards softens the score too.</div>'
        below = [] if self.cards is None else [widgets.HTML(hint), self.cards]
        return [panel_style(), head, *rows, self.status, self.problem, self.picture, *below]

    def _observe(self) -> None:
        for menu in (self.view, self.score, self.attributor):
            menu.observe(lambda _: self._refresh(), "value")
        self.pair.observe(lambda _: self.choose(None), "value")
        self.sample.observe(lambda _: self._picked(), "value")
        self.all.on_click(lambda _: self._ask_all())
        if self.cards is not None:
            self.cards.observe(lambda _: self._refresh(), "temperature")

    def _restore(self, state: Mapping[str, Any]) -> None:
        for name in MENUS[:-1]:
            getattr(self, name).value = state.get(name, getattr(self, name).value)
        if self.cards is not None:
            self.cards.temperature = state.get("temperature", self.cards.temperature)
        saved = state.get("selection")
        self.choose(Selection.from_state(saved) if saved else None)
        self.sample.value = state.get("sample", self.sample.value)

    def _among(self) -> Selection:
        """The samples that can be chosen now."""
        if self.chosen is not None:
            return self.chosen
        if self.pair.value == EVERY:
            return Selection(self.result.ids, EVERYTHING)
        return self.result.of_pair(*map(int, self.pair.value.split(",")))

    def _fill(self) -> None:
        """Fill the menu of samples, and call the subscribers."""
        among = self._among()
        among = among if len(among) else Selection(self.result.ids, EVERYTHING)
        options = [(words_of(self.result, int(id)), int(id)) for id in among.ids]
        if self.cards is not None:
            self.cards.show(among)
        if tuple(options) != tuple(self.sample.options):
            self.sample.options = options
            self.sample.value = options[0][1]
        self._tell(among)

    def _picked(self) -> None:
        if self.sample.value is not None:
            self._tell(Selection(np.array([self.sample.value]), f"sample {self.sample.value}"))
            self._refresh()

    def _tell(self, selection: Selection) -> None:
        for callback in self._told:
            callback(selection)

    def _refresh(self) -> None:
        self._say("")
        if self.view.value != "maps":
            self._show(self.result, view=self.view.value)
            words = " ".join(self.result.warnings)
            self.status.value = f'<div class="wb-hint">{escape(self.result.explain())} {escape(words)}</div>'
        elif self._asker is None:
            self._show_sample(self.result, self.sample.value)
        else:
            self.status.value = '<div class="wb-hint">computing \u2026</div>'
            self._one.ask((self.sample.value, self.choices))

    def _explain(self, request: tuple[int, dict[str, Any]]) -> None:
        """On the thread: what was asked for one sample."""
        id, choices = request
        found = self._asker.one(id, choices)
        if self.view.value == "maps":
            self._show_sample(found, id)

    def _ask_all(self) -> None:
        if self.all.description == STOP:
            self._stopped = True
            return
        self._stopped, self.all.description = False, STOP
        self._every.ask((self.result.ids.tolist(), self.choices))

    def _explain_all(self, request: tuple[list[int], dict[str, Any]]) -> None:
        """On the thread: all samples again, with the choices as they stand; stopping keeps what is done."""
        try:
            self.result = self._asker.every(*request, tell=self._progress)
            self._asker.use(self.result)
        finally:
            self.all.description = ASK
        self.choose(self.chosen)
        self._refresh()

    def _progress(self, share: float, words: str) -> None:
        self.status.value = f'<div class="wb-hint">{share:.0%}: {escape(words)}</div>'
        if self._stopped:
            raise StopIteration

    def _fail(self, error: Exception) -> None:
        self.status.value = ""
        self._say(str(error.args[0] if error.args else error))

    def _say(self, problem: str) -> None:
        self.problem.value = f'<div class="wb-problem">{escape(problem)}</div>' if problem else ""

    def _show_sample(self, found: Attribution, id: int) -> None:
        self._show(found, ids=[id])
        self.status.value = f'<div class="wb-hint">{escape(numbers_of(found, id))}</div>'

    def _show(self, found: Attribution, **options: Any) -> None:
        made = draw(found, **options)
        self.picture.height = int(made.layout.height)
        self.picture.show(made)


def menus_of(result: Attribution, *, locked: bool) -> tuple[widgets.Widget, ...]:
    """View, score, attributor, pair of classes and sample, as the result has them; the last one is empty."""
    look = {"style": {"description_width": "5.5em"}, "layout": {"width": "26em", "max_width": "100%"}}
    view = widgets.ToggleButtons(options=VIEWS, style={"button_width": "8em"})
    scores = [(f"{name.replace('_', ' ')}: {ABOUT[name]}", name) for name in get_args(ScoreName)]
    score = widgets.Dropdown(options=scores, value=result.plan["score"], description="score", disabled=locked, **look)
    score.layout.width = "46em"
    ways = [(name.replace("_", " "), name) for name in get_args(Attributor)]
    given = {"value": result.plan["attributor"], "description": "attributor", "disabled": locked}
    attributor = widgets.Dropdown(options=ways, **given, **look)
    names = result.class_names
    pairs = [
        (f"{names[p['label']]}, then {names[p['other']]} ({p['n']})", f"{p['label']},{p['other']}")
        for p in result.pairs
    ]
    pair = widgets.Dropdown(options=[(EVERY, EVERY), *pairs], value=EVERY, description="classes", **look)
    return view, score, attributor, pair, widgets.Dropdown(options=[], description="sample", **look)


def words_of(result: Attribution, id: int) -> str:
    """A sample's name in a menu."""
    if id not in result.ids:
        return f"sample {id}"
    row, names = result.row_of(id), result.class_names
    return f"{id}: {names[result.labels[row]]}, then {names[result.dark[row]]}"


def numbers_of(found: Attribution, id: int) -> str:
    """The score of every party at the input and at the baseline, and how alike the maps are."""
    row, cosine = found.row_of(id), found.similarity[found.measures.index("cosine")]
    parts = []
    for p, party in enumerate(found.parties):
        alike = f", cosine {cosine[p - 1, row]:.2f}" if p else ""
        here, there = found.values[p, row] + 0.0, found.references[p, row] + 0.0  # no "-0"
        parts.append(f"{party} {here:.3g} (from {there:.3g} at the baseline{alike})")
    steps = int(found.steps[:, row].max())
    return f"Score at the input: {'; '.join(parts)}. " + (f"{steps} steps." if steps else "")
