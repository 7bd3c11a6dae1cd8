"""Confusion beside dark knowledge, live: both forms, and the samples behind a cell as cards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any, Self

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.confusion.figure import WORDS
from workbench.diagnostics.confusion.measure import Confusion, confusion_of
from workbench.diagnostics.confusion.measure_similarity import NAMES
from workbench.diagnostics.outputs import outputs_of
from workbench.diagnostics.run_gallery import run_gallery
from workbench.drawing.draw import draw
from workbench.records.interval import Interval
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.panel_style import panel_style
from workbench.widgets.plot_view import PlotView
from workbench.widgets.unblocked import unblock

MODES = ("corrected", "paper")

DIFFERENCE = (
    "Paper takes the shares as they are, so that classes with many errors weigh most and a class without errors counts as "
    "flat; corrected divides each row by its sum, adds one error spread over the wrong classes, and leaves classes without "
    "errors out."
)

HEAD = ("corrected", "paper", "paper - corrected")


def panel(result: Confusion, run: Run, **options: Any) -> ConfusionPanel:
    """The confusion of a run, live."""
    return ConfusionPanel(result, run, **options)


class ConfusionPanel(widgets.VBox):
    """Switch between the mended and the released form; click a cell to see its samples.

    Args:
        result: of ``confusion_of(run)``, in either form.
        run: it is of.
        taught: the run whose teacher it was compared with, if another.
        second: the run whose teacher was compared with that teacher, if any.
        setting: of the run, so that samples can be shown as cards.
        state: of an earlier one, as ``state`` gives it.
    """

    def __init__(
        self,
        result: Confusion,
        run: Run,
        *,
        taught: Run | None = None,
        second: Run | None = None,
        setting: Setting | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        """Shows the result as it is."""
        state = state or {}
        self._run, self._told = run, list[Callable[[Selection], object]]()
        other = MODES[1 - MODES.index(result.mode)]
        made = {result.mode: result, other: confusion_of(run, taught, second, mode=other, seed=result.seed)}
        self._forms = {mode: made[mode] for mode in MODES}
        self.mode = widgets.ToggleButtons(options=MODES, value=state.get("mode", result.mode))
        self.mode.style.button_width = "7em"
        first = draw(self._forms[self.mode.value])
        self.picture = PlotView(first, height=int(first.layout.height), label="Confusion and soft labels")
        self.caption, self.table, self.words = widgets.HTML(), widgets.HTML(), widgets.HTML()
        if taught is not None:
            run = replace(run, predictions={**run.predictions, "teacher": outputs_of(taught, "teacher")})
        self.cards = None if setting is None else run_gallery(run, setting)
        super().__init__(self._arranged(), layout={"width": "100%"})
        self.add_class("wb-panel")
        self.mode.observe(lambda _: self._show(), "value")
        self._say()
        self.picture.on_click(self._clicked)
        saved = state.get("selection")
        self.chosen: Selection | None = None
        self.choose(Selection.from_state(saved) if saved else self._worst())
        unblock(self)

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of each cell that is chosen."""
        self._told.append(callback)

    def choose(self, selection: Selection) -> None:
        """Show these samples, and tell."""
        self.chosen = selection
        self.caption.value = f'<div class="wb-hint"><b>{escape(selection.name)}</b>: {len(selection):,} samples</div>'
        if self.cards is not None and len(selection):
            self.cards.show(selection)
        for callback in self._told:
            callback(selection)

    def state(self) -> dict[str, Any]:
        """Small JSON that rebuilds it for the same run."""
        return {"mode": self.mode.value, "selection": None if self.chosen is None else self.chosen.state()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], result: Confusion, run: Run, **options: Any) -> Self:
        """The inverse of ``state``."""
        return cls(result, run, state=state, **options)

    def __repr__(self) -> str:
        """What a saved notebook says where no kernel draws it."""
        return f"ConfusionPanel({self._forms[self.mode.value].explain()})"

    def _arranged(self) -> list[widgets.Widget]:
        head = widgets.HTML('<div class="wb-head">Does the student confuse what its teacher finds alike?</div>')
        form = widgets.HBox([widgets.Label("form"), self.mode], layout={"flex_flow": "row wrap"})
        hint = widgets.HTML(
            '<div class="wb-hint">Click a cell of a table: the samples behind it are named below.</div>'
        )
        below = [] if self.cards is None else [self.cards]
        self.table.add_class("wb-table")
        return [panel_style(), head, form, self.picture, hint, self.caption, self.table, self.words, *below]

    def _show(self) -> None:
        self.picture.show(draw(self._forms[self.mode.value]))
        self._say()

    def _say(self) -> None:
        """Both forms number by number, what either leaves out, and the words of the one that is shown."""
        self.table.value = forms_table(*self._forms.values())
        shown = self._forms[self.mode.value]
        notes = "".join(f"<br>{escape(warning)}" for warning in shown.warnings)
        self.words.value = f'<div class="wb-hint">{escape(DIFFERENCE)}<br>{escape(shown.explain())}{notes}</div>'

    def _cell(self, label: int, taken: int) -> Selection:
        chosen = outputs_of(self._run, "student").argmax(axis=1)
        names = self._forms["corrected"].class_names
        rows = (self._run.test_labels == label) & (chosen == taken)
        return Selection(self._run.test_ids[rows], f"{names[label]} taken for {names[taken]}")

    def _worst(self) -> Selection:
        """The most frequent error."""
        counts = self._forms["corrected"].counts * (1 - np.eye(len(self._forms["corrected"].counts), dtype=int))
        return self._cell(*map(int, np.unravel_index(counts.argmax(), counts.shape)))

    def _clicked(self, point: Mapping[str, Any]) -> None:
        if "label" in point:
            self.choose(self._cell(point["label"], point["taken"]))


def forms_table(corrected: Confusion, paper: Confusion) -> str:
    """HTML: each number in both forms with its interval, and the difference."""
    lines = []
    for name in NAMES:
        here, there = getattr(corrected, name), getattr(paper, name)
        cells = [_bounded(here), _bounded(there), f"{there.mean - here.mean:+.2f}"]
        lines.append(f"<tr><td>{WORDS[name]}</td>{''.join(f'<td>{_known(cell)}</td>' for cell in cells)}</tr>")
    return f"<table><tr><th></th>{''.join(f'<th>{each}</th>' for each in HEAD)}</tr>{''.join(lines)}</table>"


def _bounded(found: Interval) -> str:
    return f"{found.mean:.2f} ({found.low:.2f} to {found.high:.2f})"


def _known(cell: str) -> str:
    return "-" if cell.startswith(("nan", "+nan")) else cell
