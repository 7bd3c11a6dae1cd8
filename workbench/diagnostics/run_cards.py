"""The cards of chosen test samples of a run; another run may take its place."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import ipywidgets as widgets
import numpy as np

from workbench.diagnostics.run_gallery import run_gallery, setting_of
from workbench.records.run import Run
from workbench.records.selection import Selection
from workbench.settings.setting import Setting
from workbench.widgets.gallery import Gallery


class RunCards(widgets.VBox):
    """A line that says which samples these are, and their cards.

    Args:
        setting: of the runs; made again from the catalogue if None.

    Attributes:
        gallery: the cards; None before the first run.
        selection: the samples shown.
    """

    def __init__(self, setting: Setting | None = None) -> None:
        """Empty until a run is shown."""
        self._setting, self._asked, self._caption = setting, setting is not None, widgets.HTML()
        self.gallery: Gallery | None = None
        self.selection = Selection(np.zeros(0, np.int64), "nothing")
        self._callbacks: list[Callable[[Selection], object]] = []
        super().__init__([self._caption], layout={"width": "100%"})

    def on_selection(self, callback: Callable[[Selection], object]) -> None:
        """Call back with the samples of every ``show``."""
        self._callbacks.append(callback)

    def show(self, run: Run, selection: Selection, words: str = "") -> None:
        """Show these samples of a run, in their order; a line alone where there are none.

        Args:
            run: with the outputs of its teacher.
            selection: ids of its test samples.
            words: said beside the name.
        """
        self.selection = selection
        count = f"{len(selection):,} of {len(run.test_ids):,} samples"
        self._caption.value = f'<div class="wb-hint"><b>{escape(selection.name)}</b>: {count}. {escape(words)}</div>'
        self.children = [self._caption, *([self._cards(run)] if len(selection) else [])]
        for callback in self._callbacks:
            callback(selection)

    def _cards(self, run: Run) -> Gallery:
        temperature = 1.0
        if self.gallery is not None:
            temperature = self.gallery.temperature
            self.gallery.close()
        if not self._asked:  # once: making a setting again reads its data
            self._setting, self._asked = setting_of(run), True
        self.gallery = run_gallery(run, self._setting, self.selection, temperature)
        self.gallery.show(self.selection)
        return self.gallery
